"""The clock jumps by an hour in a dialogue: it goes on, an act is done once, and no code lives longer."""

from __future__ import annotations

import pytest

from gateway.messages import SubmissionState
from tests.trust.conftest import NPI, Handset, demand

WITHDRAW = ("2", "3", "1", "1")


@pytest.mark.parametrize("hours", [1, -1])
def test_a_dialogue_goes_on_and_files_once(handset: Handset, hours: int) -> None:
    handset.dial("1", "1", NPI)
    handset.texter.later(hours=hours)
    handset.type("1")
    filed = handset.type("1")
    assert "déposée" in filed.text
    handset.texter.later(hours=-hours)
    handset.dialled = handset.dialled.removesuffix("*1")
    assert handset.type("1") == filed, "delivered again, it is the same act"
    handset.texter.later(hours=2)
    assert len([text for text in handset.inbox() if text.startswith("Récépissé")]) == 1


@pytest.mark.parametrize(
    ("jump_s", "opens"),
    [
        (3600, False),  # it is over
        (599, True),
        (600, False),
        (-1, True),  # a time server corrects by moments
        (-60, True),
        (-61, False),  # it would live longer than it should
        (-3600, False),
    ],
)
def test_a_code_lives_no_longer(handset: Handset, jump_s: int, opens: bool) -> None:
    reference = handset.files()
    handset.dial(*WITHDRAW)
    code = handset.code()
    handset.texter.later(seconds=jump_s)
    said = handset.type(code)
    assert (demand(handset.gateway, reference).state is SubmissionState.WITHDRAWN) == opens, said.text


def test_another_code_comes_after_a_jump_back(handset: Handset) -> None:
    reference = handset.files()
    handset.dial(*WITHDRAW)
    old = handset.code()
    handset.texter.later(hours=-1)
    handset.dial(*WITHDRAW)
    assert handset.code() != old
    assert handset.type(handset.code()).final
    assert demand(handset.gateway, reference).state is SubmissionState.WITHDRAWN
