"""Nothing personal in logs, reprs or records: guarantee 8 on the path of a turn."""

from __future__ import annotations

import json

import pytest

from gateway import logs
from gateway.messages import EndStatus, MtSms, UssdEnd, UssdEvent, UssdReply, UssdTurn
from gateway.usecases import dialogues
from gateway.usecases.transcripts import Body, Kind, Plan
from gateway.wiring import Gateway
from tests.ussd.conftest import NPI, NUMBER, Phone
from tests.ussd.interference import flaky


class TestPersonalData:
    """Guarantee 8: logs name a dialogue and a masked number; nothing else shows what a citizen is or typed."""

    def test_a_turn_can_be_found_in_the_log(self, gateway: Gateway) -> None:
        lines: list[bytes] = []
        logs.start("info", gateway.now, lines.append)
        for number in range(12):  # as many digests as it takes to begin with a digit
            Phone(gateway, f"s{number}").deliver("")
        turns = [json.loads(line) for line in lines if b'"ussd.turn"' in line]
        assert {turn["number"] for turn in turns} == {"+22901******00"}
        assert len({turn["session"] for turn in turns}) == 12
        dialogues.take_end(gateway.ussd, UssdEnd("africastalking", "s0", EndStatus.COMPLETED))
        assert json.loads(lines[-1])["session"] == turns[0]["session"], "the end is told of the same dialogue"

    @pytest.mark.parametrize("value", ["+2290197000000", "+22901970000**", "NPI 1234567890", "N1234567", "Rue 12"])
    def test_a_number_or_an_answer_is_not_written(self, value: str, gateway: Gateway) -> None:
        lines: list[bytes] = []
        logs.start("info", gateway.now, lines.append)
        logs.event("test", value=value)
        assert json.loads(lines[-1])["value"] == "(hidden)"

    def test_why_a_turn_failed_is_logged(self, gateway: Gateway) -> None:
        lines: list[bytes] = []
        logs.start("error", gateway.now, lines.append)
        phone, sessions = flaky(gateway)
        sessions.fails = frozenset({"load"})
        phone.deliver("")
        assert [json.loads(line)["code"] for line in lines] == ["SessionsUnavailable"]

    @pytest.mark.parametrize(
        "value",
        [
            UssdTurn("c", "s", NUMBER, "*229#", UssdEvent.CUMULATIVE, f"1*{NPI}"),
            UssdReply(f"NPI {NPI}", final=True),
            MtSms("c", "", f"NPI {NPI}", (NUMBER,)),
            Plan(Kind.INPUT, (NPI,), NPI, NPI),
            Body(b"", 0, b"", "", 0, 0, NPI, False, "fr", None, b"", NUMBER, ""),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_reprs_hold_no_number_and_no_answer(self, value: object) -> None:
        assert NPI not in repr(value)
        assert NUMBER not in repr(value)
