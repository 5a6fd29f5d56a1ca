"""What the use cases of SMS from citizens take: built once by wiring.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gateway.engine.outcomes import Handler
from gateway.engine.surface import Surface
from gateway.usecases.parts import Parts
from gateway.usecases.transcripts import Hash
from gateway.usecases.ussd_parts import Action, Source

#: A look-up made for an SMS may take this long: nobody holds a phone to his ear.
LOOKUP_S = 8.0


@dataclass(frozen=True, slots=True)
class Talk:
    """Sources, actions and handlers are those of USSD."""

    parts: Parts
    sources: Mapping[str, Source]
    actions: Mapping[str, Action]
    handlers: Mapping[str, Handler]
    surface: Callable[[str], Surface]  #: sender key -> what one SMS of it holds
    digest: Hash
