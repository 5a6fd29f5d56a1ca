"""`gateway` commands as processes of their own, which start at once: forked from one that has imported everything.

A command started anew imports for most of a second. What it then does, its arguments, environment, folder, output and
exit code are the same here.
"""

from __future__ import annotations

import io
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from gateway import cli

ROOT = Path(__file__).parents[1]
_FORKED = multiprocessing.get_context("forkserver")
_FORKED.set_forkserver_preload([f"gateway.cli.{name}" for name in sorted(set(cli._COMMANDS.values()))])


def run(
    arguments: tuple[str, ...], environment: Mapping[str, str], cwd: Path = ROOT, timeout_s: float = 60
) -> subprocess.CompletedProcess[str]:
    """The finished command, as `subprocess.run` gives it. Raises subprocess.TimeoutExpired."""
    with tempfile.TemporaryDirectory() as folder:
        process = _FORKED.Process(target=_command, args=(arguments, dict(environment), str(cwd), folder))
        process.start()
        try:
            process.join(timeout_s)
            if process.exitcode is None:
                process.kill()
                process.join()
                raise subprocess.TimeoutExpired(arguments, timeout_s)
            said = [(Path(folder) / name).read_bytes().decode() for name in ("out", "err")]
            return subprocess.CompletedProcess(arguments, process.exitcode, *said)
        finally:
            process.close()


def _command(arguments: tuple[str, ...], environment: dict[str, str], cwd: str, folder: str) -> None:
    for number, name in ((1, "out"), (2, "err")):
        file = os.open(f"{folder}/{name}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(file, number)
        os.close(file)
    sys.stdout = io.TextIOWrapper(open(1, "wb", closefd=False), encoding="utf-8")  # noqa: SIM115
    sys.stderr = io.TextIOWrapper(open(2, "wb", closefd=False), encoding="utf-8", errors="backslashreplace")  # noqa: SIM115
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    os.chdir(cwd)
    sys.argv = ["gateway", *arguments]
    cli.main()
