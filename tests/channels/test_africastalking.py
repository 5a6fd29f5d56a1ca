"""Africa's Talking, everything but sending: raw bytes in, values and exact bytes out."""

import json
from pathlib import Path
from urllib.parse import quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.channels import ChannelDeclarationError, ChannelError, ChannelFault, build
from gateway.channels.base import Channel
from gateway.messages import Dlr, EndStatus, MtState, UssdEnd, UssdEvent, UssdReply, UssdTurn
from gateway.settings import ChannelSettings

FORM = "application/x-www-form-urlencoded"
CASES = Path(__file__).parent / "cases"
TURN = {
    "sessionId": "ATUid_1",
    "serviceCode": "*229#",
    "phoneNumber": "+2290197000000",
    "networkCode": "61603",
    "text": "1*2",
}


def rows(name: str) -> list[dict]:
    return json.loads((CASES / f"{name}.json").read_text(encoding="utf-8"))["cases"]


def built(**settings: object) -> Channel:
    values = {"kind": "africastalking", "username": "sandbox", **settings}
    return build("at", ChannelSettings.model_validate(values), config_folder=Path(), api_key="KEY", region="BJ")


CHANNEL = built()


def body_of(**changes: str | None) -> bytes:
    return urlencode({k: v for k, v in {**TURN, **changes}.items() if v is not None}).encode()


@pytest.mark.parametrize("row", rows("africastalking_ussd"), ids=lambda row: row["remark"])
def test_parse_ussd(row: dict) -> None:
    turn = CHANNEL.parse_ussd(row["body"].encode(), FORM)
    assert turn == UssdTurn(channel="at", **{**row["expect"], "event": UssdEvent(row["expect"]["event"])})


@pytest.mark.parametrize("row", rows("africastalking_events"), ids=lambda row: row["remark"])
def test_parse_event(row: dict) -> None:
    end = CHANNEL.parse_event(row["body"].encode(), FORM)
    assert end == UssdEnd(channel="at", **{**row["expect"], "status": EndStatus(row["expect"]["status"])})
    # What was typed and shown is in the event, and must go no further.
    assert "Votre NPI" not in repr(end)


@pytest.mark.parametrize("row", rows("africastalking_dlr"), ids=lambda row: row["remark"])
def test_parse_dlr(row: dict) -> None:
    report = CHANNEL.parse_dlr(row["body"].encode(), FORM)
    state = row["expect"]["state"]
    assert report == Dlr(channel="at", **{**row["expect"], "state": MtState(state) if state else None})
    final = {MtState.DELIVERED, MtState.FAILED_PERMANENT, MtState.EXPIRED}
    assert (report.state in final) is row["final"]


@pytest.mark.parametrize(
    ("reply", "expected", "remark"),
    [
        (UssdReply("1.Acte\n2.Suivi", final=False), b"CON 1.Acte\n2.Suivi", "goes on"),
        (UssdReply("Merci", final=True), b"END Merci", "the last screen"),
        (UssdReply("Déposée à 10 €", final=True), "END Déposée à 10 €".encode(), "UTF-8"),
        (UssdReply("", final=True), b"END ", "no text"),
        (UssdReply("a\ud800", final=True), b"END a?", "half a surrogate pair cannot be sent"),
    ],
)
def test_format_ussd(reply: UssdReply, expected: bytes, remark: str) -> None:
    turn = CHANNEL.parse_ussd(body_of(), FORM)
    assert isinstance(turn, UssdTurn)
    answer = CHANNEL.format_ussd(turn, reply)
    assert (answer.status, answer.content_type) == (200, "text/plain; charset=utf-8")
    assert answer.body == expected, remark


def test_format_end_is_a_200() -> None:
    assert CHANNEL.format_end().status == 200


@pytest.mark.parametrize(
    ("changes", "expected", "remark"),
    [
        ({"text": None}, {"text": ""}, "no text is an empty one"),
        ({"text": "1*"}, {"text": "1*"}, "an empty answer"),
        ({"text": "x" * 2000}, {"text": "x" * 2000}, "the longest text"),
        ({"text": "😀\x00\x1b\n"}, {"text": "😀\x00\x1b\n"}, "any character may be an answer"),
        ({"phoneNumber": "97000000"}, {"msisdn": "+2290197000000"}, "an old number"),
        ({"phoneNumber": "+33612345678"}, {"msisdn": "+33612345678"}, "the caller decides on countries"),
        ({"sessionId": "a" * 128}, {"session_id": "a" * 128}, "the longest session id"),
        ({"sessionId": "A-z_0.9:"}, {"session_id": "A-z_0.9:"}, "every character allowed"),
        ({"serviceCode": None}, {"service_code": ""}, "no service code"),
        ({"serviceCode": "*" * 32}, {"service_code": "*" * 32}, "the longest service code"),
        ({"networkCode": None}, {"network": ""}, "no network"),
        ({"networkCode": "<b>"}, {"network": ""}, "a network that no configuration could name"),
        ({"networkCode": "n" * 32}, {"network": "n" * 32}, "the longest network"),
    ],
)
def test_accepted(changes: dict, expected: dict, remark: str) -> None:
    turn = CHANNEL.parse_ussd(body_of(**changes), FORM)
    assert {name: getattr(turn, name) for name in expected} == expected, remark


