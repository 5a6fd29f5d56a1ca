"""The keys of one installation: made at first start, kept in one file (mode 0600) apart from the database.

Losing this file makes personal data unreadable and every verification code void: back it up, apart from the database.
"""

from __future__ import annotations

import base64
import contextlib
import copy
import fcntl
import hashlib
import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

RandomBytes = Callable[[int], bytes]
#: A value sealed with a key that nobody knows must not make each request read the file.
_REREAD_EVERY_S = 1.0
#: A process seals with the newest key of its file at most this long after it was put there.
LOOKED_AGAIN_S = 30.0


class KeysError(Exception):
    """The key file cannot be read, written or understood; the message says what to do."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """What a checkpoint's signature is verified with; `until`: when a newer key took its place, None: the newest."""

    raw: bytes  #: 32 bytes, Ed25519 (RFC 8032)
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Signing:
    """The key that signs checkpoints now, and the public ones of all that ever did."""

    key_id: str  #: "c" and the first hexadecimal digits of the SHA-256 of the public key: "c3f09ab-12cd34"
    private: bytes = field(repr=False)  #: 32 bytes
    public: Mapping[str, PublicKey]  #: by key id, oldest first


@dataclass(frozen=True, slots=True)
class Keyring:
    """All secrets of this installation. Of each pair of lists the first is used to write, all are tried to read."""

    encryption: dict[str, bytes] = field(repr=False)  #: key id -> 32 bytes, AES-256-GCM, newest first
    digest: bytes = field(repr=False)  #: 32 bytes, keyed digests of numbers and identifiers
    receipts: dict[str, bytes] = field(repr=False)  #: key id -> 32 bytes, HMAC of verification codes, newest first
    channel_tokens: dict[str, tuple[str, ...]] = field(repr=False)  #: channel -> tokens believed now
    web_secret: bytes = field(repr=False)  #: 32 bytes, signs console sessions
    system_tokens: dict[str, str] = field(repr=False)  #: system -> bearer token, where the environment gives none
    webhook_secrets: dict[str, tuple[str, ...]] = field(repr=False)  #: system -> whsec_..., newest first
    signing: Signing | None = field(default=None, repr=False)  #: always there in a keyring that was loaded


