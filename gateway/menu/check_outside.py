"""What menus use of the world: systems, sources, handlers, and the outcomes that each of them can have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gateway.menu import templates
from gateway.menu.assurance import coded
from gateway.menu.inspection import Inspection
from gateway.menu.load import LISTS
from gateway.menu.model import CallHandler, Do, Lookup, Mark, Pick, Screen, Service, Submit
from gateway.menu.screens import ANSWER_DAY
from gateway.menu.world import PROMISED_LATER, PROPOSED, SUBMIT_OUTCOMES, UNAVAILABLE, Source


def check_outside(inspection: Inspection) -> None:
    """Every verb that needs something outside the menus."""
    for service in inspection.menus.services.values():
        _assurance(inspection, service)
        for screen in service.screens.values():
            match screen.verb:
                case Submit() as submit:
                    _submit(inspection, submit)
                    _on_behalf(inspection, service, submit)
                case Do() as act:
                    _act(inspection, act)
                case Lookup() as lookup:
                    _lookup(inspection, service, lookup)
                case Pick() as pick:
                    _pick(inspection, pick)
                case CallHandler() as call:
                    _call(inspection, call)


def _submit(inspection: Inspection, submit: Submit) -> None:
    world = inspection.world
    if submit.system and submit.system not in world.systems:
        inspection.unknown("unknown_system", submit.mark, submit.system, world.systems)
    needed = [outcome for outcome in SUBMIT_OUTCOMES if outcome != "already" or submit.duplicate_by]
    needed += [PROPOSED] if submit.number else []
    _outcomes(inspection, submit.outcomes, needed, submit.mark)


def _on_behalf(inspection: Inspection, service: Service, submit: Submit) -> None:
    """What a demand for somebody else names must be allowed by its service."""
    if (submit.number and service.on_behalf == "no") or (submit.relation and service.on_behalf != "declared"):
        inspection.fault("behalf_not_allowed", submit.mark, service=service.id)


def _assurance(inspection: Inspection, service: Service) -> None:
    """Who leaves the dialogue to read a code must find it again."""
    for screen in coded(service):
        if service.resume_s is None:
            inspection.fault("code_needs_resume", screen.mark, service=service.id)


def _act(inspection: Inspection, act: Do) -> None:
    actions = inspection.world.actions
    if not act.action:
        return
    if act.action not in actions:
        inspection.unknown("unknown_action", act.mark, act.action, actions)
        return
    action = actions[act.action]
    _args(inspection, act.action, action.args, act.args, act.mark)
    _outcomes(inspection, act.outcomes, [*action.outcomes, UNAVAILABLE], act.mark)


def _late(inspection: Inspection, service: Service, lookup: Lookup, source: Source) -> None:
    """What is kept of an answer, and what is done when it does not come in time."""
    extra = [key for key, given in _beyond(lookup).items() if given]
    if extra and source != Source():
        inspection.fault("only_for_systems", lookup.mark, what=", ".join(extra), name=lookup.source)
        return
    if lookup.last_known_s and not any(_shows(screen, ANSWER_DAY) for screen in service.screens.values()):
        inspection.fault("answer_day_unsaid", lookup.mark, name=ANSWER_DAY)
    if not lookup.later:
        if PROMISED_LATER in lookup.outcomes:
            inspection.fault("promised_without_later", lookup.mark, name=PROMISED_LATER)
        return
    if service.sensitive:
        inspection.fault("later_is_sensitive", lookup.mark, service=service.id)
    if PROMISED_LATER not in lookup.outcomes:
        inspection.fault("missing_outcome", lookup.mark, name=PROMISED_LATER)
    answers = lookup.outcomes.keys() - {UNAVAILABLE, PROMISED_LATER}
    for name in sorted(answers - lookup.later.keys()):
        inspection.fault("later_missing", lookup.mark, name=name)
    for name in sorted(lookup.later.keys() - answers):
        inspection.unknown("unknown_outcome", lookup.later[name].mark, name, frozenset(answers))


def _beyond(lookup: Lookup) -> dict[str, bool]:
    """What only an institution's source can have."""
    return {"keep": lookup.keep_s > 0, "last_known": lookup.last_known_s > 0, "later": bool(lookup.later)}


