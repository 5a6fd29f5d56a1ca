"""Templates: the texts that an institution may send. Each change is a new version; what was sent never changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from gateway import logs
from gateway.engine import notification_text
from gateway.engine.notification_text import Body
from gateway.messages import Category
from gateway.store import stops, templates
from gateway.store.templates import NewVersion, Version
from gateway.text.fit import Policy
from gateway.usecases import template_measures
from gateway.usecases.actors import Absent, Actor, Right
from gateway.usecases.parts import Parts
from gateway.usecases.template_draft import Draft, Fault, TemplateRefused, body_of, faults_of
from gateway.usecases.template_measures import POLICIES, LanguageMeasure

__all__ = [
    "Draft", "Fault", "LanguageMeasure", "Template", "TemplateLine", "TemplateRefused", "create", "faults", "list_",
    "measured", "open_", "retire", "revise", "versions",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class TemplateLine:
    """A template in a list, as its latest version says, or a version in the list of a template's."""

    id: int
    name: str
    category: Category
    sender: str | None
    policy: Policy
    number: int  #: of the version
    languages: tuple[str, ...]
    retired: bool
    created_by: str  #: who wrote this version
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Template:
    """A template as one version of it says. `latest`: the number of the last one."""

    id: int
    institution: str
    name: str
    category: Category
    sender: str | None
    policy: Policy
    number: int
    latest: int
    version_id: int
    retired: bool
    created_by: str
    created_at: datetime
    body: Body

    @property
    def placeholders(self) -> Mapping[str, int]:
        """Name -> the greatest size of its values, in septets."""
        return self.body.placeholders

    @property
    def needed(self) -> tuple[str, ...]:
        """The placeholders that every recipient must have a value for."""
        return notification_text.needed(self.body)


def list_(parts: Parts, actor: Actor, institution: str, *, retired: bool = False) -> tuple[TemplateLine, ...]:
    """The templates in use, or those no longer used, by name. Raises Absent, StoreUnavailable."""
    _must(parts, actor, Right.SEE_TEMPLATES, institution)
    with parts.database.read() as conn:
        return tuple(map(_line, templates.of_institution(conn, institution, retired=retired)))


def open_(parts: Parts, actor: Actor, template_id: int, number: int | None = None) -> Template:
    """A template as its version `number` says, as the latest when None. Raises Absent, StoreUnavailable."""
    with parts.database.read() as conn:
        last = templates.latest(conn, template_id)
        found = last if number is None else templates.numbered(conn, template_id, number)
    if last is None or found is None:
        raise Absent
    _must(parts, actor, Right.SEE_TEMPLATES, last.institution)
    return _template(found, last.number)


def versions(parts: Parts, actor: Actor, template_id: int) -> tuple[TemplateLine, ...]:
    """The last 50 versions of a template, newest first. Raises Absent, StoreUnavailable."""
    with parts.database.read() as conn:
        found = templates.versions(conn, template_id)
    if not found:
        raise Absent
    _must(parts, actor, Right.SEE_TEMPLATES, found[0].institution)
    return tuple(map(_line, found))


def create(parts: Parts, actor: Actor, institution: str, draft: Draft) -> Template:
    """The new template with its first version. Raises Absent, TemplateRefused, StoreUnavailable."""
    _must(parts, actor, Right.WRITE_TEMPLATES, institution)
    _check(parts, institution, draft)
    name, now = draft.name.strip(), parts.now()
    with parts.database.begin() as conn:
        template_id = templates.add(conn, institution, name, actor.name, now)
        if template_id is None:
            raise TemplateRefused((Fault("name", "taken"),))
        templates.add_version(conn, template_id, 1, _version(draft), actor.name, now)
        stops.note_act(conn, actor.name, "template_create", name, "1", now, institution)
        found = templates.latest(conn, template_id)
    assert found is not None
    logs.event("template.created", template_id=template_id, institution=institution)
    return _template(found, found.number)