class Ciphers:
    """The encryption keys of this process, newest first; read again from their file now and then, and for a new name.

    So a key that an operator adds is used by every process within moments, and none has to be restarted. Safe to
    share between threads.
    """

    def __init__(
        self,
        keys: Mapping[str, bytes],
        reread: Callable[[], Mapping[str, bytes]] | None = None,
        monotonic: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._reread = reread
        self._monotonic = monotonic
        self._asked_at = monotonic()
        self._lock = threading.Lock()
        self._take(keys)

    def newest(self) -> tuple[str, AESGCM]:
        """The id and the cipher that new values are sealed with."""
        if self._reread is not None and self._monotonic() - self._asked_at >= LOOKED_AGAIN_S:
            self.refresh()
        return self._newest

    def of(self, key_id: str) -> AESGCM | None:
        """The cipher of a key, None when there is no such key (any more)."""
        found = self._ciphers.get(key_id)
        if found is None and self._monotonic() - self._asked_at >= _REREAD_EVERY_S:
            self.refresh()
            found = self._ciphers.get(key_id)
        return found

    def ids(self) -> tuple[str, ...]:
        """The ids of the keys, newest first."""
        return tuple(self._ciphers)

    def refresh(self) -> None:
        """Reads the file again; one that cannot be read changes nothing."""
        if self._reread is None:
            return
        with self._lock:
            self._asked_at = self._monotonic()
            with contextlib.suppress(KeysError):
                keys = self._reread()
                if keys:
                    self._take(keys)

    def _take(self, keys: Mapping[str, bytes]) -> None:
        ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self._newest = next(iter(ciphers.items()))
        self._ciphers = ciphers


def read(path: Path) -> Keyring | None:
    """The keyring in the file, which is left as it is; None when there is none. Raises KeysError."""
    stored = _read(path)
    try:
        return None if stored is None else _keyring(stored)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise KeysError(f"{path}: damaged; restore it from its backup") from error


def read_encryption(path: Path) -> dict[str, bytes]:
    """The encryption keys in the file now, newest first. Raises KeysError."""
    stored = _read(path)
    try:
        return {name: _key(key) for name, key in (stored or {})["encryption"].items()}
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise KeysError(f"{path}: damaged; restore it from its backup") from error


def prepare(path: Path, random_bytes: RandomBytes) -> str:
    """The id of a new encryption key, second in the file: it opens, and seals nothing until `rotate`. KeysError.

    For several machines: the file is copied to all of them before the first one seals with it.
    """
    return _add(path, lambda encryption: _with(encryption, _newer(encryption), random_bytes))


def rotate(path: Path, random_bytes: RandomBytes) -> str:
    """The id of the key that is now first in the file: the prepared one, else a new one. Raises KeysError.

    Every process seals with it within LOOKED_AGAIN_S.
    """

    def first(encryption: dict[str, str]) -> tuple[str, dict[str, str]]:
        newest = max(encryption, key=_number)
        if newest == next(iter(encryption)):
            newest, encryption = _with(encryption, _newer(encryption), random_bytes)
        return newest, {newest: encryption[newest], **encryption}

    return _add(path, first)


def _newer(encryption: Mapping[str, str]) -> str:
    return f"e{max(_number(name) for name in encryption) + 1}"


def _number(name: str) -> int:
    return int(name[1:]) if name[1:].isdigit() else 0


def _with(encryption: dict[str, str], name: str, random_bytes: RandomBytes) -> tuple[str, dict[str, str]]:
    """The keys with a new one behind the first."""
    first, *others = encryption
    keys = {first: encryption[first], name: base64.b64encode(random_bytes(32)).decode()}
    return name, keys | {other: encryption[other] for other in others}


def _add(path: Path, change: Callable[[dict[str, str]], tuple[str, dict[str, str]]]) -> str:
    named = ""

    def changed(encryption: dict[str, str]) -> dict[str, str]:
        nonlocal named
        named, keys = change(encryption)
        return keys

    _change_encryption(path, changed)
    return named


def retire(path: Path, key_id: str) -> None:
    """Takes an encryption key out of the file: what it sealed is lost. KeysError; ValueError for the newest one."""

    def drop(encryption: dict[str, str]) -> dict[str, str]:
        if key_id not in encryption or next(iter(encryption)) == key_id:
            raise ValueError(key_id)
        return {name: key for name, key in encryption.items() if name != key_id}

    _change_encryption(path, drop)


def _change_encryption(path: Path, change: Callable[[dict[str, str]], dict[str, str]]) -> None:
    with _alone(path):
        stored = _read(path)
        if stored is None:
            raise KeysError(f"{path}: missing; start the gateway once, it makes them")
        stored["encryption"] = change(stored["encryption"])
        _keyring(stored)
        _write(path, stored)


def read_signing(path: Path) -> Signing:
    """The key that signs checkpoints now, as the file holds it. Raises KeysError."""
    stored = _read(path)
    try:
        return _signing((stored or {})["signing"])
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise KeysError(f"{path}: damaged; restore it from its backup") from error


def renew_signing(path: Path, random_bytes: RandomBytes, now: datetime) -> str:
    """The id of a new key for checkpoints. The one before is forgotten but for its public half. Raises KeysError."""
    with _alone(path):
        stored = _read(path)
        if stored is None:
            raise KeysError(f"{path}: missing; start the gateway once, it makes them")
        try:
            signing = stored["signing"]
            _signing(signing)  # a damaged one is not replaced in silence
            signing["public"][signing["key_id"]]["until"] = now.isoformat()
            public = {**signing["public"]}
            stored["signing"] = made = _new_signing(random_bytes)
            made["public"] = {**public, **made["public"]}
            _keyring(stored)  # before anything is written: a damaged file stays as it is
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise KeysError(f"{path}: damaged; restore it from its backup") from error
        _write(path, stored)
        return str(made["key_id"])


def load_or_create(
    path: Path, random_bytes: RandomBytes, channels: tuple[str, ...], systems: tuple[str, ...]
) -> Keyring:
    """The keyring in `path`; what is missing (a first start, a new channel or system) is made and written first.

    Raises KeysError. Several processes that start at once get the same keys.
    """
    stored = _read(path)
    try:
        wanted = _completed(stored, random_bytes, channels, systems)
        ring = _keyring(wanted)  # before anything is written: a damaged file stays as it is
        if wanted != stored:
            with _alone(path):
                stored = _read(path)  # another process may have been first
                wanted = _completed(stored, random_bytes, channels, systems)
                ring = _keyring(wanted)
                if wanted != stored:
                    _write(path, wanted)
    except (ValueError, TypeError, AttributeError) as error:
        raise KeysError(f"{path}: damaged; restore it from its backup") from error
    return ring


def renew_token(path: Path, random_bytes: RandomBytes, channel: str) -> None:
    """Gives `channel` a new token, first in its list; of the others only the last stays valid. Raises KeysError."""
    _change_tokens(path, channel, lambda tokens: [random_bytes(16).hex(), *tokens[:1]])


def retire_tokens(path: Path, channel: str) -> None:
    """Leaves `channel` only its newest token. Raises KeysError."""
    _change_tokens(path, channel, lambda tokens: tokens[:1])


def copy_to(path: Path, target: Path) -> None:
    """Copies the key file, whole or not at all, to a new file of mode 0600. Raises KeysError."""
    stored = _read(path)
    if stored is None:
        raise KeysError(f"{path}: missing; there is nothing to copy")
    if target.exists():
        raise KeysError(f"{target}: exists already; name a new file, so that no other keys are lost")
    _write(target, stored)


def _change_tokens(path: Path, channel: str, change: Callable[[list[str]], list[str]]) -> None:
    with _alone(path):
        stored = _read(path)
        if stored is None:
            raise KeysError(f"{path}: missing; start the gateway once, it makes them")
        try:
            tokens = stored["channel_tokens"]
            tokens[channel] = change(tokens[channel])
            _keyring(stored)  # before anything is written: a damaged file stays as it is
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise KeysError(f"{path}: damaged; restore it from its backup") from error
        _write(path, stored)


def _keyring(stored: dict[str, Any]) -> Keyring:
    return Keyring(
        encryption={name: _key(key) for name, key in stored["encryption"].items()},
        digest=_key(stored["digest"]),
        receipts={name: _key(key) for name, key in stored["receipts"].items()},
        channel_tokens={name: tuple(values) for name, values in stored["channel_tokens"].items()},
        web_secret=_key(stored["web_secret"]),
        system_tokens=dict(stored["system_tokens"]),
        webhook_secrets={name: tuple(values) for name, values in stored["webhook_secrets"].items()},
        signing=_signing(stored["signing"]),
    )


def _signing(stored: dict[str, Any]) -> Signing:
    public = {
        name: PublicKey(_key(one["key"]), datetime.fromisoformat(one["until"]) if one.get("until") else None)
        for name, one in stored["public"].items()
    }
    private, key_id = _key(stored["private"]), stored["key_id"]
    if key_id not in public or _public_half(private) != public[key_id].raw:
        raise ValueError
    return Signing(key_id, private, public)


def _new_signing(random_bytes: RandomBytes) -> dict[str, Any]:
    """Named after the key itself: another one, made after a loss, can never be taken for it."""
    private = random_bytes(32)
    public = _public_half(private)
    name = hashlib.sha256(public).hexdigest()
    key_id = f"c{name[:6]}-{name[6:12]}"  # in two parts: a log hides long runs of digits
    return {
        "key_id": key_id,
        "private": base64.b64encode(private).decode(),
        "public": {key_id: {"key": base64.b64encode(public).decode(), "until": None}},
    }


def _public_half(private: bytes) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def _key(text: str) -> bytes:
    key = base64.b64decode(text, validate=True)
    if len(key) != 32:
        raise ValueError
    return key


def _completed(
    stored: dict[str, Any] | None, random_bytes: RandomBytes, channels: tuple[str, ...], systems: tuple[str, ...]
) -> dict[str, Any]:
    """A copy of what is stored, with what is missing made. ValueError for a file that has lost keys of its own."""
    if stored is not None and not {"encryption", "digest", "receipts", "web_secret"} <= stored.keys():
        raise ValueError  # made anew, they would open nothing of what was sealed
    wanted: dict[str, Any] = copy.deepcopy(stored or {})

    def secret() -> str:
        return base64.b64encode(random_bytes(32)).decode()

    wanted.setdefault("encryption", {"e1": secret()})
    wanted.setdefault("digest", secret())
    wanted.setdefault("receipts", {"r1": secret()})
    wanted.setdefault("web_secret", secret())
    if "signing" not in wanted:
        wanted["signing"] = _new_signing(random_bytes)
    tokens = wanted.setdefault("channel_tokens", {})
    for channel in channels:
        tokens.setdefault(channel, [random_bytes(16).hex()])  # 128 bits
    bearers = wanted.setdefault("system_tokens", {})
    hooks = wanted.setdefault("webhook_secrets", {})
    for system in systems:
        bearers.setdefault(system, random_bytes(24).hex())
        hooks.setdefault(system, ["whsec_" + base64.b64encode(random_bytes(32)).decode()])
    return wanted


def _read(path: Path) -> dict[str, Any] | None:
    """What the file holds; None when there is none."""
    try:
        if path.stat().st_mode & 0o007:
            raise KeysError(f"{path}: other users may reach it; run `chmod 600 {path}`")
        stored = json.loads(path.read_text(encoding="ascii"))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise KeysError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise KeysError(f"{path}: damaged; restore it from its backup") from error
    if not isinstance(stored, dict):
        raise KeysError(f"{path}: damaged; restore it from its backup")
    return stored


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """One process at a time makes keys: two that each made their own would seal data that only one can read."""
    try:
        lock = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise KeysError(f"{path}: cannot be written ({error.strerror})") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _write(path: Path, values: dict[str, Any]) -> None:
    """Written beside and renamed: a crash leaves the old file or the new one, never half of one."""
    beside = path.with_name(path.name + ".new")
    try:
        beside.unlink(missing_ok=True)  # left by a crash
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            json.dump(values, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # no row is sealed with keys that a power cut could take back
        finally:
            os.close(folder)
    except OSError as error:
        raise KeysError(f"{path}: cannot be written ({error.strerror})") from error
