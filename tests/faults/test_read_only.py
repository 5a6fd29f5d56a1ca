"""F23's sister: the database may be read and not written. Nothing is half stored, and everybody is told what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlencode

import psycopg
import pytest

from gateway import settings, wiring
from gateway.settings import Settings
from gateway.store import migrate, mos, outbox
from gateway.store.backup import _counted
from gateway.store.db import StoreUnavailable, Why
from gateway.wiring import Gateway
from gateway.workers import lanes
from tests.web.conftest import Site

NUMBER, NPI = "+2290197000000", "1234567890"
APOLOGY = "END Service momentanément indisponible. Rien n'a été envoyé. Réessayez plus tard."
MO = {"date": "2026-11-24 08:00:00", "from": NUMBER, "id": "A1", "text": "AIDE", "to": "22900"}
DLR = {"id": "ATXid_1", "status": "Success", "phoneNumber": NUMBER, "networkCode": "61603"}
OPT_OUT = {"senderId": "22900", "phoneNumber": NUMBER}

Open = Callable[[], Site]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/gateway.db"
    made: str = request.getfixturevalue("new_postgres_url")()
    return made


@pytest.fixture
def start(tmp_path: Path, url: str, redis_url: str) -> Iterator[Callable[..., Site]]:
    """Starts a web process's application on the database, or on another URL of it."""
    made: list[Gateway] = []

    def _start(database_url: str = url) -> Site:
        environ = {"GATEWAY_DATA": str(tmp_path), "GATEWAY_REDIS": redis_url, "GATEWAY_LOCAL": "1"}
        declared: Settings = settings.load(
            environ | {"GATEWAY_DATABASE_URL": database_url, "GATEWAY_LOG_LEVEL": "error"}
        )
        declared = declared.model_copy(update={"privacy": declared.privacy.model_copy(update={"notice": ""})})
        made.append(wiring.build(declared))
        return Site(made[-1])

    migrate.upgrade(url)
    yield _start
    for gateway in made:
        gateway.close()


def read_only(url: str, *, on: bool) -> str:
    """The URL of the same database, which from now on takes no writes (or takes them again)."""
    if url.startswith("sqlite"):
        file = url.removeprefix("sqlite:///")
        return f"sqlite:///file:{file}?mode=ro&uri=true" if on else url
    with psycopg.connect(url, autocommit=True) as admin:
        name = admin.info.dbname
        said = f'ALTER DATABASE "{name}" SET default_transaction_read_only = {"on" if on else "off"}'
        admin.execute("SET default_transaction_read_only = off")
        admin.execute(said.encode())
        others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        admin.execute(f"SELECT pg_terminate_backend(pid) {others}".encode())  # who is connected asks again
    return url


def dial(site: Site, session: str, *inputs: str) -> str:
    """The answer to the last of a dialogue's deliveries."""
    form = {"sessionId": session, "phoneNumber": NUMBER, "networkCode": "61603", "serviceCode": "*229#"}
    status, _, said = site.call(
        "POST", "/channels/africastalking/local/ussd", urlencode({**form, "text": "*".join(inputs)}).encode()
    )
    assert status == 200
    return said.decode()


def post(site: Site, route: str, form: dict[str, str]) -> int:
    return site.call("POST", f"/channels/africastalking/local/{route}", urlencode(form).encode())[0]


def rows(gateway: Gateway) -> dict[str, int]:
    with gateway.database.read() as conn:
        return _counted(conn)


@pytest.mark.fault("F23")
def test_nothing_is_half_stored_and_nothing_is_sent(url: str, start: Callable[..., Site]) -> None:
    site = start()
    assert "déposée" in walk(site, "s1", NPI)
    steps = ("1", "1", "1234567891", "1")
    for end in range(len(steps) + 1):
        assert dial(site, "s2", *steps[:end]).startswith("CON")
    before = rows(site.gateway)

    spoiled = start(read_only(url, on=True))  # a process that starts now finds its menus published
    assert dial(spoiled, "s2", *steps, "1") == APOLOGY
    assert dial(spoiled, "s2", *steps, "1") == APOLOGY, "delivered again"
    assert [post(spoiled, route, form) for route, form in (("mo", MO), ("dlr", DLR), ("optout", OPT_OUT))] == [503] * 3
    with ThreadPoolExecutor(1) as pool:
        for lane in ("urgent", "backoffice"):
            with pytest.raises(StoreUnavailable) as said:
                lanes.drain_once(spoiled.gateway, lane, pool)
            assert said.value.why is Why.READ_ONLY
    assert rows(spoiled.gateway) == before
    with spoiled.gateway.database.read() as conn:
        assert {(row.state.value, row.rows) for row in outbox.counts(conn)} == {("ready", 1)}

    read_only(url, on=False)
    assert [post(site, route, form) for route, form in (("mo", MO), ("dlr", DLR), ("optout", OPT_OUT))] == [200] * 3
    with site.gateway.database.read() as conn:
        assert len(mos.list_page(conn, site.gateway.parts.seals, 9)) == 1
    assert "déposée" in walk(site, "s3", "1234567891")
    after = rows(site.gateway)
    assert after["submissions"] == before["submissions"] + 1
    assert after["acts"] == before["acts"] + 1


def walk(site: Site, session: str, npi: str) -> str:
    steps = ("1", "1", npi, "1", "1")
    return [dial(site, session, *steps[:end]) for end in range(len(steps) + 1)][-1]


def test_what_is_only_read_goes_on(url: str, start: Callable[..., Site]) -> None:
    """Who asks for the state of a demand is answered."""
    site = start()
    assert "déposée" in walk(site, "s1", NPI)
    spoiled = start(read_only(url, on=True))
    assert dial(spoiled, "s2").startswith("CON")
    dial(spoiled, "s2", "2")
    assert "1.Acte, ...7890" in dial(spoiled, "s2", "2", "1")
    read_only(url, on=False)
