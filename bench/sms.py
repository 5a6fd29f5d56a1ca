"""SMS a second by one worker process, against an aggregator on loopback that answers each call in 50 ms.

Identical texts go to a hundred numbers in a call; personalised ones each need a call. The worker is a real one: it
claims, begins, calls and settles as it does in service, on PostgreSQL and on SQLite. Only the sender's rate is out of
the way, and what was written before (the rows) is not timed.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import yaml

from bench.turns import start_redis
from gateway import settings, wiring
from gateway.messages import Category, MtState
from gateway.store import holdings, migrate, mts, outbox
from gateway.workers import lanes

ROOT = Path(__file__).resolve().parent.parent
ANSWERS_IN_S = 0.05
IDENTICAL = int(os.environ.get("BENCH_SMS_IDENTICAL", "6000"))
PERSONALISED = int(os.environ.get("BENCH_SMS_PERSONALISED", "1500"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))


def measure() -> dict[str, Any]:
    """SMS a second, the best of the rounds, by database and kind of text."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder, _aggregator() as port:
        redis, redis_url = start_redis(Path(folder))
        try:
            with _postgresql(Path(folder)) as postgresql:
                for name, url in (("sqlite", f"sqlite:///{folder}/bench.db"), ("postgresql", postgresql)):
                    if url:
                        found[name] = _database(Path(folder) / name, url, redis_url, port)
        finally:
            redis.kill()
            redis.wait()
    return {"sms_per_s": found}


def _database(data: Path, url: str, redis_url: str, port: int) -> dict[str, float]:
    data.mkdir()
    config = yaml.safe_load((ROOT / "config" / "gateway.yaml").read_text())
    config["channels"]["africastalking"]["base_url"] = f"http://127.0.0.1:{port}/version1"
    config["senders"]["court"]["tps"] = 100_000
    (data / "channels").symlink_to(ROOT / "config" / "channels")
    (data / "gateway.yaml").write_text(yaml.safe_dump(config))
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
    gateway = wiring.build(chosen)
    numbers = count(1)
    try:
        return {
            "identical": max(_sent(gateway, numbers, IDENTICAL, same=True) for _ in range(ROUNDS)),
            "personalised": max(_sent(gateway, numbers, PERSONALISED, same=False) for _ in range(ROUNDS)),
        }
    finally:
        gateway.close()


def _sent(gateway: wiring.Gateway, numbers: Iterator[int], many: int, *, same: bool) -> float:
    """SMS a second from the first claim to the last answer stored."""
    parts = gateway.parts
    now = parts.now()
    with parts.database.begin() as conn:
        for number in (next(numbers) for _ in range(many)):
            msisdn = f"+22901{90_000_000 + number:08d}"
            new = mts.NewMt(
                holding_id=holdings.open_holding(conn, parts.seals, msisdn, now),
                msisdn=msisdn,
                channel="africastalking",
                sender="court",
                text="Vaccination samedi" if same else f"Votre convocation {number}",
                encoding="GSM-7",
                segments=1,
                template="bench",
                category=Category.INFORMATION,
                language="fr",
                valid_until=now + timedelta(days=1),
            )
            mt = mts.insert(conn, parts.seals, new, now)
            outbox.add(conn, "bulk", "mt", mt, None, 50, now, now)
    with ThreadPoolExecutor(lanes.THREADS) as pool:
        started = time.perf_counter()
        while lanes.drain_once(gateway, "bulk", pool)[0]:
            pass
        elapsed = time.perf_counter() - started
    with parts.database.read() as conn:
        if mts.count_by_state(conn).keys() - {MtState.ACCEPTED}:
            raise AssertionError(f"not all left: {mts.count_by_state(conn)}")
    return round(many / elapsed)


@contextmanager
def _aggregator() -> Iterator[int]:
    """An aggregator in a process of its own; its port."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(port,), daemon=True)
    process.start()
    for _ in range(200):
        with socket.socket() as look:
            if look.connect_ex(("127.0.0.1", port)) == 0:
                break
        threading.Event().wait(0.05)
    try:
        yield port
    finally:
        process.kill()
        process.join()


def _serve(port: int) -> None:
    ids = count(1)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            to = parse_qs(body.decode())["to"][0].split(",")
            recipients = [
                {"statusCode": 101, "number": n, "status": "Success", "cost": "XOF 12", "messageId": f"ATX_{next(ids)}"}
                for n in to
            ]
            answer = json.dumps({"SMSMessageData": {"Message": "Sent", "Recipients": recipients}}).encode()
            time.sleep(ANSWERS_IN_S)
            head = f"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: {len(answer)}\r\n\r\n"
            self.wfile.write(head.encode() + answer)

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        request_queue_size = 128

    Server(("127.0.0.1", port), Handler).serve_forever()


@contextmanager
def _postgresql(folder: Path) -> Iterator[str]:
    """The URL of a new PostgreSQL, "" where its programs are missing; it writes to disk as it does by default."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    if not programs:
        yield ""
        return
    data = folder / "pg"
    as_user: list[str] = []
    if os.getuid() == 0:  # it refuses to run as root
        folder.chmod(0o755)
        data.mkdir()
        shutil.chown(data, "postgres")
        data.chmod(0o700)
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    made = [*as_user, str(programs[0] / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8"]
    subprocess.run(made, check=True, **quiet)  # type: ignore[call-overload]
    listening = ["-c", "listen_addresses=", "-c", f"unix_socket_directories={data}"]
    server = subprocess.Popen([*as_user, str(programs[0] / "postgres"), "-D", str(data), *listening], **quiet)  # type: ignore[call-overload]
    try:
        url = f"postgresql://postgres@/postgres?host={data}"
        for _ in range(200):
            if (data / ".s.PGSQL.5432").exists():
                break
            threading.Event().wait(0.05)
        threading.Event().wait(0.5)
        yield url
    finally:
        server.terminate()
        server.wait()
