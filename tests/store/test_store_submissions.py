"""Submissions: stored whole, one open per subject, states that only move forward, personal data gone when due."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import date, datetime, timedelta
from itertools import product

import pytest
from sqlalchemy import select

from gateway.messages import Decision, SubmissionState
from gateway.store import hand_over, holdings, submission_events, submissions
from gateway.store.db import Database
from gateway.store.sealed import Seals
from gateway.store.submissions import AlreadyOpen, NewSubmission, ReferenceTaken
from gateway.store.tables import submissions as table

Make = Callable[..., NewSubmission]
Store = Callable[..., int]
NUMBER = "+2290197445566"
NPI = "4829137405"
S = SubmissionState


def test_a_submission_is_read_back(database: Database, seals: Seals, now: datetime, store_submission: Store) -> None:
    with database.begin() as conn:
        stored_id = store_submission(conn)
    with database.read() as conn:
        stored = submissions.by_reference(conn, seals, "482109375628")
        assert stored is not None
        assert stored == submissions.by_id(conn, seals, stored_id)
        assert (stored.id, stored.state, stored.service) == (stored_id, S.RECEIVED, "acte-naissance")
        assert (stored.label, stored.promised_on, stored.submitted_at) == ("Acte, ...7405", date(2026, 11, 26), now)
        assert (stored.decision, stored.message, stored.case_number, stored.closed_at) == (None, {}, "", None)
        assert submissions.by_reference(conn, seals, "000000000000") is None
        assert submissions.by_id(conn, seals, 404) is None


@pytest.mark.parametrize(
    ("promised_on", "said"), [(date(2026, 11, 26), "2026-11-26"), (None, "")], ids=["promised", "nothing promised"]
)
def test_what_the_back_office_receives(
    database: Database, seals: Seals, now: datetime, store_submission: Store, promised_on: date | None, said: str
) -> None:
    with database.begin() as conn:
        material = hand_over.for_hand_over(conn, seals, store_submission(conn, promised_on=promised_on))
        assert hand_over.for_hand_over(conn, seals, 404) is None
    assert material is not None
    assert (material.system, material.state, material.sensitive) == ("etat-civil", S.RECEIVED, False)
    request = material.request
    assert (request.msisdn, request.fields) == (NUMBER, {"npi": NPI, "commune": "cotonou"})
    assert (request.promised_on, request.idempotency_key) == (said, "key-482109375628")
    assert request.submitted_at == now
    assert NPI not in repr(material)


def test_a_taken_reference_leaves_the_transaction_usable(
    database: Database, seals: Seals, now: datetime, store_submission: Store
) -> None:
    with database.begin() as conn:
        store_submission(conn)
        with pytest.raises(ReferenceTaken):
            store_submission(conn, subject=(("npi", "other"),), idempotency_key="another")
        assert store_submission(conn, subject=(("npi", "other"),), reference="111111111111")


def test_a_repeated_idempotency_key_is_a_fault_of_ours(database: Database, store_submission: Store) -> None:
    with pytest.raises(ValueError, match="idempotency"), database.begin() as conn:
        store_submission(conn)
        store_submission(conn, subject=(), reference="111111111111", idempotency_key="key-482109375628")


@pytest.mark.parametrize(
    ("second", "refused", "remark"),
    [
        ({}, True, "the same subject"),
        ({"subject": (("npi", "1111111111"),)}, False, "another child, same phone"),
        ({"service": "casier"}, False, "another service about the same person"),
        ({"subject": ()}, False, "no subject declared: never a duplicate"),
        ({"subject": (("npi", 4829137405),)}, True, "typed as a number"),
        ({"subject": (("npi", NPI), ("commune", "cotonou"))}, False, "more fields are another subject"),
    ],
)
def test_one_open_submission_per_subject(
    database: Database, store_submission: Store, second: dict[str, object], refused: bool, remark: str
) -> None:
    with database.begin() as conn:
        store_submission(conn)
        if refused:
            with pytest.raises(AlreadyOpen) as open_one:
                store_submission(conn, reference="222222222222", **second)
            assert open_one.value.reference == "482109375628"
            assert "4821" not in str(open_one.value)
        else:
            store_submission(conn, reference="222222222222", **second)


@pytest.mark.parametrize("state", S)
def test_which_states_hold_the_subject(
    database: Database, seals: Seals, now: datetime, store_submission: Store, state: SubmissionState
) -> None:
    with database.begin() as conn:
        first = store_submission(conn, state=S.PROPOSED if state is S.PROPOSED else S.RECEIVED)
        if state not in (S.RECEIVED, S.PROPOSED):
            assert submissions.set_state(conn, seals, first, state, now)
        if state in (S.GRANTED, S.REFUSED, S.WITHDRAWN):
            assert submissions.find_open(conn, seals, "acte-naissance", (("npi", NPI),)) is None
            store_submission(conn, reference="222222222222")
        else:
            with pytest.raises(AlreadyOpen):
                store_submission(conn, reference="222222222222")


def test_two_at_once_about_one_subject_from_two_phones(
    database: Database, seals: Seals, now: datetime, a_submission: Make
) -> None:
    together = threading.Barrier(4)
    ends: list[str] = []

    def submit(number: int) -> None:
        together.wait(10)
        try:
            with database.begin() as conn:
                holding_id = holdings.open_holding(conn, seals, f"+22901974455{number:02}", now)
                reference = f"{number:012}"
                submissions.insert(conn, seals, a_submission(holding_id, reference=reference), now)
            ends.append("stored")
        except AlreadyOpen:
            ends.append("already")

    threads = [threading.Thread(target=submit, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(ends) == ["already"] * 3 + ["stored"]


#: From the state before, in a row, the states that may follow.
_DECIDED = (S.GRANTED, S.REFUSED, S.WITHDRAWN)
FOLLOWERS = {
    S.PROPOSED: (S.RECEIVED, S.WITHDRAWN),
    S.RECEIVED: (S.QUEUED, S.DELIVERED, S.ACKNOWLEDGED, S.IN_PROGRESS, S.MORE_NEEDED, S.DEAD, *_DECIDED),
    S.QUEUED: (S.DELIVERED, S.ACKNOWLEDGED, S.IN_PROGRESS, S.MORE_NEEDED, *_DECIDED),
    S.DELIVERED: (S.ACKNOWLEDGED, S.IN_PROGRESS, S.MORE_NEEDED, *_DECIDED),
    S.ACKNOWLEDGED: (S.IN_PROGRESS, S.MORE_NEEDED, *_DECIDED),
    S.IN_PROGRESS: (S.MORE_NEEDED, *_DECIDED),
    S.MORE_NEEDED: (S.IN_PROGRESS, *_DECIDED),
    # The hand-over can have had its effect although no answer came back.
    S.DEAD: (S.RECEIVED, S.QUEUED, S.DELIVERED, S.ACKNOWLEDGED, S.IN_PROGRESS, S.MORE_NEEDED, *_DECIDED),
}
ALLOWED = {(start, to) for start, followers in FOLLOWERS.items() for to in followers}


@pytest.mark.parametrize(("start", "to"), list(product(S, S)), ids=lambda state: state.value)
def test_every_move(
    sqlite_database: Database,
    seals: Seals,
    now: datetime,
    store_submission: Store,
    start: SubmissionState,
    to: SubmissionState,
) -> None:
    with sqlite_database.begin() as conn:
        made = store_submission(conn, state=S.PROPOSED if start is S.PROPOSED else S.RECEIVED)
        if start not in (S.RECEIVED, S.PROPOSED):
            assert submissions.set_state(conn, seals, made, start, now)
        assert submissions.set_state(conn, seals, made, to, now) == ((start, to) in ALLOWED)
        stored = submissions.by_id(conn, seals, made)
        assert stored is not None
        assert stored.state is (to if (start, to) in ALLOWED else start)


def test_what_each_move_writes(database: Database, seals: Seals, now: datetime, store_submission: Store) -> None:
    later, last = now + timedelta(hours=1), now + timedelta(hours=2)
    with database.begin() as conn:
        made = store_submission(conn)
        assert submissions.set_state(conn, seals, made, S.ACKNOWLEDGED, later, case_number="EC-2026-\x0000017")
        assert not submissions.set_state(conn, seals, made, S.ACKNOWLEDGED, last, case_number="other")
        message = {"fr": "Votre acte est prêt", "en": "Ready"}
        assert submissions.set_state(conn, seals, made, S.GRANTED, last, message=message)
        stored = submissions.by_id(conn, seals, made)
        assert stored is not None
        assert (stored.case_number, stored.acknowledged_at) == ("EC-2026-00017", later)
        assert (stored.decision, stored.message) == (Decision.GRANTED, message)
        assert (stored.decided_at, stored.closed_at) == (last, last)
        assert conn.execute(select(table.c.erase_after)).scalar_one() == last + timedelta(days=90)


@pytest.mark.parametrize(
    ("before", "given", "after"),
    [("", "EC-1", "EC-1"), ("EC-1", "EC-2", "EC-1"), ("", "x\x00" * 200, "x" * 128)],
    ids=["named", "the first one stays", "bounded"],
)
def test_a_case_number_without_a_move(
    database: Database, seals: Seals, store_submission: Store, before: str, given: str, after: str
) -> None:
    with database.begin() as conn:
        made, other = store_submission(conn), store_submission(conn, reference="2" * 12, subject=())
        submissions.note_case(conn, made, before)
        submissions.note_case(conn, made, given)
        found = [submissions.by_id(conn, seals, one) for one in (made, other)]
        assert [one.case_number for one in found if one] == [after, ""]


def test_personal_data_go_when_due_and_the_rest_stays(
    database: Database, seals: Seals, now: datetime, store_submission: Store
) -> None:
    due = now + timedelta(seconds=60)
    with database.begin() as conn:
        made = store_submission(conn, keep_s=60)
        kept = store_submission(conn, keep_s=None, reference="222222222222", subject=())
        for one in (made, kept):
            submissions.set_state(conn, seals, one, S.REFUSED, now, message={"fr": "Non"})
        assert submissions.erase_due(conn, due - timedelta(microseconds=1), 10) == ()
        assert submissions.erase_due(conn, due, 10) == (made,)
        assert submissions.erase_due(conn, due, 10) == (), "once"
        row = conn.execute(select(table).where(table.c.id == made)).one()
        assert row.fields_sealed is row.label_sealed is row.message_sealed is row.subject_digest is None
        stored = submissions.by_reference(conn, seals, "482109375628")
        assert stored is not None
        assert (stored.state, stored.label, stored.message) == (S.REFUSED, "", {})
        assert hand_over.for_hand_over(conn, seals, made) is None


def test_lists_are_newest_first_and_bounded(
    database: Database, seals: Seals, now: datetime, store_submission: Store
) -> None:
    def references(found: tuple[submissions.StoredSubmission, ...]) -> list[str]:
        return [one.reference[0] for one in found]

    with database.begin() as conn:
        ids = [store_submission(conn, reference=f"{n}" * 12, subject=()) for n in range(1, 6)]
        other = holdings.open_holding(conn, seals, "+2290197000001", now)
        holding_id = holdings.open_holding(conn, seals, NUMBER, now)
        submissions.set_state(conn, seals, ids[1], S.DEAD, now)
        assert references(submissions.of_holding(conn, seals, holding_id, 3)) == ["5", "4", "3"]
        assert submissions.of_holding(conn, seals, other, 3) == ()
        assert references(submissions.list_page(conn, seals, 2)) == ["5", "4"]
        assert references(submissions.list_page(conn, seals, 2, before_id=ids[3])) == ["3", "2"]
        assert references(submissions.list_page(conn, seals, 9, state=S.DEAD)) == ["2"]
        assert submissions.count_by_state(conn) == {S.RECEIVED: 4, S.DEAD: 1}


def test_events_are_kept_in_order(database: Database, now: datetime, store_submission: Store) -> None:
    with database.begin() as conn:
        made, other = store_submission(conn), store_submission(conn, reference="2" * 12, subject=())
        submission_events.add(conn, made, "received", now)
        submission_events.add(conn, other, "received", now)
        submission_events.add(conn, made, "acknowledged", now, code="x" * 70, event_id="evt\x00_1")
        found = submission_events.of(conn, made)
    assert [(event.kind, event.code, event.event_id) for event in found] == [
        ("received", "", None),
        ("acknowledged", "x" * 64, "evt_1"),
    ]
