"""What exists around menus: handlers, sources, systems, networks. `wiring` fills it, `check` compares menus with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from gateway.menu.faults import UNKNOWN_NETWORK
from gateway.settings import HttpSystem, Network, Pace, Settings
from gateway.text import fit

#: What a citizen's answer to the act `submit` can be.
SUBMIT_OUTCOMES = ("submitted", "already", "unavailable", "closed")
#: Beside them, where a demand may be made for somebody who must agree first.
PROPOSED = "proposed"
#: Always a possible outcome of a lookup.
UNAVAILABLE = "unavailable"
#: Of one that declares `later`: the answer will come by SMS.
PROMISED_LATER = "promised"


@dataclass(frozen=True, slots=True)
class Source:
    """What answers a lookup. None: not known beforehand (a system's own lookup), so not compared."""

    args: tuple[str, ...] | None = None
    outcomes: tuple[str, ...] | None = None  #: beside `unavailable`
    values: tuple[str, ...] | None = None
    moving: bool = False  #: it gives lines to pick from
    personal: tuple[str, ...] = ()  #: values that are masked when another person may have taken the dialogue up


@dataclass(frozen=True, slots=True)
class Action:
    """What the gateway can do for an `act`. `outcomes` beside `unavailable`."""

    args: tuple[str, ...]
    outcomes: tuple[str, ...]
    code: bool = False  #: whether a one-time code must be typed back first


#: The gateway's own actions.
GATEWAY_ACTIONS: Mapping[str, Action] = {
    "set_preference": Action(args=("subject", "value"), outcomes=("done", "refused")),  # usecases/preferences.py
    "withdraw": Action(args=("reference",), outcomes=("done", "late", "not_yours"), code=True),
    "open_question": Action(args=("reference",), outcomes=("done", "not_yours"), code=True),  # usecases/questions.py
    "answer_question": Action(args=("reference", "text"), outcomes=("done", "late", "not_yours"), code=True),
    "correct": Action(args=("reference", "wrong", "right"), outcomes=("done", "late", "not_yours"), code=True),
    "take_over": Action(args=("reference", "last4"), outcomes=("done", "no", "too_many")),
    "disown": Action(args=(), outcomes=("done",)),  # usecases/persons.py
    "erase_me": Action(args=(), outcomes=("done",), code=True),
}

#: The gateway's own sources (usecases/lookups.py answers them).
GATEWAY_SOURCES: Mapping[str, Source] = {
    "my_submissions": Source(args=(), moving=True),
    "submission_status": Source(
        args=("reference",),
        outcomes=("own", "other", "unknown"),
        values=(
            "state_label",
            "service_title",
            "promised_date",
            "case_number",
            "decided_message",
            "can_withdraw",
            "can_correct",
            "can_answer",
            "late",
        ),
    ),
    "my_question": Source(
        args=("reference",),
        outcomes=("found", "none", "dial"),
        values=("question", "institution", "answer_by"),
        personal=("question",),
    ),
    "my_messages": Source(args=(), moving=True),
    "my_message": Source(args=("id",), outcomes=("found", "none"), values=("day", "text")),
    "my_data": Source(args=(), outcomes=("found", "none"), values=("demands", "texts", "since", "days")),
    "my_preferences": Source(
        args=(), outcomes=("found",), values=("language_label", "procedure_label", "information_label")
    ),
    "verify_receipt": Source(
        args=("reference", "code", "last4"),
        outcomes=("genuine", "holder_yes", "holder_no", "not_genuine", "too_many", "later"),
        values=("service_title", "day", "state_label", "wait"),
    ),
}


@dataclass(frozen=True, slots=True)
class Writing:
    """How the default sender writes: whether citizens can answer it, and what its texts weigh."""

    two_way: bool = True
    appends: int = 0  #: septets that the aggregator adds to each text
    policy: fit.Policy = "plain"


@dataclass(frozen=True, slots=True)
class World:
    """`handlers`: "module.function" -> the outcomes it declares. `networks`: name -> what it does with a dialogue.

    `handler_values`: "module.function" -> the values it declares; what is not there is not compared.
    """

    handlers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    handler_values: Mapping[str, frozenset[str]] = field(default_factory=dict)
    sources: Mapping[str, Source] = field(default_factory=lambda: GATEWAY_SOURCES)
    actions: Mapping[str, Action] = field(default_factory=lambda: GATEWAY_ACTIONS)
    systems: frozenset[str] = frozenset()
    networks: Mapping[str, Network] = field(default_factory=dict)
    pace: Pace = field(default_factory=Pace)
    npi_pattern: str = r"^\d{10}$"
    writing: Writing = field(default_factory=Writing)


def world_of(
    settings: Settings,
    handlers: Mapping[str, tuple[str, ...]],
    handler_values: Mapping[str, frozenset[str]] = MappingProxyType({}),
) -> World:
    """The world of one configuration: its systems with their sources, and its networks under every channel's cap."""
    sender = settings.sender_of(settings.sms.sender)
    sources = dict(GATEWAY_SOURCES)
    for system in settings.systems.values():
        if isinstance(system, HttpSystem):
            sources.update(dict.fromkeys(system.sources, Source()))
    caps = [channel.max_septets for channel in settings.channels.values() if channel.max_septets is not None]
    networks: dict[str, Network] = {operator.name: operator for operator in settings.operators.values()}
    networks[UNKNOWN_NETWORK] = settings.unknown_operator
    return World(
        handlers=handlers,
        handler_values=handler_values,
        sources=sources,
        systems=frozenset(settings.systems),
        networks={name: _capped(network, min(caps, default=network.max_septets)) for name, network in networks.items()},
        pace=settings.pace,
        npi_pattern=settings.npi_pattern,
        writing=Writing(sender.two_way, sender.appends, sender.transliteration),
    )


def max_units(network: Network) -> int:
    """What one screen holds: septets, or the UCS-2 units that the same octets carry.

    8 septets fill 7 octets, a UCS-2 unit takes 2 (3GPP TS 23.038 §6.1.2.3, §6.2.3).
    """
    return network.max_septets if network.alphabet == "gsm7" else network.max_septets * 7 // 8 // 2


def _capped(network: Network, cap: int) -> Network:
    return network.model_copy(update={"max_septets": min(network.max_septets, cap)})
