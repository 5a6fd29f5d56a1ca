"""A text made fit to leave as an SMS: in which alphabet, and in how many segments."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from gateway.text import pages, segments, transliterate

#: How a sender's texts are made fit to leave: as written; without characters that GSM-7 lacks; the cheaper of both.
Policy = Literal["exact", "plain", "shortest"]


@dataclass(frozen=True, slots=True)
class Fitted:
    """A text as it leaves. `segments` counts what the aggregator appends."""

    text: str = field(repr=False)
    encoding: segments.Encoding
    units: int
    segments: int


def fit(text: str, policy: Policy, appends: int = 0) -> Fitted:
    """`text` as this policy lets it leave, measured with the `appends` septets that the aggregator adds.

    A text that would lose a character (shown as `?`) stays as it was written, whatever it costs.
    """
    exact = _measured(text, appends)
    if policy == "exact" or exact.encoding == "GSM-7":
        return exact
    made_plain = transliterate.plain(text)
    if made_plain.lost:
        return exact
    plain = _measured(made_plain.text, appends)
    return exact if policy == "shortest" and exact.segments <= plain.segments else plain


def shortened(value: str, size: int, policy: Policy) -> str:
    """A value from outside on one line, visibly cut to `size` septets; to a third of it when it needs UCS-2.

    The same number of segments then holds it: a UCS-2 unit takes 16 bits where a septet takes 7.
    """
    fitted = fit(" ".join(value.split()), policy)
    if fitted.encoding == "GSM-7":
        return pages.cut(fitted.text, size, "gsm7")
    return pages.cut(fitted.text, size // 3, "ucs2")


def _measured(text: str, appends: int) -> Fitted:
    size = segments.measure(text + "x" * appends)
    return Fitted(text, size.encoding, size.units, size.segments)
