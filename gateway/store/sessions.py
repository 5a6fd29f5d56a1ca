"""USSD session records in Redis: one per dialogue, replaced only by whoever read its latest version.

The record is a hash of two fields: `v`, a version that each commit raises, and `d`, the sealed body. A commit is one
EVALSHA that compares `v`. Each thread has one connection and speaks low-level commands on it: any exception closes the
connection before it is used again, because a kept one would answer the next citizen with the last one's reply.

What this process committed last is remembered for a while: the next turn usually comes to it, and may start from there
without asking Redis. It is a guess: the commit that follows compares the version, and tells when it was wrong.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from urllib.parse import unquote, urlsplit

from cryptography.exceptions import InvalidTag
from redis.connection import AbstractConnection, Connection, SSLConnection, UnixDomainSocketConnection
from redis.exceptions import NoScriptError, RedisError

from gateway.keys import Ciphers
from gateway.store.db import StoreUnavailable, Why

#: A dialogue is remembered this long after its END, without its state, to answer a late repetition.
AFTER_END_S = 600

#: Records remembered by a process: about 2 MiB. All are dropped together; the next turns ask Redis.
_REMEMBERED = 4096

#: KEYS[1] record; KEYS[2] the counts of the day; ARGV: version read ("0": none), new body, time to live in ms, and
#: for a new dialogue as what it counts, else "". Answers 0 when another committed first.
_COMMIT = b"""
local v = redis.call('HGET', KEYS[1], 'v') or '0'
if v ~= ARGV[1] then return 0 end
if ARGV[4] ~= '' then redis.call('HINCRBY', KEYS[2], ARGV[4], 1) end
redis.call('HSET', KEYS[1], 'v', tonumber(v) + 1, 'd', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
"""
#: Moves the counts of a day out of the way and answers them; those moved before, when they were never dropped.
#: KEYS[1] counts, KEYS[2] moved counts; ARGV: their id, when they are moved now.
_TAKE = b"""
if redis.call('EXISTS', KEYS[2]) == 0 then
  if redis.call('EXISTS', KEYS[1]) == 0 then return {} end
  redis.call('RENAME', KEYS[1], KEYS[2])
  redis.call('HSET', KEYS[2], ' id', ARGV[1])
end
return redis.call('HGETALL', KEYS[2])
"""
#: Forgets moved counts, unless they are others by now. KEYS[1]; ARGV: the id they were taken under.
_DROP = b"if redis.call('HGET', KEYS[1], ' id') == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"
#: The field of moved counts that says under which id; no subject begins with a space.
_ID = " id"
_COMMIT_SHA = hashlib.sha1(_COMMIT, usedforsecurity=False).hexdigest()


class SessionsUnavailable(StoreUnavailable):
    """Redis did not answer in time; nothing is known of what it did."""


@dataclass(frozen=True, slots=True)
class Record:
    """A record as read: `version` 0 and `body` None when there is none."""

    version: int
    body: bytes | None


@dataclass(frozen=True, slots=True)
class Opening:
    """What a new dialogue counts as: its local day, and "channel|network"."""

    day: date
    subject: str


@dataclass(frozen=True, slots=True)
class Taken:
    """Counts of a day by subject, moved under an id that no others have."""

    day: date
    id: str
    counts: Mapping[str, int]


class Sessions:
    """The records of all dialogues, reached through one connection per thread, sealed with AES-256-GCM.

    A record that no key opens is as good as none.
    """

    def __init__(
        self,
        url: str,
        ciphers: Ciphers,
        random_bytes: Callable[[int], bytes],
        timeout_s: float = 1.0,
    ) -> None:
        self._url = url
        self._timeout_s = timeout_s
        self._random_bytes = random_bytes
        self._ciphers = ciphers
        self._local = threading.local()
        self._lately: dict[str, Record] = {}

    def _seal(self, key: str, body: bytes) -> bytes:
        key_id, cipher = self._ciphers.newest()
        nonce = self._random_bytes(12)
        return bytes((len(key_id),)) + key_id.encode() + nonce + cipher.encrypt(nonce, body, key.encode())

    def _open(self, key: str, sealed: bytes) -> bytes | None:
        end = 1 + sealed[0]
        cipher = self._ciphers.of(sealed[1:end].decode("ascii", "replace"))
        if cipher is None:
            return None
        try:
            return cipher.decrypt(sealed[end : end + 12], sealed[end + 12 :], key.encode())
        except InvalidTag:
            return None

    def guess(self, key: str) -> Record | None:
        """The record as this process committed it last; another may have replaced it since. Given once."""
        return self._lately.pop(key, None)

    def load(self, key: str) -> Record:
        """The record under `key`. Raises SessionsUnavailable."""
        version, body = self._ask("HMGET", key, "v", "d")
        return Record(0, None) if version is None else Record(int(version), self._open(key, body))

    def commit(self, key: str, version: int, body: bytes, ttl_ms: int, opens: Opening | None = None) -> bool:
        """Whether `body` is now the record: False when another commit came after `version` was read.

        The first record of a dialogue counts it, in the same script, as `opens` says.
        """
        committed = self._commit(key, version, body, ttl_ms, opens if version == 0 else None)
        if committed:
            if len(self._lately) >= _REMEMBERED:
                self._lately.clear()
            self._lately[key] = Record(version + 1, body)
        return committed

    def _commit(self, key: str, version: int, body: bytes, ttl_ms: int, opens: Opening | None) -> bool:
        counts, subject = (key, "") if opens is None else (_counts(opens.day), opens.subject)
        args = (2, key, counts, version, self._seal(key, body), ttl_ms, subject)
        try:
            return bool(self._ask("EVALSHA", _COMMIT_SHA, *args) == 1)
        except NoScriptError:  # a fresh or restarted Redis
            return bool(self._ask("EVAL", _COMMIT, *args) == 1)

    def take_counts(self, days: Sequence[date], new_id: str) -> Iterator[Taken]:
        """What was counted on these days, each moved out of the way of what is counted from now on.

        What a taker left that died before `drop_counts` comes again, under its own id.
        """
        if not self._ask("EXISTS", *(name for day in days for name in (_counts(day), _moved(day)))):
            return
        for day in days:
            flat = self._ask("EVAL", _TAKE, 2, _counts(day), _moved(day), f"{day}:{new_id}")
            if flat:
                found = {name.decode(): value.decode() for name, value in zip(flat[::2], flat[1::2], strict=True)}
                yield Taken(day, found.pop(_ID), {subject: int(count) for subject, count in found.items()})

    def drop_counts(self, taken: Taken) -> None:
        """Forgets counts that are stored elsewhere by now."""
        self._ask("EVAL", _DROP, 1, _moved(taken.day), taken.id)

    def ping(self) -> None:
        """Raises SessionsUnavailable when Redis does not answer."""
        self._ask("PING")

    def expiring(self, within_s: int) -> Iterator[str]:
        """Keys of all records that will be forgotten within so many seconds, for the sweep.

        All, because most have ended: a limit would let them hide the few that were dropped.
        """
        cursor: bytes = b"0"
        while True:
            cursor, keys = self._ask("SCAN", cursor, "MATCH", "ussd:*", "COUNT", 500)
            for key in keys:
                if 0 < int(self._ask("PTTL", key)) <= within_s * 1000:
                    yield key.decode()
            if cursor == b"0":
                return

    def close(self) -> None:
        """Closes this thread's connection."""
        connection = getattr(self._local, "connection", None)
        if connection is not None:
            connection.disconnect()
            self._local.connection = None

    def _ask(self, *command: object):  # type: ignore[no-untyped-def]  # Redis answers are as varied as its commands
        connection: AbstractConnection | None = getattr(self._local, "connection", None)
        try:
            if connection is None:
                connection = open_connection(self._url, self._timeout_s)
                connection.connect()
                self._local.connection = connection
            connection.send_packed_command((_packed(command),), check_health=False)
            return connection.read_response()
        except NoScriptError:
            raise
        except (RedisError, OSError) as error:
            self._drop(connection)
            raise SessionsUnavailable(Why.AWAY, "redis") from error
        except BaseException:
            self._drop(connection)
            raise

    def _drop(self, connection: AbstractConnection | None) -> None:
        self._local.connection = None
        if connection is not None:
            connection.disconnect()


def _counts(day: date) -> str:
    return f"sessions:{day}"


def _moved(day: date) -> str:
    return f"sessions:{day}:moved"


def _packed(command: tuple[object, ...]) -> bytes:
    """A command in Redis' own protocol (RESP): the library's packer, made for any type, takes several times as long."""
    parts = [b"*%d\r\n" % len(command)]
    for argument in command:
        data = argument if isinstance(argument, bytes) else str(argument).encode()
        parts.append(b"$%d\r\n%b\r\n" % (len(data), data))
    return b"".join(parts)


def open_connection(url: str, timeout_s: float) -> AbstractConnection:
    """A connection, not yet made, that never retries.

    `redis://[user:password@]host[:port][/db]`, the same with `rediss://` (TLS), or `unix:///path[?db=0]`.
    """
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return UnixDomainSocketConnection(  # type: ignore[abstract]  # redis-py leaves `host` abstract in it, unused
            path=unquote(parts.path), socket_timeout=timeout_s, protocol=2, db=_database(parts.query)
        )
    if parts.scheme not in {"redis", "rediss"}:
        raise ValueError("a Redis URL starts with redis://, rediss:// or unix://")
    kind = SSLConnection if parts.scheme == "rediss" else Connection
    return kind(
        host=parts.hostname or "127.0.0.1",
        port=parts.port or 6379,
        db=int(parts.path.strip("/") or 0),
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        protocol=2,
    )


def _database(query: str) -> int:
    for part in query.split("&"):
        if part.startswith("db="):
            return int(part[3:])
    return 0
