"""Who is talking, and through what: the same for every source and every action."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Caller:
    """The phone at the other end of a dialogue.

    `msisdn` is E.164; `network` is the operator's code as the callback gave it, "" when it gave none;
    `language` is the one the dialogue is held in; `mo_id` the SMS of hers that is being answered, None on USSD.
    """

    msisdn: str = field(repr=False)
    channel: str
    network: str
    language: str
    mo_id: int | None = None
    imsi: str = field(default="", repr=False)  #: the SIM's identity where the channel names it
