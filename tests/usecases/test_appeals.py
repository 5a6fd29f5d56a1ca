"""A refusal tells why, in her language, and how it can be contested; a sensitive one says nothing of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.menu.message_keys import INSTITUTION_TEXT_SIZE
from gateway.messages import BackofficeAnswer, BackofficeEvent, Decision, EventType, HandOver
from gateway.settings import APPEAL_SIZE, Institution
from gateway.usecases import backoffice_events
from gateway.usecases.hand_over import hand_over
from gateway.usecases.submissions import submit

APPEAL = {"fr": "au tribunal, sous 2 mois.", "en": "to the court, within 2 months."}
WHY = {"fr": "NPI inconnu.", "en": "Unknown NPI."}


@pytest.fixture
def told(bench, caller, act):
    """Makes the last SMS of a demand that was rejected at hand-over, or decided later."""

    def make(reason, *, decision=None, appeal=APPEAL, language="fr"):
        anip = Institution(name={"fr": "ANIP", "en": "ANIP"}, appeal=appeal)
        settings = bench.parts.settings.model_copy(update={"institutions": {"anip": anip}})
        bench.parts = replace(bench.parts, settings=settings)
        number = submit(bench.parts, act(language=language), caller, b"k" * 32).values["reference"].raw
        if decision is None:
            bench.office.answers = [BackofficeAnswer(HandOver.REJECTED, code="npi_unknown", reason=reason)]
        hand_over(bench.parts, bench.claim("backoffice"))
        if decision is not None:
            event = BackofficeEvent(
                "etat-civil", "e1", EventType.DECIDED, number, bench.time, decision=decision, message=reason
            )
            assert backoffice_events.take_event(bench.parts, event, bench.time) == backoffice_events.TAKEN
        return bench.sms(number)[-1], bench.texts(number)[-1]

    return make


@pytest.mark.parametrize(
    ("decision", "reason", "template"),
    [
        (None, WHY, "not_accepted_reason_appeal"),
        (None, {}, "not_accepted_appeal"),
        (Decision.REFUSED, WHY, "decided_refused_message_appeal"),
        (Decision.REFUSED, {}, "decided_refused_appeal"),
    ],
)
@pytest.mark.parametrize(("language", "at"), [("fr", "au tribunal, sous 2 mois."), ("en", "to the court, within 2")])
def test_why_and_how_to_contest_it(told, decision, reason, template, language, at):
    mt, text = told(reason, decision=decision, language=language)
    assert mt.template == template
    assert mt.category == "vital"
    assert at in text
    assert (WHY[language] in text) == bool(reason)


@pytest.mark.parametrize(
    ("decision", "appeal", "template", "remark"),
    [
        (Decision.GRANTED, APPEAL, "decided_granted_message", "nothing to contest"),
        (Decision.REFUSED, {}, "decided_refused_message", "the institution declared none"),
        (None, {}, "not_accepted_reason", "as above"),
    ],
)
def test_where_there_is_none(told, decision, appeal, template, remark):
    mt, _ = told(WHY, decision=decision, appeal=appeal)
    assert mt.template == template, remark


@pytest.mark.parametrize("decision", [None, Decision.REFUSED])
def test_a_sensitive_one_says_nothing_of_it(bench, told, decision):
    bench.with_service(sensitive=True)
    mt, text = told(WHY, decision=decision)
    assert mt.template in ("not_accepted_sensitive", "decided_sensitive")
    for hidden in ("tribunal", "NPI", "Recours"):
        assert hidden not in text


@pytest.mark.parametrize("decision", [None, Decision.REFUSED])
def test_the_longest_words_take_three_segments(told, decision):
    """As `gateway check --sms` measures: the reason and the means of appeal, both whole."""
    why, appeal = {"fr": "é" * INSTITUTION_TEXT_SIZE}, {"fr": "è" * APPEAL_SIZE, "en": "x"}
    mt, text = told(why, decision=decision, appeal=appeal)
    assert mt.segments == 3
    assert "è" * APPEAL_SIZE in text
