"""The declared channels: raw bytes in, values and exact JSON out; and declarations that cannot be used."""

import json
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gateway.channels import ChannelDeclarationError, ChannelError, ChannelFault, Ignored, build
from gateway.channels.base import Channel
from gateway.channels.declaration import PLACEHOLDERS, Declaration, Fields, Signals
from gateway.messages import EndStatus, MtSms, UssdEnd, UssdEvent, UssdReply, UssdTurn
from gateway.settings import ChannelSettings

CONFIG = Path(__file__).parents[2] / "config"
JSON = "application/json"
SHIPPED = ("arkesel", "nalo", "hubtel", "mtn_madapi")
FILES = {
    name: json.loads((Path(__file__).parent / "cases" / f"{name}.json").read_text(encoding="utf-8")) for name in SHIPPED
}
ROWS = [(name, row) for name, file in FILES.items() for row in file["cases"]]
TEXT = "1. Etat civil\n2. Quitter"


def built(name: str, folder: Path = CONFIG, region: str = "GH", **settings: object) -> Channel:
    values = {"kind": "http_json", "declaration": name, "dedupe": "window", **settings}
    return build(name, ChannelSettings.model_validate(values), config_folder=folder, api_key=None, region=region)


CHANNELS = {name: built(name, region=file["region"], **file["settings"]) for name, file in FILES.items()}


def value_of(expect: dict, name: str) -> UssdTurn | UssdEnd | Ignored:
    if "ignored" in expect:
        return Ignored()
    if "status" in expect:
        return UssdEnd(channel=name, **{**expect, "status": EndStatus(expect["status"])})
    return UssdTurn(channel=name, **{**expect, "event": UssdEvent(expect["event"])})


@pytest.mark.parametrize(("name", "row"), ROWS, ids=lambda v: v if isinstance(v, str) else v["remark"])
def test_shipped_declarations(name: str, row: dict) -> None:
    channel = CHANNELS[name]
    if "fault" in row["expect"]:
        with pytest.raises(ChannelError) as caught:
            channel.parse_ussd(row["body"].encode(), JSON)
        assert (caught.value.code, caught.value.status) == (row["expect"]["fault"], row["expect"]["status"])
        return
    received = channel.parse_ussd(row["body"].encode(), JSON)
    assert received == value_of(row["expect"], name)
    for how, expected in row.get("reply", {}).items():
        assert isinstance(received, UssdTurn)
        answer = channel.format_ussd(received, UssdReply(TEXT, final=how == "end"))
        assert (answer.status, answer.content_type) == (200, JSON)
        # The order of keys is the declaration's; every byte is pinned.
        assert answer.body == json.dumps(expected, ensure_ascii=False, separators=(",", ":")).encode()


def test_the_end_and_the_ignored_are_answered() -> None:
    answer = CHANNELS["mtn_madapi"].format_end()
    assert (answer.status, answer.content_type, answer.body) == (200, JSON, b"{}")


def test_what_a_declared_channel_does_not_do() -> None:
    channel = CHANNELS["mtn_madapi"]
    for call in (
        lambda: channel.parse_event(b"{}", JSON),
        lambda: channel.parse_dlr(b"{}", JSON),
        lambda: channel.send(MtSms("mtn", "", "Bonjour", ("+2290197000000",))),
    ):
        with pytest.raises(ChannelError) as caught:
            call()
        assert caught.value.code is ChannelFault.NOT_SUPPORTED


HUBTEL = json.loads(FILES["hubtel"]["cases"][0]["body"])
ARKESEL = json.loads(FILES["arkesel"]["cases"][0]["body"])


@pytest.mark.parametrize(
    ("dialled", "tail", "remark"),
    [
        ("*713*55#", "", "the code alone"),
        ("*713*55*1#", "1", "one more"),
        ("*713*55*1*2#", "1*2", "two more"),
        ("713*55*1", "1", "without its signs"),
        ("", "", "an application channel sends nothing"),
        ("*713*551#", "", "a longer code is another code"),
        ("*999*55*1#", "", "another code"),
        (" *713*55*1# ", "1", "spaces around"),
        ("*713*55*1#*2#", "1#*2", "only the last sign is taken off"),
    ],
)
def test_dial_tail(dialled: str, tail: str, remark: str) -> None:
    turn = CHANNELS["hubtel"].parse_ussd(json.dumps({**HUBTEL, "Message": dialled}).encode(), JSON)
    assert isinstance(turn, UssdTurn)
    assert (turn.event, turn.text) == (UssdEvent.NEW, tail), remark