def _shows(screen: Screen, name: str) -> bool:
    if screen.say is None:
        return False
    every = (*screen.say.by_language.values(), *(screen.say.sms or {}).values())
    return any(name in templates.names(template) for template in every)


def _lookup(inspection: Inspection, service: Service, lookup: Lookup) -> None:
    source = _source(inspection, lookup.source, lookup.mark, {})
    if source is None:
        return
    if source.moving:
        inspection.fault("source_is_a_list", lookup.mark, name=lookup.source)
        return
    _late(inspection, service, lookup, source)
    _args(inspection, lookup.source, source.args, lookup.args, lookup.mark)
    for name in lookup.saves:
        if source.values is not None and name not in source.values:
            inspection.unknown("unknown_saved", lookup.mark, name, frozenset(source.values), source=lookup.source)
    if source.outcomes is not None:
        _outcomes(inspection, lookup.outcomes, [*source.outcomes, UNAVAILABLE], lookup.mark)
    elif UNAVAILABLE not in lookup.outcomes:
        inspection.fault("missing_outcome", lookup.mark, name=UNAVAILABLE)


def _pick(inspection: Inspection, pick: Pick) -> None:
    if not pick.moving or not pick.source:
        return
    source = _source(inspection, pick.source, pick.mark, inspection.menus.lists)
    if source is None:
        return
    if not source.moving and source != Source():
        inspection.fault("source_is_no_list", pick.mark, name=pick.source)
        return
    _args(inspection, pick.source, source.args, pick.args, pick.mark)
    for name, target in (("empty", pick.empty), (UNAVAILABLE, pick.unavailable)):
        if target is None:
            inspection.fault("missing_outcome", pick.mark, name=name)


def _call(inspection: Inspection, call: CallHandler) -> None:
    handlers = inspection.world.handlers
    if not call.handler:
        return
    if call.handler not in handlers:
        inspection.unknown("unknown_handler", call.mark, call.handler, handlers)
        return
    _outcomes(inspection, call.outcomes, handlers[call.handler], call.mark)
    values = inspection.world.handler_values.get(call.handler)
    for name in call.saves:
        if values is not None and name not in values:
            inspection.unknown("unknown_saved", call.mark, name, values, source=call.handler)


def _source(inspection: Inspection, name: str, mark: Mark, lists: Mapping[str, object]) -> Source | None:
    sources = inspection.world.sources
    # A list that could not be read may be the one that is meant.
    if name and name not in sources and not any(file.startswith(LISTS) for file in inspection.unread):
        inspection.unknown("unknown_source", mark, name, {**sources, **lists})
    return sources.get(name)


def _args(
    inspection: Inspection, name: str, known: tuple[str, ...] | None, args: Mapping[str, str], mark: Mark
) -> None:
    if known is None:
        return
    for arg in args:
        if arg not in known:
            inspection.unknown("unknown_argument", mark, arg, frozenset(known), source=name)
    for arg in known:
        if arg not in args:
            inspection.fault("missing_argument", mark, name=arg, source=name)


def _outcomes(inspection: Inspection, written: Mapping[str, str], possible: Iterable[str], mark: Mark) -> None:
    known = frozenset(possible)
    # A demand that no field makes a duplicate may still declare what would happen.
    allowed = known | {"already"} if known <= {*SUBMIT_OUTCOMES, PROPOSED} and "submitted" in known else known
    for name in written:
        if name not in allowed:
            inspection.unknown("unknown_outcome", mark, name, known)
    for name in sorted(known):
        if name not in written:
            inspection.fault("missing_outcome", mark, name=name)
