"""What happens beside a turn: Redis that fails when told to, and other deliveries during an act."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from gateway.engine.outcomes import Act, ActAnswer
from gateway.keys import Ciphers
from gateway.store.db import Why
from gateway.store.sessions import Opening, Sessions, SessionsUnavailable
from gateway.usecases import arrivals
from gateway.usecases.caller import Caller
from gateway.wiring import Gateway
from tests.ussd.conftest import ACTE, NUMBER, Phone

NOTHING_SENT = "Rien n'a été envoyé"
CONFIRM = ACTE[-1]
CANCEL = f"{ACTE[-2]}*2"


class Flaky(Sessions):
    """Redis that fails when told to: before a read, before a commit, or after a commit that it carried out."""

    fails: frozenset[str] = frozenset()

    def load(self, key: str):  # type: ignore[no-untyped-def]
        if "load" in self.fails:
            raise SessionsUnavailable(Why.AWAY)
        return super().load(key)

    def commit(self, key: str, version: int, body: bytes, ttl_ms: int, opens: Opening | None = None) -> bool:
        if "commit" in self.fails:
            raise SessionsUnavailable(Why.AWAY)
        done = super().commit(key, version, body, ttl_ms, opens)
        if "answer" in self.fails:
            raise SessionsUnavailable(Why.AWAY)
        return done


def flaky(gateway: Gateway, **phone: str) -> tuple[Phone, Flaky]:
    sessions = Flaky(gateway.ussd.sessions._url, Ciphers(gateway.keys.encryption), gateway.random_bytes)
    return Phone(
        dataclasses.replace(gateway, ussd=dataclasses.replace(gateway.ussd, sessions=sessions)), **phone
    ), sessions


def during_the_act(gateway: Gateway, meanwhile: Callable[[], object], **phone: str) -> Phone:
    """A phone whose act, once stored and before its dialogue is committed, lets something else happen."""
    submit = gateway.ussd.actions["submit"]

    def slow(act: Act, caller: Caller, key: bytes) -> ActAnswer:
        answer = submit(act, caller, key)
        meanwhile()
        return answer

    patient = dataclasses.replace(gateway, ussd=dataclasses.replace(gateway.ussd, actions={"submit": slow}))
    return Phone(patient, **phone)


def waiting(gateway: Gateway, number: str = NUMBER) -> str | None:
    found = arrivals.arrive(gateway.parts, Caller(number, "", "", "fr")).waiting
    return None if found is None else f"{found.service}.{found.screen}"