@pytest.mark.parametrize(
    ("changes", "expected", "remark"),
    [
        ({"Type": "INITIATION"}, {"event": UssdEvent.NEW}, "words without case"),
        ({"Type": "Response", "Message": None}, {"text": ""}, "null is nothing"),
        ({"Type": "Response", "Message": 12}, {"text": "12"}, "a number is its digits"),
        ({"Type": "Response", "Message": True}, {"text": "true"}, "so is a boolean"),
        ({"Type": "Response", "Message": "*713*55*1#"}, {"text": "*713*55*1#"}, "an answer has no tail"),
        ({"Type": "Response", "Message": "x" * 182}, {"text": "x" * 182}, "the longest input"),
        ({"ServiceCode": "*713*55#"}, {"service_code": "*713*55#"}, "the code with its signs"),
        ({"ServiceCode": None}, {"service_code": ""}, "no code, and none declared"),
        ({"Sequence": None}, {"turn_id": None}, "no sequence"),
        ({"Sequence": "s" * 64}, {"turn_id": "s" * 64}, "the longest sequence"),
        ({"Mobile": "0240000001"}, {"msisdn": "+233240000001"}, "a national number"),
    ],
)
def test_accepted(changes: dict, expected: dict, remark: str) -> None:
    turn = CHANNELS["hubtel"].parse_ussd(json.dumps({**HUBTEL, **changes}).encode(), JSON)
    assert {name: getattr(turn, name) for name in expected} == expected, remark


@pytest.mark.parametrize(
    ("changes", "code", "name"),
    [
        ({"Type": "AddToCart"}, ChannelFault.UNKNOWN_EVENT, "Type"),
        ({"Type": None}, ChannelFault.UNKNOWN_EVENT, "Type"),
        ({"Type": ["response"]}, ChannelFault.UNREADABLE_BODY, "Type"),
        ({"SessionId": None}, ChannelFault.MISSING_FIELD, "SessionId"),
        ({"SessionId": "a b"}, ChannelFault.BAD_SESSION_ID, "SessionId"),
        ({"Mobile": ""}, ChannelFault.MISSING_FIELD, "Mobile"),
        ({"Mobile": "12"}, ChannelFault.BAD_NUMBER, "Mobile"),
        ({"Message": "x" * 183}, ChannelFault.FIELD_TOO_LONG, "Message"),
        ({"Message": {"a": 1}}, ChannelFault.UNREADABLE_BODY, "Message"),
        ({"Message": 1.5}, ChannelFault.UNREADABLE_BODY, "Message"),
        ({"ServiceCode": "menu"}, ChannelFault.BAD_SERVICE_CODE, "ServiceCode"),
        ({"Sequence": "s" * 65}, ChannelFault.FIELD_TOO_LONG, "Sequence"),
        ({"Operator": "o" * 33}, ChannelFault.FIELD_TOO_LONG, "Operator"),
    ],
)
def test_refused(changes: dict, code: ChannelFault, name: str) -> None:
    with pytest.raises(ChannelError) as caught:
        CHANNELS["hubtel"].parse_ussd(json.dumps({**HUBTEL, **changes}).encode(), JSON)
    assert (caught.value.code, caught.value.name, caught.value.status) == (code, name, 400)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'"text"', b'{"a": "\xe9"}', b'{"a": "\\ud800"}', b"[" * 16_000, b"a=b", b"NaN"],
)
def test_unreadable_body(body: bytes) -> None:
    with pytest.raises(ChannelError) as caught:
        CHANNELS["hubtel"].parse_ussd(body, JSON)
    assert caught.value.status == 400
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize(
    ("given_id", "remark"),
    [("OTHER", "another account"), (None, "none"), ("egouv_app", "case counts"), ("é", "not ASCII")],
)
def test_a_foreign_account_is_403(given_id: str | None, remark: str) -> None:
    with pytest.raises(ChannelError) as caught:
        CHANNELS["arkesel"].parse_ussd(json.dumps({**ARKESEL, "userID": given_id}).encode(), JSON)
    assert (caught.value.code, caught.value.status) == (ChannelFault.FOREIGN_ACCOUNT, 403), remark


