"""What the database tells Prometheus: nothing that is personal, and nothing wrong when it is away."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from gateway.engine.outcomes import Act, Submission
from gateway.messages import MtState
from gateway.store import beats, mts, stops
from gateway.store.db import StoreUnavailable, Why
from gateway.usecases.caller import Caller
from gateway.usecases.submissions import submit
from gateway.web.figures import StoreFigures
from tests.web.conftest import Site

NUMBER = "+2290197000000"
#: Part of a telephone number, a NPI or a reference, with or without spaces.
PERSONAL = re.compile(r"(\d[ .-]?){7,}")


def samples(site: Site) -> list[Sample]:
    status, _, body = site.call("GET", "/metrics")
    assert status == 200
    return [one for family in text_string_to_metric_families(body.decode()) for one in family.samples]


def value(site: Site, metric: str, /, **labels: str) -> float | None:
    return next((one.value for one in samples(site) if one.name == metric and one.labels == labels), None)


@pytest.fixture
def demand(site: Site) -> None:
    """A demand of an hour ago: its récépissé and its hand-over wait."""
    args = Submission("etat-civil", {"npi": "1" * 10}, frozenset({"npi"}), (), "", "fr", "number")
    earlier = site.gateway.now() - timedelta(hours=1)
    parts = replace(site.gateway.parts, now=lambda: earlier)
    caller = Caller(NUMBER, "africastalking", "61603", "fr")
    assert submit(parts, Act("submit", "acte-naissance", 0, args), caller, b"k" * 32).outcome == "submitted"


def test_lanes_and_submissions(site: Site, demand: None) -> None:
    assert value(site, "outbox_rows", lane="urgent", state="ready") == 1
    assert value(site, "outbox_rows", lane="backoffice", state="ready") == 1
    assert 3600 <= (value(site, "outbox_oldest_seconds", lane="backoffice") or 0) < 3700
    assert value(site, "outbox_oldest_seconds", lane="bulk") == 0
    assert value(site, "submissions", state="received") == 1
    assert value(site, "database_up") == 1
    assert 0 < (value(site, "disk_free_bytes") or 0) <= (value(site, "disk_size_bytes") or 0)


def test_sms_of_unknown_fate(site: Site, demand: None) -> None:
    assert value(site, "sms_unknown") == 0
    now = site.gateway.now()
    with site.gateway.database.begin() as conn:
        assert mts.move(conn, 1, MtState.SENDING, "send", "", now)
        assert mts.move(conn, 1, MtState.UNKNOWN, "send", "", now)
    assert value(site, "sms_unknown") == 1


def test_the_hour_against_its_ceilings(site: Site) -> None:
    args = Submission("etat-civil", {"npi": "1" * 10}, frozenset({"npi"}), (), "", "fr", "number")
    caller = Caller(NUMBER, "africastalking", "61603", "fr")
    submit(site.gateway.parts, Act("submit", "acte-naissance", 0, args), caller, b"k" * 32)
    most = site.gateway.settings.ceilings
    assert value(site, "spend_limit", scope="sms_francs", subject="") == most.francs_hour
    assert value(site, "spend_limit", scope="sms_sender", subject="court") == most.per_sender_hour
    assert value(site, "spend_limit", scope="sms_service", subject="suivi") == most.per_service_hour
    assert value(site, "spend_used", scope="sms_service", subject="suivi") == 0
    assert value(site, "spend_used", scope="sms_sender", subject="court") == 1


def test_what_is_stopped_and_who_was_seen(site: Site) -> None:
    now = site.gateway.now()
    with site.gateway.database.begin() as conn:
        stops.stop(conn, "sms", "essai", "me", now)
        beats.beat(conn, "relay", now - timedelta(seconds=40))
        beats.beat(conn, "backup", now - timedelta(days=2))
    assert value(site, "stopped", subject="sms") == 1
    assert 40 <= (value(site, "beat_age_seconds", name="relay") or 0) < 60
    assert (value(site, "beat_age_seconds", name="backup") or 0) >= 172_800
    with site.gateway.database.begin() as conn:
        stops.start(conn, "sms", "me", now)
    assert value(site, "stopped", subject="sms") is None


def test_without_the_database_its_figures_are_missing(site: Site) -> None:
    class Away:
        @contextmanager
        def read(self):
            raise StoreUnavailable(Why.AWAY)
            yield

    figures = StoreFigures(replace(site.gateway.parts, database=Away()))
    told = {sample.name: sample.value for family in figures.collect() for sample in family.samples}
    assert told.keys() == {"database_up", "disk_free_bytes", "disk_size_bytes"}
    assert told["database_up"] == 0


def test_no_label_holds_anything_personal(site: Site, demand: None) -> None:
    """After a dialogue, an SMS, a report, refused callbacks and a demand, all with numbers in them."""
    form = f"sessionId=ATUid_1&serviceCode=%2A229%23&phoneNumber=%2B{NUMBER[1:]}&networkCode=99999&text="
    site.call("POST", "/channels/africastalking/local/ussd", form.encode())
    site.call("POST", "/channels/africastalking/local/ussd", f"phoneNumber={NUMBER}".encode())
    site.call("POST", "/channels/africastalking/local/events", form.encode() + b"&status=Success")
    site.call(
        "POST",
        "/channels/africastalking/local/mo",
        f"from=%2B{NUMBER[1:]}&to=22900&text=AIDE&id=m-{NUMBER[1:]}&date=2026-11-23+13:05:00".encode(),
    )
    site.call(
        "POST",
        "/channels/africastalking/local/dlr",
        f"id=ATXid_{NUMBER[1:]}&status=Success&phoneNumber=%2B{NUMBER[1:]}&networkCode=61603".encode(),
    )
    told = samples(site)
    assert {"ussd_turns_total", "callbacks_refused_total", "sms_received_total", "delivery_reports_total"} <= {
        one.name for one in told
    }
    assert [one for one in told for label in one.labels.values() if PERSONAL.search(label)] == []
