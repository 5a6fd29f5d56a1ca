"""What is checked before anything is sent: numbers, values, links, who wants it, what it costs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from gateway.messages import CampaignState, Category, RowState
from gateway.store import holdings, persons, preferences
from gateway.usecases import campaigns
from gateway.usecases.campaigns import CampaignRefused, NewCampaign, Recipient, pasted
from tests.campaigns.conftest import AWA, BIO, KOFI, SENDER, Town

NUMBERS = [
    ("97000000", AWA, "converted", "8 digits of before 2024"),
    ("97 00 00 00", AWA, "converted", "with spaces"),
    ("+22997000000", AWA, "converted", "the old one in full"),
    ("0197000000", AWA, "", "10 digits"),
    ("01 97.00-00/00", AWA, "", "any separators"),
    ("+2290197000000", AWA, "", "E.164"),
    ("002290197000000", AWA, "", "00"),
    ("2290197000000", AWA, "", "no plus"),
    ("'0197000000", AWA, "", "an apostrophe that keeps a cell text"),
    ("197000000", AWA, "lost_zero", "the first zero lost by a spreadsheet"),
]
WRONG = [
    ("", "no_number", "nothing"),
    ("Awa", "unreadable", "a name"),
    ("12/05/2026", "invalid", "a date"),
    ("123", "unreadable", "too short"),
    ("0199999999999", "invalid", "too long"),
    ("2,29E+12", "rounded", "digits lost by a spreadsheet"),
    ("2.290197E+12", "rounded", "digits that a spreadsheet may have lost"),
    ("+33612345678", "foreign", "another country"),
    ("+22921300000", "not_mobile", "a landline"),
]


@pytest.mark.parametrize(("raw", "number", "code", "remark"), NUMBERS)
def test_numbers_are_read(sqlite_town: Town, raw: str, number: str, code: str, remark: str) -> None:
    (row,) = sqlite_town.rows(sqlite_town.start(raw))
    assert (row.msisdn, row.state, row.code) == (number, RowState.GOOD, code), remark


@pytest.mark.parametrize(("raw", "code", "remark"), WRONG)
def test_numbers_that_are_none(sqlite_town: Town, raw: str, code: str, remark: str) -> None:
    public_id = sqlite_town.file(f"numero;nom\n{raw};Awa\n{KOFI};Kofi\n")
    first, second = sqlite_town.rows(public_id)
    assert (first.state, first.code, first.cell) == (RowState.WRONG, code, "A2"), remark
    assert (second.state, second.cell) == (RowState.GOOD, "A3")


def test_the_first_row_with_a_number_is_the_one(town: Town) -> None:
    rows = "".join(f"{number};{name}\n" for number, name in ((AWA, ""), ("97000000", "Awa"), (KOFI, "K"), (AWA, "B")))
    public_id = town.file("numero;nom\n" + rows)
    assert [(row.state, row.code) for row in town.rows(public_id)] == [
        (RowState.WRONG, "no_value:nom"),
        (RowState.GOOD, "converted"),
        (RowState.GOOD, ""),
        (RowState.DUPLICATE, "same_number"),
    ]
    assert town.stored(public_id).segments == 2


def test_duplicates_are_seen_across_steps(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    from gateway.usecases import campaign_work

    monkeypatch.setattr(campaign_work, "STEP_ROWS", 2)
    public_id = town.file("numero;nom\n" + "".join(f"{n};x\n" for n in (AWA, KOFI, BIO, AWA, KOFI)))
    assert town.states(public_id) == ["good", "good", "good", "duplicate", "duplicate"]
    assert (town.stored(public_id).checked, town.stored(public_id).rows) == (5, 5)


VALUES = [
    ("Awa", RowState.GOOD, "", "Bonjour Awa"),
    ("A" * 20, RowState.GOOD, "", "Bonjour " + "A" * 20),
    ("A" * 21, RowState.GOOD, "shortened", "Bonjour " + "A" * 18 + ".."),
    ("visit evil.com", RowState.WRONG, "forbidden:nom", ""),
    ("http://10.0.0.1/x", RowState.WRONG, "forbidden:nom", ""),
    ("EVIL.CO/x", RowState.WRONG, "forbidden:nom", ""),
    ("x..evil.com", RowState.WRONG, "forbidden:nom", ""),
    ("-evil.com.", RowState.WRONG, "forbidden:nom", ""),
    ("éevil.com", RowState.WRONG, "forbidden:nom", ""),
    ("awa@evil.com", RowState.WRONG, "forbidden:nom", ""),
    ("anip.bj.evil.com", RowState.WRONG, "forbidden:nom", ""),
    ("https://anip.bj@evil.com", RowState.WRONG, "forbidden:nom", ""),
    ("anip.bj/suivi", RowState.GOOD, "", "Bonjour anip.bj/suivi"),
    ("www.anip.bj", RowState.GOOD, "", "Bonjour www.anip.bj"),
    ("Appelez 97 00 00 01", RowState.WRONG, "forbidden:nom", ""),
    ("0166112233", RowState.WRONG, "forbidden:nom", ""),
    ("*155*1#", RowState.WRONG, "forbidden:nom", ""),
    ("*229#", RowState.GOOD, "", "Bonjour *229#"),
    ("M. A.Dossou", RowState.GOOD, "", "Bonjour M. A.Dossou"),
    ("12/05/2026 a 14:30", RowState.GOOD, "", "Bonjour 12/05/2026 a 14:30"),
    ("4821 0937 5628", RowState.GOOD, "", "Bonjour 4821 0937 5628"),
    ("1 500 000 F", RowState.GOOD, "", "Bonjour 1 500 000 F"),
    ("#N/A", RowState.WRONG, "bad_cell:nom", ""),
    ("{nom}", RowState.GOOD, "", "Bonjour {nom}"),
]


@pytest.mark.parametrize(("value", "state", "code", "text"), VALUES)
def test_values(build: Any, sqlite_database: Any, value: str, state: RowState, code: str, text: str) -> None:
    town = build(sqlite_database)
    anip = town.parts.settings.institutions["anip"].model_copy(update={"links": ("anip.bj",)})
    town = build(sqlite_database, institutions={"anip": anip})
    template = town.template("Bonjour {nom}")
    public_id = town.start(template=template, source="single", recipients=(Recipient(AWA, {"nom": value}),))
    (row,) = town.rows(public_id)
    assert (row.state, row.code) == (state, code)
    assert campaigns.preview(town.parts, SENDER, public_id, 1) == text


def test_who_does_not_want_it_is_counted_and_left_out(town: Town) -> None:
    template = town.template("Vaccination samedi", category=Category.INFORMATION, sizes={})
    with town.parts.database.begin() as conn:
        for number, subject in ((AWA, "category:information"), (KOFI, "category:procedure"), (BIO, "sender:at")):
            holding = holdings.open_holding(conn, town.parts.seals, number, town.bench.time)
            preferences.note(conn, holding, subject, "out", "sms", town.bench.time)
    public_id = town.start(AWA, KOFI, BIO, template=template)
    assert town.states(public_id) == ["left_out", "good", "left_out"]
    shown = campaigns.show(town.parts, SENDER, public_id)
    assert shown.remarks == {"ne veut pas de ces messages": 2}
    assert shown.cost_f == 10


def test_the_sender_that_the_operator_carries_and_its_price(town: Town) -> None:
    with town.parts.database.begin() as conn:
        holdings.open_holding(conn, town.parts.seals, AWA, town.bench.time, "61603")
        holdings.open_holding(conn, town.parts.seals, KOFI, town.bench.time, "61602")
    public_id = town.start(AWA, KOFI, BIO, template=town.template(sender="anip"))
    assert [(str(row.state), row.code, row.cost_f) for row in town.rows(public_id)] == [
        ("good", "", 20),
        ("left_out", "unregistered", 0),
        ("good", "", 20),
    ]


def test_whoever_was_erased_since_it_began_is_left_out(town: Town) -> None:
    with town.parts.database.begin() as conn:
        persons.note_erasure(
            conn, holdings.digest_of(town.parts.seals, AWA), "x", town.bench.time + timedelta(seconds=1)
        )
        persons.note_erasure(
            conn, holdings.digest_of(town.parts.seals, KOFI), "x", town.bench.time - timedelta(seconds=1)
        )
    assert town.states(town.start(AWA, KOFI)) == ["left_out", "good"]


def test_languages(town: Town) -> None:
    template = town.template("Bonjour", sizes={}, en="Hello")
    with town.parts.database.begin() as conn:
        holding = holdings.open_holding(conn, town.parts.seals, KOFI, town.bench.time)
        preferences.note(conn, holding, "language", "en", "sms", town.bench.time)
    public_id = town.file(f"numero;langue\n{AWA};\n{KOFI};\n{BIO};EN\n+2290194000003;fon\n", template=template)
    assert [row.language for row in town.rows(public_id)] == ["fr", "en", "en", "fr"]
    public_id = town.start(AWA, template=template, language="en")
    assert [row.language for row in town.rows(public_id)] == ["en"]


def test_a_trial_key_reaches_its_guests_only(town: Town) -> None:
    public_id = town.start(AWA, KOFI, live=False, guests=frozenset({KOFI}))
    assert [(str(row.state), row.code) for row in town.rows(public_id)] == [("left_out", "no_guest"), ("good", "")]


def test_nothing_to_send_is_refused_with_a_sentence(town: Town) -> None:
    public_id = town.start("Awa")
    shown = campaigns.show(town.parts, SENDER, public_id)
    assert (shown.state, shown.why) == (CampaignState.REFUSED, "Aucune ligne ne peut être envoyée.")


def test_a_file_that_cannot_be_read_is_refused_with_a_sentence(town: Town) -> None:
    public_id = town.file('numero;nom\n97000000;"Awa\n')
    shown = campaigns.show(town.parts, SENDER, public_id, "en")
    assert (shown.state, shown.why) == (CampaignState.REFUSED, 'Line 2: a " that does not end. Correct it.')
    with town.parts.database.read() as conn:
        from gateway.store import campaigns as stored

        assert stored.file_of(conn, town.parts.seals, town.stored(public_id).id) is None


def test_the_file_goes_when_its_rows_are_checked(town: Town) -> None:
    from gateway.store import campaigns as stored

    public_id = town.file(f"numero;nom\n{AWA};Awa\n")
    with town.parts.database.read() as conn:
        assert stored.file_of(conn, town.parts.seals, town.stored(public_id).id) is None


def test_the_report_says_what_to_correct_and_runs_nothing(town: Town) -> None:
    public_id = town.file(f"numero;nom\n=cmd|'/c calc'!A1;Awa\n+33612345678;x\n{KOFI};@evil.com\n{KOFI};K\n{KOFI};K\n")
    content = b"".join(campaigns.report(town.parts, SENDER, public_id)).decode("utf-8-sig")
    assert content.splitlines() == [
        '"ligne";"cellule";"contenu";"raison"',
        '''"1";"A2";"'=cmd|'/c calc'!A1";"ce n'est pas un numéro de téléphone"''',
        '''"2";"A3";"'+33612345678";"numéro d'un autre pays"''',
        '''"3";"B4";"'@evil.com";"lien ou numéro qui n'est pas permis dans nom"''',
        '"5";"A6";"";"numéro déjà présent plus haut"',
    ]


def test_pasted_lists() -> None:
    assert [one.number for one in pasted("97000000\r\n96 00 00 01, 95000002;;\n\n94000003\t93000004")] == [
        "97000000", "96 00 00 01", "95000002", "94000003", "93000004",
    ]  # fmt: skip


REFUSED = [
    ({"source": "list"}, "no_recipients", "nobody"),
    ({"source": "file"}, "no_recipients", "an empty file"),
    ({"source": "file", "content": b"x" * 20_000_001}, "file_large", "a byte too many"),
    ({"source": "topic", "topic": "football"}, "no_topic", "a topic that is none"),
    ({"source": "state"}, "no_recipients", "no state"),
]


@pytest.mark.parametrize(("more", "code", "remark"), REFUSED)
def test_refused_at_once(sqlite_town: Town, more: Any, code: str, remark: str) -> None:
    with pytest.raises(CampaignRefused) as caught:
        campaigns.start(sqlite_town.parts, SENDER, "anip", NewCampaign(template_id=sqlite_town.template(), **more))
    assert caught.value.code == code, remark
    assert caught.value.sentence("fr") != caught.value.sentence("en")


def test_a_start_in_the_past(sqlite_town: Town) -> None:
    with pytest.raises(CampaignRefused):
        sqlite_town.start(AWA, start_at=sqlite_town.bench.time - timedelta(seconds=1))


def test_a_sender_that_is_not_the_institutions(build: Any, sqlite_database: Any) -> None:
    town = build(sqlite_database)
    anip = town.parts.settings.institutions["anip"].model_copy(update={"senders": ("s",)})
    town = build(sqlite_database, institutions={"anip": anip})
    with pytest.raises(CampaignRefused):
        town.start(AWA, template=town.template(sender="anip"))


def test_every_sentence_is_in_both_languages() -> None:
    from gateway.usecases import campaign_words as said

    for table in (said.ROWS, said.ROW_STATES, said.STATES, said.REFUSALS):
        assert table["fr"].keys() == table["en"].keys()
    assert set(said.STATES["fr"]) == set(CampaignState)
    assert set(said.ROW_STATES["fr"]) == set(RowState)


TOGETHER = [
    ("Voir bit.{nom}", "ly", "forbidden_text", "a link in two halves"),
    ("Voir {nom}.com", "evil", "forbidden_text", "the value is its name"),
    ("Appelez 9700{nom}", "0002", "forbidden_text", "a number in two halves"),
    ("Appelez le {nom}", "7788", "forbidden_text", "a short number"),
    ("Envoyez votre {nom}", "code", "asks", "the value is what is asked for"),
    ("Bonjour. {nom}", "Payez 500 F", "asks", "the value asks"),
    ("Votre co{nom}", "de PIN", "asks", "a word in two halves"),
    ("Bonjour {nom}", "Pinel", "", "a name"),
    ("Votre code de retrait: {nom}", "4821", "", "a code is told"),
]


@pytest.mark.parametrize(("text", "value", "code", "remark"), TOGETHER)
def test_what_text_and_value_say_together(sqlite_town: Town, text: str, value: str, code: str, remark: str) -> None:
    template = sqlite_town.template(text)
    public_id = sqlite_town.start(template=template, source="single", recipients=(Recipient(AWA, {"nom": value}),))
    (row,) = sqlite_town.rows(public_id)
    assert row.code == code, remark
    assert (row.state is RowState.WRONG) is bool(code)


def test_a_value_is_cut_before_it_is_looked_at_again(sqlite_town: Town) -> None:
    template = sqlite_town.template("Bonjour {nom}", sizes={"nom": 10})
    for value, state in (("A" * 10 + ".co", RowState.WRONG), ("evil." + "b" * 20, RowState.GOOD)):
        public_id = sqlite_town.start(template=template, source="single", recipients=(Recipient(AWA, {"nom": value}),))
        assert [row.state for row in sqlite_town.rows(public_id)] == [state], value


def test_a_default_sender_that_is_not_the_institutions(build: Any, sqlite_database: Any) -> None:
    town = build(sqlite_database)
    anip = town.parts.settings.institutions["anip"].model_copy(update={"senders": ("anip",)})
    town = build(sqlite_database, institutions={"anip": anip})
    with pytest.raises(CampaignRefused):
        town.start(AWA)
