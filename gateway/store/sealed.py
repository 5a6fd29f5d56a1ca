"""Personal values in the database: sealed (AES-256-GCM) to be read again, digested (HMAC-SHA256) to be searched."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
from cryptography.exceptions import InvalidTag

from gateway.keys import Ciphers, Keyring

NONCE_BYTES = 12  # NIST SP 800-38D §8.2.2: random nonces of 96 bits serve 2^32 values under one key
_KEY_BYTES = 32


class SealBroken(Exception):
    """A sealed value cannot be opened: it was changed or moved to another column, or its key is not in the keyring."""


@dataclass(frozen=True, slots=True)
class Seals:
    """Seals and digests with the keys of one installation. Build with `build`; safe to share between threads."""

    _ciphers: Ciphers = field(repr=False)
    _digest_key: bytes = field(repr=False)
    _random_bytes: Callable[[int], bytes] = field(repr=False)

    def seal(self, text: str, where: str) -> bytes:
        """`text` sealed with the newest key for the column `where` ("mts.text_sealed"): it opens from there only."""
        return self.seal_bytes(text.encode(), where)

    def open(self, sealed: bytes, where: str) -> str:
        """What `seal` was given. Raises SealBroken."""
        return self.open_bytes(sealed, where).decode()

    def shown(self, sealed: bytes | None, where: str) -> str:
        """As `open`, for what people are only shown: "" for None, and for what is damaged, which hides nothing else."""
        try:
            return "" if sealed is None else self.open(sealed, where)
        except SealBroken:
            return ""

    def seal_json(self, value: Any, where: str) -> bytes:
        """A JSON value, sealed."""
        return self.seal_bytes(msgspec.json.encode(value), where)

    def open_json(self, sealed: bytes, where: str) -> Any:
        """What `seal_json` was given, as plain dicts, lists, strings and numbers. Raises SealBroken."""
        return msgspec.json.decode(self.open_bytes(sealed, where))

    def seal_bytes(self, data: bytes, where: str) -> bytes:
        """length of the key id (1 byte), key id, nonce (12), ciphertext with its tag (16)."""
        key_id, cipher = self._ciphers.newest()
        head = _head(key_id)
        nonce = self._random_bytes(NONCE_BYTES)
        return head + nonce + cipher.encrypt(nonce, data, head + where.encode("ascii"))

    def open_bytes(self, sealed: bytes, where: str) -> bytes:
        """What `seal_bytes` was given. Raises SealBroken."""
        try:
            head = sealed[: 1 + sealed[0]]
            cipher = self._ciphers.of(head[1:].decode("ascii"))
            if cipher is None:
                raise KeyError
            start = len(head) + NONCE_BYTES
            return cipher.decrypt(sealed[len(head) : start], sealed[start:], head + where.encode("ascii"))
        except (InvalidTag, KeyError, IndexError, ValueError):
            raise SealBroken(f"a value of {where} cannot be opened with the keys of this installation") from None

    def older_heads(self) -> tuple[bytes, ...]:
        """How the values begin that the keys beside the newest have sealed."""
        newest, _ = self._ciphers.newest()
        return tuple(_head(key_id) for key_id in self._ciphers.ids() if key_id != newest)

    def random_bytes(self, count: int) -> bytes:
        """As many bytes from the system's secure source."""
        return self._random_bytes(count)

    def key_of(self, sealed: bytes) -> str:
        """The id of the key that sealed a value, whether it is here or not; "?" when the value does not say."""
        try:
            return sealed[1 : 1 + sealed[0]].decode("ascii")
        except (IndexError, ValueError):
            return "?"

    def newest_head(self) -> bytes:
        """How every value begins that the newest key has sealed."""
        return _head(self._ciphers.newest()[0])

    def key_ids(self) -> tuple[str, ...]:
        """The ids of the keys that open values, newest first; looks whether there is a new one."""
        self._ciphers.refresh()
        return self._ciphers.ids()

    def digest(self, kind: str, text: str) -> bytes:
        """32 bytes, always the same for the same `kind` ("msisdn") and `text`, and nothing to whoever lacks the key."""
        return hmac.digest(self._digest_key, f"{kind}\0{text}".encode(), hashlib.sha256)


def build(keyring: Keyring, random_bytes: Callable[[int], bytes], ciphers: Ciphers | None = None) -> Seals:
    """The Seals of an installation. `random_bytes` must be the system's secure source. ValueError on an unfit key.

    `ciphers`: those that this process shares; None: the keyring's, for ever.
    """
    keys = [*keyring.encryption.values(), keyring.digest]
    if not keyring.encryption or any(len(key) != _KEY_BYTES for key in keys):
        raise ValueError("the keys of an installation are 32 bytes each, and one of encryption is needed")
    return Seals(ciphers or Ciphers(keyring.encryption), keyring.digest, random_bytes)


def _head(key_id: str) -> bytes:
    return bytes([len(key_id)]) + key_id.encode("ascii")
