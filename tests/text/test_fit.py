"""A text made fit to leave: as written, plain, or whichever is cheaper."""

from __future__ import annotations

import pytest

from gateway.text.fit import fit, shortened


@pytest.mark.parametrize(
    ("text", "policy", "left", "encoding", "segments", "remark"),
    [
        ("é", "exact", "é", "GSM-7", 1, "in the alphabet"),
        ("ê", "exact", "ê", "UCS-2", 1, "as written"),
        ("ê", "plain", "e", "GSM-7", 1, "plain"),
        ("ê", "shortest", "ê", "UCS-2", 1, "one segment either way: as written"),
        ("ê" + "a" * 69, "shortest", "ê" + "a" * 69, "UCS-2", 1, "the last that fits"),
        ("ê" + "a" * 70, "shortest", "e" + "a" * 70, "GSM-7", 1, "plain is cheaper"),
        ("ê" + "a" * 70, "exact", "ê" + "a" * 70, "UCS-2", 2, "whatever it costs"),
        ("漢", "plain", "漢", "UCS-2", 1, "nothing is lost: better dear than `?`"),
        ("", "plain", "", "GSM-7", 0, "nothing"),
    ],
)
def test_policies(text: str, policy: str, left: str, encoding: str, segments: int, remark: str) -> None:
    fitted = fit(text, policy)  # type: ignore[arg-type]
    assert (fitted.text, fitted.encoding, fitted.segments) == (left, encoding, segments), remark


@pytest.mark.parametrize(("length", "appends", "segments"), [(160, 0, 1), (140, 20, 1), (141, 20, 2), (160, 1, 2)])
def test_what_the_aggregator_adds_counts(length: int, appends: int, segments: int) -> None:
    fitted = fit("a" * length, "plain", appends)
    assert (fitted.segments, fitted.text) == (segments, "a" * length)


def test_shortened_to_what_the_segments_hold() -> None:
    assert shortened("a  b\nc", 20, "plain") == "a b c"
    assert len(shortened("a" * 50, 20, "plain")) <= 20
    assert len(shortened("漢" * 50, 30, "exact")) <= 10
