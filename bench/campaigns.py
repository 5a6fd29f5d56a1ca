"""A campaign of 100,000 rows checked and expanded on SQLite: seconds, and the memory of the process that does it.

Each size runs in a process of its own that does what a worker does with the claimed row; its peak of memory is its
own. The file is CSV with a name for each number. Nothing is sent.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from bench.turns import start_redis
from gateway import settings, wiring
from gateway.engine.notification_text import Body, encode
from gateway.messages import CampaignState, Category, Role
from gateway.store import campaigns as stored
from gateway.store import migrate, outbox, templates
from gateway.usecases import campaign_work, campaigns
from gateway.usecases.actors import Actor

ROOT = Path(__file__).resolve().parent.parent
FEW = int(os.environ.get("BENCH_CAMPAIGN_FEW", "10000"))
MANY = int(os.environ.get("BENCH_CAMPAIGN_MANY", "100000"))
#: Wednesday, 10:00 in Porto-Novo: notifications may leave.
NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)


def measure() -> dict[str, Any]:
    """Seconds and megabytes by number of rows, and rows a second."""
    found = {str(rows): _in_a_process(rows) for rows in (FEW, MANY)}
    return {"campaign": found}


def _in_a_process(rows: int) -> dict[str, float]:
    context = multiprocessing.get_context("spawn")
    reads, writes = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(rows, writes))
    process.start()
    writes.close()
    found: dict[str, float] = reads.recv()
    process.join()
    return found


def _run(rows: int, answer: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        redis, redis_url = start_redis(Path(folder))
        gateway = _gateway(Path(folder), redis_url)
        try:
            answer.send(_measured(gateway, rows))
        finally:
            gateway.close()
            redis.kill()
            redis.wait()


def _measured(gateway: wiring.Gateway, rows: int) -> dict[str, float]:
    parts = gateway.parts
    actor = Actor("bench", "anip", frozenset({Role.SENDER}))
    body = Body({"fr": "Bonjour {nom}, votre carte est disponible a la mairie."}, ("fr",), {"nom": 30})
    with parts.database.begin() as conn:
        template = templates.add(conn, "anip", "bench", "bench", NOW)
        assert template is not None
        said = templates.NewVersion(Category.PROCEDURE, None, "plain", encode(body))
        templates.add_version(conn, template, 1, said, "bench", NOW)
    started = time.perf_counter()
    new = campaigns.NewCampaign(template_id=template, source="file", content=_file(rows), name="bench.csv")
    public_id = campaigns.start(parts, actor, "anip", new)
    del new
    before_mb = _peak_mb()
    _work(gateway)
    checked = time.perf_counter()
    campaigns.send(parts, actor, public_id, part_allowed=True)
    _work(gateway)
    expanded = time.perf_counter()
    with parts.database.read() as conn:
        campaign = stored.by_public_id(conn, public_id)
    if campaign is None or campaign.state is not CampaignState.DONE:
        raise AssertionError(f"not done: {campaign}")
    return {
        "check_s": round(checked - started, 1),
        "expand_s": round(expanded - checked, 1),
        "rows_per_s": round(rows / (expanded - started)),
        "peak_mb": round(_peak_mb()),
        "grown_mb": round(_peak_mb() - before_mb),
    }


def _work(gateway: wiring.Gateway) -> None:
    parts = gateway.parts
    while True:
        with parts.database.begin() as conn:
            claimed = outbox.claim(conn, "bulk", parts.new_id(), 1, 60, parts.now(), ("campaign",))
        if not claimed:
            return
        for row in claimed:
            campaign_work.work(parts, row)


def _file(rows: int) -> bytes:
    names = ("Awa", "Kofi", "Bio", "Sena", "Fatou")
    lines = (f"01{90_000_000 + row:08d};{names[row % 5]} {row}" for row in range(rows))
    return ("Téléphone;Nom\n" + "\n".join(lines) + "\n").encode()


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _gateway(data: Path, redis_url: str) -> wiring.Gateway:
    config = yaml.safe_load((ROOT / "config" / "gateway.yaml").read_text())
    config["institutions"]["anip"] |= {"budget_f": 10_000_000, "approval_above": 1_000_000}
    (data / "channels").symlink_to(ROOT / "config" / "channels")
    (data / "gateway.yaml").write_text(yaml.safe_dump(config))
    url = f"sqlite:///{data}/bench.db"
    chosen = settings.load(
        {
            "GATEWAY_CONFIG": str(data / "gateway.yaml"),
            "GATEWAY_DATA": str(data),
            "GATEWAY_MENUS": str(ROOT / "menus"),
            "GATEWAY_REDIS": redis_url,
            "GATEWAY_DATABASE_URL": url,
            "GATEWAY_LOCAL": "1",
            "GATEWAY_LOG_LEVEL": "error",
        }
    )
    migrate.upgrade(url)
    return wiring.build(chosen, lambda: NOW)
