"""Guarantee 10 on the USSD path: an internal failure is one END sentence that says what was sent, and loses nothing."""

from __future__ import annotations

import dataclasses
import sqlite3
from functools import partial

from gateway import logs
from gateway.keys import Ciphers
from gateway.store.db import Why, open_database
from gateway.store.sessions import Opening, Sessions, SessionsUnavailable
from gateway.usecases import submissions
from gateway.wiring import Gateway
from tests.ussd.conftest import ACTE, Build, Phone, stored

NOTHING_SENT = "Service momentanément indisponible. Rien n'a été envoyé. Réessayez plus tard."


def test_without_redis_nothing_was_sent(build: Build) -> None:
    reply = Phone(build(redis="unix:///nonexistent/r.sock")).deliver("")
    assert (reply.text, reply.final) == (NOTHING_SENT, True)


def test_a_number_from_elsewhere(gateway: Gateway) -> None:
    reply = Phone(gateway, number="+233240000001").deliver("")
    assert reply.final
    assert "réservé aux numéros de téléphone du Bénin" in reply.text


class Flaky(Sessions):
    """Redis that stops answering when told to."""

    away = False

    def commit(self, key: str, version: int, body: bytes, ttl_ms: int, opens: Opening | None = None) -> bool:
        if self.away:
            raise SessionsUnavailable(Why.AWAY)
        return super().commit(key, version, body, ttl_ms, opens)


def flaky(gateway: Gateway) -> tuple[Phone, Flaky]:
    url = gateway.ussd.sessions._url
    sessions = Flaky(url, Ciphers(gateway.keys.encryption), gateway.random_bytes)
    return Phone(dataclasses.replace(gateway, ussd=dataclasses.replace(gateway.ussd, sessions=sessions))), sessions


def test_redis_gone_after_the_act_the_reference_is_told_all_the_same(gateway: Gateway) -> None:
    phone, sessions = flaky(gateway)
    phone.walk(*ACTE[:-1])
    sessions.away = True
    reply = phone.deliver(ACTE[-1])
    assert reply.final
    assert "déposée" in reply.text
    assert stored(gateway) == 1
    sessions.away = False
    assert phone.deliver(ACTE[-1]) == reply, "delivered again, it is the same act"
    assert stored(gateway) == 1
    sessions.close()


def test_redis_gone_before_anything_was_stored(gateway: Gateway) -> None:
    phone, sessions = flaky(gateway)
    before = phone.walk(*ACTE[:2])[-1]
    sessions.away = True
    assert phone.deliver(ACTE[2]).text == NOTHING_SENT
    sessions.away = False
    assert phone.deliver(ACTE[1]) == before, "the dialogue is where it was"
    sessions.close()


def test_a_locked_database_loses_nothing(gateway: Gateway) -> None:
    phone = Phone(gateway)
    phone.walk(*ACTE[:-1])
    holder = sqlite3.connect(gateway.settings.data / "gateway.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    reply = phone.deliver(ACTE[-1])
    assert "plus tard" in reply.text
    assert stored(gateway) == 0
    holder.close()


def test_a_database_that_is_away_loses_nothing(gateway: Gateway) -> None:
    away = dataclasses.replace(gateway.parts, database=open_database("postgresql://nobody@127.0.0.1:1/none"))
    actions = {"submit": partial(submissions.submit, away)}
    broken = dataclasses.replace(gateway, ussd=dataclasses.replace(gateway.ussd, actions=actions))
    reply = Phone(broken).walk(*ACTE)[-1]
    assert "plus tard" in reply.text
    assert Phone(gateway, session="s2").walk(*ACTE)[-1].final, "it is back, and the citizen dials again"
    assert stored(gateway) == 1


def test_a_failure_inside_is_no_traceback_on_the_phone(gateway: Gateway) -> None:
    lines: list[bytes] = []
    logs.start("info", gateway.now, lines.append)

    def broken(*_: object) -> None:
        raise RuntimeError("NPI 1234567890 of +2290197000000")

    phone = Phone(dataclasses.replace(gateway, ussd=dataclasses.replace(gateway.ussd, actions={"submit": broken})))  # type: ignore[dict-item]
    reply = phone.walk(*ACTE)[-1]
    assert (reply.text, reply.final) == (NOTHING_SENT, True)
    logged = b"".join(lines).decode()
    assert '"event":"ussd.failed"' in logged
    assert "RuntimeError" in logged
    assert "1234567890" not in logged
    assert "0197000000" not in logged


def test_a_turn_is_one_line_without_a_number_or_an_answer(gateway: Gateway) -> None:
    lines: list[bytes] = []
    logs.start("info", gateway.now, lines.append)
    Phone(gateway, session="229019700000012345").walk(*ACTE)
    turns = [line for line in lines if b'"event":"ussd.turn"' in line]
    assert len(turns) == len(ACTE)
    assert b'"screen":"acte-naissance.' in turns[-1]
    for secret in ("1234567890", "0197000000", "229019700000012345"):
        assert secret not in b"".join(lines).decode()
