"""What is kept of whom a campaign wrote to, how long, and what she is given or has erased."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway import logs
from gateway.messages import CampaignState
from gateway.store import holdings
from gateway.store.tables import metadata
from gateway.usecases import audiences, campaigns, persons, upkeep
from gateway.usecases.audiences import NewAudience
from tests.campaigns.conftest import AWA, KOFI, SENDER, Town

KEPT = timedelta(days=30)


def digests_of(town: Town, number: str) -> int:
    """In how many values of the tables of campaigns the number's digest stands."""
    digest = holdings.digest_of(town.parts.seals, number)
    with town.parts.database.read() as conn:
        rows = [tuple(row) for row in conn.execute(metadata.tables["campaign_rows"].select())]
    return sum(value == digest for row in rows for value in row)


def test_rows_lose_numbers_and_values_and_stay_for_the_counts(town: Town) -> None:
    public_id = town.start(AWA, KOFI)
    campaigns.send(town.parts, SENDER, public_id)
    town.work()
    town.bench.time += KEPT
    upkeep.sweep(town.parts)
    assert digests_of(town, AWA) == 1, "just not due"
    town.bench.later(seconds=1)
    upkeep.sweep(town.parts)
    assert [(row.msisdn, row.values, str(row.state)) for row in town.rows(public_id)] == [("", {}, "written")] * 2
    assert digests_of(town, AWA) == 0
    assert town.stored(public_id).erased_at == town.bench.time
    shown = campaigns.show(town.parts, SENDER, public_id)
    assert (shown.segments, sum(shown.rows.values())) == (2, 2)
    assert campaigns.preview(town.parts, SENDER, public_id, 1) == ""
    assert campaigns.rows(town.parts, SENDER, public_id)[0].masked == ""


def test_one_that_nobody_decided_about_ends(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "_LIMIT", 1)
    monkeypatch.setattr(upkeep, "_ROUNDS", 1)
    public_id = town.start(AWA, KOFI)
    town.bench.time += KEPT + timedelta(seconds=1)
    for _ in range(3):
        upkeep.sweep(town.parts)
    stored = town.stored(public_id)
    assert (stored.state, stored.why) == (CampaignState.STOPPED, "abandoned")
    assert stored.erased_at is not None
    assert digests_of(town, AWA) + digests_of(town, KOFI) == 0
    with pytest.raises(campaigns.CampaignRefused):
        campaigns.send(town.parts, SENDER, public_id)


def test_one_that_is_to_start_later_keeps_what_it_needs(town: Town) -> None:
    public_id = town.start(AWA, start_at=town.bench.time + timedelta(days=60))
    campaigns.send(town.parts, SENDER, public_id)
    town.bench.time += KEPT + timedelta(seconds=1)
    upkeep.sweep(town.parts)
    town.bench.later(days=30)
    town.work()
    assert [number for number, _ in town.texts()] == [AWA]


def test_many_small_ones_in_one_sweep(town: Town) -> None:
    ids = [town.start(AWA) for _ in range(7)]
    for one in ids:
        campaigns.stop(town.parts, SENDER, one)
    town.bench.time += KEPT + timedelta(seconds=1)
    upkeep.sweep(town.parts)
    assert all(town.stored(one).erased_at is not None for one in ids)


def seen(town: Town, number: str) -> None:
    with town.parts.database.begin() as conn:
        holdings.open_holding(conn, town.parts.seals, number, town.bench.time)


def test_she_is_given_and_has_erased_what_is_kept_of_her(build: Any, database: Any, tmp_path: Path) -> None:
    town = build(database, data=tmp_path)
    seen(town, AWA)
    public_id = town.start(AWA, KOFI)
    audiences.save(town.parts, SENDER, "anip", NewAudience(name="Chefs", numbers=(AWA, KOFI)))
    kept = json.loads(json.dumps(persons.export(town.parts, AWA)))
    (row,) = kept["rows_of_notifications"]
    assert (row["institution"], row["values"]) == ("anip", {"nom": "Awa"})
    assert [one["name"] for one in kept["lists_of_institutions"]] == ["Chefs"]
    persons.erase(town.parts, AWA, "cli:x")
    assert (digests_of(town, AWA), digests_of(town, KOFI)) == (0, 1)
    kept = persons.export(town.parts, AWA, everybody=True)
    assert (kept["rows_of_notifications"], kept["lists_of_institutions"]) == ([], [])
    with town.parts.database.read() as conn:
        from gateway.store import audiences as stored

        (one,) = stored.list_(conn, "anip")
        assert stored.definition(conn, town.parts.seals, one.id) == {"numbers": [KOFI]}
    campaigns.send(town.parts, SENDER, public_id)
    town.work()
    assert [number for number, _ in town.texts()] == [KOFI]
    assert [row.code for row in town.rows(public_id)] == ["erased", ""]


def test_no_log_line_names_anybody(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[bytes] = []
    monkeypatch.setattr(logs._Sink, "threshold", 0)
    monkeypatch.setattr(logs._Sink, "write", staticmethod(lines.append))
    public_id = town.file(f"numero;nom\n{AWA};Zinsou\nx;Zinsou\n")
    campaigns.send(town.parts, SENDER, public_id, part_allowed=True)
    town.work()
    said = b"".join(lines).decode()
    assert "campaign.checked" in said
    assert "Zinsou" not in said
    assert "97000000" not in said
