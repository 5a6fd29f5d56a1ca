"""What citizens say reaches the institution: after the demand, until it is known; and is erased with it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select, update

from gateway.messages import BackofficeAnswer, EventType, HandOver, StatementKind, SubmissionState
from gateway.settings import HookSettings, Sender
from gateway.store import holdings, outbox, statements, submission_events, submissions
from gateway.store.tables import hooks as hooks_table
from gateway.store.tables import questions as questions_table
from gateway.store.tables import statements as statements_table
from gateway.store.tables import submissions as table
from gateway.usecases import persons as people
from gateway.usecases import upkeep
from gateway.usecases.hand_over import hand_over
from gateway.usecases.inspection import show
from gateway.usecases.statements import answer_question, correct, tell
from gateway.usecases.submissions import submit
from gateway.usecases.tracing import trace
from gateway.usecases.withdrawals import withdraw
from tests.usecases.asking import ASKED, code_of, decide, does, history, outcomes, says, take
from tests.usecases.conftest import MSISDN

RETRY = BackofficeAnswer(HandOver.RETRY, code="http_503")
TAKEN = BackofficeAnswer(HandOver.ACCEPTED, code="http_200")


@pytest.fixture
def bench(bench, tmp_path):
    senders = {"s": Sender(channel="at", name="22900", two_way=True, short_code="22900", tps=100_000)}
    settings = bench.parts.settings.model_copy(update={"senders": senders, "data": tmp_path})
    bench.parts = replace(bench.parts, settings=settings)
    return bench


@pytest.fixture
def number(bench, act, caller):
    return submit(bench.parts, act(), caller, b"k" * 32).values["reference"].raw


@pytest.fixture
def taken(bench, number):
    """A demand that its institution has."""
    work(bench)
    return number


def work(bench, most: int = 10) -> list[str]:
    """The worker of the lane does what is due; the kinds of the rows, in order."""
    done = []
    for _ in range(most):
        rows = bench.claim("backoffice", 1)
        if not rows:
            return done
        (row,) = rows
        done.append(row.kind)
        if row.kind == "statement":
            tell(bench.parts, row)
        elif row.kind == "submission":
            hand_over(bench.parts, rows)
        else:
            with bench.parts.database.begin() as conn:
                outbox.done(conn, row.id, row.token, "", bench.time)
    return done


def corrects(bench, number, caller, key=b"c", wrong="Afy", right="Afi") -> str:
    return does(bench, correct, caller, number, key, wrong=wrong, right=right)


def kept(bench) -> list[tuple[str, bool]]:
    with bench.parts.database.read() as conn:
        st = statements_table.c
        rows = conn.execute(select(st.kind, st.text_sealed).order_by(st.id))
        return [(row.kind, row.text_sealed is not None) for row in rows]


def rows_of(bench) -> list[outbox.OutboxRow]:
    with bench.parts.database.read() as conn:
        ids = list(conn.execute(select(statements_table.c.id).order_by(statements_table.c.id)).scalars())
        return [outbox.of_target(conn, "statement", one)[0] for one in ids]


def test_an_answer_by_sms_reaches_the_institution(bench, taken):
    take(bench, taken, event_id="evt_q")
    assert says(bench, taken, code_of(bench, taken), "Afi Dossou, née à Parakou") == "sms_answer_taken"
    assert bench.submission(taken).state is SubmissionState.IN_PROGRESS
    assert outcomes(bench, taken) == ["answered"]
    assert work(bench) == ["statement"]
    (said,) = bench.office.said
    assert (said.kind, said.text, said.question_id) == (StatementKind.ANSWER, "Afi Dossou, née à Parakou", "evt_q")
    assert (said.reference, said.service, said.said_at) == (taken, "acte-naissance", bench.time)
    assert history(bench, taken)[-2:] == [("answered", ""), ("statement_told", "")]
    assert work(bench) == []


def test_an_answer_by_ussd_once_for_its_act_key(bench, taken, caller):
    take(bench, taken)
    assert does(bench, answer_question, caller, taken, b"a", text="Afi") == "done"
    assert does(bench, answer_question, caller, taken, b"a", text="Afi") == "done"
    assert does(bench, answer_question, caller, taken, b"b", text="Afi") == "late"
    assert kept(bench) == [("answer", True)]


@pytest.mark.parametrize(("prove", "outcome"), [(True, "done"), (False, "not_yours")])
def test_a_code_is_needed(bench, taken, caller, prove, outcome):
    take(bench, taken)
    assert does(bench, answer_question, caller, taken, b"a", prove, text="Afi") == outcome
    assert does(bench, correct, caller, taken, b"b", prove, wrong="x", right="y") == outcome
    assert len(kept(bench)) == (2 if prove else 0)


def test_a_correction(bench, taken, caller):
    bench.announced.clear()
    assert corrects(bench, taken, caller) == "done"
    assert bench.announced == ["backoffice"]
    assert bench.submission(taken).state is SubmissionState.ACKNOWLEDGED
    assert history(bench, taken)[-1] == ("corrected", "")
    work(bench)
    (said,) = bench.office.said
    assert (said.kind, said.text, said.question_id) == (StatementKind.CORRECTION, "Faux: Afy\nJuste: Afi", "")


def test_a_correction_leaves_the_question_open(bench, taken, caller):
    take(bench, taken)
    assert corrects(bench, taken, caller) == "done"
    assert outcomes(bench, taken) == [None]
    assert bench.submission(taken).state is SubmissionState.MORE_NEEDED


@pytest.mark.parametrize("ended", ["decided", "withdrawn"])
def test_what_is_over_is_not_corrected(bench, taken, caller, ended):
    if ended == "decided":
        decide(bench, taken)
    else:
        does(bench, withdraw, caller, taken, b"w")
    assert corrects(bench, taken, caller) == "late"
    assert kept(bench) == []


@pytest.mark.parametrize("type_", [one for one in EventType if one is not EventType.DECIDED])
def test_corrected_in_every_open_state(bench, taken, caller, type_):
    take(bench, taken, type_)
    assert corrects(bench, taken, caller) == "done"


def test_a_helper_corrects_neither_what_she_declared_nor_what_she_proposed(bench, taken, caller):
    for values in ({"on_behalf": "declared"}, {"on_behalf": "agreed", "state": "proposed"}):
        with bench.parts.database.begin() as conn:
            conn.execute(update(table).values(on_behalf=None, state="received"))
            conn.execute(update(table).values(values))
        assert corrects(bench, taken, caller, key=str(values).encode()[:20]) in ("late", "not_yours")
    assert kept(bench) == []


def test_who_declared_a_demand_answers_what_its_institution_asks_her(bench, taken, caller):
    with bench.parts.database.begin() as conn:
        conn.execute(update(table).values(on_behalf="declared"))
    take(bench, taken)
    assert does(bench, answer_question, caller, taken, b"a", text="Afi") == "done"


def test_it_waits_behind_the_hand_over(bench, number, caller):
    bench.office.answers = [RETRY, BackofficeAnswer(HandOver.ACCEPTED)]
    assert corrects(bench, number, caller) == "done"
    assert work(bench) == ["submission"], "the demand is not there: nothing is said about it"
    bench.later(hours=2)
    assert work(bench) == ["submission", "statement"]
    assert len(bench.office.received) == 2
    assert [one.text for one in bench.office.said] == ["Faux: Afy\nJuste: Afi"]


def test_a_demand_that_was_given_up_takes_what_was_said_along_when_it_is_handed_over_again(bench, number, caller):
    bench.office.answers = [RETRY]
    assert corrects(bench, number, caller) == "done"
    for _ in range(3):
        work(bench)
        bench.later(hours=2)
    assert bench.submission(number).state is SubmissionState.DEAD
    assert work(bench) == ["statement"]
    assert bench.office.said == []
    (row,) = rows_of(bench)
    assert (row.state, row.attempts, row.last_code) == ("ready", 0, "not_handed_over")
    bench.office.answers = [BackofficeAnswer(HandOver.ACCEPTED)]
    about = bench.submission(number)
    with bench.parts.database.begin() as conn:
        (demand,) = outbox.of_target(conn, "submission", about.id)
        outbox.requeue(conn, demand.id, bench.time)
        submissions.set_state(conn, bench.parts.seals, about.id, SubmissionState.RECEIVED, bench.time)
        submission_events.add(conn, about.id, "retried", bench.time)
    bench.later(hours=2)
    assert work(bench) == ["submission", "statement"]
    assert len(bench.office.said) == 1


def test_told_with_the_same_key_until_it_is_known(bench, taken, caller):
    corrects(bench, taken, caller)
    bench.office.answers = [RETRY, TAKEN]
    work(bench)
    bench.later(hours=2)
    work(bench)
    first, second = bench.office.said
    assert first == second
    assert history(bench, taken)[-1] == ("statement_told", "http_200")


def test_a_system_that_does_not_know_the_demand_has_not_got_it(bench, taken, caller):
    corrects(bench, taken, caller)
    bench.office.answers = [BackofficeAnswer(HandOver.ACCEPTED, code="http_404")]
    for _ in range(3):
        assert work(bench) == ["statement"]
        bench.later(hours=2)
    (row,) = rows_of(bench)
    assert (row.state, row.last_code) == ("dead", "http_404")
    assert history(bench, taken)[-1] == ("statement_dead", "http_404")


def test_what_was_said_of_a_withdrawn_demand_is_not_passed_on(bench, taken, caller):
    corrects(bench, taken, caller)
    does(bench, withdraw, caller, taken, b"w")
    assert work(bench) == ["statement", "withdrawal"]
    assert bench.office.said == []


def test_what_was_said_before_the_decision_still_reaches_the_institution(bench, taken, caller):
    corrects(bench, taken, caller)
    decide(bench, taken)
    assert work(bench) == ["statement"]
    assert len(bench.office.said) == 1


def test_erased_with_the_demand(bench, taken, caller):
    take(bench, taken)
    says(bench, taken, code_of(bench, taken))
    corrects(bench, taken, caller)
    decide(bench, taken)
    assert upkeep.sweep(bench.parts)["submissions_erased"] == 0
    assert all(text for _, text in kept(bench))
    bench.later(days=90)
    assert upkeep.sweep(bench.parts)["submissions_erased"] == 1
    assert kept(bench) == [("answer", False), ("correction", False)]
    with bench.parts.database.read() as conn:
        (one,) = conn.execute(select(questions_table.c.text_sealed, questions_table.c.code_digest)).all()
    assert (one.text_sealed, one.code_digest) == (None, b"")
    assert work(bench) == ["statement", "statement"]
    assert bench.office.said == [], "what is erased is told to nobody"


def test_shown_to_her_and_erased_for_her(bench, taken, caller):
    take(bench, taken)
    says(bench, taken, code_of(bench, taken), "Afi Dossou")
    (demand,) = people.export(bench.parts, MSISDN)["demands"]
    assert [(one["text"], one["outcome"]) for one in demand["questions"]] == [(ASKED, "answered")]
    assert [(one["kind"], one["text"]) for one in demand["statements"]] == [("answer", "Afi Dossou")]
    people.erase(bench.parts, MSISDN, "test")
    assert kept(bench) == [("answer", True)], "an institution still handles it"
    decide(bench, taken)
    people.erase(bench.parts, MSISDN, "test")
    assert kept(bench) == [("answer", False)]


def test_who_made_a_demand_for_somebody_is_not_shown_what_the_person_said(bench, taken, caller, other):
    take(bench, taken)
    says(bench, taken, code_of(bench, taken), "Afi Dossou")
    with bench.parts.database.begin() as conn:
        helper = holdings.open_holding(conn, bench.parts.seals, other.msisdn, bench.time)
        conn.execute(update(table).values(helper_id=helper, on_behalf="agreed"))
    exported = people.export(bench.parts, other.msisdn)
    assert exported["demands"] == []
    (demand,) = exported["demands_made_for_somebody_else"]
    assert "statements" not in demand
    assert "questions" not in demand


def test_what_cannot_be_read_is_dead_and_stops_nothing(bench, taken, caller):
    corrects(bench, taken, caller)
    with bench.parts.database.begin() as conn:
        conn.execute(update(statements_table).values(text_sealed=b"\x02e1damaged"))
    assert work(bench) == ["statement"]
    (row,) = rows_of(bench)
    assert (row.state, row.last_code) == ("dead", "unreadable")


def test_a_statement_that_is_not_there_is_none(bench, number):
    with bench.parts.database.read() as conn:
        assert statements.material(conn, bench.parts.seals, 4711) is None


def test_an_operator_sees_that_it_was_passed_on_and_not_what_it_says(bench, taken, caller):
    corrects(bench, taken, caller)
    bench.office.answers = [RETRY]
    work(bench)
    sheet, traced = show(bench.parts, taken), trace(bench.parts, taken)
    assert [(row.kind, row.state, row.last_code) for row in sheet.work if row.kind == "statement"] == [
        ("statement", "ready", "http_503")
    ]
    assert any(one.about.startswith("statement") for one in traced.moments)
    assert "Afi" not in repr((sheet, traced))


def test_the_institution_is_told_by_webhook_too(bench, taken, caller):
    events = ("submission.corrected", "submission.statement")
    hook = HookSettings(institution="anip", url="https://anip.example/hooks", secret_env="HOOK", events=events)
    settings = bench.parts.settings.model_copy(update={"hooks": {"anip": hook}})
    bench.parts = replace(bench.parts, settings=settings)
    corrects(bench, taken, caller)
    take(bench, taken)
    says(bench, taken, code_of(bench, taken), "Afi Dossou")
    with bench.parts.database.read() as conn:
        assert sorted(conn.execute(select(hooks_table.c.type)).scalars()) == list(events)
