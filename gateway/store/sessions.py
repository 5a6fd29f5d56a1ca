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
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from redis.connection import AbstractConnection, Connection, SSLConnection, UnixDomainSocketConnection
from redis.exceptions import NoScriptError, RedisError

from gateway.store.db import StoreUnavailable, Why

#: A dialogue is remembered this long after its END, without its state, to answer a late repetition.
AFTER_END_S = 600

#: Records remembered by a process: about 2 MiB. All are dropped together; the next turns ask Redis.
_REMEMBERED = 4096

#: KEYS[1] record; ARGV: version read ("0": none), new body, time to live in ms. Answers 0 when another committed first.
_COMMIT = b"""
local v = redis.call('HGET', KEYS[1], 'v') or '0'
if v ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'v', tonumber(v) + 1, 'd', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
"""
_COMMIT_SHA = hashlib.sha1(_COMMIT, usedforsecurity=False).hexdigest()


class SessionsUnavailable(StoreUnavailable):
    """Redis did not answer in time; nothing is known of what it did."""


@dataclass(frozen=True, slots=True)
class Record:
    """A record as read: `version` 0 and `body` None when there is none."""

    version: int
    body: bytes | None


class Sessions:
    """The records of all dialogues, reached through one connection per thread, sealed with AES-256-GCM.

    `keys` (id -> 32 bytes, newest first): the first seals, all open. A record that no key opens is as good as none.
    """

    def __init__(
        self,
        url: str,
        keys: Mapping[str, bytes],
        random_bytes: Callable[[int], bytes],
        timeout_s: float = 1.0,
    ) -> None:
        self._url = url
        self._timeout_s = timeout_s
        self._random_bytes = random_bytes
        self._ciphers = {name.encode(): AESGCM(key) for name, key in keys.items()}
        self._newest = next(iter(self._ciphers))
        self._local = threading.local()
        self._lately: dict[str, Record] = {}

    def _seal(self, key: str, body: bytes) -> bytes:
        nonce = self._random_bytes(12)
        sealed = self._ciphers[self._newest].encrypt(nonce, body, key.encode())
        return bytes((len(self._newest),)) + self._newest + nonce + sealed

    def _open(self, key: str, sealed: bytes) -> bytes | None:
        end = 1 + sealed[0]
        cipher = self._ciphers.get(sealed[1:end])
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

    def commit(self, key: str, version: int, body: bytes, ttl_ms: int) -> bool:
        """Whether `body` is now the record: False when another commit came after `version` was read."""
        committed = self._commit(key, version, body, ttl_ms)
        if committed:
            if len(self._lately) >= _REMEMBERED:
                self._lately.clear()
            self._lately[key] = Record(version + 1, body)
        return committed

    def _commit(self, key: str, version: int, body: bytes, ttl_ms: int) -> bool:
        args = (1, key, version, self._seal(key, body), ttl_ms)
        try:
            return bool(self._ask("EVALSHA", _COMMIT_SHA, *args) == 1)
        except NoScriptError:  # a fresh or restarted Redis
            return bool(self._ask("EVAL", _COMMIT, *args) == 1)

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
