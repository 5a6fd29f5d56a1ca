"""SQL injection through everything that comes from outside: no statement ever holds a value."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote, urlencode

import pytest
from sqlalchemy import Engine
from sqlalchemy import event as sql_event

from gateway.store import mos
from gateway.workers import lanes
from tests.security.conftest import AT, NUMBER, event, sms, ussd
from tests.web.conftest import Site
from tests.web.test_verify import deposit, post

#: Stands in every payload, and in no table, column or value of ours.
MARK = "zq9"
PAYLOADS = [
    f"' OR '{MARK}'='{MARK}",
    f"{MARK}'; DROP TABLE submissions; --",
    f'{MARK}"); DELETE FROM outbox; --',
    f"{MARK}' UNION SELECT name, sql FROM sqlite_master --",
    f"{MARK}\\'; --",
    f"%({MARK})s :{MARK} ?{MARK} $1{MARK} {{{MARK}}}",
    f"{MARK}/**/OR/**/1=1",
    f"{MARK}\x00' OR 1=1 --",
    f"{MARK}ʼ ＇ OR 1=1",
]


@pytest.fixture
def statements(site: Site) -> Iterator[list[str]]:
    """Every SQL statement given to a driver from now on."""
    seen: list[str] = []

    def note(conn: object, cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    sql_event.listen(Engine, "before_cursor_execute", note)
    yield seen
    sql_event.remove(Engine, "before_cursor_execute", note)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_sql_in_any_text_stays_a_value(site: Site, statements: list[str], payload: str) -> None:
    reference, code = deposit(site)
    before = site.call("GET", "/metrics")[2].count(b"submissions{")
    for number, text in enumerate([payload, f"STATUT {payload}", f"VERIF {payload} {payload}", f"ACTE {payload}"]):
        assert sms(site, text, f"m{number}")[0] == 200
    sms(site, "AIDE", payload)
    sms(site, "AIDE", "to", to=payload)
    sms(site, "AIDE", "network", networkCode=payload)
    with ThreadPoolExecutor(2) as pool:
        while lanes.drain_once(site.gateway, "urgent", pool) != (0, 0):
            pass
    ussd(site, payload.replace("*", " "))
    for start in ("1*1*1234567890", "2*2", "4"):
        ussd(site, f"{start}*{payload.replace('*', ' ')}", session=f"d{start.replace('*', '-')}")
    ussd(site, "", session=payload)
    ussd(site, "", networkCode=payload)
    for route in ("dlr", "optout", "events"):
        form = dict.fromkeys(("id", "status", "senderId", "failureReason", "networkCode", "sessionId"), payload)
        site.call("POST", AT + route, urlencode(form | {"phoneNumber": NUMBER}).encode())
    post(site, reference=payload, code=payload, last4=payload)
    post(site, reference=reference, code=code, last4=payload)
    event(site, {"reference": reference, "case": payload[:24], "decision": "granted", "message": {"fr": payload}})
    for path in (f"/backoffice/{quote(payload)}/events", f"/channels/{quote(payload)}/{quote(payload)}/ussd"):
        site.call("POST", path, b"{}")
    assert statements, "the listener hears"
    assert not [statement for statement in statements if MARK in statement]
    assert site.call("GET", "/metrics")[2].count(b"submissions{") >= before
    assert "Récépissé authentique" in post(site, reference=reference, code=code)[2].decode()


def test_sql_in_an_sms_is_kept_as_it_was_written(site: Site) -> None:
    sms(site, PAYLOADS[1], "kept")
    with site.gateway.database.read() as conn:
        (stored,) = mos.list_page(conn, site.gateway.parts.seals, 9)
    assert stored.text == PAYLOADS[1]
