"""An SMS is stored once, answered once and has one effect, however it is delivered and whoever dies."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gateway import logs
from gateway.settings import Ceilings
from gateway.store import mos, outbox
from gateway.store.db import StoreUnavailable, Why
from gateway.usecases import sms_in, stops
from tests.sms.conftest import Build, Texter, stored, waiting_rows, written

ACTE = ("ACTE", "1", "1234567890", "cotonou")


def test_a_redelivery_has_no_effect(phone: Texter) -> None:
    assert phone.text("AIDE", "A1") == "stored"
    assert phone.text("AIDE", "A1") == "duplicate"
    phone.work()
    assert phone.text("AIDE", "A1") == "duplicate", "after it was answered, too"
    phone.work()
    assert len(phone.network.sent) == 1


@pytest.mark.fault("F20")
def test_eight_deliveries_at_once_are_one(phone: Texter) -> None:
    with ThreadPoolExecutor(8) as threads:
        said = list(threads.map(lambda _: phone.text("AIDE", "A1"), range(8)))
    assert sorted(said) == ["duplicate"] * 7 + ["stored"]
    phone.work()
    assert len(phone.network.sent) == 1


def test_a_worker_that_dies_before_the_answer_is_stored_repeats_it_once(
    phone: Texter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The demand is stored by its own transaction; the SMS is handled again and finds it under the same key."""
    for words in ACTE:
        phone.says(words)
    commit, deaths = sms_in._commit, [1]

    def dies(*args: object) -> str:
        if deaths:
            deaths.pop()
            raise StoreUnavailable(Why.AWAY)
        return commit(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(sms_in, "_commit", dies)
    phone.text("1")
    with pytest.raises(StoreUnavailable):
        phone.work()
    assert stored(phone.gateway) == 1
    phone.later(seconds=61)  # the lease of the dead worker
    phone.work()
    assert stored(phone.gateway) == 1
    assert len([text for _, text in phone.network.sent if text.startswith("Récépissé")]) == 1
    assert waiting_rows(phone.gateway) == 0


def test_two_workers_on_one_sms_answer_it_once(phone: Texter) -> None:
    phone.text("AIDE")
    with phone.gateway.database.begin() as conn:
        (row,) = outbox.claim(conn, "urgent", "t", 9, 60, phone.clock.now)
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: sms_in.handle(phone.gateway.talk, row), range(4)))
    assert written(phone.gateway) == 1


def test_sms_of_one_number_are_answered_in_their_order(phone: Texter) -> None:
    """All of them wait when the worker comes: each is a turn of the dialogue that the one before began."""
    for words in (*ACTE, "1"):
        phone.text(words)
    phone.work()
    shown = [text.split("\n")[0][:9] for _, text in phone.network.sent[:4]]
    assert shown == ["Acte de n", "Votre NPI", "Commune d", "Pour moi"]
    assert stored(phone.gateway) == 1


