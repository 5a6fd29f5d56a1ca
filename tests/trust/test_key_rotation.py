"""Encryption keys change while everything runs: both are valid, what the old one sealed is sealed again."""

from __future__ import annotations

import contextlib
import os
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from gateway import keys, wiring
from gateway.keys import Ciphers, KeysError
from gateway.messages import StatementKind
from gateway.store import holdings, questions, reseal, sealed, statements
from gateway.store.tables import cached_answers
from gateway.usecases import persons, upkeep
from tests.trust.conftest import NUMBER, Handset, demand


def test_rotated_in_a_running_system(handset: Handset) -> None:
    gateway = handset.gateway
    reference = handset.files()
    handset.says("AIDE")
    handset.dial("1", "1", "1234567899", "1")
    handset.hang_up()
    handset.dial("2", "1")  # started again: a dialogue in Redis, sealed with the old key
    path = wiring.keys_path(gateway.settings)
    assert keys.rotate(path, os.urandom) == "e2"
    assert "Commune" in handset.type("1234567890").text, "the running dialogue goes on"
    upkeep.sweep(gateway.parts)
    with gateway.database.read() as conn:
        assert set(reseal.count_by_key(conn)) == {"e2"}
        assert reseal.count_by_key(conn)["e2"] > 8
    keys.retire(path, "e1")
    fresh = sealed.build(wiring.prepare(gateway.settings), os.urandom)
    with gateway.database.read() as conn:
        held = holdings.held(conn, fresh, NUMBER)
        assert held is not None
        assert holdings.msisdn_of(conn, fresh, held.id) == NUMBER
    exported = persons.export(replace(gateway.parts, seals=fresh), NUMBER)
    assert exported["demands"][0]["reference"] == reference
    assert exported["demands"][0]["fields"]["npi"]


def test_a_process_learns_of_a_key_that_another_one_wrote_with(handset: Handset) -> None:
    """The web process has not looked at the file; a worker already seals with the new key."""
    gateway = handset.gateway
    path = wiring.keys_path(gateway.settings)
    keys.rotate(path, os.urandom)
    other = sealed.build(wiring.prepare(gateway.settings), os.urandom)
    value = other.seal("+2290195000000", "holdings.msisdn_sealed")
    clock = iter(range(10, 1000, 10))
    ciphers = Ciphers({"e1": b"e" * 32}, lambda: keys.read_encryption(path), lambda: float(next(clock)))
    assert ciphers.of("e2") is not None
    assert sealed.Seals(ciphers, b"d" * 32, os.urandom).open(value, "holdings.msisdn_sealed") == "+2290195000000"


def test_the_file_is_not_read_for_each_unknown_key() -> None:
    read: list[int] = []

    def reread() -> dict[str, bytes]:
        read.append(1)
        return {"e1": b"e" * 32}

    ciphers = Ciphers({"e1": b"e" * 32}, reread, lambda: 5.0)
    assert [ciphers.of("zz") for _ in range(50)] == [None] * 50
    assert read == []


def test_every_sealed_column_is_sealed_for_its_own_name(handset: Handset) -> None:
    """Else it could not be opened to be sealed again."""
    handset.files()
    handset.says("MENU")
    handset.dial("1", "3", "2", "2", "1234567891", "1", "1")
    handset.type(handset.code())
    gateway = handset.gateway
    with gateway.database.read() as conn:
        for table, column in reseal.columns():
            for value in conn.execute(text(f"SELECT {column.name} FROM {table.name}")).scalars():
                if value is not None:
                    gateway.parts.seals.open_bytes(value, f"{table.name}.{column.name}")


#: What institutions and citizens say to each other, and what waits to be told.
_LATER = {
    "submissions.salt_sealed",
    "questions.text_sealed",
    "statements.text_sealed",
    "promised_answers.args_sealed",
    "cached_answers.answer_sealed",
    "hooks.payload_sealed",
}


def test_no_sealed_column_is_forgotten() -> None:
    assert {f"{table.name}.{column.name}" for table, column in reseal.columns()} >= _LATER


def test_whatever_a_row_is_known_by_it_is_sealed_again(handset: Handset) -> None:
    """A demand by its number, a cached answer by a digest; a question with its answer."""
    reference = handset.files()
    gateway = handset.gateway
    seals, now = gateway.parts.seals, gateway.now()
    with gateway.database.begin() as conn:
        about = demand(gateway, reference).id
        asked = questions.add(conn, seals, about, "evt_1", {"fr": "Votre quartier ?"}, b"d", None, now)
        new = statements.NewStatement(about, StatementKind.ANSWER, "Zongo", "at", "key-1", asked)
        said = statements.add(conn, seals, new, now)
        salt = seals.seal("salt", "submissions.salt_sealed")
        conn.execute(text("UPDATE submissions SET salt_sealed = :salt"), {"salt": salt})
        cached = {
            "key_digest": b"k" * 32,
            "holding_id": demand(gateway, reference).holding_id,
            "answer_sealed": seals.seal("{}", "cached_answers.answer_sealed"),
            "answered_at": now,
            "forget_at": now + timedelta(days=1),
        }
        conn.execute(cached_answers.insert().values(cached))
    path = wiring.keys_path(gateway.settings)
    keys.rotate(path, os.urandom)
    upkeep.sweep(gateway.parts)
    keys.retire(path, "e1")
    fresh = sealed.build(wiring.prepare(gateway.settings), os.urandom)
    with gateway.database.read() as conn:
        assert set(reseal.count_by_key(conn)) == {"e2"}
        question = questions.of(conn, fresh, about)
        assert question is not None
        assert question.text == {"fr": "Votre quartier ?"}
        material = statements.material(conn, fresh, said)
        assert material is not None
        assert material.statement.text == "Zongo"


