"""Looking at the machine's processes, for tests."""

import contextlib
import time
from pathlib import Path


def wait_until(condition, seconds=60.0, what="the condition"):
    """Returns what `condition` returns as soon as it is true; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError(f"{what} did not come true in {seconds} s")


def gone(group):
    """Whether no living process is in this group (a zombie is dead)."""
    return not [pid for pid, stat in _stats() if stat[1] != "Z" and int(stat[3]) == group]


def holding(mark, folder=None):
    """The living processes with `mark` in their environment, or at work below `folder`: pid -> command line.

    Redis writes its title over its environment: only its folder tells whose it is.
    """
    found = {}
    for pid, stat in _stats():
        process = Path(f"/proc/{pid}")
        with contextlib.suppress(OSError):
            ours = mark.encode() in (process / "environ").read_bytes()
            if stat[1] != "Z" and (
                ours or (folder is not None and (process / "cwd").readlink().is_relative_to(folder))
            ):
                found[pid] = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    return found


def _stats():
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                before, _, after = (folder / "stat").read_text().rpartition(")")
                # state is field 3, the group field 5: see proc(5)
                yield int(folder.name), [before, *after.split()]
