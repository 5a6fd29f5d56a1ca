"""Work for later: reports, webhooks, time-outs. One thread keeps the time, a few others do the work."""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

Task = Callable[[], None]

_log = logging.getLogger(__name__)


class Agenda:
    """Runs each task once, as soon as it is due. A task that raises is logged; the others go on."""

    def __init__(self, threads: int = 8) -> None:
        self._due: list[tuple[float, int, Task]] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._closed = False
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="simulator-task")
        self._keeper = threading.Thread(target=self._keep, name="simulator-agenda", daemon=True)
        self._keeper.start()

    def after(self, delay_s: float, task: Task) -> None:
        """`task` runs `delay_s` from now, on another thread; never, once the agenda is closed or cleared."""
        with self._changed:
            heapq.heappush(self._due, (time.monotonic() + delay_s, next(self._order), task))
            self._changed.notify()

    def clear(self) -> None:
        """Forget what is not due yet."""
        with self._changed:
            self._due.clear()

    def close(self) -> None:
        """Forget what is not due yet and wait for what runs."""
        with self._changed:
            self._closed = True
            self._due.clear()
            self._changed.notify()
        self._keeper.join()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _keep(self) -> None:
        with self._changed:
            while not self._closed:
                if not self._due:
                    self._changed.wait()
                    continue
                wait_s = self._due[0][0] - time.monotonic()
                if wait_s > 0:
                    self._changed.wait(wait_s)
                    continue
                self._pool.submit(_run, heapq.heappop(self._due)[2])


def _run(task: Task) -> None:
    try:
        task()
    except Exception:  # a fault in one task must show, and must not take the thread with it
        _log.exception("simulator.task_failed")
