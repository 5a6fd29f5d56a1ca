"""An installation as it should be on the day it goes live, for tests that then spoil one thing of it."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import text

from gateway import wiring
from gateway.cli import gateway
from gateway.cli.doctor import findings
from gateway.store import beats
from gateway.store.db import open_database
from gateway.usecases.doctor import SILENCE

ROOT = Path(__file__).parents[2]
START_S = 20


@dataclass
class Installation:
    """Its folders, its environment (already this process's), its Redis."""

    folder: Path
    database_url: str
    redis_url: str
    patch: pytest.MonkeyPatch

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def config(self) -> Path:
        return self.folder / "etc" / "gateway.yaml"

    def environ(self, **variables: str | None) -> None:
        for name, value in variables.items():
            if value is None:
                self.patch.delenv(name, raising=False)
            else:
                self.patch.setenv(name, value)

    def configure(self, change: Callable[[dict[str, Any]], object]) -> None:
        values = yaml.safe_load(self.config.read_text())
        change(values)
        self.config.write_text(yaml.safe_dump(values, allow_unicode=True))
        self.config.chmod(0o644)

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(gateway, words)

    def beat(self, name: str, ago_s: float = 0) -> None:
        with closing(open_database(self.database_url)) as database, database.begin() as conn:
            beats.beat(conn, name, wiring.now() - timedelta(seconds=ago_s))

    def all_beat(self) -> None:
        for name in SILENCE:
            self.beat(name)

    def execute(self, sql: str) -> None:
        with closing(open_database(self.database_url)) as database, database.begin() as conn:
            conn.execute(text(sql))

    def codes(self, production: bool = False) -> set[str]:
        """The codes of what is found, but for what this test server of PostgreSQL is set to for speed."""
        own = {"fsync", "full_page_writes", "synchronous_commit"}
        found = findings(production)
        return {one.code for one in found if one.params.get("name") not in own}


class RedisServer:
    """A Redis of the test's own, with the options given; each start replaces the one before."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"unix://{folder}/s"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, binary: str | None = None, **options: str) -> None:
        self.stop()
        words = {"port": "0", "unixsocket": f"{self.folder}/s", "dir": str(self.folder), "save": ""}
        words |= {"appendonly": "yes", "maxmemory-policy": "noeviction"}
        words |= {name.replace("_", "-"): value for name, value in options.items()}
        command = [binary or _redis_binary(), *(part for name, value in words.items() for part in (f"--{name}", value))]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + START_S
        while not self._answers():
            assert self.process.poll() is None, command
            assert time.monotonic() < deadline
            time.sleep(0.02)  # between two looks

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(START_S)
            self.process = None

    def _answers(self) -> bool:
        try:
            with Redis.from_url(self.url) as client:
                return bool(client.ping())
        except RedisError:
            return False


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    _redis_binary()
    with TemporaryDirectory(prefix="rd", dir="/tmp") as folder:  # sockets need a short path
        server = RedisServer(Path(folder))
        server.start()
        yield server
        server.stop()


@pytest.fixture
def installation(
    tmp_path: Path, database_url: str, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> Installation:
    """On SQLite, then on PostgreSQL: nothing is wrong with it, even for production."""
    return _installed(tmp_path / "place", database_url, redis_server.url, monkeypatch)


@pytest.fixture
def on_sqlite(
    tmp_path: Path, sqlite_url: str, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> Installation:
    return _installed(tmp_path / "place", sqlite_url, redis_server.url, monkeypatch)


def _installed(folder: Path, database_url: str, redis_url: str, patch: pytest.MonkeyPatch) -> Installation:
    made = Installation(folder, database_url, redis_url, patch)
    folder.mkdir(mode=0o755)
    made.data.mkdir(mode=0o700)
    made.config.parent.mkdir(mode=0o755)
    made.config.write_text((ROOT / "config" / "gateway.yaml").read_text())
    made.configure(_real)
    shutil.copytree(ROOT / "menus", folder / "etc" / "menus")
    environment = folder / "etc" / "env"
    environment.write_text("AT_API_KEY=...\n")
    environment.chmod(0o640)
    for path in (folder / "etc" / "menus").rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    made.environ(
        GATEWAY_DATA=str(made.data),
        GATEWAY_CONFIG=str(made.config),
        GATEWAY_MENUS=str(folder / "etc" / "menus"),
        GATEWAY_DATABASE_URL=database_url,
        GATEWAY_REDIS=redis_url,
        GATEWAY_SIMULATOR_BIND="none",
        GATEWAY_PUBLIC_URL="https://services.gouv.bj",
        GATEWAY_LOCAL=None,
        AT_API_KEY="a-real-key",
        ETAT_CIVIL_TOKEN="a-real-token",
        ETAT_CIVIL_WEBHOOK_SECRET="whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
        LC_ALL="C.UTF-8",
    )
    for words in (("migrate",), ("backup", str(folder / "copy"), "--keys", str(folder / "keys"))):
        done = made.run(*words)
        assert done.exit_code == 0, done.output
    made.all_beat()
    return made


def _real(values: dict[str, Any]) -> None:
    """The shipped configuration, with the values of a ministry."""
    values["channels"] = {"africastalking": values["channels"]["africastalking"]}
    channel = values["channels"]["africastalking"]
    del channel["base_url"], channel["insights_url"]
    channel |= {"username": "ministere", "allow_from": ["196.223.0.0/16"]}
    values |= {"service_code": "*881#", "service_codes": ["*881#"], "trusted_proxies": ["127.0.0.1/32"]}
    values["senders"]["court"] |= {"name": "22933", "short_code": "22933"}
    values["systems"]["etat-civil"]["url"] = "https://etat-civil.gouv.bj/api"


def _redis_binary() -> str:
    found = shutil.which("redis-server")
    if found is None:
        pytest.skip("no redis-server on PATH")
    return found