@pytest.mark.parametrize(
    ("changes", "code", "name"),
    [
        ({"sessionId": None}, ChannelFault.MISSING_FIELD, "sessionId"),
        ({"sessionId": ""}, ChannelFault.MISSING_FIELD, "sessionId"),
        ({"sessionId": "a" * 129}, ChannelFault.BAD_SESSION_ID, "sessionId"),
        ({"sessionId": "a b"}, ChannelFault.BAD_SESSION_ID, "sessionId"),
        ({"sessionId": "a\n"}, ChannelFault.BAD_SESSION_ID, "sessionId"),
        ({"sessionId": "é"}, ChannelFault.BAD_SESSION_ID, "sessionId"),
        ({"phoneNumber": None}, ChannelFault.MISSING_FIELD, "phoneNumber"),
        ({"phoneNumber": "  "}, ChannelFault.MISSING_FIELD, "phoneNumber"),
        ({"phoneNumber": "ANONYMOUS"}, ChannelFault.BAD_NUMBER, "phoneNumber"),
        ({"phoneNumber": "+229019700000"}, ChannelFault.BAD_NUMBER, "phoneNumber"),
        ({"serviceCode": "*" * 33}, ChannelFault.BAD_SERVICE_CODE, "serviceCode"),
        ({"serviceCode": "*229#\n"}, ChannelFault.BAD_SERVICE_CODE, "serviceCode"),
        ({"text": "x" * 2001}, ChannelFault.FIELD_TOO_LONG, "text"),
        ({"networkCode": "n" * 33}, ChannelFault.FIELD_TOO_LONG, "networkCode"),
    ],
)
def test_refused(changes: dict, code: ChannelFault, name: str) -> None:
    with pytest.raises(ChannelError) as caught:
        CHANNEL.parse_ussd(body_of(**changes), FORM)
    assert (caught.value.code, caught.value.name, caught.value.status) == (code, name, 400)
    assert str(caught.value).startswith(name + ": ")
    for value in changes.values():
        assert not value or value.strip() == "" or value not in repr(caught.value)


@pytest.mark.parametrize(
    ("body", "content_type", "remark"),
    [
        (b"sessionId=a&phoneNumber=%2B2290197000000&text=%", FORM, "a lone percent sign"),
        (b"sessionId=a&phoneNumber=%2B2290197000000&text=%4", FORM, "half an escape"),
        (b"sessionId=a&phoneNumber=%2B2290197000000&text=%zz", FORM, "no hexadecimal"),
        (b"sessionId=a&phoneNumber=%2B2290197000000&te%zt=1", FORM, "in a name"),
        (b"sessionId=a&phoneNumber=%2B2290197000000&text=%E9", FORM, "Latin-1, escaped"),
        (b"sessionId=a&phoneNumber=%2B2290197000000&text=\xe9", FORM, "Latin-1, raw"),
        (body_of(), "application/json", "another form"),
        (body_of(), "multipart/form-data; boundary=x", "another form"),
    ],
)
def test_unreadable_body(body: bytes, content_type: str, remark: str) -> None:
    for parse in (CHANNEL.parse_ussd, CHANNEL.parse_event, CHANNEL.parse_dlr):
        with pytest.raises(ChannelError) as caught:
            parse(body, content_type)
        assert caught.value.code is ChannelFault.UNREADABLE_BODY, remark
        # Nor may a chained error carry the body into a traceback.
        assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize("content_type", ["", FORM, FORM + "; charset=UTF-8", FORM.upper()])
def test_content_types_of_a_form(content_type: str) -> None:
    assert isinstance(CHANNEL.parse_ussd(body_of(), content_type), UssdTurn)


def test_of_a_repeated_field_the_first_counts() -> None:
    turn = CHANNEL.parse_ussd(body_of() + b"&text=9&phoneNumber=%2B2290195000000", FORM)
    assert isinstance(turn, UssdTurn)
    assert (turn.text, turn.msisdn) == ("1*2", "+2290197000000")


