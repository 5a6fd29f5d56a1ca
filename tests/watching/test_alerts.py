"""The alerts in config/alerts.yaml, by Prometheus' own tool: each fires on its fault, and stays silent beside it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from gateway.text import transliterate
from gateway.workers.lanes import LANES
from tests.watching.conftest import Promtool
from tests.watching.names import metrics_of

ROOT = Path(__file__).parents[2]
RULES = ROOT / "config" / "alerts.yaml"
GUIDE = ROOT / "docs" / "fr" / "exploitation.md"

TURNS = 'ussd_turns_total{channel="c",outcome="continue"}'
FAILED = 'ussd_turns_total{channel="c",outcome="unavailable"}'
SLOW = 'ussd_turn_duration_seconds_bucket{channel="c",le="2.5"}'
QUICK = 'ussd_turn_duration_seconds_bucket{channel="c",le="1.0"}'
ALL = 'ussd_turn_duration_seconds_bucket{channel="c",le="+Inf"}'
UP = {"database_up": "1x600"}

#: alert -> (minute it is asked at, series that fire it, series that do not), with a value each minute.
CASES: Mapping[str, tuple[int, dict[str, str], dict[str, str]]] = {
    "NoTurns": (1480, {TURNS: "0+30x1440 43200x60"}, {TURNS: "0+30x1500"}),
    "TurnsSlow": (15, {QUICK: "0+90x20", SLOW: "0+99x20", ALL: "0+101x20"}, {QUICK: "0+100x20", ALL: "0+100x20"}),
    "TurnsFail": (15, {TURNS: "0+95x20", FAILED: "0+5x20"}, {TURNS: "0+99x20", FAILED: "0+1x20"}),
    "CallbacksRefused": (
        30,
        {'callbacks_refused_total{channel="c",route="ussd",code="address"}': "0+10x40"},
        {'callbacks_refused_total{channel="c",route="ussd",code="address"}': "0+1x40"},
    ),
    "CallbackSurge": (
        15,
        {'callback_surges_total{channel="c"}': "0x8 1x20"},
        {'callback_surges_total{channel="c"}': "1x20"},
    ),
    "CallbackProbes": (
        15,
        {'callback_probes_total{channel="c"}': "0x8 1x20"},
        {'callback_probes_total{channel="c"}': "7x20"},
    ),
    "EventsRefused": (
        20,
        {'backoffice_events_total{system="s",outcome="not_believed"}': "0x8 5x20"},
        {
            'backoffice_events_total{system="s",outcome="not_believed"}': "0x8 2x20",
            'backoffice_events_total{system="s",outcome="taken"}': "0+9x30",
            'backoffice_events_total{system="s",outcome="repeated"}': "0+9x30",
        },
    ),
    "LaneLate": (
        5,
        {'outbox_oldest_seconds{lane="urgent"}': "130x10"},
        {'outbox_oldest_seconds{lane="urgent"}': "110x10", 'outbox_oldest_seconds{lane="bulk"}': "90000x10"},
    ),
    "RelaySilent": (5, UP, {'beat_age_seconds{name="relay"}': "20x10", **UP}),
    "WorkerSilent": (
        5,
        {'beat_age_seconds{name="worker-bulk"}': "200x10"},
        {'beat_age_seconds{name="worker-bulk"}': "60x10", 'beat_age_seconds{name="backup"}': "9000x10"},
    ),
    "WorkerMissing": (
        15,
        {**{f'beat_age_seconds{{name="worker-{lane}"}}': "9x20" for lane in ("urgent", "bulk", "backoffice")}, **UP},
        {**{f'beat_age_seconds{{name="worker-{lane}"}}': "9x20" for lane in LANES}, **UP},
    ),
    "SmsUnknown": (40, {"sms_unknown": "11x60"}, {"sms_unknown": "10x60"}),
    "AggregatorRefuses": (
        15,
        {'sms_messages_total{channel="c",outcome="stop"}': "0x8 1x20"},
        {'sms_messages_total{channel="c",outcome="retry"}': "0+9x20"},
    ),
    "SubmissionsDead": (1, {'submissions{state="dead"}': "1x5"}, {'submissions{state="received"}': "9x5"}),
    "RowsDead": (
        10,
        {'outbox_rows{lane="urgent",state="dead"}': "1x20"},
        {'outbox_rows{lane="urgent",state="ready"}': "9x20", 'outbox_rows{lane="backoffice",state="dead"}': "1x20"},
    ),
    "HookLost": (
        15,
        {'hook_deliveries_total{endpoint="e",outcome="disabled"}': "0x8 1x20"},
        {
            'hook_deliveries_total{endpoint="e",outcome="given_up"}': "3x20",
            'hook_deliveries_total{endpoint="e",outcome="failed"}': "0+9x20",
        },
    ),
    "BreakerOpen": (10, {'breaker_open{system="s"}': "1x20"}, {'breaker_open{system="s"}': "0x20"}),
    "SubmissionsLate": (
        1445,
        {'submissions_late{system="s"}': "1x1500"},
        {'submissions_late{system="s"}': "1x1400 0x100"},
    ),
    "Stopped": (70, {'stopped{subject="sms"}': "1x90"}, {'stopped{subject="sms"}': "1x50"}),
    "SpendNear": (
        1,
        {'spend_used{scope="s",subject=""}': "80x5", 'spend_limit{scope="s",subject=""}': "100x5"},
        {'spend_used{scope="s",subject=""}': "79x5", 'spend_limit{scope="s",subject=""}': "100x5"},
    ),
    "SpendReached": (
        1,
        {'spend_used{scope="s",subject="x"}': "100x5", 'spend_limit{scope="s",subject="x"}': "100x5"},
        {'spend_used{scope="s",subject="x"}': "99x5", 'spend_limit{scope="s",subject="x"}': "100x5"},
    ),
    "DatabaseAway": (5, {"database_up": "1 0x10"}, UP),
    "GatewayAway": (5, {TURNS: "1x10"}, {"database_up": "0x10"}),
    "DiskNearlyFull": (
        10,
        {'disk_free_bytes{instance="i"}': "9x20", 'disk_size_bytes{instance="i"}': "100x20"},
        {'disk_free_bytes{instance="i"}': "11x20", 'disk_size_bytes{instance="i"}': "100x20"},
    ),
    "BackupOld": (
        15,
        {'beat_age_seconds{name="backup"}': "93601x20", **UP},
        {'beat_age_seconds{name="backup"}': "86400x20", **UP},
    ),
}
#: Faults that show in more than one way: the second one.
OTHERWISE: Mapping[str, tuple[int, dict[str, str]]] = {
    "RelaySilent": (5, {'beat_age_seconds{name="relay"}': "61x10", **UP}),
    "LaneLate": (5, {'outbox_oldest_seconds{lane="backoffice"}': "901x10"}),
    "EventsRefused": (20, {'backoffice_events_total{system="s",outcome="unknown_reference"}': "0x8 5x20"}),
    "WorkerMissing": (15, UP),
    "SpendReached": (15, {'sms_withheld_total{scope="sms_francs"}': "0x8 3x20"}),
    "BackupOld": (15, UP),
}


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def test_the_rules_can_be_read(promtool: Promtool) -> None:
    assert f"{len(rules())} rules found" in promtool("check", "rules", str(RULES))


def test_each_fires_on_its_fault_and_not_beside_it(promtool: Promtool, tmp_path: Path) -> None:
    assert CASES.keys() == {rule["alert"] for rule in rules()}
    tests = [_case(alert, at, fault, 1) for alert, (at, fault, _) in CASES.items()]
    tests += [_case(alert, at, fault, 1) for alert, (at, fault) in OTHERWISE.items()]
    tests += [_case(alert, at, fine, 0) for alert, (at, _, fine) in CASES.items()]
    file = tmp_path / "tests.yaml"
    file.write_text(yaml.safe_dump({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": tests}))
    promtool("test", "rules", str(file))


def _case(alert: str, at: int, series: dict[str, str], fires: int) -> dict[str, Any]:
    firing = f'count(ALERTS{{alertname="{alert}",alertstate="firing"}}) or vector(0)'
    return {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {"expr": firing, "eval_time": f"{at}m", "exp_samples": [{"labels": "{}", "value": fires}]},
        ],
    }


def test_every_metric_of_an_alert_exists(known: Mapping[str, tuple[str, ...]]) -> None:
    for rule in rules():
        named = metrics_of(rule["expr"])
        assert named, rule["alert"]
        assert named <= known.keys(), rule["alert"]


def test_every_alert_says_what_it_means_and_what_to_do() -> None:
    for rule in rules():
        assert rule["labels"]["severity"] in {"page", "warn"}, rule["alert"]
        assert rule["annotations"]["summary"].endswith("."), rule["alert"]
        assert re.fullmatch(r"docs/fr/exploitation\.md#[a-z0-9-]+", rule["annotations"]["runbook"]), rule["alert"]
    anchors = [rule["annotations"]["runbook"] for rule in rules()]
    assert len(set(anchors)) == len(anchors)
    guide = GUIDE.read_text()
    chapters = {transliterate.fold(title).replace(" ", "-") for title in re.findall(r"^#+ (.+)$", guide, re.MULTILINE)}
    assert {anchor.partition("#")[2] for anchor in anchors} <= chapters


def test_the_names_in_an_expression() -> None:
    expression = (
        'sum by (le, x) (rate(a_total{b="c_total"}[5m] offset 1d)) / on(d) group_left(e) f > 0.5'
        " unless on() max(g_seconds_bucket) == 1"
    )
    assert metrics_of(expression) == {"a_total", "f", "g_seconds"}