def revise(parts: Parts, actor: Actor, template_id: int, draft: Draft) -> Template:
    """The template with one version more, the latest when nothing is new; its name stays.

    Raises Absent, TemplateRefused (also when somebody else revised it meanwhile), StoreUnavailable.
    """
    now = parts.now()
    with parts.database.begin() as conn:
        last = templates.latest(conn, template_id)
        if last is None:
            raise Absent
        _must(parts, actor, Right.WRITE_TEMPLATES, last.institution)
        if last.retired:
            raise TemplateRefused((Fault("version", "retired"),))
        if draft.based_on not in (None, last.number):
            raise TemplateRefused((Fault("version", "changed"),))
        _check(parts, last.institution, replace(draft, name=last.name))
        new = _version(draft)
        if new == NewVersion(last.category, last.sender, last.policy, last.body):
            return _template(last, last.number)
        number = last.number + 1
        if templates.add_version(conn, template_id, number, new, actor.name, now) is None:
            raise TemplateRefused((Fault("version", "changed"),))
        stops.note_act(conn, actor.name, "template_revise", last.name, str(number), now, last.institution)
        found = templates.latest(conn, template_id)
    assert found is not None
    logs.event("template.revised", template_id=template_id, number=number)
    return _template(found, found.number)


def retire(parts: Parts, actor: Actor, template_id: int) -> None:
    """Nothing new is sent from this template; what is under way goes on. Raises Absent, StoreUnavailable."""
    now = parts.now()
    with parts.database.begin() as conn:
        last = templates.latest(conn, template_id)
        if last is None:
            raise Absent
        _must(parts, actor, Right.WRITE_TEMPLATES, last.institution)
        if templates.retire(conn, template_id, now):
            stops.note_act(conn, actor.name, "template_retire", last.name, "", now, last.institution)
            logs.event("template.retired", template_id=template_id)


def measured(parts: Parts, actor: Actor, institution: str, draft: Draft) -> tuple[LanguageMeasure, ...]:
    """What each text of a draft weighs and costs, whatever else is wrong with it. Raises Absent."""
    _must(parts, actor, Right.SEE_TEMPLATES, institution)
    policy = draft.policy if draft.policy in POLICIES else "plain"
    sender = parts.settings.sender_of(draft.sender or parts.settings.sms.sender)
    return template_measures.of_body(body_of(draft), policy, sender)


def faults(parts: Parts, actor: Actor, institution: str, draft: Draft) -> tuple[Fault, ...]:
    """All that is wrong with a draft, as far as it can be known before it is kept. Raises Absent."""
    _must(parts, actor, Right.SEE_TEMPLATES, institution)
    return faults_of(parts, institution, draft)


def _check(parts: Parts, institution: str, draft: Draft) -> None:
    found = faults_of(parts, institution, draft)
    if found:
        raise TemplateRefused(found)


def _version(draft: Draft) -> NewVersion:
    return NewVersion(draft.category, draft.sender, draft.policy, notification_text.encode(body_of(draft)))


def _line(found: Version) -> TemplateLine:
    return TemplateLine(
        id=found.template_id,
        name=found.name,
        category=found.category,
        sender=found.sender,
        policy=found.policy,
        number=found.number,
        languages=notification_text.decode(found.body).languages,
        retired=found.retired,
        created_by=found.created_by,
        created_at=found.created_at,
    )


def _template(found: Version, latest: int) -> Template:
    return Template(
        id=found.template_id,
        institution=found.institution,
        name=found.name,
        category=found.category,
        sender=found.sender,
        policy=found.policy,
        number=found.number,
        latest=latest,
        version_id=found.id,
        retired=found.retired,
        created_by=found.created_by,
        created_at=found.created_at,
        body=notification_text.decode(found.body),
    )


def _must(parts: Parts, actor: Actor, right: Right, institution: str) -> None:
    actor.must(right, institution)
    if institution not in parts.settings.institutions:
        raise Absent
