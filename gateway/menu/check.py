"""Everything that `gateway check` says of menus once they are read: each subject in its own module."""

from __future__ import annotations

from gateway.menu.budgets import check_budgets
from gateway.menu.check_outside import check_outside
from gateway.menu.check_questions import check_questions
from gateway.menu.check_sms import check_sms
from gateway.menu.check_targets import check_targets
from gateway.menu.check_texts import check_texts
from gateway.menu.check_values import check_values
from gateway.menu.commands import check_commands
from gateway.menu.faults import Fault, in_order
from gateway.menu.inspection import Inspection
from gateway.menu.load import Loaded
from gateway.menu.model import Menus
from gateway.menu.times import check_times
from gateway.menu.world import GATEWAY_SOURCES, Source, World, world_of

__all__ = ["GATEWAY_SOURCES", "Source", "World", "check", "check_loaded", "world_of"]


def check(menus: Menus, world: World) -> tuple[Fault, ...]:
    """Every fault of menus that were read without fault."""
    return _check(Inspection(menus, world))


def check_loaded(loaded: Loaded, world: World) -> tuple[Fault, ...]:
    """Every fault of what was read: those of reading, and those of what could be read all the same."""
    inspection = Inspection(loaded.draft, world, loaded.broken, loaded.unread, loaded.shared, loaded.shortcut_marks)
    return in_order([*loaded.faults, *_check(inspection)])


def _check(inspection: Inspection) -> tuple[Fault, ...]:
    check_targets(inspection)
    check_values(inspection)
    check_outside(inspection)
    check_questions(inspection)
    check_texts(inspection)
    check_budgets(inspection)
    check_times(inspection)
    check_commands(inspection)
    check_sms(inspection)
    return in_order(inspection.faults)
