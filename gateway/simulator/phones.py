"""The phones of the simulated world: their dialogue, their screen, their inbox. Everything is in memory."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from gateway.simulator.handset import Screen
from gateway.simulator.wire import Request
from gateway.text.segments import Measure

AFRICASTALKING = "africastalking"
MTN_MADAPI = "mtn_madapi"
NETWORKS = (AFRICASTALKING, MTN_MADAPI)

#: The two phones that exist before anybody asks. Numbers are portable: nothing follows from a prefix.
FIRST_PHONES = {"+2290197000000": AFRICASTALKING, "+2290166000000": MTN_MADAPI}

#: How an SMS to a phone stands: taken by the aggregator, then as the last report that the gateway took says.
Delivery = Literal["taken", "Sent", "Buffered", "AbsentSubscriber", "Success", "Failed", "Expired", "lost"]
#: How a text of a phone stands: on its way, taken by the gateway, or given up after several tries.
Posting = Literal["posting", "posted", "not_posted"]
#: What becomes of an SMS to a phone, and what is reported of it:
#: reachable it arrives · slow it arrives late · silent it arrives and nothing is reported · unreachable and full it
#: waits until the phone is reachable again · unknown and barred it never arrives.
Condition = Literal["reachable", "slow", "silent", "unreachable", "full", "unknown", "barred"]
CONDITIONS: tuple[Condition, ...] = ("reachable", "slow", "silent", "unreachable", "full", "unknown", "barred")


@dataclass(slots=True)
class Dialogue:
    """One USSD session as the network sees it."""

    session_id: str
    msisdn: str
    dialled: str
    tail: str  #: "1*2" for *229*1*2#
    inputs: list[str] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)
    hops: int = 0  #: requests made to the gateway, deliveries of one turn counted once
    last: Request | None = None  #: the turn as it was delivered
    last_reply: str = ""  #: the last body the gateway answered
    open: bool = True
    lost: bool = False  #: the last reply never reached the phone
    imsi: str = ""  #: of the SIM in the phone when it dialled


@dataclass(slots=True)
class Sms:
    id: str
    sender: str
    text: str
    received_at: datetime
    measure: Measure
    delivery: Delivery = "taken"
    read: bool = False


@dataclass(slots=True)
class Text:
    """An SMS that the phone sent. `tries` counts the times it was posted to the gateway."""

    id: str
    to: str
    text: str
    sent_at: datetime
    measure: Measure
    posting: Posting = "posting"
    tries: int = 0


@dataclass(slots=True)
class Phone:
    """`waiting`: what arrives once the phone is reachable again. `opted_out`: it told the aggregator to stop.

    `turning` is held during a turn: a phone does one thing at a time."""

    msisdn: str
    network: str
    dialogue: Dialogue | None = None
    screen: Screen | None = None
    final: bool = False
    error: str | None = None
    differs: bool = False  #: two deliveries of the last turn were answered differently
    busy: bool = False
    inbox: list[Sms] = field(default_factory=list)
    outbox: list[Text] = field(default_factory=list)
    waiting: list[Sms] = field(default_factory=list)
    condition: Condition = "reachable"
    opted_out: bool = False
    sims: int = 1  #: how many SIMs the number has had
    sim_since: datetime | None = None  #: when it was last given another one
    turning: threading.Lock = field(default_factory=threading.Lock, repr=False)


def imsi_of(phone: Phone) -> str:
    """15 digits: MTN Bénin, the number, and which of its SIMs this is (3GPP TS 23.003 §2.2)."""
    return f"61603{phone.msisdn[-9:]}{phone.sims % 10}"


class Phones:
    """Every phone by its number, made when first asked for. `version` changes when anything visible does."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._phones: dict[str, Phone] = {}
        # A page that outlives a restart must not take the new world for the one it has seen.
        self._version = time.time_ns()
        self.reset()

    @property
    def version(self) -> int:
        return self._version

    def get(self, msisdn: str, network: str | None = None) -> Phone:
        """The phone with this E.164 number; `network` is used when the phone is made or has no dialogue."""
        with self._lock:
            phone = self._phones.get(msisdn)
            if phone is None:
                phone = self._phones[msisdn] = Phone(msisdn, network or AFRICASTALKING)
                self._version += 1
            elif network and network != phone.network and not (phone.dialogue and phone.dialogue.open):
                phone.network = network
                phone.dialogue, phone.screen = None, None
                self._version += 1
            return phone

    def all(self) -> list[Phone]:
        with self._lock:
            return list(self._phones.values())

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Whatever is changed inside is seen whole, and seen by who waits for a new `version`."""
        with self._lock:
            yield
            self._version += 1

    def receive(self, msisdn: str, sms: Sms) -> None:
        """Put an SMS on top of the phone's inbox."""
        phone = self.get(msisdn)
        with self.changing():
            phone.inbox.insert(0, sms)

    def reset(self) -> None:
        """Back to the first two phones, empty."""
        with self.changing():
            self._phones = {msisdn: Phone(msisdn, network) for msisdn, network in FIRST_PHONES.items()}