def test_the_number_goes_back_as_it_came() -> None:
    channel = CHANNELS["mtn_madapi"]
    body = json.loads(FILES["mtn_madapi"]["cases"][0]["body"])
    turn = channel.parse_ussd(json.dumps({**body, "msisdn": "22997000000"}).encode(), JSON)
    assert isinstance(turn, UssdTurn)
    assert turn.msisdn == "+2290197000000"
    assert "22997000000" not in repr(turn)
    reply = UssdReply("x", final=False)
    assert json.loads(channel.format_ussd(turn, reply).body)["data"]["msisdn"] == "22997000000"
    unknown = replace(turn, number_given="")
    assert json.loads(channel.format_ussd(unknown, reply).body)["data"]["msisdn"] == "2290197000000"


@pytest.mark.parametrize("text", ['"', "\\", "{session}", "é 😀", "a\nb", "\x00"])
def test_a_text_is_never_more_than_a_text(text: str) -> None:
    turn = CHANNELS["hubtel"].parse_ussd(json.dumps(HUBTEL).encode(), JSON)
    assert isinstance(turn, UssdTurn)
    answer = CHANNELS["hubtel"].format_ussd(turn, UssdReply(text, final=False))
    assert json.loads(answer.body)["Message"] == text


def test_half_a_surrogate_pair_does_not_break_the_reply() -> None:
    turn = CHANNELS["hubtel"].parse_ussd(json.dumps(HUBTEL).encode(), JSON)
    assert isinstance(turn, UssdTurn)
    answer = CHANNELS["hubtel"].format_ussd(turn, UssdReply("a\ud800", final=False))
    assert json.loads(answer.body)["Message"] == "a?"


SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=40)
OBJECTS = st.dictionaries(
    st.sampled_from([*HUBTEL, *ARKESEL]),
    SCALARS | st.lists(SCALARS, max_size=2) | st.sampled_from([*HUBTEL.values(), *ARKESEL.values()]),
)


@given(
    st.binary(max_size=200)
    | OBJECTS.map(lambda o: json.dumps(o).encode())
    | OBJECTS.map(lambda o: msgspec.json.encode({**HUBTEL, **{k: v for k, v in o.items() if k != "Type"}}))
)
def test_anything_is_read_or_refused(body: bytes) -> None:
    for channel in CHANNELS.values():
        status = 200
        try:
            received = channel.parse_ussd(body, JSON)
            assert isinstance(received, UssdTurn | UssdEnd | Ignored)
            if isinstance(received, UssdTurn):
                json.loads(channel.format_ussd(received, UssdReply("x", final=True)).body)
        except ChannelError as error:
            status = error.status
        assert status in {200, 400, 403}


# Declarations

GOOD = yaml.safe_load((CONFIG / "channels" / "hubtel.yaml").read_text(encoding="utf-8"))


