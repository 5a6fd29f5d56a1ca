"""Session records on a real Redis: one winner per version, nothing readable, no answer left for the next caller."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from datetime import date

import pytest
import redis

from gateway.keys import Ciphers
from gateway.store.sessions import Opening, Record, Sessions, SessionsUnavailable, open_connection

KEYS = {"e1": b"1" * 32}


@pytest.fixture
def sessions(redis_url: str) -> Iterator[Sessions]:
    made = Sessions(redis_url, Ciphers(KEYS), os.urandom)
    yield made
    made.close()


def test_a_record_is_read_back(sessions: Sessions) -> None:
    assert sessions.load("ussd:at:1") == Record(0, None)
    assert sessions.commit("ussd:at:1", 0, b"first", 60_000)
    assert sessions.load("ussd:at:1") == Record(1, b"first")
    assert sessions.commit("ussd:at:1", 1, b"second", 60_000)
    assert sessions.load("ussd:at:1") == Record(2, b"second")


def test_only_the_latest_version_may_be_replaced(sessions: Sessions) -> None:
    sessions.commit("k", 0, b"first", 60_000)
    assert not sessions.commit("k", 0, b"late", 60_000)
    assert not sessions.commit("k", 2, b"early", 60_000)
    assert sessions.load("k") == Record(1, b"first")


def test_what_was_committed_last_is_guessed_once(sessions: Sessions) -> None:
    assert sessions.guess("k") is None
    sessions.commit("k", 0, b"first", 60_000)
    assert sessions.guess("k") == Record(1, b"first")
    assert sessions.guess("k") is None
    sessions.commit("k", 0, b"late", 60_000)
    assert sessions.guess("k") is None, "what lost is not remembered"


def test_memory_is_bounded(sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.store.sessions._REMEMBERED", 2)
    for name in "abc":
        sessions.commit(name, 0, b"body", 60_000)
    assert [name for name in "abc" if sessions.guess(name)] == ["c"]


def test_of_many_committers_one_wins(redis_url: str, sessions: Sessions) -> None:
    sessions.commit("k", 0, b"start", 60_000)
    won: list[int] = []
    together = threading.Barrier(8)

    def commit(number: int) -> None:
        mine = Sessions(redis_url, Ciphers(KEYS), os.urandom)
        together.wait(10)
        if mine.commit("k", 1, b"%d" % number, 60_000):
            won.append(number)
        mine.close()

    threads = [threading.Thread(target=commit, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(won) == 1
    assert sessions.load("k") == Record(2, b"%d" % won[0])


def test_a_record_lives_as_long_as_it_was_told(redis_url: str, sessions: Sessions) -> None:
    sessions.commit("k", 0, b"body", 60_000)
    with redis.Redis.from_url(redis_url) as client:
        assert 0 < client.pttl("k") <= 60_000


def test_what_redis_holds_is_sealed(redis_url: str, sessions: Sessions) -> None:
    sessions.commit("k", 0, b"NPI 1234567890", 60_000)
    with redis.Redis.from_url(redis_url) as client:
        stored = client.hgetall("k")
        assert b"1234567890" not in b"".join(stored.values())
        client.rename("k", "other")
    assert sessions.load("other").body is None, "a record moved under another key is not believed"


def test_an_older_key_still_opens_and_a_foreign_one_does_not(redis_url: str, sessions: Sessions) -> None:
    sessions.commit("k", 0, b"body", 60_000)
    rotated = Sessions(redis_url, Ciphers({"e2": b"2" * 32, **KEYS}), os.urandom)
    assert rotated.load("k").body == b"body"
    assert rotated.commit("k", 1, b"newer", 60_000)
    assert sessions.load("k") == Record(2, None)
    rotated.close()


def test_the_script_is_sent_again_to_a_redis_that_forgot_it(redis_url: str, sessions: Sessions) -> None:
    sessions.commit("k", 0, b"one", 60_000)
    with redis.Redis.from_url(redis_url) as client:
        client.script_flush()
    assert sessions.commit("k", 1, b"two", 60_000)


def test_records_about_to_be_forgotten_are_found(sessions: Sessions) -> None:
    sessions.commit("ussd:at:1", 0, b"body", 60_000)
    sessions.commit("ussd:at:2", 0, b"body", 600_000)
    sessions.commit("other:3", 0, b"body", 60_000)
    assert list(sessions.expiring(120)) == ["ussd:at:1"]
    assert list(sessions.expiring(30)) == []


DAY = date(2026, 11, 23)


def test_a_dialogue_is_counted_with_its_first_record(sessions: Sessions) -> None:
    opens = Opening(DAY, "at|61603")
    assert sessions.commit("a", 0, b"1", 60_000, opens)
    assert sessions.commit("a", 1, b"2", 60_000, opens)
    assert not sessions.commit("a", 0, b"late", 60_000, opens), "and not by a delivery that lost"
    assert sessions.commit("b", 0, b"1", 60_000, opens)
    assert sessions.commit("c", 0, b"1", 60_000, Opening(DAY, "at|"))
    assert sessions.commit("d", 0, b"1", 60_000)
    (taken,) = sessions.take_counts([DAY], "1")
    assert (taken.day, taken.counts) == (DAY, {"at|61603": 2, "at|": 1})


def test_counts_are_kept_until_they_are_dropped(sessions: Sessions) -> None:
    sessions.commit("a", 0, b"1", 60_000, Opening(DAY, "at|61603"))
    (first,) = sessions.take_counts([DAY], "1")
    sessions.commit("b", 0, b"1", 60_000, Opening(DAY, "at|61603"))
    (again,) = sessions.take_counts([DAY], "2")
    assert again == first, "what came since is counted apart"
    sessions.drop_counts(first)
    (then,) = sessions.take_counts([DAY], "3")
    assert then.counts == {"at|61603": 1}
    sessions.drop_counts(first)
    assert list(sessions.take_counts([DAY], "4")) == [then], "whoever is late drops nothing of another"
    sessions.drop_counts(then)
    assert list(sessions.take_counts([DAY], "5")) == []


def test_no_redis_is_said_so() -> None:
    away = Sessions("unix:///nonexistent/redis.sock", Ciphers(KEYS), os.urandom)
    with pytest.raises(SessionsUnavailable):
        away.load("k")


def test_a_late_answer_is_never_given_to_the_next_caller() -> None:
    """A server that answers too late: the connection is closed, so the answer has nowhere to go."""
    listener = socket.create_server(("127.0.0.1", 0))
    connections: list[socket.socket] = []
    answers = [b"*2\r\n$1\r\n7\r\n$4\r\nlate\r\n", b"*2\r\n$-1\r\n$-1\r\n"]

    def serve() -> None:
        for answer in answers:
            connection, _ = listener.accept()
            connections.append(connection)
            while b"HMGET" not in (received := connection.recv(65536)):
                connection.sendall(b"+OK\r\n" * received.count(b"SETINFO"))
            if answer is answers[0]:
                release.wait(10)
            try:
                connection.sendall(answer)
            except OSError:
                continue

    release = threading.Event()
    server = threading.Thread(target=serve)
    server.start()
    host, port = listener.getsockname()
    sessions = Sessions(f"redis://{host}:{port}", Ciphers(KEYS), os.urandom, timeout_s=0.3)
    with pytest.raises(SessionsUnavailable):
        sessions.load("k")
    release.set()
    assert sessions.load("k") == Record(0, None)
    sessions.close()
    server.join(10)
    for connection in connections:
        connection.close()
    listener.close()


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("redis://127.0.0.1:1/3", "Connection"),
        ("rediss://u:p@127.0.0.1/3", "SSLConnection"),
        ("unix:///run/r.sock?db=2", "UnixDomainSocketConnection"),
    ],
)
def test_urls(url: str, kind: str) -> None:
    assert type(open_connection(url, 1.0)).__name__ == kind


def test_another_scheme_is_refused() -> None:
    with pytest.raises(ValueError, match="redis://"):
        open_connection("http://127.0.0.1", 1.0)
