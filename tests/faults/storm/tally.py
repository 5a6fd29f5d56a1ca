"""The tally: what citizens were told, what the database holds and what the outside world received, compared.

Each comparison that fails is a sentence in `lost` or in `doubled`; `python -m tests.faults.storm` tells in words what
the two mean.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any

import requests
from sqlalchemy import select

from gateway.messages import MtState
from gateway.store import mts
from gateway.store.db import Connection
from gateway.store.sealed import Seals
from gateway.store.tables import acts, attempts, outbox, submissions
from gateway.store.tables import mos as texts_in
from gateway.store.tables import mts as texts_out
from gateway.wiring import Gateway
from tests.faults.storm.citizens import Citizens

#: States of an SMS that say that the aggregator has it.
TAKEN = frozenset({MtState.ACCEPTED, MtState.SENT, MtState.DELIVERED, MtState.FAILED_TEMPORARY})
#: The case of the institution, and what the demand must then be.
_SAME = {"granted": "granted", "refused": "refused", "asked": "more_needed", "acknowledged": "acknowledged"}
#: Told once about each demand, whatever happens.
_ONCE = ("receipt", "acknowledged", "decided", "question")


@dataclass
class Tally:
    """`unknown`: SMS of which nobody knows whether they left; `again`: those of them that were sent once more."""

    turns: int = 0
    answered: int = 0
    effects: int = 0
    submissions: int = 0
    sms: int = 0
    texts: int = 0
    unknown: int = 0
    again: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return not self.lost and not self.doubled

    def __str__(self) -> str:
        rows = [
            ("turns", f"{self.turns}, {self.answered} of them answered"),
            ("texts", self.texts),
            ("effects", self.effects),
            ("submissions", self.submissions),
            ("SMS", f"{self.sms}, {self.unknown} once unknown, {self.again} of those sent again on purpose"),
            ("lost", len(self.lost)),
            ("doubled", len(self.doubled)),
        ]
        lines = [f"{name:<12} {value}" for name, value in rows]
        lines += [f"LOST     {one}" for one in self.lost] + [f"DOUBLED  {one}" for one in self.doubled]
        return "\n".join(lines)


@dataclass(frozen=True)
class World:
    """What the simulator received: its calls, its cases, and its phones by number."""

    sent: list[dict[str, Any]]
    cases: list[dict[str, Any]]
    phones: dict[str, dict[str, Any]]

    @staticmethod
    def of(simulator_url: str) -> World:
        def get(what: str) -> Any:
            answer = requests.get(f"{simulator_url}/api/{what}", timeout=60)
            answer.raise_for_status()
            return answer.json()

        phones = {phone["msisdn"]: phone for phone in get("phones")}
        return World(get("sent"), get("backoffice")["cases"], phones)

    def received(self) -> Counter[tuple[str, str]]:
        """How many SMS the aggregator took, by number and text."""
        return Counter((number, call["text"]) for call in self.sent if call["ids"] for number in call["to"])


def take(gateway: Gateway, citizens: Citizens, world: World) -> Tally:
    """Compares everything; call it when all is quiet."""
    tally = Tally(turns=citizens.turns, answered=citizens.answered)
    with gateway.database.read() as conn:
        demands = [dict(row._mapping) for row in conn.execute(select(submissions))]
        tally.submissions = len(demands)
        tally.effects = len(conn.execute(select(acts.c.act_key)).all())
        _left_over(conn, tally)
        _told(citizens, demands, tally)
        _handed_over(demands, world, tally)
        out = conn.execute(
            select(texts_out.c.id, texts_out.c.template, texts_out.c.submission_id, texts_out.c.mo_id)
        ).all()
        owners = _sms(conn, gateway.parts.seals, [row.id for row in out], world, tally)
        _told_once(demands, out, owners, citizens, tally)
        _texts(conn, world, out, tally)
    return tally


def _left_over(conn: Connection, tally: Tally) -> None:
    waiting = select(outbox.c.kind, outbox.c.target_id, outbox.c.state, outbox.c.last_code)
    for row in conn.execute(waiting.where(outbox.c.state.in_(("ready", "claimed", "sending", "dead")))):
        tally.lost.append(f"{row.kind} {row.target_id} is still {row.state} ({row.last_code})")


def _told(citizens: Citizens, demands: list[dict[str, Any]], tally: Tally) -> None:
    """What a citizen was told was filed is stored."""
    stored = {one["reference"] for one in demands}
    for wish in citizens.wishes:
        tally.lost += [f"{wish.number} was told {one}, which is not stored" for one in wish.filed if one not in stored]


def _handed_over(demands: list[dict[str, Any]], world: World, tally: Tally) -> None:
    """Each stored demand is one case of the institution, in the state that the institution gave it."""
    cases = defaultdict(list)
    for case in world.cases:
        cases[case["reference"]].append(case)
    for one in demands:
        found = cases.pop(one["reference"], [])
        if not found:
            tally.lost.append(f"demand {one['reference']} was never handed over ({one['state']})")
        elif len(found) > 1:
            tally.doubled.append(f"demand {one['reference']} is {len(found)} cases")
        elif one["state"] != _SAME.get(found[0]["state"]):
            tally.lost.append(f"demand {one['reference']} is {one['state']} here and {found[0]['state']} there")
    tally.lost += [f"case {reference} is no demand of ours" for reference in cases]


def _sms(conn: Connection, seals: Seals, ids: list[int], world: World, tally: Tally) -> dict[int, str]:
    """Each SMS reached the aggregator as often as the database can say; the number that each was for.

    By its attempts: one that was settled as done left once; one whose answer is unknown may have left, once.
    """
    calls: dict[int, Counter[str]] = defaultdict(Counter)
    of_mts = select(outbox.c.target_id, attempts.c.outcome).join(attempts, attempts.c.outbox_id == outbox.c.id)
    for row in conn.execute(of_mts.where(outbox.c.kind == "mt")):
        calls[row.target_id]["unknown" if row.outcome is None else row.outcome] += 1
    least: Counter[tuple[str, str]] = Counter()
    most: Counter[tuple[str, str]] = Counter()
    owners: dict[int, str] = {}
    for mt_id, letter in mts.for_sending(conn, seals, ids).items():
        assert letter is not None
        owners[mt_id] = letter.msisdn
        state = mts.by_id(conn, mt_id)
        assert state is not None
        key, made = (letter.msisdn, letter.text), calls[mt_id]
        tally.unknown += made["unknown"] > 0
        tally.again += state.resent_at is not None
        least[key] += max(made["done"], letter.state in TAKEN)
        most[key] += made["done"] + made["unknown"]
    received = world.received()
    tally.sms = received.total()
    for key in {*most, *received}:
        said = f"to {key[0]}: {key[1][:40]!r}"
        if received[key] < least[key]:
            tally.lost.append(f"{least[key] - received[key]} SMS never reached the aggregator, {said}")
        if received[key] > most[key]:
            tally.doubled.append(f"{received[key]} SMS where {most[key]} were decided, {said}")
    return owners


def _told_once(
    demands: list[dict[str, Any]], out: Any, owners: dict[int, str], citizens: Citizens, tally: Tally
) -> None:
    """Each demand has its récépissé, one SMS for each thing to say, and nobody has two for one wish."""
    templates: dict[int, Counter[str]] = defaultdict(Counter)
    number: dict[int, str] = {}
    for row in out:
        if row.submission_id is not None:
            templates[row.submission_id][row.template.split("_")[0]] += 1
            number[row.submission_id] = owners[row.id]
    by_number = defaultdict(list)
    for one in demands:
        said = templates[one["id"]]
        if not said["receipt"]:
            tally.lost.append(f"demand {one['reference']} has no récépissé")
        else:
            by_number[number[one["id"]]].append(one)
        tally.doubled += [f"demand {one['reference']}: {said[w]} SMS {w}" for w in _ONCE if said[w] > 1]
    told = [wish.number for wish in citizens.wishes if wish.already and wish.number not in by_number]
    tally.lost += [f"{number} was told that a demand is under way, and none is stored" for number in told]
    for whose, theirs in by_number.items():
        tally.doubled += [f"{whose} has two demands open at once: {pair}" for pair in _overlaps(theirs)]


def _overlaps(demands: list[dict[str, Any]]) -> Iterator[str]:
    """A demand that began before the one before it was closed, of one number, which wants one thing."""
    ordered: list[dict[str, Any]] = sorted(demands, key=lambda one: one["submitted_at"])
    for earlier, later in pairwise(ordered):
        closed: datetime | None = earlier["closed_at"]
        if closed is None or closed > later["submitted_at"]:
            yield f"{earlier['reference']} and {later['reference']}"


def _texts(conn: Connection, world: World, out: Any, tally: Tally) -> None:
    """Each text that the gateway took is stored once and was dealt with once."""
    stored = {row.external_id: row for row in conn.execute(select(texts_in))}
    answers = Counter(row.mo_id for row in out if row.mo_id is not None)
    for number, phone in world.phones.items():
        for text in phone["outbox"]:
            tally.texts += 1
            row = stored.pop(text["id"], None)
            if text["posting"] != "posted":
                tally.lost.append(f"a text of {number} was never taken ({text['posting']})")
            elif row is None or row.handled_at is None:
                tally.lost.append(f"a text of {number} was taken and not dealt with")
            elif answers[row.id] > 1:
                tally.doubled.append(f"a text of {number} has {answers[row.id]} answers")
