"""The SMS that a citizen reads again by USSD: hers, lately, and never what must not be seen twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.engine.outcomes import Item, Lookup, LookupAnswer, Saved
from gateway.messages import Category, MtState
from gateway.store import holdings, mt_texts, mts, submissions
from gateway.store.db import StoreUnavailable, Why
from gateway.store.submissions import NewSubmission
from gateway.text import reference
from gateway.usecases import my_messages
from tests.usecases.conftest import MSISDN, OTHER, Bench

RECEIPT = (
    "Récépissé 4821 0937 5628. Acte de naissance, demande déposée le 23/11/2026 à 14:05. "
    "Code de vérification 123456. Suivi: *229#"
)
#: What leads from `created` to each state.
PATHS = {
    MtState.CREATED: (),
    MtState.SENDING: (MtState.SENDING,),
    MtState.ACCEPTED: (MtState.SENDING, MtState.ACCEPTED),
    MtState.SENT: (MtState.SENDING, MtState.SENT),
    MtState.DELIVERED: (MtState.SENDING, MtState.DELIVERED),
    MtState.FAILED_TEMPORARY: (MtState.SENDING, MtState.FAILED_TEMPORARY),
    MtState.FAILED_PERMANENT: (MtState.SENDING, MtState.FAILED_PERMANENT),
    MtState.REJECTED: (MtState.SENDING, MtState.REJECTED),
    MtState.EXPIRED: (MtState.EXPIRED,),
    MtState.NO_REPORT: (MtState.SENDING, MtState.ACCEPTED, MtState.NO_REPORT),
    MtState.UNKNOWN: (MtState.SENDING, MtState.UNKNOWN),
    MtState.SUPPRESSED: (MtState.SUPPRESSED,),
}

Write = Callable[..., int]


@pytest.fixture
def write() -> Write:
    """Stores an SMS to a number, where `state` says it is."""

    def _write(
        bench: Bench,
        text: str,
        state: MtState = MtState.DELIVERED,
        to: str = MSISDN,
        external: bool = True,
        **more: Any,
    ) -> int:
        parts = bench.parts
        with parts.database.begin() as conn:
            new = mts.NewMt(
                holding_id=holdings.open_holding(conn, parts.seals, to, bench.time),
                msisdn=to,
                channel="at",
                sender="s",
                text=text,
                encoding="GSM-7",
                segments=1,
                template="decided_granted",
                category=Category.VITAL,
                language="fr",
                valid_until=bench.time + timedelta(days=2),
            )
            mt = mts.insert(conn, parts.seals, replace(new, **more), bench.time)
            for step in PATHS[state]:
                assert mts.move(conn, mt, step, "send", "", bench.time)
            if external:
                mts.set_external(conn, mt, f"ATX_{mt}", "", bench.time)
        return mt

    return _write


def demand(bench: Bench, *, sensitive: bool = False) -> int:
    """The id of a stored submission of MSISDN."""
    parts = bench.parts
    with parts.database.begin() as conn:
        new = NewSubmission(
            reference=reference.make(parts.random_bytes),
            service="acte-naissance",
            menu_version="m",
            system="etat-civil",
            institution="anip",
            holding_id=holdings.open_holding(conn, parts.seals, MSISDN, bench.time),
            channel="at",
            language="fr",
            assurance="number",
            sensitive=sensitive,
            fields={},
            subject=(),
            label="",
            idempotency_key="k",
            receipt_key_id="r1",
            promised_on=None,
            keep_s=60,
        )
        return submissions.insert(conn, parts.seals, new, bench.time)


def listed(bench: Bench, caller: Any, left_s: float = 5.0) -> LookupAnswer:
    return my_messages.latest(bench.parts, Lookup("my_messages", {}), caller, left_s)


def read(bench: Bench, caller: Any, mt: int | str, left_s: float = 5.0) -> LookupAnswer:
    return my_messages.one(bench.parts, Lookup("my_message", {"id": str(mt)}), caller, left_s)


def test_the_last_five_newest_first(bench, caller, write):
    ids = []
    for number in range(7):
        ids.append(write(bench, f"Message {number}"))
        bench.later(days=1)
    assert listed(bench, caller) == LookupAnswer(
        "found", items=tuple(Item(str(ids[n]), f"{23 + n}/11 Message {n}") for n in (6, 5, 4, 3, 2))
    )
    assert read(bench, caller, ids[6]) == LookupAnswer(
        "found", {"day": Saved("29/11/2026"), "text": Saved("Message 6")}
    )


def test_nothing_to_read(bench, caller):
    assert listed(bench, caller) == LookupAnswer("found")
    assert read(bench, caller, 1) == LookupAnswer("none")


def test_thirty_days(bench, caller, write):
    mt = write(bench, "Bonjour")
    bench.later(days=30)
    assert listed(bench, caller).items
    assert read(bench, caller, mt).outcome == "found"
    bench.later(seconds=1)
    assert listed(bench, caller).items == ()
    assert read(bench, caller, mt).outcome == "none"


@pytest.mark.parametrize("state", list(MtState))
def test_only_what_left_us(bench, caller, write, state):
    mt = write(bench, "Bonjour", state, external=False)
    seen = state not in (
        MtState.CREATED,
        MtState.SENDING,
        MtState.REJECTED,
        MtState.EXPIRED,
        MtState.SUPPRESSED,
    )
    assert bool(listed(bench, caller).items) is seen
    assert (read(bench, caller, mt).outcome == "found") is seen


def test_what_expired_after_it_left_is_read(bench, caller, write):
    mt = write(bench, "Bonjour", MtState.EXPIRED, external=True)
    assert read(bench, caller, mt).outcome == "found"


def test_not_those_of_another_number(bench, caller, other, write):
    mt = write(bench, "Bonjour")
    assert listed(bench, other).items == ()
    assert read(bench, other, mt) == LookupAnswer("none")
    write(bench, "Good morning", to=OTHER)
    assert read(bench, other, mt) == LookupAnswer("none")
    assert [item.label for item in listed(bench, other).items] == ["23/11 Good morning"]


def test_not_those_of_who_had_the_number_before(bench, caller, write):
    mt = write(bench, "Bonjour")
    with bench.parts.database.begin() as conn:
        holding = holdings.open_holding(conn, bench.parts.seals, MSISDN, bench.time)
        holdings.close(conn, holding, "sim", bench.time)
    write(bench, "Bienvenue")
    assert [item.label for item in listed(bench, caller).items] == ["23/11 Bienvenue"]
    assert read(bench, caller, mt) == LookupAnswer("none")


@pytest.mark.parametrize(
    ("how", "remark"),
    [
        ({"private": True}, "said to be private when it was written"),
        ({"template": "resume_sms"}, "nothing but a code"),
    ],
)
def test_never_those_that_are_private(bench, caller, write, how, remark):
    mt = write(bench, "Votre code: 4821 0937 5628", **how)
    assert listed(bench, caller).items == ()
    assert read(bench, caller, mt) == LookupAnswer("none")


@pytest.mark.parametrize("sensitive", [True, False])
def test_never_those_of_a_sensitive_demand(bench, caller, write, sensitive):
    """Rows older than the column `private` say so by their submission only."""
    submission = demand(bench, sensitive=sensitive)
    mt = write(bench, "Il y a du nouveau", submission_id=submission)
    assert bool(listed(bench, caller).items) is not sensitive
    assert (read(bench, caller, mt).outcome == "found") is not sensitive


def test_an_erased_text_is_not_listed(bench, caller, write):
    submission = demand(bench)
    write(bench, "Bonjour", submission_id=submission)
    with bench.parts.database.begin() as conn:
        mt_texts.erase_of(conn, [submission])
    assert listed(bench, caller).items == ()


def test_the_code_of_a_recepisse_is_hidden(sqlite_bench, caller, write):
    mt = write(sqlite_bench, RECEIPT, template="receipt_no_promise")
    shown = read(sqlite_bench, caller, mt).values["text"].raw
    assert shown == RECEIPT.replace("123456", "******")


def test_other_texts_are_as_they_were_sent(sqlite_bench, caller, write):
    text = "Acte de naissance: votre demande est prise en charge, dossier 123456."
    assert read(sqlite_bench, caller, write(sqlite_bench, text)).values["text"].raw == text


def test_answers_to_her_own_sms_do_not_push_out_the_others(sqlite_bench, caller, write):
    kept = write(sqlite_bench, "Décision")
    for _ in range(6):
        write(sqlite_bench, "Vouliez-vous dire STATUT ?", category=Category.REPLY)
    assert [item.id for item in listed(sqlite_bench, caller).items] == [str(kept)]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Bonjour", "23/11 Bonjour"),
        ("Récépissé 4821 0937 5628. Acte", "23/11 Récépissé 4821 0937.."),
        ("Acte de naissance: votre", "23/11 Acte de naissance: votre"),
        ("Acte de naissance: votre demande", "23/11 Acte de naissance:.."),
        ("Anticonstitutionnellement", "23/11.."),
        ("Un\ndeux", "23/11 Un deux"),
        ("", "23/11"),
    ],
)
def test_a_line_is_the_day_and_the_first_whole_words(sqlite_bench, caller, write, text, line):
    write(sqlite_bench, text)
    (item,) = listed(sqlite_bench, caller).items
    assert item.label == line
    assert len(line) <= my_messages.LINE_SIZE


@pytest.mark.parametrize("id_", ["", "x", "-1", "1 OR 1=1", "²", "9" * 30, "9" * 18])
def test_an_id_that_is_none(bench, caller, id_, write):
    write(bench, "Bonjour")
    assert read(bench, caller, id_) == LookupAnswer("none")


def test_no_time_left_and_no_database(sqlite_bench, caller, monkeypatch):
    assert listed(sqlite_bench, caller, 0.0).outcome == "unavailable"
    assert read(sqlite_bench, caller, 1, 0.0).outcome == "unavailable"

    def away(*args: Any) -> Any:
        raise StoreUnavailable(Why.AWAY)

    monkeypatch.setattr(holdings, "held", away)
    assert listed(sqlite_bench, caller).outcome == "unavailable"
    assert read(sqlite_bench, caller, 1).outcome == "unavailable"


def test_nothing_of_it_shows_in_a_repr(sqlite_bench, caller, write):
    mt = write(sqlite_bench, "Bonjour Adjovi")
    assert "Adjovi" not in repr(listed(sqlite_bench, caller)) + repr(read(sqlite_bench, caller, mt))