def test_raw_utf8_is_read_like_escaped() -> None:
    turn = CHANNEL.parse_ussd(body_of(text=None) + "&text=Éloïse".encode(), FORM)
    assert isinstance(turn, UssdTurn)
    assert turn.text == "Éloïse"


@pytest.mark.parametrize(
    ("body", "expected", "remark"),
    [
        (b"sessionId=a&status=SUCCESS", UssdEnd("at", "a", EndStatus.COMPLETED), "words without case"),
        (b"sessionId=a&status=Vanished", UssdEnd("at", "a", EndStatus.DROPPED), "an unknown word"),
        (b"sessionId=a", UssdEnd("at", "a", EndStatus.DROPPED), "no word"),
        (
            b"sessionId=a&durationInMillis=-5&hopsCount=3.5&cost=" + b"9" * 40,
            UssdEnd("at", "a", EndStatus.DROPPED, None, None, "9" * 32),
            "figures that are none, a cost that is too long",
        ),
        (
            b"sessionId=a&hopsCount=" + b"9" * 13,
            UssdEnd("at", "a", EndStatus.DROPPED),
            "a figure that is too long",
        ),
    ],
)
def test_events_at_their_edges(body: bytes, expected: UssdEnd, remark: str) -> None:
    assert CHANNEL.parse_event(body, FORM) == expected, remark


@pytest.mark.parametrize(
    ("body", "expected", "remark"),
    [
        (b"id=x&status=success", Dlr("at", "x", MtState.DELIVERED, "success"), "words without case"),
        (b"id=x", Dlr("at", "x", None, ""), "no status"),
        (b"id=x&status=<b>&failureReason=a+b", Dlr("at", "x", None, ""), "no words for a log"),
        (b"id=x&status=Sent&phoneNumber=12", Dlr("at", "x", MtState.SENT, "Sent"), "no number"),
        (
            b"id=x&status=Failed&failureReason=NewReason",
            Dlr("at", "x", MtState.FAILED_PERMANENT, "Failed", "NewReason"),
            "a reason unknown to us",
        ),
    ],
)
def test_reports_at_their_edges(body: bytes, expected: Dlr, remark: str) -> None:
    assert CHANNEL.parse_dlr(body, FORM) == expected, remark


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"status=Sent", ChannelFault.MISSING_FIELD),
        (b"id=&status=Sent", ChannelFault.MISSING_FIELD),
        (b"id=None&status=Rejected", ChannelFault.MISSING_FIELD),
        (b"id=" + b"x" * 129, ChannelFault.BAD_MESSAGE_ID),
        (b"id=a%20b", ChannelFault.BAD_MESSAGE_ID),
    ],
)
def test_reports_without_an_id(body: bytes, code: ChannelFault) -> None:
    with pytest.raises(ChannelError) as caught:
        CHANNEL.parse_dlr(body, FORM)
    assert caught.value.code is code


FIELDS = st.dictionaries(
    st.sampled_from([*TURN, "id", "status", "failureReason", "durationInMillis", "hopsCount", "cost"]),
    st.text() | st.sampled_from(list(TURN.values())),
)


@given(
    st.binary(max_size=200)
    | st.builds(lambda f: "&".join(f"{k}={quote_plus(v, errors='replace')}" for k, v in f.items()).encode(), FIELDS)
    | st.builds(lambda f: "&".join(f"{k}={v}" for k, v in f.items()).encode("utf-8", "replace"), FIELDS)
)
def test_anything_is_read_or_refused(body: bytes) -> None:
    for parse in (CHANNEL.parse_ussd, CHANNEL.parse_event, CHANNEL.parse_dlr):
        status = 200
        try:
            assert isinstance(parse(body, FORM), UssdTurn | UssdEnd | Dlr)
        except ChannelError as error:
            status = error.status
        assert status in {200, 400}


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"username": ""}, "username"),
        ({"base_url": "ftp://host"}, "base_url"),
        ({"base_url": "http://host/v1?x=1"}, "base_url"),
    ],
)
def test_settings_that_cannot_be_used(settings: dict, word: str) -> None:
    with pytest.raises(ChannelDeclarationError, match=rf"channels\.at\.{word}"):
        built(**settings)


def test_a_key_is_never_repeated() -> None:
    settings = ChannelSettings(kind="africastalking", username="sandbox")
    with pytest.raises(ChannelDeclarationError) as caught:
        build("at", settings, config_folder=Path(), api_key="se\ncret", region="BJ")
    assert "cret" not in repr(caught.value)
