"""The keys of one installation: made once, never lost, never readable by others."""

import base64
import json
import multiprocessing
import os
import re
from datetime import UTC, datetime

import pytest

from gateway import keys
from gateway.keys import Keyring, KeysError, load_or_create


def make(path, channels=("one",), systems=("ec",)):
    return load_or_create(path, os.urandom, channels, systems)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "keys.json"


def test_a_first_start_makes_all_of_them_for_this_user_only(path):
    old_mask = os.umask(0)
    try:
        made = make(path)
    finally:
        os.umask(old_mask)
    assert path.stat().st_mode & 0o777 == 0o600
    assert {len(key) for key in (*made.encryption.values(), *made.receipts.values(), made.digest, made.web_secret)} == {
        32
    }
    assert re.fullmatch(r"[0-9a-f]{32}", made.channel_tokens["one"][0])  # 128 bits
    assert re.fullmatch(r"[0-9a-f]{48}", made.system_tokens["ec"])
    assert made.webhook_secrets["ec"][0].startswith("whsec_")


def test_the_next_start_finds_the_same(path):
    assert make(path) == make(path)


def test_a_new_channel_and_a_new_system_get_theirs_and_the_others_keep_theirs(path):
    before = make(path)
    after = make(path, ("one", "two"), ("ec", "tax"))
    assert after.channel_tokens["one"] == before.channel_tokens["one"]
    assert after.channel_tokens["two"] != before.channel_tokens["one"]
    assert set(after.webhook_secrets) == {"ec", "tax"}
    assert after.encryption == before.encryption


def test_several_keys_and_tokens_are_read_newest_first(path):
    make(path)
    stored = json.loads(path.read_text())
    stored["encryption"] = {"e2": stored["digest"], **stored["encryption"]}
    stored["channel_tokens"]["one"].insert(0, "f" * 32)
    path.write_text(json.dumps(stored))
    read = make(path)
    assert list(read.encryption) == ["e2", "e1"]
    assert read.channel_tokens["one"][0] == "f" * 32
    assert len(read.channel_tokens["one"]) == 2


def test_nothing_of_it_is_shown(path):
    made = make(path)
    assert repr(made) == "Keyring()"
    assert isinstance(made, Keyring)


@pytest.mark.parametrize(
    "written",
    [
        "{",
        "[]",
        '{"digest": 7}',
        '{"encryption": []}',
        '{"encryption": {"e1": "not base64!"}}',
        "é",
        '{"digest": "AAAA"}',
    ],
    ids=["cut off", "a list", "a number for a key", "no key ids", "not base64", "not ASCII", "a short key"],
)
def test_a_damaged_file_is_not_replaced(path, written):
    path.write_text(written)
    path.chmod(0o600)
    with pytest.raises(KeysError, match=r"keys\.json: damaged; restore it from its backup"):
        make(path)
    assert path.read_text() == written


@pytest.mark.parametrize(("mode", "read"), [(0o600, True), (0o640, True), (0o604, False), (0o602, False)])
def test_a_file_that_others_may_reach_is_refused(path, mode, read):
    make(path)
    path.chmod(mode)
    if read:
        make(path)
    else:
        with pytest.raises(KeysError, match=r"other users may reach it; run `chmod 600 "):
            make(path)


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(KeysError, match=r"keys\.json: cannot be written \(No such file or directory\)"):
        make(tmp_path / "none" / "keys.json")


def test_what_a_crash_left_beside_is_no_obstacle(path):
    path.with_name("keys.json.new").write_text("half")
    made = make(path)
    assert make(path) == made


def _make_and_tell(path, gate, told):
    gate.wait()
    told.put(make(path).digest)


def test_processes_that_start_at_once_get_the_same_keys(path):
    context = multiprocessing.get_context("spawn")
    gate, told = context.Barrier(4), context.Queue()
    processes = [context.Process(target=_make_and_tell, args=(path, gate, told)) for _ in range(4)]
    for process in processes:
        process.start()
    digests = {told.get(timeout=60) for _ in processes}
    for process in processes:
        process.join(timeout=20)
    assert digests == {make(path).digest}


def test_the_key_of_checkpoints_is_replaced_and_its_public_half_stays(tmp_path):
    path = tmp_path / "keys.json"
    first = load_or_create(path, os.urandom, (), ()).signing
    assert list(first.public) == [first.key_id]
    assert first.public[first.key_id].until is None
    at = datetime(2026, 11, 23, 13, 5, tzinfo=UTC)
    made = keys.renew_signing(path, os.urandom, at)
    again = load_or_create(path, os.urandom, (), ()).signing
    assert again == keys.read_signing(path)
    assert again.key_id == made != first.key_id
    assert list(again.public) == [first.key_id, made]
    assert again.public[first.key_id] == keys.PublicKey(first.public[first.key_id].raw, at)
    assert base64.b64encode(first.private) not in path.read_bytes(), "nobody can sign with it any more"
    assert repr(again.private) not in repr(again)


def test_a_file_of_an_earlier_version_gets_a_key_of_checkpoints(tmp_path):
    path = tmp_path / "keys.json"
    load_or_create(path, os.urandom, (), ())
    stored = json.loads(path.read_text())
    del stored["signing"]
    path.write_text(json.dumps(stored))
    made = load_or_create(path, os.urandom, (), ()).signing
    assert keys.read_signing(path) == made


@pytest.mark.parametrize("damage", ["private", "public", "key_id"])
def test_a_damaged_key_of_checkpoints_is_told(tmp_path, damage):
    path = tmp_path / "keys.json"
    load_or_create(path, os.urandom, (), ())
    stored = json.loads(path.read_text())
    stored["signing"][damage] = {"private": base64.b64encode(b"x" * 32).decode(), "public": {}, "key_id": "c1"}[damage]
    path.write_text(json.dumps(stored))
    for use in (
        lambda: load_or_create(path, os.urandom, (), ()),
        lambda: keys.read_signing(path),
        lambda: keys.renew_signing(path, os.urandom, datetime(2026, 11, 23, tzinfo=UTC)),
    ):
        with pytest.raises(keys.KeysError, match="damaged"):
            use()
