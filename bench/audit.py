"""Entries a second that `gateway audit verify` reads, and the memory it takes, at a million entries.

The histories are written as the gateway writes them: links, salted digests, sealed data, signed checkpoints. Only the
verification is timed, in a process of its own whose memory is looked at from outside.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from bench.sms import _postgresql
from gateway import keys
from gateway.store import audit, chain, chain_data, checkpoints, holdings, migrate, sealed, tables
from gateway.store.db import open_database

ENTRIES = int(os.environ.get("BENCH_AUDIT_ENTRIES", "1000000"))
KINDS = ("received", "delivered", "acknowledged", "in_progress", "decided")
_START = datetime(2026, 1, 1, tzinfo=UTC)
_BATCH = 2000


def measure() -> dict[str, Any]:
    """By database: entries a second, and by how much the process grew from the first entry to the last, in MB."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder, _postgresql(Path(folder)) as postgresql:
        for name, url in (("sqlite", f"sqlite:///{folder}/bench.db"), ("postgresql", postgresql)):
            if url:
                ring = keys.load_or_create(Path(folder) / "keys.json", os.urandom, (), ())
                _write(url, ring)
                results: Any = multiprocessing.get_context("spawn").Queue()
                child = multiprocessing.get_context("spawn").Process(
                    target=_verify, args=(url, Path(folder) / "keys.json", results)
                )
                child.start()
                found[name] = results.get(timeout=3600)
                child.join()
    return {"audit": found}


def _write(url: str, ring: keys.Keyring) -> None:
    migrate.upgrade(url)
    seals = sealed.build(ring, os.urandom)
    database = open_database(url)
    demands = ENTRIES // len(KINDS)
    with database.begin() as conn:
        holding = holdings.open_holding(conn, seals, "+2290190000000", _START)
    for first in range(1, demands + 1, _BATCH):
        ids = range(first, min(first + _BATCH, demands + 1))
        with database.begin() as conn:
            made = [_demand(seals, one, holding) for one in ids]
            conn.execute(insert(tables.submissions), [demand for demand, _ in made])
            conn.execute(insert(tables.submission_events), [entry for _, entries in made for entry in entries])
        assert ring.signing is not None
        with database.begin() as conn:
            checkpoints.seal(conn, ring.signing, _START + timedelta(minutes=first), len(ids) * len(KINDS))
    database.close()


def _demand(seals: sealed.Seals, number: int, holding: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    salt, fields = os.urandom(32), {"npi": f"{number:010d}", "commune": "cotonou"}
    message = {"fr": "Passez à la mairie", "en": "Come to the town hall"}
    said = {"number": "+2290190000000", "language": "fr", "service": "s", "on_behalf": None, "relation": None}
    digests = {
        "received": chain_data.digest(salt, {"fields": fields, **said}),
        "decided": chain_data.digest(salt, {"decision": "granted", "message": message}),
    }
    demand = {
        "id": number,
        "reference": f"{number:012d}",
        **dict.fromkeys(("service", "system", "institution", "menu_version", "channel"), "s"),
        "language": "fr",
        "holding_id": holding,
        "assurance": "number",
        "sensitive": False,
        "state": "granted",
        "decision": "granted",
        "fields_sealed": seals.seal_json(fields, "submissions.fields_sealed"),
        "message_sealed": seals.seal_json(message, "submissions.message_sealed"),
        "salt_sealed": seals.seal_bytes(salt, "submissions.salt_sealed"),
        "idempotency_key": str(number),
        "case_number": "",
        "receipt_key_id": "r1",
        "submitted_at": _START,
    }
    previous, entries = chain.START, []
    for place, kind in enumerate(KINDS, 1):
        at, about = _START + timedelta(seconds=number, microseconds=place), digests.get(kind)
        previous = chain.link(previous, number, place, at, kind, "", None, about)
        row = {"submission_id": number, "at": at, "kind": kind, "code": "", "number": place, "link": previous}
        entries.append({**row, "event_id": None, "data_digest": about})
    return demand, entries


def _verify(url: str, path: Path, results: Any) -> None:
    ring = keys.load_or_create(path, os.urandom, (), ())
    assert ring.signing is not None
    seals, database = sealed.build(ring, os.urandom), open_database(url)
    tally = audit.Tally()
    with database.read() as conn:
        audit.begin(conn)
        next(audit.chains(conn, audit.Tally(), 1), None)  # everything is imported, the first rows are read
        before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
        flaws = [
            *audit.chains(conn, tally),
            *audit.data(conn, seals, tally),
            *audit.sealed(conn, ring.signing.public, tally),
        ]
        elapsed = time.perf_counter() - started
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    if flaws or tally.entries != ENTRIES // len(KINDS) * len(KINDS):
        raise AssertionError(f"{len(flaws)} flaws, {tally}")
    results.put({"entries": tally.entries, "entries_per_s": round(tally.entries / elapsed), "grown_mb": round(grown)})
