"""Whether a récépissé is genuine: asked by SMS, by USSD and on the public page, by whoever is shown one.

The answer names the service, the day of deposit and the present state, never a person. An unknown reference and a
wrong code are one answer, reached by the same queries and the same HMACs. Guessing is made slow, and nothing is ever
locked: whoever keeps somebody else's récépissé waiting gains nothing by it.
"""

from __future__ import annotations

import hmac
import ipaddress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

from gateway import logs
from gateway.engine.outcomes import Lookup, LookupAnswer, Saved
from gateway.messages import SubmissionState
from gateway.store import counters, holdings
from gateway.store import verification as stored
from gateway.store.db import Connection, StoreUnavailable
from gateway.store.sealed import Seals
from gateway.store.verification import Proof
from gateway.text import reference, transliterate
from gateway.usecases.caller import Caller
from gateway.usecases.notices import short_title, state_word
from gateway.usecases.parts import Parts

#: The field of a demand that holds the NPI of the person it is about.
NPI_FIELD = "npi"
LAST4 = 4
#: What a menu gives as `last4` when nothing is asked about the person.
NOT_ASKED = "-"

#: Scopes of the counters.
_BY_NUMBER, _BY_ADDRESS = "verify_number", "verify_address"
_TRIES, _WRONG_CODE, _WRONG_NPI = "verify_tries", "verify_code", "verify_npi"
#: What an unknown reference is compared with, so that the comparison is made all the same.
_NO_SERVICE, _NO_DAY = "", date.min
#: Longer than any reference: of a longer text only the beginning tells it from others.
_TYPED_MAX = 64
_IPV6_HOUSEHOLD = 64  # bits: one subscriber has all addresses below (RFC 6177 §2)


class Outcome(StrEnum):
    GENUINE = "genuine"
    HOLDER_YES = "holder_yes"  #: genuine, and the NPI ends with the digits given
    HOLDER_NO = "holder_no"  #: genuine, and it does not, or there is no NPI (any more) to compare with
    NOT_GENUINE = "not_genuine"
    TOO_MANY = "too_many"  #: this number or address has asked too often within the hour
    LATER = "later"  #: too many wrong answers for this reference: it waits `wait_s`


_GENUINE = (Outcome.GENUINE, Outcome.HOLDER_YES, Outcome.HOLDER_NO)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`service` is "" for a sensitive one. `deposited_on` and `state` are there when it is genuine."""

    outcome: Outcome
    service: str = ""
    deposited_on: date | None = None
    state: SubmissionState | None = None
    wait_s: int = 0

    @property
    def genuine(self) -> bool:
        return self.outcome in _GENUINE


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, as the counters know it: a keyed digest of a number or of an address."""

    scope: str
    subject: str = field(repr=False)

    @classmethod
    def of_number(cls, seals: Seals, msisdn: str) -> Asker:
        return cls(_BY_NUMBER, holdings.digest_of(seals, msisdn).hex())

    @classmethod
    def of_address(cls, seals: Seals, address: str) -> Asker:
        """All of an IPv6 subscriber's addresses count as one; what is no address counts as one too."""
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return cls(_BY_ADDRESS, seals.digest("address", "").hex())
        if isinstance(parsed, ipaddress.IPv6Address):
            if parsed.ipv4_mapped is None:
                known = str(ipaddress.ip_network((parsed, _IPV6_HOUSEHOLD), strict=False))
            else:
                known = str(parsed.ipv4_mapped)
        else:
            known = str(parsed)
        return cls(_BY_ADDRESS, seals.digest("address", known).hex())


def verify(parts: Parts, typed_reference: str, typed_code: str, last4: str | None, asker: Asker) -> Verdict:
    """The verdict on a reference and a code, as they were typed. Raises StoreUnavailable.

    `last4`: the last digits of the NPI of the person the demand is about, None when that is not asked.
    """
    now = parts.now()
    with parts.database.begin() as conn:
        verdict = _verify(conn, parts, typed_reference, typed_code, last4, asker, now)
    logs.event("receipt.verified", outcome=verdict.outcome, by=asker.scope)
    return verdict


def verify_receipt(parts: Parts, lookup: Lookup, caller: Caller, left_s: float) -> LookupAnswer:
    """The source of the menus: `args` are `reference`, `code` and `last4` ("-": not asked)."""
    if left_s <= 0:
        return LookupAnswer("unavailable")
    typed, code, last4 = (str(lookup.args.get(name, "")) for name in ("reference", "code", "last4"))
    asker = Asker.of_number(parts.seals, caller.msisdn)
    try:
        verdict = verify(parts, typed, code, None if last4 in ("", NOT_ASKED) else last4, asker)
    except StoreUnavailable as error:
        logs.event("lookup.unavailable", level="warning", source="verify_receipt", why=error.why)
        return LookupAnswer("unavailable")
    values = {"wait": Saved(verdict.wait_s)} if verdict.outcome is Outcome.LATER else {}
    if verdict.genuine:
        service, day, state = in_words(parts, verdict, caller.language)
        values = {"service_title": Saved(service), "day": Saved(day), "state_label": Saved(state)}
    return LookupAnswer(verdict.outcome, values)


