"""Seals: what is sealed opens from its own column with a known key only; digests are keyed and kept apart by kind."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from gateway.keys import Keyring
from gateway.store import sealed
from gateway.store.sealed import SealBroken, Seals

WHERE = "mts.text_sealed"


@pytest.mark.parametrize("text", ["", "a", "Récépissé 4821 0937 5628", "ɖɛ̀ 😀", "x" * 10_000])
def test_what_is_sealed_opens(seals: Seals, text: str) -> None:
    closed = seals.seal(text, WHERE)
    assert seals.open(closed, WHERE) == text
    # One letter may stand in 30 random bytes by chance; a sentence does not.
    assert len(text) < 5 or text.encode() not in closed


def test_json_comes_back_as_it_was(seals: Seals) -> None:
    value = {"npi": "4829137405", "amount": 1900, "list": [{"fr": "é"}, None, True]}
    assert seals.open_json(seals.seal_json(value, WHERE), WHERE) == value


def test_the_same_text_never_looks_the_same(seals: Seals) -> None:
    assert seals.seal("oui", WHERE) != seals.seal("oui", WHERE)


def test_the_form_is_key_id_nonce_ciphertext(keys: Keyring) -> None:
    made = sealed.build(keys, lambda size: b"n" * size)
    closed = made.seal("oui", WHERE)
    assert closed[:15] == b"\x02e1" + b"n" * 12
    assert len(closed) == 15 + 3 + 16


def test_a_value_moved_to_another_column_does_not_open(seals: Seals) -> None:
    closed = seals.seal("oui", WHERE)
    with pytest.raises(SealBroken, match=r"mts\.msisdn_sealed"):
        seals.open(closed, "mts.msisdn_sealed")


@pytest.mark.parametrize("at", [0, 1, 3, 14, 15, -1], ids=["length", "key id", "nonce", "nonce end", "text", "tag"])
def test_a_changed_byte_is_seen(seals: Seals, at: int) -> None:
    closed = bytearray(seals.seal("oui", WHERE))
    closed[at] ^= 1
    with pytest.raises(SealBroken):
        seals.open(bytes(closed), WHERE)


@pytest.mark.parametrize("closed", [b"", b"\x00", b"\x02", b"\x02e1", b"\x02e1" + b"n" * 12, b"\xff" * 40])
def test_anything_else_does_not_open(seals: Seals, closed: bytes) -> None:
    with pytest.raises(SealBroken):
        seals.open(closed, WHERE)


def test_a_new_key_writes_and_the_old_one_still_reads(keys: Keyring, seals: Seals) -> None:
    rotated = replace(keys, encryption={"e2": b"f" * 32, **keys.encryption})
    newer = sealed.build(rotated, os.urandom)
    assert newer.open(seals.seal("old", WHERE), WHERE) == "old"
    with pytest.raises(SealBroken):
        seals.open(newer.seal("new", WHERE), WHERE)


def test_digests_are_kept_apart_by_kind_key_and_text(keys: Keyring, seals: Seals) -> None:
    other = sealed.build(replace(keys, digest=b"x" * 32), os.urandom)
    assert seals.digest("msisdn", "+2290197000001") == seals.digest("msisdn", "+2290197000001")
    digests = {
        seals.digest("msisdn", "+2290197000001"),
        seals.digest("msisdn", "+2290197000002"),
        seals.digest("subject", "+2290197000001"),
        other.digest("msisdn", "+2290197000001"),
    }
    assert len(digests) == 4
    assert {len(digest) for digest in digests} == {32}


def test_nothing_secret_in_a_repr(seals: Seals) -> None:
    assert repr(seals) == "Seals()"


@pytest.mark.parametrize(
    ("change", "remark"),
    [
        ({"encryption": {}}, "no key"),
        ({"encryption": {"e1": b"short"}}, "AES-128 or less"),
        ({"digest": b""}, "an empty digest key is no key"),
    ],
)
def test_an_unfit_key_is_refused(keys: Keyring, change: dict[str, object], remark: str) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        sealed.build(replace(keys, **change), os.urandom)
