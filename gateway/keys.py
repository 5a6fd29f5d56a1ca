"""The keys of one installation: made at first start, kept in one file (mode 0600) apart from the database.

Losing this file makes personal data unreadable and every verification code void: back it up, apart from the database.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

RandomBytes = Callable[[int], bytes]


class KeysError(Exception):
    """The key file cannot be read, written or understood; the message says what to do."""


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


def load_or_create(
    path: Path, random_bytes: RandomBytes, channels: tuple[str, ...], systems: tuple[str, ...]
) -> Keyring:
    """The keyring in `path`; what is missing (a first start, a new channel or system) is made and written first."""
    stored = _read(path)
    wanted = json.loads(json.dumps(stored))

    def secret() -> str:
        return base64.b64encode(random_bytes(32)).decode()

    wanted.setdefault("encryption", {"e1": secret()})
    wanted.setdefault("digest", secret())
    wanted.setdefault("receipts", {"r1": secret()})
    wanted.setdefault("web_secret", secret())
    tokens = wanted.setdefault("channel_tokens", {})
    for channel in channels:
        tokens.setdefault(channel, [random_bytes(16).hex()])  # 128 bits
    bearers = wanted.setdefault("system_tokens", {})
    hooks = wanted.setdefault("webhook_secrets", {})
    for system in systems:
        bearers.setdefault(system, random_bytes(24).hex())
        hooks.setdefault(system, ["whsec_" + base64.b64encode(random_bytes(32)).decode()])
    if wanted != stored:
        _write(path, wanted)
    try:
        return Keyring(
            encryption={name: base64.b64decode(key) for name, key in wanted["encryption"].items()},
            digest=base64.b64decode(wanted["digest"]),
            receipts={name: base64.b64decode(key) for name, key in wanted["receipts"].items()},
            channel_tokens={name: tuple(values) for name, values in tokens.items()},
            web_secret=base64.b64decode(wanted["web_secret"]),
            system_tokens=dict(bearers),
            webhook_secrets={name: tuple(values) for name, values in hooks.items()},
        )
    except (ValueError, TypeError, AttributeError) as error:
        raise KeysError(f"{path}: damaged; restore it from its backup") from error


def _read(path: Path) -> dict[str, object]:
    try:
        stored = json.loads(path.read_text(encoding="ascii"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise KeysError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise KeysError(f"{path}: damaged; restore it from its backup") from error
    if not isinstance(stored, dict):
        raise KeysError(f"{path}: damaged; restore it from its backup")
    return stored


def _write(path: Path, values: dict[str, object]) -> None:
    """Written beside and renamed: a crash leaves the old file or the new one, never half of one."""
    beside = path.with_name(path.name + ".new")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            json.dump(values, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except OSError as error:
        raise KeysError(f"{path}: cannot be written ({error.strerror})") from error
