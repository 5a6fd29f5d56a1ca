"""Notifications accepted by the API: bulk calls of 500 recipients to one web process on one core, SQLite.

Each call is one that a client would make: key, limits, Idempotency-Key, recipients checked, rows and answer stored.
Nothing is sent. One connection: the next call begins when the answer to the one before is there.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

from bench.turns import ROOT, cpu_s, free_port, start_redis, start_server
from gateway import settings, wiring
from gateway.engine.notification_text import Body, encode
from gateway.messages import Category, Role
from gateway.store import templates
from gateway.usecases import api_keys
from gateway.usecases.actors import Actor

CALLS = int(os.environ.get("BENCH_API_CALLS", "40"))
RECIPIENTS = 500


def measure() -> dict[str, Any]:
    """Notifications a second, and the processor time of one."""
    with tempfile.TemporaryDirectory(prefix="pb") as name:
        folder = Path(name)
        redis, url = start_redis(folder)
        environ = _environ(folder, url)
        subprocess.run([sys.executable, "-m", "gateway.cli", "migrate"], env=environ, cwd=ROOT, check=True)
        key = _key(environ)
        port = free_port()
        server = start_server("gateway.wsgi:application", environ, port, folder / "gateway.log")
        try:
            return {"api": _measured(port, key, server)}
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(15)
            redis.terminate()
            redis.wait(15)


def _measured(port: int, key: str, server: subprocess.Popen[bytes]) -> dict[str, float]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    _send(connection, key, CALLS)  # the first call makes connections and reads the menus
    used, slowest = cpu_s(server), 0.0
    started = time.perf_counter()
    for number in range(CALLS):
        before = time.perf_counter()
        _send(connection, key, number)
        slowest = max(slowest, time.perf_counter() - before)
    took = time.perf_counter() - started
    many = CALLS * RECIPIENTS
    return {
        "notifications_per_s": round(many / took),
        "cpu_us_per_notification": round((cpu_s(server) - used) / many * 1e6),
        "call_ms": round(took / CALLS * 1000),
        "slowest_call_ms": round(slowest * 1000),
    }


def _send(connection: http.client.HTTPConnection, key: str, number: int) -> None:
    first = number * RECIPIENTS
    recipients = [
        {"to": f"+22901{90_000_000 + first + row:08d}", "values": {"nom": f"Awa {row}"}, "own_reference": f"r-{row}"}
        for row in range(RECIPIENTS)
    ]
    headers = {
        "Authorization": f"Bearer {key}",
        "Idempotency-Key": f"bench-{number}",
        "Content-Type": "application/json",
    }
    body = json.dumps({"template_id": 1, "recipients": recipients})
    connection.request("POST", "/api/v1/notifications/bulk", body, headers)
    answer = connection.getresponse()
    said = answer.read()
    if answer.status != 201:
        raise AssertionError(said[:500])


def _environ(folder: Path, redis_url: str) -> dict[str, str]:
    config = yaml.safe_load((ROOT / "config" / "gateway.yaml").read_text())
    config["institutions"]["anip"] |= {"budget_f": 100_000_000, "approval_above": 1_000_000}
    (folder / "data").mkdir()
    (folder / "channels").symlink_to(ROOT / "config" / "channels")
    (folder / "gateway.yaml").write_text(yaml.safe_dump(config))
    return {
        **os.environ,
        "GATEWAY_CONFIG": str(folder / "gateway.yaml"),
        "GATEWAY_DATA": str(folder / "data"),
        "GATEWAY_REDIS": redis_url,
        "GATEWAY_LOCAL": "1",
        "GATEWAY_LOG_LEVEL": "info",
    }


def _key(environ: dict[str, str]) -> str:
    gateway = wiring.build(settings.load({name: one for name, one in environ.items() if name.startswith("GATEWAY_")}))
    try:
        now = gateway.now()
        body = Body({"fr": "Bonjour {nom}, votre carte est disponible a la mairie."}, ("fr",), {"nom": 30})
        said = templates.NewVersion(Category.PROCEDURE, None, "plain", encode(body))
        with gateway.database.begin() as conn:
            template = templates.add(conn, "anip", "bench", "bench", now)
            assert template is not None
            templates.add_version(conn, template, 1, said, "bench", now)
        manager = Actor("bench", "anip", frozenset({Role.MANAGER}))
        new = api_keys.NewKey("bench", ("notifications:send",), live=True, per_minute=6000, per_day=1_000_000)
        return api_keys.create(gateway.parts, manager, "anip", new)[0]
    finally:
        gateway.close()
