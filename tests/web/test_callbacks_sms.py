"""The routes of SMS from citizens: stored before the answer, once, and asked for again when it could not be."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from gateway.store import holdings, mos, outbox, preferences
from gateway.store.db import StoreUnavailable, Why
from gateway.usecases import sms_in
from tests.web.conftest import Site

MO = "/channels/africastalking/local/mo"
OPTOUT = "/channels/africastalking/local/optout"
SMS = {"date": "2026-11-24 08:00:00", "from": "+2290197000000", "id": "A1", "text": "AIDE", "to": "22900"}


def body(**changes: str) -> bytes:
    return urlencode({**SMS, **changes}).encode()


def stored(site: Site) -> list[mos.StoredMo]:
    with site.gateway.database.read() as conn:
        return list(mos.list_page(conn, site.gateway.parts.seals, 99))


def test_stored_before_it_is_answered_and_once(site: Site) -> None:
    assert site.call("POST", MO, body())[0] == 200
    (mo,) = stored(site)
    assert (mo.text, mo.msisdn, mo.to, mo.state) == ("AIDE", "+2290197000000", "22900", "received")
    with site.gateway.database.read() as conn:
        assert [row.state for row in outbox.of_target(conn, "mo", mo.id)] == ["ready"]
    assert site.call("POST", MO, body(text="autre"))[0] == 200
    assert stored(site) == [mo], "a redelivery has no effect"


def test_what_cannot_be_stored_is_delivered_again(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise StoreUnavailable(Why.FULL)

    monkeypatch.setattr(sms_in.mos, "add", away)
    assert site.call("POST", MO, body())[0] == 503
    monkeypatch.undo()
    assert site.call("POST", MO, body())[0] == 200
    assert len(stored(site)) == 1


def test_what_no_citizen_sent_is_taken_and_forgotten(site: Site) -> None:
    assert site.call("POST", MO, body(**{"from": "MTN"}))[0] == 200
    assert stored(site) == []


@pytest.mark.parametrize("path", ["mo", "optout"])
def test_a_wrong_token_is_the_same_404(site: Site, path: str) -> None:
    assert site.call("POST", f"/channels/africastalking/wrong/{path}", body())[0] == 404
    assert site.call("GET", f"/channels/africastalking/local/{path}")[0] == 405
    assert stored(site) == []


@pytest.mark.parametrize(("path", "sent"), [(MO, b"text=a"), (MO, b"\xff"), (OPTOUT, b"senderId=x")])
def test_what_cannot_be_read_is_400(site: Site, path: str, sent: bytes) -> None:
    assert site.call("POST", path, sent)[0] == 400


def test_a_channel_without_sms(site: Site) -> None:
    assert site.call("POST", "/channels/mtn_madapi/local/mo", b"{}")[0] == 400


def test_an_opt_out_is_mirrored(site: Site) -> None:
    sent = urlencode({"senderId": "22900", "phoneNumber": "+2290197000000"}).encode()
    assert site.call("POST", OPTOUT, sent)[0] == 200
    assert site.call("POST", OPTOUT, sent)[0] == 200
    with site.gateway.database.read() as conn:
        holding = holdings.find_open(conn, site.gateway.parts.seals, "+2290197000000", site.gateway.parts.silent_since)
        assert holding is not None
        (choice,) = preferences.history(conn, holding)
    assert (choice.subject, choice.value, choice.source) == ("sender:africastalking", "out", "aggregator")
