"""Whatever arrives at a callback, the answer is never a 5xx, and what should not advance does not."""

from __future__ import annotations

from urllib.parse import quote_from_bytes, urlencode

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.web.conftest import Site

SETTINGS = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
AT = "/channels/africastalking/local/"
MADAPI = "/channels/mtn_madapi/local/ussd"

anything = st.text(max_size=60) | st.sampled_from(
    ["", "1", "*", "1*1", "0", "00", "98", "😀", "\x00", "1*1*1234567890"]
)
numbers = (
    st.sampled_from(["+2290197000000", " 2290197000000", "97000000", "+233240000001", "", "x", "01 97 00 00 00"])
    | anything
)
forms = st.fixed_dictionaries(
    {},
    optional={
        "sessionId": st.sampled_from(["s1", "s2", ""]) | anything,
        "phoneNumber": numbers,
        "networkCode": anything,
        "serviceCode": st.sampled_from(["*229#"]) | anything,
        "text": anything,
        "status": anything,
        "id": anything,
        "failureReason": anything,
        "durationInMillis": anything,
        "hopsCount": anything,
        "date": anything,
        "from": numbers,
        "to": anything,
    },
)


@pytest.mark.parametrize("route", ["ussd", "events", "dlr", "mo", "optout"])
@SETTINGS
@given(form=forms)
def test_forms(site: Site, route: str, form: dict[str, str]) -> None:
    status, _, body = site.call("POST", AT + route, urlencode(form, errors="surrogatepass").encode())
    assert status in {200, 400}
    if route == "ussd" and status == 200:
        assert body.startswith((b"CON ", b"END "))


@SETTINGS
@given(
    body=st.binary(max_size=300),
    kind=st.sampled_from(["application/x-www-form-urlencoded", "application/json", "", "x"]),
)
def test_bytes(site: Site, body: bytes, kind: str) -> None:
    for path in (AT + "ussd", AT + "events", AT + "dlr", AT + "mo", AT + "optout", MADAPI):
        assert site.call("POST", path, body, CONTENT_TYPE=kind)[0] in {200, 400, 403}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | anything,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(anything, inner, max_size=3),
    max_leaves=6,
)


@SETTINGS
@given(
    message=st.fixed_dictionaries(
        {},
        optional={
            "sessionId": json_values,
            "messageType": st.sampled_from(["0", "1", "2", "3", "4", "5", 0, 1, 9]) | json_values,
            "msisdn": numbers | json_values,
            "serviceCode": st.just("*229#") | json_values,
            "ussdString": anything | json_values,
        },
    )
)
def test_json(site: Site, message: dict[str, object]) -> None:
    body = msgspec.json.encode(message) if _encodable(message) else b"{}"
    assert site.call("POST", MADAPI, body, CONTENT_TYPE="application/json")[0] in {200, 400, 403}


def _encodable(message: dict[str, object]) -> bool:
    try:
        msgspec.json.encode(message)
    except (UnicodeEncodeError, ValueError, TypeError):
        return False
    return True


@SETTINGS
@given(path=st.text(max_size=80), method=st.sampled_from(["GET", "POST", "PUT", "HEAD", "OPTIONS"]))
def test_paths(site: Site, path: str, method: str) -> None:
    latin = path.encode("utf-8", "replace").decode("latin-1")
    status, _, _ = site.call(method, "/" + latin, b"")
    assert status < 500
    status, _, _ = site.call(method, "/channels/" + quote_from_bytes(path.encode("utf-8", "replace")), b"")
    assert status < 500


@SETTINGS
@given(answers=st.lists(anything.map(lambda text: text.replace("*", "")), max_size=6))
def test_dialogues(site: Site, answers: list[str]) -> None:
    """A walk of random answers: each reply is a screen that fits, and the last one delivered again is the same."""
    session = f"s{abs(hash(tuple(answers)))}"
    text = ""
    for answer in [None, *answers]:
        text = "" if answer is None else f"{text}*{answer}" if text else answer
        form = urlencode(
            {"sessionId": session, "phoneNumber": "+2290197000000", "serviceCode": "*229#", "text": text},
            errors="replace",
        ).encode()
        first = site.call("POST", AT + "ussd", form)
        assert first[0] == 200
        assert first == site.call("POST", AT + "ussd", form)
        assert len(first[2].decode()) <= 4 + 160
