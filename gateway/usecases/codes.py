"""One-time codes: six digits sent to the number on file and typed back, before an act that a call alone must not do.

A code is bound to a holding and a purpose, lives ten minutes, opens one act, and is never in a log nor shown again.
A SIM younger than three days is sent none: who took a number over yesterday reads what is sent to it.
"""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta

from gateway import logs
from gateway.engine import compose
from gateway.engine.challenge import DIGITS
from gateway.engine.outcomes import Act, ActAnswer
from gateway.menu.message_keys import SERVICE_SIZE
from gateway.messages import Category
from gateway.store import codes, counters
from gateway.store import holdings as stored
from gateway.store.codes import Code
from gateway.store.db import Connection
from gateway.text import fit
from gateway.usecases import acts, holdings, sim_checks, writing
from gateway.usecases.acts import Done, Undone
from gateway.usecases.caller import Caller
from gateway.usecases.notices import short_title
from gateway.usecases.parts import Parts
from gateway.usecases.proof import CORRECTION

SENT, PROVED, WRONG, EXPIRED = "sent", "proved", "wrong", "expired"
#: Outcomes that end the dialogue, with the sentence that says why.
_TOO_MANY = ActAnswer("closed", closing="code_too_many")
_NEW_SIM = ActAnswer("closed", closing="code_new_sim")
_OVER = ActAnswer("closed", closing="code_over")
#: A code that is about to end is not worth asking for: another one is sent.
_WORTH_ASKING = timedelta(seconds=60)
_SCOPE = "codes_sent"
_PRIORITY = 0


def send(parts: Parts, act: Act, caller: Caller, act_key: bytes) -> ActAnswer:
    """The action `send_code`: `sent` (a code is on its way, or the last one still counts), or a closing sentence."""

    def do(conn: Connection, now: datetime) -> Done:
        holding = holdings.met(conn, parts, caller.msisdn, now, caller.network, caller.imsi)
        held = stored.by_id(conn, holding)
        if held is not None and holdings.sim_changed(parts, held, now):
            return Done(_NEW_SIM)
        live = codes.latest(conn, holding, act.proof)
        most = parts.settings.codes.wrong
        if live is not None and not _is_over(parts, live, now + _WORTH_ASKING) and live.wrong < most:
            return Done(ActAnswer(SENT))
        hour = now.replace(minute=0, second=0, microsecond=0)
        number = stored.digest_of(parts.seals, caller.msisdn).hex()
        most = parts.settings.codes.per_number_hour
        # Counted twice: the counter outlives the holding and holds off another turn, the codes tell of any hour.
        if counters.take(conn, _SCOPE, number, hour, 1, most, now) is None:
            return Done(_TOO_MANY)
        if codes.sent_since(conn, holding, now - timedelta(hours=1)) >= most:
            return Done(_TOO_MANY)
        _send(conn, parts, act, caller, holding, now)
        sim_checks.plan(conn, parts, holding, now)
        return Done(ActAnswer(SENT), (writing.URGENT,))

    answer = acts.once(parts, act.action, act_key, do)
    logs.event("code.asked", service=act.service, outcome=answer.closing or answer.outcome, channel=caller.channel)
    return answer


def check(parts: Parts, act: Act, caller: Caller, act_key: bytes) -> ActAnswer:
    """The action `check_code`: `proved`, `wrong`, `expired` (ask for another one), or a closing sentence."""
    args = act.args
    typed = str(args.get("code", "")) if isinstance(args, dict) else ""

    def do(conn: Connection, now: datetime) -> Done:
        holding = holdings.find(conn, parts, caller.msisdn, caller.imsi)
        held = None if holding is None else stored.by_id(conn, holding)
        if held is None:
            return Done(ActAnswer(EXPIRED))
        if holdings.sim_changed(parts, held, now):
            return Done(_NEW_SIM)
        live = codes.latest(conn, held.id, act.proof)
        most = parts.settings.codes.wrong
        if live is None or _is_over(parts, live, now):
            return Done(ActAnswer(EXPIRED))
        if live.wrong >= most:
            return Done(_OVER)
        if hmac.compare_digest(live.code_digest, _digest(parts, held.id, act.proof, typed)):
            codes.prove(conn, live.id, act_key, now)
            return Done(ActAnswer(PROVED))
        codes.note_wrong(conn, live.id)
        return Done(_OVER if live.wrong + 1 >= most else ActAnswer(WRONG))

    answer = acts.once(parts, act.action, act_key, do)
    logs.event("code.checked", service=act.service, outcome=answer.closing or answer.outcome, channel=caller.channel)
    return answer


def _is_over(parts: Parts, code: Code, now: datetime) -> bool:
    """Whether it has ended, or would end later than a code sent now: then the clock went back."""
    return not now < code.expires_at <= now + timedelta(seconds=parts.settings.codes.valid_s) + CORRECTION


def _send(conn: Connection, parts: Parts, act: Act, caller: Caller, holding: int, now: datetime) -> None:
    code = f"{int.from_bytes(parts.random_bytes(8), 'big') % 10**DIGITS:0{DIGITS}}"
    valid_s = parts.settings.codes.valid_s
    digest = _digest(parts, holding, act.proof, code)
    codes.add(conn, holding, act.proof, digest, now, now + timedelta(seconds=valid_s))
    menus = parts.shelf.current
    service = menus.services.get(act.service)
    title = short_title(menus, service, caller.language) if service and not service.sensitive else act.service
    policy = parts.settings.sender_of(parts.settings.sms.sender).transliteration
    text = writing.Text(
        holding_id=holding,
        msisdn=caller.msisdn,
        text=compose.text(
            menus, "code_sms", caller.language, {"otc": code, "service": fit.shortened(title, SERVICE_SIZE, policy)}
        ),
        template="code_sms",
        category=Category.VITAL,
        language=caller.language,
        priority=_PRIORITY,
        validity_s=valid_s,
        private=True,
        network=caller.network,
        caused_by=act.service,
    )
    if writing.write(conn, parts, text, now) is None:
        raise Undone(acts.UNAVAILABLE)


def _digest(parts: Parts, holding_id: int, purpose: str, code: str) -> bytes:
    return parts.seals.digest("otc", f"{holding_id}|{purpose}|{code}")
