"""A demand taken over by another number, or by the same one after its holding ended: with its reference and a fact.

The fact is the end of the NPI that the demand is about. Unknown references, wrong digits and demands that hold no NPI
get one answer. The number before is told, when it is still somebody's, and the demand cannot be withdrawn for three
days: whoever found a récépissé in the street gains a look at one state.
"""

from __future__ import annotations

import hmac
from datetime import datetime

from gateway import logs
from gateway.engine.outcomes import Act, ActAnswer
from gateway.messages import OnBehalf, SubmissionState
from gateway.store import chain_data, counters, submission_events, submissions, verification
from gateway.store import holdings as stored
from gateway.store.db import Connection
from gateway.store.submissions import StoredSubmission
from gateway.text import reference
from gateway.usecases import acts, holdings, notices, proof
from gateway.usecases.acts import Done
from gateway.usecases.caller import Caller
from gateway.usecases.parts import Parts
from gateway.usecases.verification import LAST4, NPI_FIELD

NO = ActAnswer("no")
TOO_MANY = ActAnswer("too_many")
_BY_REFERENCE, _BY_NUMBER = "takeover", "takeover_number"


def take_over(parts: Parts, act: Act, caller: Caller, act_key: bytes) -> ActAnswer:
    """The action `take_over`: `args` are `reference` and `last4`; `done`, `no`, `too_many` or `unavailable`."""
    args = act.args if isinstance(act.args, dict) else {}
    typed, last4 = str(args.get("reference", "")), str(args.get("last4", ""))

    def do(conn: Connection, now: datetime) -> Done:
        number = reference.parse(typed)
        if not _allowed(conn, parts, number or typed, caller, now):
            return Done(TOO_MANY)
        found = submissions.by_reference(conn, parts.seals, number or "")
        npi = str(verification.field_of(conn, parts.seals, found.id if found else 0, NPI_FIELD) or "")
        same = hmac.compare_digest(npi[-LAST4:].encode(), last4.encode())
        if found is None or len(npi) <= LAST4 or not same or found.state is SubmissionState.PROPOSED:
            return Done(NO)
        if found.on_behalf is OnBehalf.AGREED and _is_helper(conn, parts, found, caller):
            return Done(NO)  # he typed both facts himself: they prove nothing
        holding = holdings.met(conn, parts, caller.msisdn, now, caller.network, caller.imsi)
        if not proof.allowed(conn, parts, act, holding, now):
            return Done(acts.UNAVAILABLE)
        if holding != found.holding_id:
            notices.moved_away(conn, parts, found)  # while it is still theirs
            as_it_was = chain_data.fits(conn, parts.seals, found.id)
            submissions.move(conn, found.id, holding, now)
            covered = chain_data.of_demand(conn, parts.seals, found.id)
            # Its data were altered behind our back: the entry that covers them anew must not hide it.
            code = "" if as_it_was else chain_data.ALTERED
            submission_events.add(conn, found.id, "moved", now, code, data_digest=covered)
        return Done(ActAnswer("done", submission_id=found.id), (notices.LANE,))

    answer = acts.once(parts, act.action, act_key, do)
    about = answer.submission_id
    logs.event("submission.takeover", submission_id=about, outcome=answer.outcome, channel=caller.channel)
    return answer


def _is_helper(conn: Connection, parts: Parts, found: StoredSubmission, caller: Caller) -> bool:
    if found.helper_id is None:
        return False
    return stored.digest_of_holding(conn, found.helper_id) == stored.digest_of(parts.seals, caller.msisdn)


def _allowed(conn: Connection, parts: Parts, typed: str, caller: Caller, now: datetime) -> bool:
    """Counts the try against the reference and the number, right or wrong: four digits are soon guessed."""
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    most = parts.settings.limits.takeovers_wrong_day
    about = parts.seals.digest("takeover", typed).hex()
    asker = stored.digest_of(parts.seals, caller.msisdn).hex()
    return (
        counters.take(conn, _BY_REFERENCE, about, day, 1, most, now) is not None
        and counters.take(conn, _BY_NUMBER, asker, day, 1, most, now) is not None
    )
