"""What the use cases of a USSD dialogue take: built once by wiring.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from gateway.engine.outcomes import Act, ActAnswer, Handler, Lookup, LookupAnswer
from gateway.engine.session import State
from gateway.engine.surface import Surface
from gateway.menu.model import Menus
from gateway.settings import ChannelSettings
from gateway.store.saved_dialogues import Outcome, Settled
from gateway.store.sessions import Sessions
from gateway.usecases.arrivals import Arrival
from gateway.usecases.caller import Caller
from gateway.usecases.shelf import Shelf
from gateway.usecases.stops import Barred
from gateway.usecases.transcripts import Hash

#: Source(args, caller, seconds left) -> answer; `unavailable` when it cannot answer in time.
Source = Callable[[Lookup, Caller, float], LookupAnswer]
#: Action(act, caller, act key) -> answer, the same one however often it is asked.
Action = Callable[[Act, Caller, bytes], ActAnswer]


class Barring(Protocol):
    """What whoever enters a service is told instead (stops.Stops.barred)."""

    def __call__(self, service: str, language: str, zone: ZoneInfo, *, begun: bool) -> Barred | None: ...


@dataclass(frozen=True, slots=True)
class Ussd:
    """What a turn uses."""

    sessions: Sessions
    shelf: Shelf
    sources: Mapping[str, Source]
    actions: Mapping[str, Action]
    handlers: Mapping[str, Handler]
    find_act: Callable[[bytes], ActAnswer | None]
    surface: Callable[[str, str], Surface]  #: (channel, network) -> what its handsets show
    lookup_budget_s: float  #: what all lookups of one turn may take together
    session_s: Callable[[str], int]  #: network -> longest dialogue
    channels: Mapping[str, ChannelSettings]
    countries: tuple[str, ...]
    save_dropped: Callable[[Menus, State, Caller, datetime], None]  #: and when it was last answered
    arrive: Callable[[Caller], Arrival]  #: what her first screen should know
    note_notice: Callable[[Caller, str, bytes], None]  #: that version of the privacy notice was shown to her
    settle_offer: Callable[[int, Outcome, bytes], Settled | None]
    settled_by: Callable[[bytes], Settled | None]
    barred: Barring
    digest: Hash
    timezone: ZoneInfo
    now: Callable[[], datetime]
    monotonic: Callable[[], float]