def changed(path: str, value: object) -> dict:
    """GOOD with the value at a dotted path replaced, or taken away when it is None."""
    copy = json.loads(json.dumps(GOOD))
    *parents, last = path.split(".")
    part = copy
    for name in parents:
        part = part[name]
    if value is None:
        del part[last]
    else:
        part[last] = value
    return copy


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("fields.session", None, "fields.session"),
        ("fields.sesion", "x", "fields.sesion"),
        ("transport", "get", "transport"),
        ("max_input", 2001, "max_input"),
        ("service_code", "229", "service_code"),
        ("fields.service_code", None, "service_code: is needed"),
        ("signals.new", None, "signals.new"),
        ("signals.abort", ["Response"], "one thing only: response"),
        ("reply.Message", "Bonjour", "shows {text} nowhere"),
        ("reply.Message", "{txt}", "unknown placeholder {txt}"),
        ("reply", {"Message": "{text}"}, "nothing tells the aggregator"),
        ("reply.Item", {"at": ["{when}"]}, "unknown placeholder {when}"),
        ("end_answer", {"body": {"a": "{text}"}}, "unknown placeholder {text}"),
        ("end_answer", {"status": 500}, "end_answer.status"),
        ("reply", None, "reply"),
        ("source", None, "source"),
    ],
)
def test_a_fault_names_its_file_and_key(tmp_path: Path, path: str, value: object, says: str) -> None:
    with pytest.raises(ChannelDeclarationError) as caught:
        built("broken", written(tmp_path, yaml.safe_dump(changed(path, value))))
    assert any(says in fault for fault in caught.value.faults), caught.value.faults
    assert all("broken.yaml" in fault for fault in caught.value.faults)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: [", "not valid YAML"),
        ("just words", "the file"),
        ("", "the file"),
        (yaml.safe_dump(GOOD).replace("Accueil", "2026-11-23"), "quote it"),
        (yaml.safe_dump(GOOD).replace("FieldType:", "1:"), "reply.1"),
        (yaml.safe_dump(GOOD).replace("FieldType: text", "Item: {1: x}"), "quote it"),
    ],
)
def test_a_file_that_is_no_declaration(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ChannelDeclarationError, match=says):
        built("broken", written(tmp_path, text))


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    values = {**GOOD, "transport": "get", "max_input": 0, "unknown": 1}
    with pytest.raises(ChannelDeclarationError) as caught:
        built("broken", written(tmp_path, yaml.safe_dump(values)))
    assert len(caught.value.faults) == 3


@pytest.mark.parametrize("name", ["absent", "../gateway", "Hubtel", "a/b"])
def test_a_name_that_leads_nowhere(name: str) -> None:
    with pytest.raises(ChannelDeclarationError):
        built(name)


@pytest.mark.parametrize(
    ("name", "settings", "says"),
    [
        ("hubtel", {"dedupe": "transcript"}, "only the last input"),
        ("nalo", {"dedupe": "sequence", "username": "U"}, "needs fields.turn"),
        ("nalo", {"dedupe": "request_id", "username": "U"}, "needs fields.turn"),
        ("nalo", {"dedupe": "window"}, "username"),
        ("hubtel", {"dedupe": "sequence", "sms": True}, "USSD only"),
    ],
)
def test_settings_that_do_not_go_with_the_declaration(name: str, settings: dict, says: str) -> None:
    with pytest.raises(ChannelDeclarationError, match=says):
        built(name, **settings)


def written(folder: Path, text: str) -> Path:
    (folder / "channels").mkdir()
    (folder / "channels" / "broken.yaml").write_text(text, encoding="utf-8")
    return folder


def test_the_example_of_the_documentation(tmp_path: Path) -> None:
    page = (CONFIG.parent / "docs" / "channels.md").read_text(encoding="utf-8")
    example = page.split("```yaml\n")[1].split("```")[0]
    channel = built("broken", written(tmp_path, example), dedupe="sequence")
    message = {"event": "begin", "sid": "s1", "msisdn": "233240000001", "code": "229", "msg": "*229*1#", "seq": 1}
    turn = channel.parse_ussd(json.dumps(message).encode(), JSON)
    assert isinstance(turn, UssdTurn)
    assert (turn.event, turn.service_code, turn.text, turn.turn_id) == (UssdEvent.NEW, "*229#", "1", "1")
    answer = channel.format_ussd(turn, UssdReply("Oui ?", final=False))
    assert answer.body == b'{"sid":"s1","message":"Oui ?","action":"ask"}'


def test_the_documentation_names_every_key_and_placeholder() -> None:
    page = (CONFIG.parent / "docs" / "channels.md").read_text(encoding="utf-8")
    keys = [*Declaration.model_fields, *Fields.model_fields, *Signals.model_fields, *PLACEHOLDERS]
    assert [key for key in keys if key not in page] == []
