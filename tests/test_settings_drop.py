"""Folders of institutions that work by files: nobody's must reach another's, nor the keys."""

import pytest

from gateway.settings import DeskSystem, DropSystem, SettingsError, load

BEFORE = """\
channels:
  one: {kind: africastalking, sms: true}
senders: {s: {channel: one}}
sms: {sender: s}
institutions:
  anip: {name: {fr: ANIP, en: ANIP}}
systems:
"""
DROP = "  ec: {institution: anip, kind: drop, folder: FOLDER, answers_folder: ANSWERS}\n"


@pytest.fixture
def loaded(tmp_path):
    def loaded(systems):
        path = tmp_path / "gateway.yaml"
        path.write_text(BEFORE + systems)
        return load({"GATEWAY_CONFIG": str(path), "GATEWAY_DATA": str(tmp_path / "data")}).systems

    return loaded


def drop(folder="drop/a", answers="drop/b", name="ec", **more):
    keys = "".join(f", {key}: {value}" for key, value in more.items())
    text = DROP.replace("FOLDER", folder).replace("ANSWERS", answers).replace("ec:", f"{name}:")
    return text.replace("}\n", keys + "}\n")


def test_each_kind_is_its_own_model(loaded):
    systems = loaded(drop() + "  guichet: {institution: anip, kind: desk}\n")
    assert isinstance(systems["ec"], DropSystem)
    assert isinstance(systems["guichet"], DeskSystem)


SHARED = "must be a folder of its own: it shares one with"
FAULTS = [
    # systems, fault or None, remark
    (drop("drop/a", "drop/a"), f"answers_folder {SHARED} systems.ec.folder", "one for both"),
    (drop("drop/a", "./drop/x/../a/"), f"answers_folder {SHARED} systems.ec.folder", "one for both, written otherwise"),
    (drop("drop/a", "drop/a/b"), f"answers_folder {SHARED} systems.ec.folder", "within the other"),
    (drop("drop/a/b", "drop/a"), f"answers_folder {SHARED} systems.ec.folder", "around the other"),
    (drop(".", "drop/a"), f"folder {SHARED} the data folder", "beside the keys"),
    (drop("/", "drop/a"), f"folder {SHARED} the data folder", "around the keys"),
    (drop("drop/a", ".."), f"answers_folder {SHARED} the data folder", "around the keys"),
    (drop() + drop("drop/b", "drop/c", "im"), f"folder {SHARED} systems.ec.answers_folder", "another institution's"),
    (drop() + drop("drop/c", "drop/d", "im"), None, "each its own"),
    (drop("drop/a", "drop/ab"), None, "a name that only begins alike"),
    (drop(close_hour=0), "close_hour must be at least 1", "no such hour"),
    (drop(close_hour=1), None, "the first"),
    (drop(close_hour=24), None, "midnight"),
    (drop(close_hour=25), "close_hour must be at most 24", "no such hour"),
    (drop(readable_by="all"), "readable_by must be 'owner' or 'group'", "nobody else"),
    ("  ec: {institution: anip, kind: desk, url: 'https://x'}\n", "url is not a known key", "a desk is not called"),
]


@pytest.mark.parametrize("row", FAULTS, ids=lambda row: row[-1])
def test_faults(loaded, row):
    systems, fault, _ = row
    if fault is None:
        assert loaded(systems)
        return
    with pytest.raises(SettingsError) as refused:
        loaded(systems)
    assert fault in refused.value.faults[0]
