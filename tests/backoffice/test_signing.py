from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from gateway.backoffice.signing import SigningError, SigningFault, verifier

CASES = json.loads((Path(__file__).parent / "cases/standard_webhooks_signatures.json").read_text())["cases"]
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_" + base64.b64encode(b"o" * 32).decode()
NOW = datetime(2026, 11, 23, 13, 5, tzinfo=UTC)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["remark"])
def test_published_cases(case):
    if case["valid"] == "error":
        with pytest.raises(SigningError):
            verifier([case["secret"]])
        return
    checker, now = verifier([case["secret"]]), datetime.fromtimestamp(case["now"], tz=UTC)
    if case["valid"]:
        assert checker.check(case["headers"], case["body"].encode(), now) == case["headers"]["webhook-id"]
    else:
        with pytest.raises(SigningError):
            checker.check(case["headers"], case["body"].encode(), now)


def signed(secret: str, body: bytes = b"{}", at: datetime = NOW) -> dict[str, str]:
    return {
        "Webhook-Id": "e1",
        "Webhook-Timestamp": str(int(at.timestamp())),
        "Webhook-Signature": Webhook(secret).sign("e1", at, body.decode()),
    }


@pytest.mark.parametrize(("offset", "believed"), [(300, True), (301, False), (-300, True), (-301, False)], ids=str)
def test_five_minutes_either_way(offset, believed):
    at = datetime.fromtimestamp(NOW.timestamp() - offset, tz=UTC)
    if believed:
        assert verifier([SECRET]).check(signed(SECRET, at=at), b"{}", NOW) == "e1"
    else:
        with pytest.raises(SigningError) as caught:
            verifier([SECRET]).check(signed(SECRET, at=at), b"{}", NOW)
        assert caught.value.code is SigningFault.STALE


def test_an_older_secret_is_still_believed():
    assert verifier([OTHER, SECRET]).check(signed(SECRET), b"{}", NOW) == "e1"
    with pytest.raises(SigningError):
        verifier([OTHER]).check(signed(SECRET), b"{}", NOW)


@pytest.mark.parametrize(
    ("change", "code", "remark"),
    [
        ({"Webhook-Id": ""}, "missing_header", "empty id"),
        ({"Webhook-Timestamp": ""}, "missing_header", "empty time"),
        ({"Webhook-Signature": ""}, "missing_header", "empty signature"),
        ({"Webhook-Timestamp": "1e9"}, "bad_timestamp", "not whole seconds"),
        ({"Webhook-Timestamp": "٣"}, "bad_timestamp", "digits of another script"),
        ({"Webhook-Timestamp": "9" * 12}, "bad_timestamp", "beyond any calendar"),
        ({"Webhook-Timestamp": "9" * 11}, "stale", "far ahead"),
        ({"Webhook-Signature": "v1"}, "bad_signature", "no comma"),
        ({"Webhook-Signature": "v1,é"}, "bad_signature", "not ASCII"),
        ({"Webhook-Signature": "v1,***"}, "bad_signature", "not base64"),
        ({"Webhook-Signature": " , "}, "bad_signature", "only separators"),
    ],
)
def test_malformed_headers(change, code, remark):
    with pytest.raises(SigningError) as caught:
        verifier([SECRET]).check({**signed(SECRET), **change}, b"{}", NOW)
    assert caught.value.code == code


def test_the_raw_bytes_count():
    headers = signed(SECRET, b'{"a":1}')
    assert verifier([SECRET]).check(headers, b'{"a":1}', NOW)
    for other in (b'{"a": 1}', b'{"a":1}\n', b"\xff"):
        with pytest.raises(SigningError):
            verifier([SECRET]).check(headers, other, NOW)


@pytest.mark.parametrize(
    ("secrets", "code", "remark"),
    [
        ([], "no_secret", "none at all"),
        ([""], "bad_secret", "empty"),
        (["whsec_"], "bad_secret", "only the prefix"),
        (["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"], "bad_secret", "no prefix"),
        (["whsec_" + base64.b64encode(b"k" * 23).decode()], "bad_secret", "23 bytes"),
        (["whsec_é"], "bad_secret", "not base64"),
        (["whsec_" + "A" * 38 + "-_"], "bad_secret", "the alphabet of addresses: each reader makes another key of it"),
        (["whsec_" + "A" * 41], "bad_secret", "one letter too many"),
        ([SECRET, "whsec_"], "bad_secret", "one of two"),
    ],
)
def test_secrets_refused_at_set_up(secrets, code, remark):
    with pytest.raises(SigningError) as caught:
        verifier(secrets)
    assert caught.value.code == code


@pytest.mark.parametrize("size", [24, 25, 26, 64])
@pytest.mark.parametrize("padded", [True, False])
def test_a_secret_of_each_length_with_and_without_padding(size, padded):
    key = "whsec_" + base64.b64encode(b"k" * size).decode()
    key = key if padded else key.rstrip("=")
    assert verifier([key]).check(signed(key), b"{}", NOW) == "e1"


def test_secrets_stay_out_of_reprs():
    assert "MfKQ" not in repr(verifier([SECRET]))
