"""Who acts through the console, the API or a command, and what each may do. One table says it all.

Whoever may not, and whatever is of another institution, gets the same answer: there is no such thing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gateway.messages import Role


class Right(StrEnum):
    """What somebody may do within an institution, or on the platform."""

    SEE_NOTIFICATIONS = "see_notifications"  #: masked numbers, states, costs
    SEND = "send"  #: prepare, send, stop what one prepared
    APPROVE = "approve"
    SEE_TEMPLATES = "see_templates"
    WRITE_TEMPLATES = "write_templates"
    SEE_DEMANDS = "see_demands"  #: the list, masked
    READ_DEMANDS = "read_demands"  #: what citizens wrote
    HANDLE_DEMANDS = "handle_demands"  #: open, take, ask, decide
    SEE_PEOPLE = "see_people"
    MANAGE_PEOPLE = "manage_people"
    MANAGE_KEYS = "manage_keys"
    SEE_BUDGET = "see_budget"
    SET_BUDGET = "set_budget"
    STOP = "stop"  #: all SMS, campaigns, a service
    SEE_ACTS = "see_acts"  #: who did what


_R = Role
#: Right -> the roles that have it.
RIGHTS: dict[Right, frozenset[Role]] = {
    Right.SEE_NOTIFICATIONS: frozenset({_R.READER, _R.SENDER, _R.AUTHOR, _R.APPROVER, _R.MANAGER}),
    Right.SEND: frozenset({_R.SENDER}),
    Right.APPROVE: frozenset({_R.APPROVER}),
    Right.SEE_TEMPLATES: frozenset({_R.READER, _R.SENDER, _R.AUTHOR, _R.APPROVER, _R.MANAGER}),
    Right.WRITE_TEMPLATES: frozenset({_R.AUTHOR}),
    Right.SEE_DEMANDS: frozenset({_R.READER, _R.CASE_WORKER}),
    Right.READ_DEMANDS: frozenset({_R.CASE_WORKER}),
    Right.HANDLE_DEMANDS: frozenset({_R.CASE_WORKER}),
    Right.SEE_PEOPLE: frozenset({_R.MANAGER, _R.ADMINISTRATOR, _R.AUDITOR}),
    Right.MANAGE_PEOPLE: frozenset({_R.MANAGER, _R.ADMINISTRATOR}),
    Right.MANAGE_KEYS: frozenset({_R.MANAGER}),
    Right.SEE_BUDGET: frozenset({_R.SENDER, _R.APPROVER, _R.MANAGER, _R.ADMINISTRATOR, _R.AUDITOR}),
    Right.SET_BUDGET: frozenset({_R.ADMINISTRATOR}),
    Right.STOP: frozenset({_R.ADMINISTRATOR}),
    Right.SEE_ACTS: frozenset({_R.MANAGER, _R.AUDITOR}),
}
#: Of the platform: they belong to no institution.
PLATFORM_ROLES = frozenset({_R.ADMINISTRATOR, _R.AUDITOR})
#: Roles that a manager gives within the institution; a manager is made by an administrator.
INSTITUTION_ROLES = frozenset(Role) - PLATFORM_ROLES
GIVEN_BY = {Role.MANAGER: INSTITUTION_ROLES - {Role.MANAGER}, Role.ADMINISTRATOR: PLATFORM_ROLES | {Role.MANAGER}}


class Absent(Exception):
    """There is no such thing, or it is nothing of his: nobody can tell which."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who is known. `name` is what is kept beside what he does: a login, "key:PREFIX", "cli:USER".

    `rights`: of an API key, which has no role: these and no others.
    """

    name: str
    institution: str | None  #: None: of the platform
    roles: frozenset[Role]
    person_id: int | None = None
    api_key_id: int | None = None
    rights: frozenset[Right] = frozenset()

    def may(self, right: Right, institution: str | None) -> bool:
        """Whether he may do this in this institution; None: on the platform as a whole."""
        if right in self.rights:
            return self.institution is not None and self.institution == institution
        if not RIGHTS[right] & self.roles:
            return False
        if RIGHTS[right] & self.roles & PLATFORM_ROLES:
            return True
        return self.institution is not None and self.institution == institution

    def must(self, right: Right, institution: str | None) -> None:
        """Raises Absent unless he may."""
        if not self.may(right, institution):
            raise Absent
