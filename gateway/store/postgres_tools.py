"""`pg_dump` and `pg_restore`: which ones serve a server, run without a password on the command line."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from gateway.store.db import read_url

Tool = Literal["pg_dump", "pg_restore"]

_INSTALLED = Path("/usr/lib/postgresql")  # where Debian and Ubuntu put each version's own
_VERSION = re.compile(r"(\d+)(?:\.\d+)*")
#: A dropped table waits this long for somebody who still reads it.
_LOCK_TIMEOUT = "10s"


class ToolError(Exception):
    """PostgreSQL's own tools are missing, too old, or failed; the message says which and why."""


def find(tool: Tool, at_least: int) -> tuple[Path, int]:
    """The oldest installed `tool` of version `at_least` or later, and its version. Raises ToolError.

    A tool reads servers and archives of its own version and of earlier ones; what a later one writes, an earlier
    server may not understand.
    """
    found = sorted({version: path for path, version in _candidates(tool)}.items())
    for version, path in found:
        if version >= at_least:
            return path, version
    if found:
        raise ToolError(
            f"{tool} is version {found[-1][0]} and {at_least} or later is needed: install postgresql-client-{at_least}"
        )
    raise ToolError(f"there is no {tool} on PATH or below {_INSTALLED}: install postgresql-client-{at_least}")


def run(command: list[str], url: str) -> bytes:
    """The standard output of a tool that works on the database of `url`. Raises ToolError."""
    address, password = _address(url)
    environment = {**os.environ, "PGOPTIONS": f"-c lock_timeout={_LOCK_TIMEOUT}", "PGCONNECT_TIMEOUT": "10"}
    if password is not None:
        environment["PGPASSWORD"] = password  # an argument would be seen in the list of processes
    return output([*command, f"--dbname={address}"], environment)


def output(command: list[str], environment: dict[str, str] | None = None) -> bytes:
    """The standard output of a command. Raises ToolError with the first thing it complained about."""
    try:
        done = subprocess.run(command, env=environment, capture_output=True, check=False, stdin=subprocess.DEVNULL)
    except OSError as error:
        raise ToolError(f"{command[0]}: cannot be run ({error.strerror})") from error
    if done.returncode != 0:
        raise ToolError(f"{Path(command[0]).name} failed: {_complaint(done.stderr)}")
    return done.stdout


def _candidates(tool: Tool) -> Iterator[tuple[Path, int]]:
    on_path = shutil.which(tool)
    found = sorted(_INSTALLED.glob(f"*/bin/{tool}"))
    for path in [*found, *([Path(on_path)] if on_path else [])]:
        try:
            version = _VERSION.search(output([str(path), "--version"]).decode(errors="replace"))
        except ToolError:
            continue
        if version is not None:
            yield path, int(version[1])


def _address(url: str) -> tuple[str, str | None]:
    """The URL as PostgreSQL's tools read it, without its password, and the password."""
    parsed = read_url(url)
    in_query = parsed.query.get("password")
    password = parsed.password or (in_query if isinstance(in_query, str) else None)
    bare = parsed.difference_update_query(["password"])._replace(drivername="postgresql", password=None)
    return bare.render_as_string(hide_password=False), password


def _complaint(stderr: bytes) -> str:
    """The first error line: those after it may quote rows."""
    lines = stderr.decode(errors="replace").splitlines()
    errors = [line for line in lines if "error:" in line] or lines or ["it said nothing"]
    return errors[0][:300]
