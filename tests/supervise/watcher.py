"""A watcher of our own for tests: `watcher.py FOLDER NAME COMMAND [NAME COMMAND]...`, until SIGTERM.

Each command runs in a shell. The process named `redis` is stopped last, as in the real run.
"""

import fcntl
import os
import signal
import sys
import time
from pathlib import Path

from gateway.supervise import watch as watching
from gateway.supervise.plan import Planned

STOP = {signal.SIGTERM}
WAITED = {signal.SIGTERM, signal.SIGCHLD}


def wait(seconds):
    info = signal.sigtimedwait(WAITED, seconds)
    return info is not None and info.si_signo in STOP


def main(folder, *names_and_commands):
    watching.FIRST_WAIT_S = 0.05
    watching.GUARDIAN_GRACE_S = 1.0
    signal.pthread_sigmask(signal.SIG_BLOCK, WAITED)
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
    fcntl.flock(lock, fcntl.LOCK_EX)
    watch = watching.Watch(time.monotonic, lambda line: print(line, flush=True), lock, None)
    for name, command in zip(names_and_commands[::2], names_and_commands[1::2], strict=True):
        watch.start(Planned(name, ("sh", "-c", command), folder / f"{name}.log", {"NAME": name}))
    while not wait(0.2 if watch.next_due_s() is None else min(0.2, watch.next_due_s())):
        watch.tick()
    watch.stop(last="redis", grace_s=1.0, hurry=wait)
    print("stopped", flush=True)


main(Path(sys.argv[1]), *sys.argv[2:])
