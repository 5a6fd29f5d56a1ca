"""What a start needs for itself alone: the data folder and the ports. Each refusal is one sentence."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from gateway.settings import address_of


class StartError(Exception):
    """Why the system does not start: one sentence for the person at the terminal."""


def claim_data(data: Path, monotonic: Callable[[], float], patience_s: float = 15) -> int:
    """The descriptor of the lock on the data folder, made if it is missing; `StartError` when it cannot be ours.

    The lock belongs to the open file, so that the guardian, which inherits it, keeps it until the last process is gone.
    When the process that took it is dead, its guardian is still clearing up: we wait for it at most `patience_s`.
    """
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(data / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StartError(
            f"{data}: cannot be written ({error.strerror}); make it writable, or choose a folder with GATEWAY_DATA"
        ) from error
    deadline = monotonic() + patience_s
    while not _locked(lock):
        holder = _holder(lock)
        if holder is not None and (_alive(holder) or monotonic() > deadline):
            os.close(lock)
            raise StartError(
                f"{data}: another Passerelle runs on this data (process {holder}); "
                "stop it, or choose another folder with GATEWAY_DATA"
            )
        time.sleep(0.1)
    os.ftruncate(lock, 0)
    os.pwrite(lock, str(os.getpid()).encode(), 0)
    return lock


def claim_ports(binds: Mapping[str, str]) -> None:
    """`StartError` naming every address that another program holds. `binds`: environment variable -> address.

    The server shares its port between its workers (SO_REUSEPORT): without this check a second gateway of the same
    user would take half of the calls in silence.
    """
    faults: list[str] = []
    for variable, bind in binds.items():
        host, port = address_of(bind)
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                faults.append(f"{bind} is in use by another program; stop it, or choose another with {variable}")
            else:
                faults.append(f"{bind} cannot be listened on ({error.strerror}); choose another with {variable}")
    if faults:
        raise StartError("\n".join(faults))


def _locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in {errno.EAGAIN, errno.EACCES}:
            return False
        raise StartError(f"the data folder cannot be locked ({error.strerror}); put it on a local disk") from error
    return True


def _holder(lock: int) -> int | None:
    """The process noted in the lock; None while its holder has not written itself down yet."""
    noted = os.pread(lock, 20, 0)
    return int(noted) if noted.isdigit() else None


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
