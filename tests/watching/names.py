"""Names in the expressions that Prometheus is given."""

from __future__ import annotations

import re

_WORD = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_NOT_METRICS = re.compile(
    r"\"[^\"]*\""  # a value
    r"|\{[^}]*\}"  # label matchers
    r"|\[[^\]]*\]|\boffset\s+\w+"  # ranges
    r"|\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)"  # lists of labels
    r"|\b(?:and|or|unless|bool)\b"
)
_FUNCTIONS = re.compile(r"\b[a-z_]+(?=\s*\()")


def metrics_of(expression: str) -> frozenset[str]:
    """The metrics that a PromQL expression reads; a histogram's parts by the histogram's name."""
    words = _WORD.findall(_FUNCTIONS.sub(" ", _NOT_METRICS.sub(" ", expression)))
    return frozenset(re.sub(r"_seconds_(bucket|sum|count)$", "_seconds", word) for word in words)
