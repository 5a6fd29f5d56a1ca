"""The list of erased numbers outlives the database, and half a line."""

from __future__ import annotations

import stat
from datetime import datetime
from pathlib import Path

import pytest

from gateway.store import erasure_list
from gateway.store.erasure_list import Erasure, ErasureListError


def test_added_and_read(tmp_path: Path, now: datetime) -> None:
    path = tmp_path / "erasures.jsonl"
    erasure_list.append(path, b"\x01" * 32, now, "ada")
    erasure_list.append(path, b"\xff" * 32, now, "bob")
    assert erasure_list.read(path) == (Erasure(b"\x01" * 32, now, "ada"), Erasure(b"\xff" * 32, now, "bob"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    first = path.read_text().splitlines()[0]
    assert first == '{"digest":"' + "01" * 32 + '","at":"2026-11-23T13:05:00Z","who":"ada"}'


def test_a_last_line_cut_off_hides_nothing(tmp_path: Path, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(erasure_list.logs, "event", lambda name, **_: told.append(name))
    path = tmp_path / "erasures.jsonl"
    for who in ("ada", "bob"):
        erasure_list.append(path, b"d" * 32, now, who)
    for cut in range(1, 40):
        path.write_bytes(path.read_bytes()[:-1])
        assert [one.who for one in erasure_list.read(path)] == (["ada", "bob"] if cut == 1 else ["ada"])
    assert "erasures.cut_off" in told
    erasure_list.append(path, b"e" * 32, now, "eve")
    assert [one.who for one in erasure_list.read(path)] == ["ada", "eve"]


def test_damage_is_told(tmp_path: Path, now: datetime) -> None:
    path = tmp_path / "erasures.jsonl"
    path.write_text('{"digest":"zz","at":"2026-11-23T13:05:00Z","who":"ada"}\n')
    with pytest.raises(ErasureListError, match=r"erasures\.jsonl:1: damaged"):
        erasure_list.read(path)
    with pytest.raises(ErasureListError, match="cannot be read"):
        erasure_list.read(tmp_path / "none")
    with pytest.raises(ErasureListError, match="cannot be written"):
        erasure_list.append(tmp_path / "none" / "list", b"d", now, "ada")
