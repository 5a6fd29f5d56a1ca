"""The state in bytes."""

from __future__ import annotations

import msgspec
import pytest

from gateway.engine import session
from gateway.engine.outcomes import Saved


def full() -> session.State:
    return session.State(
        menus="0123456789abcdef",
        language="en",
        service="demande",
        screen="recap",
        turns=7,
        first=3,
        page=1,
        shown=4,
        acts=1,
        steps=2,
        search="abo",
        values={"npi": ("1234567890",), "montant": (1900, "1 900")},
        trail=[session.Crumb("/racine", 0, 0, 0), session.Crumb("npi", 1, 0, 0)],
        items=[("1", "Acte, ...4412, 12/11")],
    )


@pytest.mark.parametrize("state", [full(), session.State("v", "fr", "main", "accueil")], ids=["full", "fresh"])
def test_a_state_comes_back_the_same(state):
    assert session.decode(session.encode(state)) == state


@pytest.mark.parametrize("body", [b"", b"\x00", b"\x91\xa1v", b"not a state", session.encode(full())[:-3]])
def test_other_bytes_are_refused(body):
    with pytest.raises(msgspec.DecodeError):
        session.decode(body)


def test_a_copy_is_free_to_change():
    state = full()
    twin = session.copy_of(state)
    session.keep(twin, "commune", "cotonou", "Cotonou")
    twin.trail.clear()
    twin.page = 9
    assert state == full()


@pytest.mark.parametrize(
    ("raw", "shown", "kept", "remark"),
    [
        ("cotonou", "Cotonou", Saved("cotonou", "Cotonou"), "both"),
        ("12", "", Saved("12"), "nothing else to show"),
        ("12", "12", Saved("12"), "the same is not kept twice"),
        (600, "600", Saved(600), "the same number is not kept twice"),
        (1900, "1 900", Saved(1900, "1 900"), "a number keeps its kind"),
    ],
)
def test_an_answer_kept(raw, shown, kept, remark):
    state = session.State("v", "fr", "main", "accueil")
    session.keep(state, "x", raw, shown)
    stored = session.decode(session.encode(state))
    assert session.saved_values(stored) == {"x": kept}, remark
