"""Timing: what is secret is compared in constant time, and what does not exist costs as much as what does."""

from __future__ import annotations

import ast
import hmac
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy import event as sql_event

from tests.security.conftest import event
from tests.security.test_reference_enumeration import unknown
from tests.web.conftest import Site
from tests.web.test_verify import deposit, post, wrong

Compared = list[tuple[bytes | str, bytes | str]]


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> Compared:
    """What is compared in constant time from now on."""
    seen: Compared = []
    real = hmac.compare_digest

    def compare(a: bytes, b: bytes) -> bool:
        seen.append((a, b))
        return real(a, b)

    monkeypatch.setattr(hmac, "compare_digest", compare)
    return seen


@pytest.fixture
def statements() -> Iterator[list[str]]:
    seen: list[str] = []

    def note(conn: object, cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    sql_event.listen(Engine, "before_cursor_execute", note)
    yield seen
    sql_event.remove(Engine, "before_cursor_execute", note)


@pytest.mark.parametrize("channel", ["africastalking", "nobody", "", "a" * 40])
def test_a_token_is_compared_in_constant_time_whatever_the_channel(
    site: Site, compared: Compared, channel: str
) -> None:
    for token in ("0" * 32, "x", "", "é", "local"):
        compared.clear()
        site.call("POST", f"/channels/{channel}/{token}/ussd", b"x")
        assert {given for given, _ in compared} == {token.encode()}


def test_the_token_of_no_channel_opens_nothing(site: Site, compared: Compared) -> None:
    site.call("POST", "/channels/nobody/x/ussd")
    (stand_in,) = {expected for _, expected in compared}
    assert isinstance(stand_in, bytes)
    assert len(stand_in) == 32, "as long as a true one"
    assert site.call("POST", f"/channels/nobody/{stand_in.decode()}/ussd")[0] == 404


def test_an_unknown_reference_costs_what_a_wrong_code_costs(
    site: Site, compared: Compared, statements: list[str]
) -> None:
    number, code = deposit(site)
    costs = []
    for one in (number, unknown(number), "x"):
        compared.clear()
        statements.clear()
        assert post(site, reference=one, code=wrong(code))[0] == 200
        costs.append((len(compared), [statement.split()[0] for statement in statements]))
    assert costs[0][0] >= 1
    assert costs[0] == costs[1] == costs[2]


def test_a_signature_is_compared_in_constant_time(
    site: Site, compared: Compared, monkeypatch: pytest.MonkeyPatch
) -> None:
    event(site, {"reference": "482109375628"})
    assert compared


#: Names of what is secret: they are never compared with == or !=, nor looked up with `in`.
_SECRET = ("token", "secret", "signature", "verification", "api_key", "password")
#: Where strangers' words are compared with ours; further inside, a `token` is the lease of a row.
_FACING = ("web", "backoffice", "channels", "text", "settings")


def test_no_secret_is_compared_otherwise() -> None:
    found = []
    for path in (path for folder in _FACING for path in sorted(Path("gateway", folder).rglob("*.py"))):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Compare) or not isinstance(
                node.ops[0], ast.Eq | ast.NotEq | ast.In | ast.NotIn
            ):
                continue
            sides = [ast.unparse(side) for side in (node.left, *node.comparators)]
            if any(side.rpartition(".")[2] in _SECRET for side in sides):
                found.append(f"{path}:{node.lineno}: {ast.unparse(node)}")
    assert found == []
