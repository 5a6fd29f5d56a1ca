"""What `/metrics` says at one moment, and what happened between two."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import requests
from prometheus_client.parser import text_string_to_metric_families

#: A web process that does not answer this soon is in trouble, which is what the person at the terminal must see.
TIMEOUT_S = 2.0


class NoAnswer(Exception):
    """Nothing at that address tells metrics."""


@dataclass(frozen=True, slots=True)
class Scrape:
    """All samples, by name and labels."""

    at_s: float  #: monotonic
    samples: Mapping[tuple[str, frozenset[tuple[str, str]]], float]

    def total(self, name: str, **labels: str) -> float:
        """The sum of the samples of that name that have these labels, whatever others."""
        wanted = set(labels.items())
        return sum(value for (known, has), value in self.samples.items() if known == name and wanted <= has)

    def values(self, name: str, label: str) -> tuple[str, ...]:
        """The values that a label of that name has."""
        return tuple(sorted({dict(has).get(label, "") for known, has in self.samples if known == name}))


def fetch(url: str, at_s: float) -> Scrape:
    """What `url`/metrics says now. Raises NoAnswer."""
    try:
        with requests.Session() as session:
            session.trust_env = False  # no proxy stands between us and our own machine
            answer = session.get(f"{url.rstrip('/')}/metrics", timeout=TIMEOUT_S, allow_redirects=False)
        if answer.status_code != 200:
            raise NoAnswer(f"{url}: status {answer.status_code}")
        return read(answer.text, at_s)
    except (requests.RequestException, ValueError) as error:
        raise NoAnswer(f"{url}: {type(error).__name__}") from None


def read(text: str, at_s: float) -> Scrape:
    """The samples of an exposition. Raises ValueError."""
    families = text_string_to_metric_families(text)
    return Scrape(
        at_s, {(one.name, frozenset(one.labels.items())): one.value for family in families for one in family.samples}
    )


def rate(before: Scrape, after: Scrape, name: str, **labels: str) -> float:
    """How much a counter grew a second; 0 when it began again in between."""
    grown = after.total(name, **labels) - before.total(name, **labels)
    return max(0.0, grown) / max(after.at_s - before.at_s, 0.001)


def quantile(before: Scrape, after: Scrape, histogram: str, q: float) -> float | None:
    """The bound of the bucket that holds this part of what was observed in between, None when nothing was."""
    name = f"{histogram}_bucket"
    bounds = sorted(after.values(name, "le"), key=float)
    grown = [(float(le), after.total(name, le=le) - before.total(name, le=le)) for le in bounds]
    if not grown or grown[-1][1] <= 0:
        return None
    return next(bound for bound, count in grown if count >= q * grown[-1][1])
