"""The desk of an institution without an IT system: two institutions, three agents, real databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from itertools import count, product

import pytest

from gateway.backoffice.build import build
from gateway.backoffice.webhooks import QUESTION_MAX
from gateway.messages import BackofficeReminder, Decision, SubmissionState
from gateway.settings import DeskSystem, Institution
from gateway.store import outbox, stops, submission_events, submissions
from gateway.store.desk import Chosen
from gateway.store.tables import questions, statements
from gateway.store.tables import submissions as table
from gateway.usecases import desk as use
from gateway.usecases import telling, withdrawals
from gateway.usecases.desk import Agent, Outcome, Words
from gateway.usecases.hand_over import hand_over
from gateway.usecases.submissions import submit
from gateway.usecases.telling import Errand

ADA, BEN = Agent("ada", "anip"), Agent("ben", "anip")
CARL = Agent("carl", "mairie")  #: another institution's
_numbers = count(1)


def at_desks(bench):
    """The bench with two institutions that work at our desk, one of them with two inboxes."""
    declared = {
        "etat-civil": DeskSystem(institution="anip", kind="desk"),
        "casier": DeskSystem(institution="anip", kind="desk"),
        "guichet": DeskSystem(institution="mairie", kind="desk"),
    }
    institutions = {name: Institution(name={"fr": name, "en": name}) for name in ("anip", "mairie")}
    settings = bench.parts.settings.model_copy(update={"systems": declared, "institutions": institutions})
    systems = {name: build(name, one, token="", now=lambda: bench.time) for name, one in declared.items()}
    bench.parts = replace(bench.parts, settings=settings, systems=systems)
    return bench


@pytest.fixture
def desk(bench):
    return at_desks(bench)


@pytest.fixture
def sqlite_desk(sqlite_bench):
    return at_desks(sqlite_bench)


@pytest.fixture
def arrived(act, caller):
    """Makes a demand that lies in an inbox; gives its reference."""

    def arrived(desk, system="etat-civil", promised=None, service="acte-naissance"):
        number = next(_numbers)
        made = act(npi=f"{number:010d}", system=system)
        reference = submit(desk.parts, made, caller, number.to_bytes(32)).values["reference"].raw
        hand_over(desk.parts, [row for row in desk.claim("backoffice") if row.kind == "submission"])
        with desk.parts.database.begin() as conn:
            changed = table.update().where(table.c.reference == reference)
            conn.execute(changed.values(promised_on=promised, service=service))
        return reference

    return arrived


def lines(desk, agent=ADA, limit=100, after=None, **chosen):
    return use.inbox(desk.parts, agent, Chosen(**chosen), limit, after)


def references(*args, **more):
    return [line.reference for line in lines(*args, **more)]


def acts_about(desk, reference):
    with desk.parts.database.read() as conn:
        acts = stops.acts_about(conn, f"submission:{desk.submission(reference).id}", 100)
    return [(act.who, act.act, act.detail) for act in acts][::-1]


def test_a_demand_waits_in_the_inbox(desk, arrived):
    reference = arrived(desk)
    assert desk.submission(reference).state is SubmissionState.QUEUED
    (line,) = lines(desk)
    assert (line.reference, line.unread, line.assignee) == (reference, True, "")
    assert [mt.template for mt in desk.sms(reference)] == ["receipt_no_promise"]  # nothing was acknowledged


def test_the_most_urgent_first_then_the_oldest_paged_by_id(desk, arrived):
    soon, later = date(2026, 11, 24), date(2026, 12, 24)
    made = [arrived(desk, promised=day) for day in (None, later, soon, None, later, soon)]
    wanted = [made[place] for place in (2, 5, 1, 4, 0, 3)]
    assert references(desk) == wanted
    paged, after = [], None
    while page := lines(desk, limit=2, after=after):
        assert len(page) <= 2
        paged += [line.reference for line in page]
        after = page[-1].id
    assert paged == wanted


def test_a_page_stays_where_it_was_when_the_line_before_it_is_decided(sqlite_desk, arrived):
    made = [arrived(sqlite_desk) for _ in range(3)]
    first = lines(sqlite_desk, limit=1)[0]
    use.decide(sqlite_desk.parts, ADA, made[0], "p", Decision.GRANTED)
    assert references(sqlite_desk, after=first.id) == made[1:]


def test_a_page_after_a_line_of_another_desk_is_empty(sqlite_desk, arrived):
    arrived(sqlite_desk)
    theirs = sqlite_desk.submission(arrived(sqlite_desk, system="guichet")).id
    assert lines(sqlite_desk, after=theirs) == ()


def test_filters_and_counts(desk, arrived, now):
    today = now.date()
    late = arrived(desk, promised=today - timedelta(days=1))
    due = arrived(desk, promised=today)
    other = arrived(desk, system="casier", service="casier-judiciaire")
    theirs = arrived(desk, system="guichet", promised=today - timedelta(days=1))
    use.open_demand(desk.parts, ADA, due)
    use.progress(desk.parts, ADA, due, "p")
    assert references(desk, state=SubmissionState.IN_PROGRESS) == [due]
    assert references(desk, service="casier-judiciaire") == [other]
    assert references(desk, unread=True) == [late, other]
    assert references(desk, assignee="ada") == [due]
    assert references(desk, assignee="") == [late, other]
    found = use.counts(desk.parts, ADA)
    assert found.by_state == {SubmissionState.QUEUED: 2, SubmissionState.IN_PROGRESS: 1}
    assert (found.unread, found.unassigned, found.late) == (2, 2, 1)
    assert references(desk, CARL) == [theirs]
    assert references(desk, Agent("dora", "nowhere")) == []


@pytest.mark.parametrize(
    ("state", "seen", "remark"),
    [
        ("proposed", False, "nobody has agreed: nobody else sees it"),
        ("received", False, "not handed over yet"),
        ("dead", False, "an operator's business"),
        ("withdrawn", False, "before the institution ever had it"),
        ("refused", False, "given up before the institution ever had it"),
    ],
)
def test_what_the_institution_never_had_is_not_in_its_inbox(sqlite_desk, act, caller, state, seen, remark):
    reference = submit(sqlite_desk.parts, act(), caller, b"k" * 32).values["reference"].raw
    with sqlite_desk.parts.database.begin() as conn:
        conn.execute(table.update().values(state=state))
    assert bool(lines(sqlite_desk)) is seen
    assert bool(lines(sqlite_desk, state=SubmissionState(state))) is seen
    assert use.open_demand(sqlite_desk.parts, ADA, reference) is None


def test_opening_shows_all_and_is_kept(desk, arrived):
    reference = arrived(desk)
    found = use.open_demand(desk.parts, ADA, f"{reference[:4]} {reference[4:]}")
    assert found.request.msisdn == "+2290197000000"
    assert found.request.fields["commune"] == "cotonou"
    assert [event.kind for event in found.events] == ["received", "queued"]
    assert acts_about(desk, reference) == [("ada", "desk.open", "desk of anip; nobody has it")]
    assert lines(desk)[0].unread is False
    use.take(desk.parts, ADA, reference)
    use.open_demand(desk.parts, BEN, reference)
    assert acts_about(desk, reference)[-1] == ("ben", "desk.open", "desk of anip; ada has it")


def test_an_opening_that_cannot_be_kept_shows_nothing(sqlite_desk, arrived, monkeypatch):
    reference = arrived(sqlite_desk)
    with sqlite_desk.parts.database.begin() as conn:
        conn.exec_driver_sql("DROP TABLE operator_acts")
    with pytest.raises(Exception, match="the database cannot answer"):
        use.open_demand(sqlite_desk.parts, ADA, reference)
    assert lines(sqlite_desk)[0].unread is True


def test_data_that_were_erased_or_that_no_key_opens(sqlite_desk, arrived):
    reference = arrived(sqlite_desk)
    with sqlite_desk.parts.database.begin() as conn:
        conn.execute(table.update().values(fields_sealed=b"\x02e1nonsense"))
    found = use.open_demand(sqlite_desk.parts, ADA, reference)
    assert (found.request, found.readable) == (None, False)
    with sqlite_desk.parts.database.begin() as conn:
        conn.execute(table.update().values(fields_sealed=None))
    found = use.open_demand(sqlite_desk.parts, ADA, reference)
    assert (found.request, found.readable) == (None, True)


def test_what_was_asked_and_said(desk, arrived, now):
    reference = arrived(desk)
    about = {"submission_id": desk.submission(reference).id}
    asked = desk.parts.seals.seal_json({"fr": "Nom ?"}, "questions.text_sealed")
    told = desk.parts.seals.seal("Sossa", "statements.text_sealed")
    with desk.parts.database.begin() as conn:
        conn.execute(
            questions.insert().values(**about, event_id="e", text_sealed=asked, code_digest=b"", wrong=0, asked_at=now)
        )
        later = now + timedelta(hours=1)
        row = {"kind": "answer", "channel": "at", "idempotency_key": "s1", "said_at": later}
        conn.execute(statements.insert().values(**about, **row, text_sealed=told))
    said = use.open_demand(desk.parts, ADA, reference).said
    assert [(one.kind, dict(one.text)) for one in said] == [("question", {"fr": "Nom ?"}), ("answer", {"": "Sossa"})]


def test_one_agent_at_a_time(desk, arrived):
    reference = arrived(desk)
    assert use.take(desk.parts, ADA, reference) == use.Result(Outcome.DONE, "ada")
    assert use.take(desk.parts, ADA, reference) == use.Result(Outcome.DONE, "ada")
    assert use.take(desk.parts, BEN, reference) == use.Result(Outcome.HELD, "ada")
    assert use.release(desk.parts, BEN, reference) == use.Result(Outcome.HELD, "ada")
    assert use.give(desk.parts, BEN, reference, "ben") == use.Result(Outcome.HELD, "ada")
    assert use.give(desk.parts, ADA, reference, "ben") == use.Result(Outcome.DONE, "ben")
    assert use.take(desk.parts, ADA, reference) == use.Result(Outcome.HELD, "ben")
    assert use.release(desk.parts, BEN, reference) == use.Result(Outcome.DONE)
    assert use.take(desk.parts, ADA, reference).outcome is Outcome.DONE
    assert use.release(desk.parts, BEN, reference, of_another=True).outcome is Outcome.DONE
    assert [(who, act) for who, act, _ in acts_about(desk, reference)] == [
        *(("ada", "desk.take"), ("ada", "desk.give"), ("ben", "desk.release"), ("ada", "desk.take")),
        ("ben", "desk.release"),
    ]
    assert acts_about(desk, reference)[-1][2] == "desk of anip; ada has it"


def test_many_take_it_at_once(desk, arrived):
    reference = arrived(desk)
    agents = [Agent(f"agent{number}", "anip") for number in range(8)]
    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(lambda agent: use.take(desk.parts, agent, reference), agents))
    (winner,) = {result.holder for result in results}
    assert sorted(result.outcome for result in results) == ["done"] + ["held"] * 7
    assert lines(desk)[0].assignee == winner
    assert len(acts_about(desk, reference)) == 1


def test_the_whole_life_of_a_demand(desk, arrived):
    reference = arrived(desk)
    assert use.acknowledge(desk.parts, ADA, reference, "p1", "EC-1").outcome is Outcome.DONE
    assert use.progress(desk.parts, ADA, reference, "p2").outcome is Outcome.DONE
    words = Words({"fr": "Nom de la mère ?", "en": ""})
    assert use.ask(desk.parts, ADA, reference, "p3", words).outcome is Outcome.DONE
    assert desk.submission(reference).state is SubmissionState.MORE_NEEDED
    words = Words({"fr": "Passez à la mairie."})
    assert use.decide(desk.parts, ADA, reference, "p4", Decision.GRANTED, words).outcome is Outcome.DONE
    stored = desk.submission(reference)
    assert (stored.state, stored.case_number) == (SubmissionState.GRANTED, "EC-1")
    assert [mt.template for mt in desk.sms(reference)][1::99] == ["acknowledged_case"]
    assert desk.sms(reference)[-1].template == "decided_granted_message"
    assert desk.texts(reference)[-1].endswith("Passez à la mairie.")
    with desk.parts.database.read() as conn:
        events = [(one.kind, one.event_id) for one in submission_events.of(conn, stored.id) if one.event_id]
    assert [kind for kind, _ in events] == ["acknowledged", "in_progress", "more_needed", "decided"]
    assert [who for who, act, _ in acts_about(desk, reference)] == ["ada"] * 5
    assert acts_about(desk, reference)[-1] == ("ada", "desk.decide", events[-1][1])
    assert use.progress(desk.parts, ADA, reference, "p5").outcome is Outcome.LATE
    assert use.take(desk.parts, BEN, reference).outcome is Outcome.LATE


def test_a_button_pressed_twice_has_one_effect(desk, arrived):
    reference, other = arrived(desk), arrived(desk)

    def press(_):
        return use.decide(desk.parts, ADA, reference, "p", Decision.GRANTED).outcome

    with ThreadPoolExecutor(4) as threads:
        outcomes = list(threads.map(press, range(4)))
    assert sorted(outcomes) == ["done"] + ["repeated"] * 3
    assert len(desk.sms(reference)) == 2
    assert use.decide(desk.parts, ADA, other, "p", Decision.GRANTED).outcome is Outcome.DONE  # the same key elsewhere


def test_nobody_decides_what_another_has_in_hand(sqlite_desk, arrived):
    desk, reference = sqlite_desk, arrived(sqlite_desk)
    use.take(desk.parts, ADA, reference)
    assert use.decide(desk.parts, BEN, reference, "p", Decision.REFUSED) == use.Result(Outcome.HELD, "ada")
    assert desk.submission(reference).state is SubmissionState.QUEUED


WORDS = [
    # move, words, outcome, remark
    ("ask", Words({"fr": "q" * QUESTION_MAX}), "done", "the longest question"),
    ("ask", Words({"fr": "q" * (QUESTION_MAX + 1)}), "too_long", "one more"),
    ("ask", Words({}), "no_words", "no question"),
    ("ask", Words({"fr": " \u202e "}), "no_words", "nothing that can be read"),
    ("ask", Words({"xx": "Nom ?"}), "no_language", "a language that the gateway does not speak"),
    ("decide", Words({"fr": "m" * 600}), "done", "the longest message"),
    ("decide", Words({"en": "m" * 601}), "too_long", "one more"),
    ("decide", Words({}), "done", "a decision needs no words"),
    ("decide", Words(case_number="C" * 24), "done", "the longest case number"),
    ("decide", Words(case_number="C" * 25), "too_long", "one more"),
]


@pytest.mark.parametrize("row", WORDS, ids=lambda row: f"{row[0]} {row[-1]}")
def test_words(sqlite_desk, arrived, row):
    move, words, outcome, _ = row
    reference = arrived(sqlite_desk)
    if move == "ask":
        result = use.ask(sqlite_desk.parts, ADA, reference, "p", words)
    else:
        result = use.decide(sqlite_desk.parts, ADA, reference, "p", Decision.REFUSED, words)
    assert result.outcome == outcome
    if outcome != "done":
        assert sqlite_desk.submission(reference).state is SubmissionState.QUEUED
        assert lines(sqlite_desk)[0].assignee == ""


def test_what_is_told_later_is_unread(desk, arrived):
    """A withdrawal, a statement, a reminder: ACCEPTED at once, and unread until an agent opens the demand."""
    parts, reference = desk.parts, arrived(desk)
    about = desk.submission(reference)
    use.open_demand(parts, ADA, reference)
    reminder = BackofficeReminder("r", reference, about.service, "2026-11-23")
    told = Errand(about.id, about.system, lambda system: system.remind(reminder))
    tell(desk, about, "reminder", lambda conn, row: told)
    assert [line.unread for line in lines(desk)] == [True]
    use.open_demand(parts, ADA, reference)
    assert [line.unread for line in lines(desk)] == [False]
    with parts.database.begin() as conn:
        submissions.set_state(conn, parts.seals, about.id, SubmissionState.WITHDRAWN, desk.time)
    tell(desk, about, "withdrawal", lambda conn, row: withdrawals.prepare(parts, conn, row))
    assert [line.unread for line in lines(desk)] == [True]
    use.open_demand(parts, ADA, reference)
    assert lines(desk) == ()  # a closed one leaves the list once it was read
    assert references(desk, state=SubmissionState.WITHDRAWN) == [reference]


def tell(desk, about, kind, prepare):
    with desk.parts.database.begin() as conn:
        outbox.add(conn, "backoffice", kind, about.id, None, 10, desk.time, desk.time, about.system)
    (row,) = desk.claim("backoffice")
    telling.tell(desk.parts, row, prepare)


EVERYTHING = {
    "open": lambda parts, agent, ref: use.open_demand(parts, agent, ref) or use.NOT_FOUND,
    "take": use.take,
    "release": use.release,
    "release of another": lambda parts, agent, ref: use.release(parts, agent, ref, of_another=True),
    "give": lambda parts, agent, ref: use.give(parts, agent, ref, "eve"),
    "give of another": lambda parts, agent, ref: use.give(parts, agent, ref, "eve", of_another=True),
    "acknowledge": lambda parts, agent, ref: use.acknowledge(parts, agent, ref, "p"),
    "progress": lambda parts, agent, ref: use.progress(parts, agent, ref, "p"),
    "ask": lambda parts, agent, ref: use.ask(parts, agent, ref, "p", Words({"fr": "Nom ?"})),
    "ask badly": lambda parts, agent, ref: use.ask(parts, agent, ref, "p", Words({"xx": "Nom ?"})),
    "decide": lambda parts, agent, ref: use.decide(parts, agent, ref, "p", Decision.GRANTED),
}


def test_everything_is_in_the_table():
    """Every use case that takes a reference is proved against another institution."""
    import inspect

    taking = {
        name for name, one in vars(use).items() if inspect.isfunction(one) and "typed" in str(inspect.signature(one))
    }
    public = {name for name in taking if not name.startswith("_")}
    assert public == {"open_demand", "take", "release", "give", "acknowledge", "progress", "ask", "decide"}


@pytest.mark.parametrize("what", EVERYTHING)
def test_of_another_institution_is_not_found(sqlite_desk, arrived, what):
    """Whatever its state and whoever has it: the same answer as for what does not exist, and nothing changes."""
    desk, reference = sqlite_desk, arrived(sqlite_desk)

    def all_of_it():
        with desk.parts.database.read() as conn:
            return [conn.execute(table.select()).all(), submission_events.of(conn, 1), stops.acts(conn, 100)]

    strangers = (CARL, Agent("ada", "mairie"), Agent("ada", "nowhere"), Agent("ada", ""))
    for state, held in product(("queued", "in_progress", "more_needed", "granted", "withdrawn"), (None, "ada", "carl")):
        with desk.parts.database.begin() as conn:
            conn.execute(table.update().values(state=state, assignee=held))
        before = all_of_it()
        for agent, typed in product(strangers, (reference, "482109375625", "' OR 1=1")):
            assert EVERYTHING[what](desk.parts, agent, typed) == use.NOT_FOUND, (state, held, agent)
            assert lines(desk, agent) == ()
        assert all_of_it() == before


def test_a_system_given_to_another_institution_does_not_bring_its_former_demands(sqlite_desk, arrived):
    desk, reference = sqlite_desk, arrived(sqlite_desk)
    moved = {**desk.parts.settings.systems, "etat-civil": DeskSystem(institution="mairie", kind="desk")}
    desk.parts = replace(desk.parts, settings=desk.parts.settings.model_copy(update={"systems": moved}))
    assert use.open_demand(desk.parts, CARL, reference) is None
    assert use.open_demand(desk.parts, ADA, reference) is None
