"""What a dialogue remembers between two turns, and its small form in bytes."""

from __future__ import annotations

import msgspec

from gateway.engine.outcomes import Raw, Saved

#: How many screens Back can go up. Older ones are forgotten: the record of a dialogue stays under 1 KiB.
MAX_TRAIL = 16
#: Lines of a moving list kept, and what they may weigh: ids and labels together, in bytes.
MAX_ITEMS = 60
MAX_ITEM_BYTES = 640


class Crumb(msgspec.Struct, frozen=True, array_like=True):
    """A screen that Back returns to: the part of it that was shown, and how many values were kept before it.

    `place` is the screen's id in the service under way, or "/" and the id of a screen of the root menu.
    """

    place: str
    kept: int
    first: int
    page: int


class State(msgspec.Struct, array_like=True, omit_defaults=True):
    """One dialogue. The functions of `walk` never change the State they are given: they return another one.

    `first` and `page` say which part of the screen was shown: `first` is the number of choices or lines before it;
    `page` counts the pages of a text too long for one screen. `shown` is the number of lines that were on it.
    `values` are the kept answers, oldest first, as (raw,) or (raw, shown). `items` are the (id, label) pairs of the
    moving list on the screen, None while they are not known. A secret is never here.
    """

    menus: str  #: version of the menus that the dialogue began with
    language: str
    service: str
    screen: str
    turns: int = 0  #: answers taken so far, for the bound on a dialogue
    first: int = 0
    page: int = 0
    shown: int = 0
    acts: int = 0  #: acts done: the ordinal of the next one
    steps: int = 0  #: screens walked in this turn without showing one
    search: str = ""  #: what narrows the list on the screen, folded
    values: dict[str, tuple[Raw, ...]] = {}
    trail: list[Crumb] = []
    items: list[tuple[str, str]] | None = None
    resumed: int = 0  #: how many of the oldest values were typed before it was taken up again: shown masked if personal
    offered: int = 0  #: id of the saved dialogue whose offer is on the screen, its service in `search`; 0 for none
    challenge: str = ""  #: where the one-time code before the act of this screen stands (engine/challenge.py)
    notice: str = ""  #: version of the privacy notice that is on the screen
    promising: bool = False  #: the lookup of this screen had no answer in time, and it is about to be promised by SMS

    def __repr__(self) -> str:
        """Where the dialogue is, without what the citizen answered."""
        return f"State({self.service}.{self.screen}, turns={self.turns})"


def encode(state: State) -> bytes:
    """The bytes of a state, in MessagePack; personal answers are in them: they are sealed before they are stored."""
    return _encoder.encode(state)


def decode(body: bytes) -> State:
    """The state that `encode` was given. Raises msgspec.DecodeError for anything else."""
    return _decoder.decode(body)


def copy_of(state: State) -> State:
    """The same state, free to change."""
    twin = msgspec.structs.replace(state)
    twin.values = dict(state.values)
    twin.trail = list(state.trail)
    return twin


def keep(state: State, name: str, raw: Raw, shown: str = "") -> None:
    """Keeps an answer. `shown` is what people read instead of the raw value.

    What is given anew after the dialogue was taken up is no longer of who began it.
    """
    if state.resumed and name in list(state.values)[: state.resumed]:
        del state.values[name]
        state.resumed -= 1
    state.values[name] = (raw, shown) if shown and shown != str(raw) else (raw,)


def saved_values(state: State) -> dict[str, Saved]:
    """The kept answers as rules and handlers receive them."""
    return {name: Saved(value[0], str(value[1]) if len(value) > 1 else "") for name, value in state.values.items()}


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(State)