def in_words(parts: Parts, verdict: Verdict, language: str) -> tuple[str, str, str]:
    """The service ("" for a sensitive one), the day of deposit and the present state of a genuine récépissé."""
    assert verdict.deposited_on is not None
    assert verdict.state is not None
    menus = parts.shelf.current
    service = menus.services.get(verdict.service)
    title = verdict.service if service is None else short_title(menus, service, language)
    state = state_word(menus, verdict.state, language)
    return title, f"{verdict.deposited_on:%d/%m/%Y}", state


def _verify(
    conn: Connection, parts: Parts, typed: str, code: str, last4: str | None, asker: Asker, now: datetime
) -> Verdict:
    limits = parts.settings.limits
    numbers = asker.scope == _BY_NUMBER
    limit = limits.verify_per_number_hour if numbers else limits.verify_per_address_hour
    hour = now.replace(minute=0, second=0, microsecond=0)
    if counters.take(conn, asker.scope, asker.subject, hour, 1, limit, now) is None:
        return Verdict(Outcome.TOO_MANY)
    number = reference.parse(typed)
    about = _Wrong(parts, conn, _known_as(parts.seals, number, typed), now)
    about.alone()
    wait_s = about.wait_s(_WRONG_CODE)
    if wait_s:
        return Verdict(Outcome.LATER, wait_s=wait_s)
    found = stored.proof_of(conn, number or "")
    service = _NO_SERVICE if found is None else found.service
    day = _NO_DAY if found is None else found.submitted_at.astimezone(parts.zone).date()
    right = reference.code_is_genuine(parts.receipt_keys, number or "", service, day.isoformat(), code)
    if found is None or not right:
        about.add(_WRONG_CODE)
        return Verdict(Outcome.NOT_GENUINE)
    about.clear(_WRONG_CODE)
    outcome, wait_s = (Outcome.GENUINE, 0) if last4 is None else _holder(conn, parts, found, last4, about)
    if outcome is Outcome.LATER:
        return Verdict(outcome, wait_s=wait_s)
    return Verdict(outcome, "" if found.sensitive else found.service, day, found.state)


def _holder(conn: Connection, parts: Parts, found: Proof, last4: str, about: _Wrong) -> tuple[Outcome, int]:
    """Whether the NPI ends so. Whoever holds a récépissé must not find its NPI by trying: misses count apart."""
    wait_s = about.wait_s(_WRONG_NPI)
    if wait_s:
        return Outcome.LATER, wait_s
    npi = str(stored.field_of(conn, parts.seals, found.id, NPI_FIELD) or "")
    given = "".join(last4.split())
    if len(given) == LAST4 and len(npi) > LAST4 and hmac.compare_digest(npi[-LAST4:].encode(), given.encode()):
        about.clear(_WRONG_NPI)
        return Outcome.HOLDER_YES, 0
    about.add(_WRONG_NPI)
    return Outcome.HOLDER_NO, 0


def _known_as(seals: Seals, number: str | None, typed: str) -> str:
    """The digest of a reference as it was typed, so that those of no submission are counted like the others."""
    return seals.digest("verified", number or transliterate.fold(typed)[:_TYPED_MAX]).hex()


@dataclass(frozen=True, slots=True)
class _Wrong:
    """The wrong answers that were given for one reference, real or not, this day (UTC)."""

    parts: Parts
    conn: Connection
    subject: str
    now: datetime

    @property
    def day(self) -> datetime:
        return self.now.replace(hour=0, minute=0, second=0, microsecond=0)

    def alone(self) -> None:
        """Makes others who ask about the same reference wait for this transaction: guesses cannot go side by side."""
        counters.add(self.conn, _TRIES, self.subject, self.day, 1, self.now)

    def wait_s(self, scope: str) -> int:
        """How long this reference still waits: after the free ones, 2, 4, 8... seconds from the last wrong answer."""
        wrong, last = counters.read(self.conn, scope, self.subject, self.day)
        limits = self.parts.settings.limits
        if last is None or wrong < limits.verify_free_wrong:
            return 0
        # The exponent is bounded: the longest delay is far below 2**20 s.
        delay_s = min(2 ** min(wrong - limits.verify_free_wrong + 1, 20), limits.verify_longest_delay_s)
        left = last + timedelta(seconds=delay_s) - self.now
        return max(0, -(-left // timedelta(seconds=1)))

    def add(self, scope: str) -> None:
        counters.add(self.conn, scope, self.subject, self.day, 1, self.now)

    def clear(self, scope: str) -> None:
        counters.clear(self.conn, scope, self.subject, self.day)
