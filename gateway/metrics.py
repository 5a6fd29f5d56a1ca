"""What is counted, in every process of this machine. No label ever holds a number, a session id or a citizen's word.

With PROMETHEUS_MULTIPROC_DIR set, each process counts in files of its own in that folder, and `exposition` adds them
up. The files of processes that have ended are folded into one: a sum that lost them would look like a restart.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector

#: Read by prometheus_client when it is imported: it must be set before the process starts.
FOLDER = "PROMETHEUS_MULTIPROC_DIR"

#: Buckets up to the aggregator's own deadline of 10 s.
TURN_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

ussd_turns = Counter("ussd_turns", "Turns answered", ["channel", "outcome"])
ussd_turn_seconds = Histogram(
    "ussd_turn_duration_seconds",
    "Time from the callback's arrival to its answer",
    ["channel"],
    buckets=TURN_BUCKETS,
)
ussd_ends = Counter("ussd_ends", "Dialogues ended, as the aggregator tells", ["channel", "status"])
callbacks_refused = Counter("callbacks_refused", "Callbacks refused", ["channel", "route", "code"])
callback_surges = Counter("callback_surges", "Minutes in which a token was used far more than usual", ["channel"])
callback_probes = Counter("callback_probes", "Minutes with many wrong tokens or addresses", ["channel"])
delivery_reports = Counter("delivery_reports", "Delivery reports taken", ["channel", "outcome"])
backoffice_events = Counter("backoffice_events", "Events from institutions", ["system", "outcome"])
sms_received = Counter("sms_received", "SMS from citizens, as they were delivered", ["channel", "outcome"])
sms_sent = Counter("sms_messages", "SMS calls settled, one per recipient", ["channel", "outcome"])
submissions_handed_over = Counter("submissions_handed_over", "Submissions offered to a system", ["system", "outcome"])
sms_withheld = Counter("sms_withheld", "SMS that a ceiling stopped before they were written", ["scope"])
api_calls = Counter("api_calls", "Calls of the API that had a key", ["operation", "status"])
api_refusals = Counter("api_refusals", "Calls of the API that were refused", ["code"])
hook_deliveries = Counter("hook_deliveries", "Webhooks to institutions, attempts settled", ["endpoint", "outcome"])

#: What prometheus_client makes a file large at first: some 400 series.
_FILE_BYTES = 1 << 16
#: The file that holds what ended processes counted; no process has this number.
_ENDED = 0


def start(channels: Iterable[str], ceilings: Iterable[str], endpoints: Iterable[str] = ()) -> None:
    """Makes the folder in which the processes of this machine count, and begins at 0 what alerts look at.

    A series that is born at 1 has not increased, as Prometheus sees it: the first fault would be missed.
    """
    folder = os.environ.get(FOLDER)
    if folder:
        Path(folder).mkdir(mode=0o700, parents=True, exist_ok=True)
        for kind in ("counter", "histogram"):
            _reserve(Path(folder) / f"{kind}_{os.getpid()}.db")
    for channel in channels:
        for outcome in ("continue", "unavailable", "busy"):
            ussd_turns.labels(channel, outcome)
        sms_sent.labels(channel, "stop")
        callback_surges.labels(channel)
        callback_probes.labels(channel)
    for scope in ceilings:
        sms_withheld.labels(scope)
    for endpoint in endpoints:
        for outcome in ("disabled", "given_up"):
            hook_deliveries.labels(endpoint, outcome)


def exposition() -> bytes:
    """What all processes of this machine counted, in Prometheus' text form; without a folder, what this one did."""
    named = os.environ.get(FOLDER)
    if not named:
        return generate_latest(REGISTRY)
    folder = Path(named)
    with _alone_in(folder):
        _fold_ended(folder)
        registry = CollectorRegistry()
        MultiProcessCollector(registry, str(folder))  # type: ignore[no-untyped-call]
        return generate_latest(registry)


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """One reader at a time: several web processes may be asked at once, and one of them may be folding."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _fold_ended(folder: Path) -> None:
    for kind in ("counter", "histogram"):
        ended = [file for file in folder.glob(f"{kind}_*.db") if not _alive(file)]
        if ended:
            with suppress(OSError):  # no room: they are read one by one until there is
                _fold(folder, kind, ended)
    for file in folder.glob("gauge_*.db"):  # an earlier version's
        if not _alive(file):
            file.unlink(missing_ok=True)


def _fold(folder: Path, kind: str, ended: list[Path]) -> None:
    """Adds the files to the one of the ended processes, which is replaced at once: a reader sees it whole."""
    whole, new = folder / f"{kind}_{_ENDED}.db", folder / f"{kind}.new"
    totals: dict[str, float] = {}
    for file in [*([whole] if whole.exists() else []), *ended]:
        values: Any = MmapedDict.read_all_values_from_file(str(file))  # type: ignore[no-untyped-call]
        for key, value, *_ in values:
            totals[key] = totals.get(key, 0.0) + value
    new.unlink(missing_ok=True)
    _reserve(new)
    written: Any = MmapedDict(str(new))  # type: ignore[no-untyped-call]
    for key, value in totals.items():
        written.write_value(key, value, 0.0)
    written.close()
    new.replace(whole)
    for file in ended:
        file.unlink(missing_ok=True)


def _reserve(file: Path) -> None:
    """Makes the file, or what there is of it, whole on the disk. Raises OSError when there is no room.

    It is written through memory: a page that a full disk cannot take would kill the process in the middle of a turn.
    """
    with file.open("ab") as opened:
        os.posix_fallocate(opened.fileno(), 0, _FILE_BYTES)


def _alive(file: Path) -> bool:
    """Whether the process that counts in this file runs; the number of an ended one may be another's by now."""
    number = int(file.stem.rpartition("_")[2])
    if number == _ENDED:
        return True
    with suppress(PermissionError):  # it runs, as another user
        try:
            os.kill(number, 0)
        except ProcessLookupError:
            return False
    return True
