"""One contract for every kind of connector, over real HTTP and HTTPS on loopback.

A new kind adds a line to KINDS: how its other side is started, how the connector is built, what it can do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from gateway.backoffice.base import BackOffice, Fault
from gateway.backoffice.build import build
from gateway.messages import (
    BackofficeReminder,
    BackofficeRequest,
    BackofficeStatement,
    Decision,
    EventType,
    HandOver,
    StatementKind,
)
from gateway.settings import System
from tests.backoffice.far_sides import CLIENT, MAPPING, SECRET, SERVICE, TOKEN, Far, Mapped, Native, Serving, Xroad
from tests.certificates import Authority, server_context

NOW = datetime(2026, 11, 23, 13, 5, tzinfo=UTC)
REQUEST = BackofficeRequest(
    idempotency_key="5f0c1e9a77aa4b7c8d2e3f4051627384",
    reference="482109375628",
    service="acte-naissance",
    submitted_at=NOW,
    promised_on="2026-11-26",
    language="fr",
    msisdn="+2290197000000",
    assurance="number",
    fields={"npi": "1234567890", "commune": "cotonou"},
)
STATEMENT = BackofficeStatement(
    "s-1", "482109375628", "acte-naissance", StatementKind.ANSWER, "Ma mère: AGBO", NOW, "msg_1", "EC-1"
)
REMINDER = BackofficeReminder("r-1", "482109375628", "acte-naissance", "2026-11-26", "EC-1")

#: What a kind can do beyond taking submissions and being told about them.
ANSWERS, POLL, LOOKUP, REMIND, NETWORK = "answers", "poll", "lookup", "remind", "network"
OVER_HTTP = frozenset({ANSWERS, POLL, LOOKUP, REMIND, NETWORK})


@dataclass
class Pair:
    """A connector and the institution it speaks to; `stranger` is the same connector with nothing true to show."""

    office: BackOffice
    far: Far
    stranger: BackOffice
    asked_by: str = field(default="482109375628")  #: what a question about a demand names it by


Start = Callable[[Path], tuple[Pair, Callable[[], None]]]


def _over_http(dialect: Any, declared: dict[str, Any], wrong: dict[str, Any], **more: Any) -> Start:
    """`wrong` is what a stranger declares; its secrets are wrong too."""

    def start(folder: Path) -> tuple[Pair, Callable[[], None]]:
        far = Far(dialect() if callable(dialect) else dialect)
        tls, files, foreign_files = _tls(folder) if declared.get("authentication") == "mtls" else (None, {}, {})
        serving = Serving(far, tls)
        common = {"institution": "anip", "url": serving.url + more.get("below", "/api"), "poll_every_s": 60}

        def office(settings: dict[str, Any], token: str, secret: str) -> BackOffice:
            system = TypeAdapter(System).validate_python(common | settings)
            return build("etat-civil", system, token=token, secrets=(secret,), now=lambda: datetime.now(UTC))

        ours = office(declared | files, TOKEN, SECRET)
        stranger = office(declared | files | foreign_files | wrong, "wrong", "whsec_" + "A" * 32)

        def close() -> None:
            ours.close()  # type: ignore[attr-defined]
            stranger.close()  # type: ignore[attr-defined]
            serving.close()

        return Pair(ours, far, stranger, more.get("asked_by", "482109375628")), close

    return start


def _tls(folder: Path) -> tuple[Any, dict[str, Path], dict[str, Path]]:
    ours, foreign = Authority(folder, "ours"), Authority(folder, "foreign")
    context = server_context(ours.issue("server", server=True), ours.file)
    us, them = ours.issue("us"), foreign.issue("them")
    files = {"ca_file": ours.file, "client_cert_file": us.cert, "client_key_file": us.key}
    return context, files, {"client_cert_file": them.cert, "client_key_file": them.key}


_XROAD = {"kind": "xroad", "client": CLIENT, "service": "/".join(SERVICE)}
KINDS: dict[str, tuple[Start, frozenset[str]]] = {
    "rest bearer": (_over_http(lambda: Native("bearer"), {"kind": "rest"}, {}), OVER_HTTP),
    "rest hmac": (
        _over_http(
            lambda: Native("hmac"), {"kind": "rest", "authentication": "hmac", "signing_secret_env": "SECRET"}, {}
        ),
        OVER_HTTP,
    ),
    "rest mtls": (_over_http(lambda: Native("mtls"), {"kind": "rest", "authentication": "mtls"}, {}), OVER_HTTP),
    "rest mapped": (
        _over_http(Mapped, {"kind": "rest"} | MAPPING, {}, asked_by="EC-1"),
        OVER_HTTP - {REMIND},
    ),
    "xroad": (_over_http(Xroad, _XROAD, {"client": "BJ/GOV/ASIN/AUTRE"}, below=""), OVER_HTTP),
}


def kinds(*needs: str) -> Any:
    """The kinds that can do all of `needs`."""
    able = [name for name, (_, can) in KINDS.items() if set(needs) <= can]
    return pytest.mark.parametrize("pair", able, indirect=True)


@pytest.fixture
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pair]:
    started, close = KINDS[request.param][0](tmp_path)
    yield started
    close()


@kinds(ANSWERS)
def test_a_submission_is_taken_and_its_file_number_is_read(pair):
    answer = pair.office.submit(REQUEST)
    assert (answer.outcome, answer.case_number, answer.events) == (HandOver.ACCEPTED, "EC-1", ())
    (heard,) = pair.far.heard
    assert (heard.what, heard.about, heard.key) == ("submit", REQUEST.reference, REQUEST.idempotency_key)


@kinds(ANSWERS)
def test_it_was_delivered_and_the_answer_comes_later(pair):
    pair.far.answer = ("delivered", {})
    answer = pair.office.submit(REQUEST)
    assert (answer.outcome, answer.case_number) == (HandOver.DELIVERED, "EC-1")


@kinds(ANSWERS)
def test_a_rejection_has_its_code_and_its_reason_for_the_citizen(pair):
    pair.far.answer = ("rejected", {"code": "npi_unknown", "reason": {"fr": "NPI\ninconnu"}})
    answer = pair.office.submit(REQUEST)
    assert (answer.outcome, answer.code, answer.reason) == (HandOver.REJECTED, "npi_unknown", {"fr": "NPI inconnu"})


@kinds(ANSWERS)
def test_a_decision_in_the_answer_is_news(pair):
    pair.far.answer = ("refused", {"reason": {"fr": "Aucun acte"}})
    answer = pair.office.submit(REQUEST)
    assert (answer.outcome, answer.case_number) == (HandOver.ACCEPTED, "EC-1")
    (event,) = answer.events
    assert (event.type, event.decision, event.message) == (EventType.DECIDED, Decision.REFUSED, {"fr": "Aucun acte"})
    assert (event.system, event.reference, event.case_number) == ("etat-civil", REQUEST.reference, "EC-1")


@kinds(NETWORK)
def test_an_answer_that_was_lost_leaves_one_file(pair):
    pair.far.lose = 1
    assert pair.office.submit(REQUEST).outcome is HandOver.RETRY
    assert pair.office.submit(REQUEST).outcome is HandOver.ACCEPTED
    assert pair.far.cases == {REQUEST.idempotency_key: "EC-1"}


@kinds(NETWORK)
def test_an_institution_that_is_away_decides_nothing(pair):
    pair.far.away = True
    for answer in (
        pair.office.submit(REQUEST),
        pair.office.withdraw(REQUEST.reference, REQUEST.idempotency_key, "EC-1"),
        pair.office.state(STATEMENT),
    ):
        assert (answer.outcome, answer.misconfigured) == (HandOver.RETRY, False)
    read = pair.office.lookup("npi", {}, "+2290197000000", "fr", 2.0)
    assert read.outcome == "unavailable"
    for fault in (pair.office.poll(REQUEST.reference, "EC-1"), read.fault):
        assert isinstance(fault, Fault)
        assert not fault.misconfigured
        assert fault.code == answer.code, "the breaker hears the same of every call"


@kinds(NETWORK)
def test_a_redirect_is_not_followed_and_a_person_must_look(pair):
    pair.far.elsewhere = True
    answer = pair.office.submit(REQUEST)
    assert (answer.outcome, answer.misconfigured) == (HandOver.RETRY, True)
    assert pair.far.heard == []
    assert isinstance(pair.office.poll(REQUEST.reference, "EC-1"), Fault)


@kinds(NETWORK)
def test_a_stranger_is_not_heard(pair):
    assert pair.stranger.submit(REQUEST).outcome is HandOver.RETRY
    assert isinstance(pair.stranger.poll(REQUEST.reference, "EC-1"), Fault)
    assert pair.far.heard == []


@kinds()
def test_what_is_told_later_is_heard_with_its_key(pair):
    pair.office.submit(REQUEST)
    told = [
        pair.office.withdraw(REQUEST.reference, REQUEST.idempotency_key, "EC-1"),
        pair.office.state(STATEMENT),
    ]
    assert [answer.outcome for answer in told] == [HandOver.ACCEPTED] * 2
    _, withdrawn, stated = pair.far.heard
    assert (withdrawn.what, withdrawn.about) == ("withdraw", REQUEST.reference)
    assert withdrawn.key not in {"", REQUEST.idempotency_key}
    assert (stated.what, stated.about, stated.key) == ("statement", REQUEST.reference, "s-1")
    assert "Ma mère: AGBO" in stated.document.values()


@kinds(REMIND)
def test_a_reminder_is_heard(pair):
    pair.office.submit(REQUEST)
    assert pair.office.remind(REMINDER).outcome is HandOver.ACCEPTED
    heard = pair.far.heard[-1]
    assert (heard.what, heard.about, heard.key) == ("reminder", REQUEST.reference, "r-1")


@kinds()
def test_an_institution_that_never_had_it_needs_no_news(pair):
    assert pair.office.withdraw(REQUEST.reference, REQUEST.idempotency_key, "EC-1").outcome is HandOver.ACCEPTED


NEWS = [
    # state, more, type, decision, remark
    ("accepted", {}, EventType.ACKNOWLEDGED, None, "taken"),
    ("delivered", {}, EventType.DELIVERED, None, "there, not yet taken"),
    ("in_progress", {}, EventType.IN_PROGRESS, None, "somebody works on it"),
    ("more_needed", {"question": {"fr": "Nom de la mère ?"}}, EventType.MORE_NEEDED, None, "a question"),
    ("granted", {"reason": {"fr": "Prêt."}}, EventType.DECIDED, Decision.GRANTED, "a decision"),
    ("refused", {"reason": {"fr": "Non."}}, EventType.DECIDED, Decision.REFUSED, "a decision"),
    ("rejected", {"reason": {"fr": "Non."}}, EventType.DECIDED, Decision.REFUSED, "it gave it back after all"),
]


@pytest.mark.parametrize("row", NEWS, ids=lambda row: row[0])
@kinds(POLL)
def test_what_a_question_about_a_demand_brings(pair, row):
    word, more, type_, decision, _ = row
    pair.far.state = (word, {"case": "EC-1", **more})
    (event,) = pair.office.poll(REQUEST.reference, "EC-1")
    assert (event.type, event.decision, event.case_number) == (type_, decision, "EC-1")
    assert event.reference == REQUEST.reference
    assert event.message == (more.get("reason", {}) if decision else {})
    assert event.question == more.get("question", {})
    assert [(one.what, one.about) for one in pair.far.heard] == [("status", pair.asked_by)]


@kinds(POLL)
def test_the_same_news_has_the_same_id_and_other_news_another(pair):
    def asked(word, **more):
        pair.far.state = (word, {"case": "EC-1", **more})
        (event,) = pair.office.poll(REQUEST.reference, "EC-1")
        return event.event_id

    question = {"fr": "Nom ?"}
    ids = [
        asked("accepted"),
        asked("in_progress"),
        asked("more_needed", question=question),
        asked("more_needed", question={"fr": "Prénom ?"}),
        asked("more_needed", question=question, news="2"),
        asked("granted"),
    ]
    assert len(set(ids)) == len(ids)
    assert asked("accepted") == ids[0]
    assert asked("more_needed", question=question) == ids[2]
    assert all(len(one) <= 128 for one in ids)
    assert asked("more_needed", question=question, case="EC-2") == ids[2]  # a file number is no other question


@kinds(POLL)
def test_a_question_without_words_is_no_news(pair):
    pair.far.state = ("more_needed", {})
    assert isinstance(pair.office.poll(REQUEST.reference, "EC-1"), Fault)


@kinds(LOOKUP)
def test_a_lookup(pair):
    result = pair.office.lookup("état/npi", {"npi": "1"}, "+2290197000000", "fr", 2.0)
    assert (result.outcome, result.values, result.confirmed) == ("found", {"name": "ADJOVI"}, True)
    (heard,) = pair.far.heard
    assert (heard.what, heard.about) == ("lookup", "état/npi")


@kinds()
def test_nothing_secret_or_personal_in_words_about_it(pair):
    text = repr(pair.office) + repr(pair.office.submit(REQUEST)) + repr(REQUEST)
    for hidden in (TOKEN, SECRET, "1234567890", "+2290197000000"):
        assert hidden not in text


@pytest.mark.parametrize("pair", ["xroad"], indirect=True)
def test_x_road_gives_proof_of_what_was_exchanged(pair):
    first, again = pair.office.submit(REQUEST), pair.office.submit(REQUEST)
    assert first.evidence is not None
    assert first.evidence == again.evidence
    assert (len(first.evidence.message_id), first.evidence.digest) == (36, "aGFzaA==")
    told = pair.office.withdraw(REQUEST.reference, REQUEST.idempotency_key)
    assert told.evidence is not None
    assert told.evidence.message_id != first.evidence.message_id


@pytest.mark.parametrize("pair", ["rest mapped"], indirect=True)
def test_the_mapped_api_receives_its_own_form(pair):
    pair.office.submit(REQUEST)
    (heard,) = pair.far.heard
    assert heard.document == {
        "numeroExterne": "482109375628",
        "demandeur": {"telephone": "+2290197000000", "npi": "1234567890"},
        "type": "ACTE",
        "donnees": {"npi": "1234567890", "commune": "cotonou"},
    }
    reminded = pair.office.remind(REMINDER)
    assert (reminded.outcome, reminded.code) == (HandOver.ACCEPTED, "cannot_be_told")
    assert pair.office.poll(REQUEST.reference, "") == Fault("no_case", misconfigured=True)  # it has no number there
