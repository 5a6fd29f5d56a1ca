"""docs/privacy.md says of every table what it keeps, and names every setting that says how long."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.settings import load
from gateway.store.tables import metadata

RECORD = Path("docs/privacy.md").read_text(encoding="utf-8")
ROWS = [line for line in RECORD.splitlines() if line.startswith("| ")]

#: Table -> how the row of the record begins that tells of it; "": nothing in it is about a person.
TOLD = {
    "acts": "answers given to a turn",
    "agreements": "that somebody was asked to agree",
    "api_keys": "guests of a trial key",
    "attempts": "",
    "audiences": "lists of numbers",
    "backoffice_events": "",
    "beats": "",
    "breakers": "",
    "budgets": "",
    "cached_answers": "answers of institutions to lookups",
    "campaign_files": "rows of notifications",
    "campaign_rows": "rows of notifications",
    "campaigns": "rows of notifications",
    "card_codes": "people of the console",
    "checkpoints": "",
    "codes": "one-time codes",
    "conversations": "a conversation by SMS",
    "counters": "how often a number",
    "daily": "counts by day",
    "endpoints": "",
    "erasures": "that a number was erased",
    "event_positions": "",
    "events": "events of an institution",
    "holdings": "phone number",
    "hooks": "",
    "idempotency_keys": "answers of the API",
    "invitations": "people of the console",
    "menu_versions": "",
    "mos": "texts of SMS",
    "mt_events": "",
    "mts": "texts of SMS",
    "operator_acts": "what operators and agents did",
    "outbox": "",
    "people": "people of the console",
    "person_roles": "people of the console",
    "preferences": "choices",
    "promised_answers": "what was asked and will be answered",
    "questions": "questions of an institution",
    "saved_dialogues": "a dialogue that dropped",
    "sign_ins": "that somebody of the console is signed in",
    "sim_checks": "what operators were asked about a SIM",
    "statements": "questions of an institution",
    "stops": "",
    "stray_dlrs": "reports about SMS",
    "submission_events": "what is left of a demand",
    "submissions": "answers of a demand",
    "template_versions": "",
    "templates": "",
}


def test_every_table_is_thought_of() -> None:
    assert set(metadata.tables) == set(TOLD)


@pytest.mark.parametrize("begins", sorted(set(TOLD.values()) - {""}))
def test_what_is_kept_of_persons_is_told(begins: str) -> None:
    assert [row for row in ROWS if row.startswith(f"| {begins}")], begins


@pytest.mark.parametrize("name", sorted(type(load({"GATEWAY_LOCAL": "1"}).privacy).model_fields))
def test_every_setting_of_how_long_is_named(name: str) -> None:
    assert f"`privacy.{name}`" in RECORD


def test_every_setting_that_is_named_exists() -> None:
    settings = load({"GATEWAY_LOCAL": "1"})
    for group, name in re.findall(r"`(privacy|holdings|sms)\.(\w+)`", RECORD):
        assert name in type(getattr(settings, group)).model_fields, f"{group}.{name}"


def test_the_figures_are_those_of_the_shipped_configuration() -> None:
    settings = load({"GATEWAY_LOCAL": "1"})
    day = 86_400
    assert settings.privacy.texts_s == 30 * day
    assert settings.privacy.acts_s == 7 * day
    assert settings.privacy.codes_s == day
    assert settings.privacy.closed_holdings_s == 365 * day
    assert settings.holdings.max_silence_s == 90 * day
    assert settings.codes.valid_s == 600
    assert settings.sms.dialogue_s == day
    assert all(channel.session_ttl_s == 600 for channel in settings.channels.values()), "ten minutes in Redis"
