"""A small process that outlives the watcher by a moment, so that no orphan is left when the watcher is killed.

Run as a script, with nothing but the standard library: `guardian.py GRACE_S [FOLDER]`. Its standard input is a pipe
that only the watcher holds: lines `+GROUP` and `-GROUP` say which process groups are alive. When the pipe closes, the
watcher is gone: the groups are asked to stop, killed after GRACE_S seconds, and FOLDER (sockets) is removed.
"""

import contextlib
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterable


def main(grace_s: float, folder: str | None) -> None:
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)  # only the pipe says when to go
    groups: dict[int, None] = {}
    for line in sys.stdin:
        sign, group = line[0], int(line[1:])
        if sign == "+":
            groups[group] = None
        else:
            groups.pop(group, None)
    stop(groups, grace_s)
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)


def stop(groups: Iterable[int], grace_s: float) -> None:
    """Asks each group to stop, then kills what is left of them after `grace_s` seconds."""
    left = list(groups)
    for group in left:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGTERM)
    for _ in range(int(grace_s * 20)):
        left = [group for group in left if _alive(group)]
        if not left:
            return
        time.sleep(0.05)
    for group in left:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)


def _alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


if __name__ == "__main__":
    main(float(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None)
