"""What strangers write, in what operators read: no escape for the terminal, no formula in a list that is copied."""

from __future__ import annotations

import json
import os
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gateway.workers import lanes
from tests import commands
from tests.security.conftest import event, sms, ussd
from tests.web.conftest import Site
from tests.web.test_verify import deposit

PAYLOADS = [
    "=cmd|'/C calc'!A1",
    "@SUM(1+1)",
    "+1+cmd|'/C calc'!A1",
    "-2+3",
    "\t=1+1",
    "\r\n=1+1",
    "\x1b]0;owned\x07\x1b[2J",
    "\x9b31m",
    "\u202e=1+1",
    'x"\n"=1+1',
]
#: Where a spreadsheet cuts what is pasted.
_CELLS = re.compile(r"\t| {2,}|[;\n]")
_FORMULA = re.compile(r"[=@+\-]")
#: What may begin with a sign: a masked number, the difference of a bill.
_HARMLESS = re.compile(r"\+22901\*+\d\d|[+-][\d.]+")


def run(site: Site, *arguments: str) -> str:
    settings = site.gateway.settings
    given = {"GATEWAY_DATA": str(settings.data), "GATEWAY_REDIS": settings.redis, "GATEWAY_LOCAL": "1"}
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")}
    done = commands.run(arguments, clean | given)
    assert done.returncode == 0, (arguments, done.stderr)
    return done.stdout


@pytest.fixture
def reference(site: Site) -> str:
    """A demand about which everything that may be written was written."""
    number, _ = deposit(site)
    for place, payload in enumerate(PAYLOADS):
        sms(site, payload, f"m{place}")
        sms(site, "AIDE", f"{payload}{place}".strip())
        sms(site, f"STATUT {payload}", f"s{place}", networkCode=payload, to=payload)
        ussd(site, f"1*1*{payload}", session=f"u{place}", networkCode=payload)
        data = {"reference": number, "case": payload[:24], "message": {"fr": payload, "en": payload}}
        kind = "submission.decided" if place == len(PAYLOADS) - 1 else "submission.acknowledged"
        event(site, {**data, "decision": "granted"}, id_=f"={place}", kind=kind)
    with ThreadPoolExecutor(2) as pool:
        while lanes.drain_once(site.gateway, "urgent", pool) != (0, 0):
            pass
    return number


def test_no_list_carries_a_formula_or_an_escape(site: Site, reference: str) -> None:
    listed = run(site, "sms", "list", "--limit", "1000")
    newest = re.findall(r"^(\d+)  ", listed, re.MULTILINE)
    assert len(newest) > 5, "what was written was answered"
    told = [listed, run(site, "submissions", "list"), run(site, "submissions", "show", reference)]
    told += [run(site, "submissions", "trace", reference), run(site, "stops")]
    told += [run(site, "sms", "show", one, "--text") for one in newest[:4]]
    for output in told:
        assert not [letter for letter in output if not letter.isprintable() and letter != "\n"], output
        cells = [cell.strip() for cell in _CELLS.split(output)]
        assert not [cell for cell in cells if _FORMULA.match(cell) and not _HARMLESS.fullmatch(cell)], output


def test_what_a_person_is_given_is_json_without_raw_escapes(site: Site, reference: str, tmp_path: Path) -> None:
    out = run(site, "person", "export", "0197000000")
    file = tmp_path / "export.json"
    assert run(site, "person", "export", "0197000000", "--to", str(file)) == ""
    assert (file.read_text(encoding="utf-8"), file.stat().st_mode & 0o777) == (out, 0o600)
    assert json.loads(out)
    assert run(site, "stops").count("export person:+22901******00") == 2, "whose data were opened is kept, masked"
    assert not [letter for letter in out if ord(letter) < 0x20 and letter != "\n"]
    assert "\x9b" not in out
    assert "\u202e" not in out
