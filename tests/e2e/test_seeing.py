"""What an operator sees of one citizen's demand, through all real processes."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from pathlib import Path

import pytest
import requests

from tests.e2e.test_journey import file_a_demand
from tests.supervise.processes import wait_until

pytestmark = pytest.mark.processes


def figures(system):
    return requests.get(f"{system.gateway_url}/metrics", timeout=10).text


def test_every_process_is_counted_at_one_address(system):
    phone = system.phone("+2290197000041")
    file_a_demand(phone, "1234567841")
    phone.waits_for_sms(3)
    told = figures(system)
    assert 'ussd_turns_total{channel="africastalking",outcome="continue"}' in told, "the web process"
    assert 'sms_messages_total{channel="africastalking",outcome="accepted"}' in told, "the worker of SMS"
    assert 'submissions_handed_over_total{outcome="accepted",system="etat-civil"}' in told, "that of institutions"
    assert 'beat_age_seconds{name="relay"}' in told
    wait_until(
        lambda: all(f'name="worker-{lane}"' in figures(system) for lane in ("urgent", "bulk", "backoffice", "upkeep")),
        60,
        what="a sign of life of every worker",
    )


def test_one_demand_is_followed_through_all_processes(system):
    phone = system.phone("+2290197000042")
    shown = file_a_demand(phone, "1234567842")
    phone.waits_for_sms(3)

    def traced():
        done = system.gateway("submissions", "trace", shown.replace(" ", ""), "--logs", str(system.data / "logs"))
        assert done.returncode == 0, done.stderr
        return done.stdout if done.stdout.count("delivered by dlr") == 3 else None

    told = wait_until(traced, 60, what="three reports")
    for happened in (
        "submission: received",
        "hand-over: attempt 1 done",
        "submission: acknowledged",
        "submission: decided granted",
    ):
        assert happened in told
    lines = [line.split("  ", 1) for line in told.splitlines() if "  {" in line]
    events = {(name, json.loads(line)["event"]) for name, line in lines}
    assert {
        ("web.log", "submission.answered"),
        ("web.log", "ussd.turn"),
        ("worker-urgent.log", "mt.sent"),
        ("worker-backoffice.log", "submission.handed_over"),
        ("web.log", "backoffice.event"),
        ("web.log", "dlr.taken"),
    } <= events
    stamps = [json.loads(line)["at"] for _, line in lines]
    assert stamps == sorted(stamps)
    for hidden in ("0197000042", "1234567842", shown):
        assert hidden not in told.partition("\n")[2]


def test_no_secret_is_in_a_log_a_figure_or_the_list_of_processes(system):
    phone = system.phone("+2290197000044")
    file_a_demand(phone, "1234567844")
    phone.waits_for_sms(3)
    keys = json.loads((system.data / "keys.json").read_text())
    secrets = {one for one in _texts(keys) if len(one) >= 20}
    assert len(secrets) >= 5
    seen = {"/metrics": figures(system), "top": system.gateway("top", "--once").stdout}
    seen |= {file.name: file.read_text(errors="replace") for file in (system.data / "logs").iterdir()}
    for arguments in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it has ended since
            seen[str(arguments)] = arguments.read_text(errors="replace")
    assert any("gateway.cli" in text for text in seen.values()), "our processes are among them"
    assert [place for place, text in seen.items() if any(secret in text for secret in secrets)] == []
    assert [place for place, text in seen.items() if "0197000044" in text or "1234567844" in text] == []


def _texts(value):
    """Every text in a JSON value."""
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)
    elif isinstance(value, str):
        yield value


def test_top_in_eighty_columns(system):
    phone = system.phone("+2290197000043")
    file_a_demand(phone, "1234567843")
    phone.waits_for_sms(3)
    assert system.gateway("stop", "campaigns", "--reason", "essai").returncode == 0
    try:
        done = system.gateway("top", "--once", COLUMNS="80")
    finally:
        system.gateway("start", "campaigns")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert max(len(line) for line in lines) <= 80
    assert re.search(r"^turns/s \d+\.\d   p50 .+   p99 .+$", done.stdout, re.MULTILINE)
    assert re.search(r"^SMS/s by africastalking: ", done.stdout, re.MULTILINE)
    assert "systems away: none" in lines
    assert "late: none" in lines
    for lane in ("urgent", "bulk", "backoffice"):
        assert re.search(rf"^{lane} +\d+ +\d+ +\d+ +\d+ +\d+ +(-|\d+ \w+)$", done.stdout, re.MULTILINE)
    assert re.search(r"^sms_francs +gateway +\d+ +200000 +\d+$", done.stdout, re.MULTILINE)
    assert "stopped: campaigns" in lines
    assert re.search(r"^last seen: relay \d+ s", done.stdout, re.MULTILINE)
    assert re.search(r"^workers: (?:\w+ \d+ s(?:, |$)){4}", done.stdout, re.MULTILINE), "no age is torn from its unit"


def test_top_without_a_web_process(system):
    done = system.gateway("top", "--once", "--url", "http://127.0.0.1:9", COLUMNS="80")
    assert done.returncode == 0, done.stderr
    assert "NO WEB PROCESS ANSWERS" in done.stdout
    assert re.search(r"^urgent ", done.stdout, re.MULTILINE), "the database answers all the same"
