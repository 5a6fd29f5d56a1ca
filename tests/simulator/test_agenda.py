import logging
import threading
from collections.abc import Iterator

import pytest

from gateway.simulator.agenda import Agenda


@pytest.fixture
def agenda() -> Iterator[Agenda]:
    agenda = Agenda(threads=1)
    yield agenda
    agenda.close()


def test_tasks_run_when_due_whatever_the_order_of_asking(agenda: Agenda) -> None:
    ran: list[str] = []
    done = threading.Event()
    agenda.after(0.08, lambda: (ran.append("last"), done.set())[0])  # type: ignore[func-returns-value]
    agenda.after(0.04, lambda: ran.append("second"))
    agenda.after(0, lambda: ran.append("first"))
    assert done.wait(5)
    assert ran == ["first", "second", "last"]


def test_a_task_that_raises_is_logged_and_stops_nothing(agenda: Agenda, caplog: pytest.LogCaptureFixture) -> None:
    done = threading.Event()
    with caplog.at_level(logging.ERROR):
        agenda.after(0, lambda: 1 // 0)
        agenda.after(0, done.set)
        assert done.wait(5)
    assert "simulator.task_failed" in caplog.text


def test_clear_forgets_what_is_not_due(agenda: Agenda) -> None:
    ran: list[str] = []
    done = threading.Event()
    agenda.after(0.02, lambda: ran.append("forgotten"))
    agenda.clear()
    agenda.after(0.06, done.set)
    assert done.wait(5)
    assert ran == []
