"""Which acts are done only after a one-time code was sent to the citizen's number and typed back."""

from __future__ import annotations

from gateway.menu.model import Do, Screen, Service, Submit, Verb
from gateway.menu.world import GATEWAY_ACTIONS


def needs_code(service: Service, verb: Verb) -> bool:
    """Whether this act of the service does, or may: `always_needs_code`, and demands made for somebody else."""
    return always_needs_code(service, verb) or (isinstance(verb, Submit) and bool(verb.number or verb.relation))


def always_needs_code(service: Service, verb: Verb) -> bool:
    """Whether it does whoever it is for: all acts of a `number+code` service, those that say so or always do."""
    if isinstance(verb, Do):
        action = GATEWAY_ACTIONS.get(verb.action)
        by_itself = verb.code or (action is not None and action.code)
    else:
        by_itself = False
    return by_itself or (isinstance(verb, Submit | Do) and service.assurance == "number+code")


def coded(service: Service) -> tuple[Screen, ...]:
    """The screens of the service whose acts do."""
    return tuple(screen for screen in service.screens.values() if needs_code(service, screen.verb))