def test_what_is_damaged_stops_nothing(handset: Handset) -> None:
    handset.files()
    gateway = handset.gateway
    with gateway.database.begin() as conn:
        conn.execute(text("UPDATE submissions SET label_sealed = :bad"), {"bad": b"\x02e1damaged"})
    keys.rotate(wiring.keys_path(gateway.settings), os.urandom)
    upkeep.sweep(gateway.parts)
    with gateway.database.read() as conn:
        assert reseal.count_by_key(conn)["e1"] == 1


@pytest.mark.parametrize("key_id", ["e2", "e9"])
def test_the_newest_key_and_unknown_ones_are_not_retired(handset: Handset, key_id: str) -> None:
    path = wiring.keys_path(handset.gateway.settings)
    keys.rotate(path, os.urandom)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=key_id):
        keys.retire(path, key_id)
    assert path.read_bytes() == before


def test_without_a_key_file_there_is_nothing_to_rotate(handset: Handset) -> None:
    with pytest.raises(KeysError, match="missing"):
        keys.rotate(handset.gateway.settings.data / "none.json", os.urandom)


def test_a_process_that_never_meets_the_new_key_seals_with_it_all_the_same(handset: Handset) -> None:
    """Else what it seals after the old key was retired could be opened by nobody after its restart."""
    path = wiring.keys_path(handset.gateway.settings)
    clock = [0.0]
    ciphers = Ciphers(keys.read_encryption(path), lambda: keys.read_encryption(path), lambda: clock[0])
    keys.rotate(path, os.urandom)
    clock[0] = keys.LOOKED_AGAIN_S - 0.1
    assert ciphers.newest()[0] == "e1"
    clock[0] = keys.LOOKED_AGAIN_S
    assert ciphers.newest()[0] == "e2"


@pytest.mark.parametrize("content", ["", "{}", '{"encryption": {}}', '{"encryption": {"e1": "short"}}'])
def test_a_file_that_is_half_copied_changes_nothing(handset: Handset, content: str) -> None:
    path = wiring.keys_path(handset.gateway.settings)
    clock = [0.0]
    ciphers = Ciphers(keys.read_encryption(path), lambda: keys.read_encryption(path), lambda: clock[0])
    path.write_text(content)
    clock[0] = 3600.0
    assert ciphers.newest()[0] == "e1"


def test_a_key_is_prepared_on_every_machine_before_one_seals_with_it(handset: Handset) -> None:
    path = wiring.keys_path(handset.gateway.settings)
    assert keys.prepare(path, os.urandom) == "e2"
    assert list(keys.read_encryption(path)) == ["e1", "e2"]
    on_another_machine = Ciphers(keys.read_encryption(path))
    assert on_another_machine.newest()[0] == "e1"
    assert keys.rotate(path, os.urandom) == "e2"
    assert list(keys.read_encryption(path)) == ["e2", "e1"]
    assert on_another_machine.of("e2") is not None
    assert keys.rotate(path, os.urandom) == "e3"
    assert list(keys.read_encryption(path)) == ["e3", "e2", "e1"]


def test_values_of_a_lost_key_do_not_stand_in_the_way(handset: Handset) -> None:
    gateway = handset.gateway
    with gateway.database.begin() as conn:
        for number in range(3):
            conn.execute(
                text("INSERT INTO acts (act_key, action, outcome, values_sealed, created_at) "
                     "VALUES (:key, 'a', 'b', :lost, '2026-01-01')"),
                {"key": b"%d" % number, "lost": b"\x02e9lost"},
            )  # fmt: skip
    handset.files()
    handset.inbox()
    keys.rotate(wiring.keys_path(gateway.settings), os.urandom)
    assert gateway.parts.seals.key_ids() == ("e2", "e1")
    for _ in range(40):
        with gateway.database.begin() as conn:
            reseal.again(conn, gateway.parts.seals, 2)
    with gateway.database.read() as conn:
        assert set(reseal.count_by_key(conn)) == {"e2", "e9"}


def test_sealing_again_that_is_cut_off_goes_on_where_it_was(handset: Handset) -> None:
    """A crash in the middle undoes one batch; the rows of the batches before are done."""
    gateway = handset.gateway
    handset.files()
    handset.inbox()
    keys.rotate(wiring.keys_path(gateway.settings), os.urandom)
    assert gateway.parts.seals.key_ids() == ("e2", "e1")
    with gateway.database.begin() as conn:
        assert reseal.again(conn, gateway.parts.seals, 2) == 2

    class KilledError(Exception):
        pass

    with contextlib.suppress(KilledError), gateway.database.begin() as conn:
        assert reseal.again(conn, gateway.parts.seals, 2) == 2
        raise KilledError
    with gateway.database.read() as conn:
        assert reseal.count_by_key(conn)["e2"] == 2
    upkeep.sweep(gateway.parts)
    with gateway.database.read() as conn:
        assert set(reseal.count_by_key(conn)) == {"e2"}
