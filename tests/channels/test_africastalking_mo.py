"""SMS from citizens and opt-outs, as the aggregator posts them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.channels.base import Channel, ChannelError, ChannelFault, Ignored
from gateway.channels.build import build
from gateway.messages import MoSms, OptOut
from gateway.settings import ChannelSettings

FORM = "application/x-www-form-urlencoded"
AT_645 = datetime(2017, 5, 3, 6, 4, 45, tzinfo=UTC)
SMS = {
    "date": "2017-05-03T06:04:45Z",
    "from": "+2290197000000",
    "id": "8a1e2b",
    "linkId": "SampleLinkId123",
    "text": "STATUT 4821",
    "to": "22900",
    "networkCode": "61603",
    "cost": "None",
}


@pytest.fixture(scope="module")
def channel() -> Channel:
    declared = ChannelSettings(kind="africastalking", username="sandbox")
    return build("at", declared, config_folder=Path("config"), api_key="k", region="BJ")


def posted(**changes: str) -> bytes:
    return urlencode({**SMS, **changes}).encode()


def test_one_sms(channel: Channel) -> None:
    assert channel.parse_mo(posted(), FORM) == MoSms(
        "at", "8a1e2b", "+2290197000000", "22900", "STATUT 4821", AT_645, "61603"
    )


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("2017-05-03T06:04:45Z", AT_645),
        ("2017-05-03 06:04:45", AT_645),
        ("2017-05-03T06:04:45.000Z", AT_645),
        ("2017-05-03T07:04:45+01:00", AT_645),
        ("", None),
        ("hier", None),
        ("2017-13-45 99:99:99", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("x" * 500, None),
    ],
)
def test_a_date_in_either_form_and_none_is_no_error(channel: Channel, date: str, expected: datetime | None) -> None:
    sms = channel.parse_mo(posted(date=date), FORM)
    assert isinstance(sms, MoSms)
    assert sms.sent_at == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"from": "2290197000000"}, {"msisdn": "+2290197000000"}),
        ({"from": " 2290197000000"}, {"msisdn": "+2290197000000"}),
        ({"from": "+22997000000"}, {"msisdn": "+2290197000000"}),
        ({"text": ""}, {"text": ""}),
        ({"text": "é" * 2000}, {"text": "é" * 1600}),
        ({"to": "eGouv"}, {"to": ""}),
        ({"to": "+22900"}, {"to": "+22900"}),
        ({"networkCode": "a/b"}, {"network": ""}),
    ],
    ids=[
        "no plus",
        "a plus not escaped",
        "an old number",
        "no text",
        "too long",
        "to a name",
        "with a plus",
        "a network",
    ],
)
def test_what_is_read_all_the_same(channel: Channel, changes: dict[str, str], expected: dict[str, str]) -> None:
    sms = channel.parse_mo(posted(**changes), FORM)
    assert {name: getattr(sms, name) for name in expected} == expected


@pytest.mark.parametrize("sender", ["MTN", "22900", "100"], ids=["a name", "a short code", "a service"])
def test_what_no_citizen_sent_is_ignored(channel: Channel, sender: str) -> None:
    assert channel.parse_mo(posted(**{"from": sender}), FORM) == Ignored()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"from": ""}, ChannelFault.MISSING_FIELD),
        ({"id": ""}, ChannelFault.MISSING_FIELD),
        ({"id": "None"}, ChannelFault.MISSING_FIELD),
        ({"id": "é"}, ChannelFault.BAD_MESSAGE_ID),
        ({"id": "x" * 129}, ChannelFault.BAD_MESSAGE_ID),
        ({"to": "1" * 65}, ChannelFault.FIELD_TOO_LONG),
    ],
)
def test_without_an_id_nothing_can_be_told_apart(channel: Channel, changes: dict[str, str], code: ChannelFault) -> None:
    with pytest.raises(ChannelError) as refused:
        channel.parse_mo(posted(**changes), FORM)
    assert refused.value.code is code


def test_an_opt_out(channel: Channel) -> None:
    body = urlencode({"senderId": "22900", "phoneNumber": "+22997000000"}).encode()
    assert channel.parse_optout(body, FORM) == OptOut("at", "22900", "+2290197000000")
    assert channel.parse_optout(b"phoneNumber=%2B2290197000000", FORM).sender == ""
    with pytest.raises(ChannelError):
        channel.parse_optout(b"senderId=22900", FORM)


@given(st.binary(max_size=300))
def test_anything_is_read_or_refused(channel: Channel, body: bytes) -> None:
    for read in (channel.parse_mo, channel.parse_optout):
        try:
            read(body, FORM)
        except ChannelError as error:
            assert error.status == 400  # noqa: PT017 - either is right


def test_nothing_personal_in_a_repr(channel: Channel) -> None:
    shown = repr(channel.parse_mo(posted(), FORM))
    assert "97000000" not in shown
    assert "STATUT" not in shown