def test_a_fault_of_ours_is_tried_again_and_then_told(phone: Texter, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(sms_in, "answer", fails)
    phone.text("AIDE")
    for _ in range(8):
        phone.work()
        phone.later(minutes=2)
    phone.work()
    assert [text for _, text in phone.network.sent] == [
        "Service momentanément indisponible. Rien n'a été envoyé. Réessayez plus tard."
    ]
    with phone.gateway.database.read() as conn:
        (mo,) = mos.list_page(conn, phone.gateway.parts.seals, 9)
    assert (mo.state, mo.outcome) == ("ignored", "failed")


@pytest.mark.parametrize(
    ("number", "remark"),
    [("+22890123456", "Togo"), ("+2290120211234", "a fixed line of Bénin"), ("+33612345678", "France")],
)
def test_who_is_not_answered(phone: Texter, number: str, remark: str) -> None:
    other = phone.as_number(number)
    assert other.text("AIDE") == "not_answered", remark
    other.work()
    assert phone.network.sent == []
    with phone.gateway.database.read() as conn:
        (mo,) = mos.list_page(conn, phone.gateway.parts.seals, 9)
    assert (mo.state, mo.outcome, mo.text) == ("ignored", "not_answered", "AIDE"), "kept all the same"


def test_two_machines_do_not_talk_for_ever(phone: Texter) -> None:
    answers = [len(phone.says("AIDE")) for _ in range(9)]
    assert answers == [1, 1, 1, 1, 1, 0, 0, 0, 0]
    phone.later(minutes=11)
    assert len(phone.says("AIDE")) == 1


def test_a_citizen_who_answers_1_on_every_screen_is_no_machine(phone: Texter) -> None:
    phone.says("MENU")
    for _ in range(8):
        assert phone.says("6")  # English, Français, English...


def test_nobody_texts_that_fast(phone: Texter) -> None:
    for number in range(40):
        phone.text(f"texte {number}")
    phone.work()
    phone.work()
    with phone.gateway.database.read() as conn:
        found = mos.list_page(conn, phone.gateway.parts.seals, 99)
    assert {mo.outcome for mo in found} == {"flood"}


def test_the_ceiling_of_a_number(build: Build) -> None:
    phone = build(ceilings=Ceilings(per_number_day=2))
    assert [len(phone.says(words)) for words in ("AIDE", "MENU", "aide acte")] == [1, 1, 0]
    phone.later(days=1)
    assert len(phone.says("AIDE")) == 1


def test_a_stopped_service_is_not_entered(phone: Texter) -> None:
    stops.stop(phone.gateway.database, "service:acte-naissance", "panne", "ada", phone.clock.now)
    phone.gateway.parts.stops._asked_at = None
    assert "arreté" in phone.asks("ACTE")
    phone.says("MENU")
    assert "arreté" in phone.asks("1")


def test_all_sms_stopped_wait_and_leave_later(phone: Texter) -> None:
    stops.stop(phone.gateway.database, "sms", "panne", "ada", phone.clock.now)
    phone.gateway.parts.stops._asked_at = None
    assert phone.says("AIDE") == []
    stops.start(phone.gateway.database, "sms", "ada", phone.clock.now)
    phone.gateway.parts.stops._asked_at = None
    phone.later(seconds=5)
    phone.work()
    assert len(phone.network.sent) == 1


def test_an_answer_of_the_day_before_does_not_leave(phone: Texter) -> None:
    """The validity of an answer is an hour: after an outage nobody reads what she asked yesterday."""
    phone.text("AIDE")
    with phone.gateway.database.begin() as conn:
        (row,) = outbox.claim(conn, "urgent", "t", 9, 60, phone.clock.now)
    sms_in.handle(phone.gateway.talk, row)
    phone.later(hours=2)
    phone.work()
    assert phone.network.sent == []


def test_a_dialogue_waits_a_day(phone: Texter) -> None:
    phone.says("ACTE")
    phone.later(hours=23)
    assert "NPI" in phone.asks("1")
    phone.later(hours=25)
    assert phone.says("1234567890") == ["Message non compris. Envoyez AIDE, ou composez *229#"]


def test_where_free_text_is_asked_only_the_bare_word_stops(build: Build, other_menus: Path) -> None:
    service = """\
service: avis
title:
  fr: Avis
  en: Opinion
assurance: open
start: texte
screens:
  texte:
    say:
      fr: Votre avis ?
      en: Your opinion?
    ask:
      type: text
      save: remarque
      max: 40
    go: lu
  lu:
    say:
      fr: "Lu: {remarque}"
      en: "Read: {remarque}"
    choices:
      encore:
        label:
          fr: Encore
          en: Again
        go: texte
      fin:
        label:
          fr: Fin
          en: End
        go: merci
"""
    (other_menus / "avis.yaml").write_text(service, encoding="utf-8")
    commands = (other_menus / "commands.yaml").read_text(encoding="utf-8")
    commands = commands.replace("        - ACTE\n", "        - OPINION\n").replace(
        "starts: acte-naissance", "starts: avis"
    )
    (other_menus / "commands.yaml").write_text(commands, encoding="utf-8")
    phone = build(menus=other_menus)
    assert phone.asks("OPINION") == "Votre avis ?"
    assert phone.asks("Stop au bruit").startswith("Lu: Stop au bruit")
    phone.says("encore")
    assert phone.asks("Stop. Merci").startswith("Lu: Stop. Merci")
    phone.says("1")
    assert phone.asks("STATUT 482109375625").startswith("Lu: STATUT 482109375625")
    phone.says("1")
    assert "C'est noté" in phone.asks("stop")


def test_nothing_personal_is_logged(phone: Texter, monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[bytes] = []
    logs.start("debug", phone.clock)
    monkeypatch.setattr(logs._Sink, "write", staticmethod(lines.append))
    for words in (*ACTE, "1", "langue anglais", "texte secret"):
        phone.says(words)
    written_lines = b"".join(lines)
    assert b"mo.handled" in written_lines
    for private in (b"97000000", b"1234567890", b"secret", b"cotonou", b"anglais"):
        assert private not in written_lines.lower()
