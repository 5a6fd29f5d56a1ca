"""What is told of callbacks that come too often, and of wrong tokens; what is not told; what it costs."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
from prometheus_client import REGISTRY

from gateway import logs, wiring
from gateway.web.surges import Surges
from tests.web.conftest import Site

AT = "/channels/africastalking"


@dataclass
class Minutes:
    """Surges of one channel with two tokens, under a clock of the test's."""

    lines: list[bytes]
    at: float = 1000.0
    surges: Surges = field(init=False)

    def __post_init__(self) -> None:
        self.surges = Surges({"at": 2}, factor=10, floor=600, refused=60, monotonic=lambda: self.at)

    def minute(self, count: int, place: int = 0) -> int:
        """So many callbacks in this minute, then the next one begins; how many times it was told."""
        before = len(self.told())
        for _ in range(count):
            self.surges.take("at", place)
        self.at += 60
        return len(self.told()) - before

    def told(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.lines]


@pytest.fixture
def lines() -> list[bytes]:
    written: list[bytes] = []
    logs.start("error", wiring.now, written.append)
    return written


@pytest.fixture
def minutes(lines: list[bytes]) -> Minutes:
    return Minutes(lines)


@pytest.mark.parametrize(
    ("counts", "told", "remark"),
    [
        ([5000], [0], "the first minute is learnt from"),
        ([5000, 5000], [0, 0], "busy from the start is usual"),
        ([0, 600], [0, 0], "the floor"),
        ([0, 601], [0, 1], "one more, where nothing came before"),
        ([100, 1000], [0, 0], "ten times the usual"),
        ([100, 1001], [0, 1], "one more"),
        ([59, 600], [0, 0], "ten times little is below the floor"),
        ([100, 120, 90, 110, 1200], [0, 0, 0, 0, 1], "after some ordinary minutes"),
        ([100, 9000, 9000, 100], [0, 1, 1, 0], "a surge that lasts is told each minute, at first"),
        ([100, *[2000] * 8], [0, 1, *[0] * 7], "what lasts becomes usual"),
        ([1000, *[0] * 59, 601], [0, *[0] * 59, 1], "what was usual an hour ago is forgotten"),
    ],
)
def test_a_minute_is_compared_with_those_before(
    minutes: Minutes, counts: list[int], told: list[int], remark: str
) -> None:
    assert [minutes.minute(count) for count in counts] == told, remark


def test_silent_minutes_count_without_being_counted(minutes: Minutes) -> None:
    minutes.minute(1000)
    minutes.at += 59 * 60
    assert minutes.minute(601) == 1


def test_tokens_are_counted_apart(minutes: Minutes) -> None:
    minutes.minute(0)
    assert minutes.minute(500, place=0) == 0
    minutes.at -= 60
    assert minutes.minute(500, place=1) == 0


def test_a_surge_is_told_once_with_the_place_of_the_token(minutes: Minutes) -> None:
    labels = {"channel": "at"}
    before = REGISTRY.get_sample_value("callback_surges_total", labels) or 0
    minutes.minute(100)
    assert minutes.minute(5000, place=1) == 1
    (line,) = minutes.told()
    assert line == line | {"level": "error", "event": "edge.surge", "channel": "at", "token": 1, "usual": 0}
    assert REGISTRY.get_sample_value("callback_surges_total", labels) == before + 1


def test_threads_lose_no_callback(minutes: Minutes) -> None:
    minutes.minute(0)
    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(lambda: [minutes.surges.take("at", 0) for _ in range(75)]) for _ in range(8)]:
            done.result()
    assert minutes.told() == []
    minutes.surges.take("at", 0)
    assert len(minutes.told()) == 1


def test_probing_is_told_once_a_minute(minutes: Minutes) -> None:
    labels = {"channel": "none"}
    before = REGISTRY.get_sample_value("callback_probes_total", labels) or 0
    for _ in range(60):
        minutes.surges.refuse("at\n{evil}")
        minutes.surges.refuse("at")
    assert minutes.told() == []
    for _ in range(60):
        minutes.surges.refuse("at\n{evil}")
    assert [(line["event"], line["level"], line["channel"]) for line in minutes.told()] == [
        ("edge.probing", "error", "none")
    ]
    assert REGISTRY.get_sample_value("callback_probes_total", labels) == before + 1
    minutes.at += 60
    for _ in range(61):
        minutes.surges.refuse("at")
    assert [line["channel"] for line in minutes.told()] == ["none", "at"]


@pytest.mark.parametrize(
    ("path", "channel"),
    [
        (f"{AT}/wrong/ussd", "africastalking"),
        ("/channels/nobody/wrong/ussd", "none"),
        (f"{AT}/local/nothing", "none"),
        ("/channels/", "none"),
    ],
)
def test_wrong_doors_are_counted(site: Site, lines: list[bytes], path: str, channel: str) -> None:
    for _ in range(60):
        assert site.call("POST", path)[0] == 404
    assert lines == []
    assert site.call("POST", path)[0] == 404
    (line,) = (json.loads(line) for line in lines)
    assert (line["event"], line["channel"]) == ("edge.probing", channel)


def test_the_use_of_a_token_is_counted(site: Site, lines: list[bytes]) -> None:
    site.application = type(site)(_in_its_second_minute(site)).application
    for _ in range(601):
        site.call("POST", f"{AT}/local/ussd", b"x")
    (line,) = (json.loads(line) for line in lines if b"edge." in line)
    assert (line["event"], line["channel"], line["token"]) == ("edge.surge", "africastalking", 1)
    assert b"local" not in b"".join(lines)


def _in_its_second_minute(site: Site) -> wiring.Gateway:
    from dataclasses import replace
    from itertools import chain, repeat

    times = chain([0.0], repeat(61.0))
    return replace(site.gateway, monotonic=lambda: next(times))
