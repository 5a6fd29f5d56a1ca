"""Preparing a notification: which template, to whom, and when. Nothing leaves from here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Response, request, url_for

from gateway.engine import notification_text
from gateway.messages import SubmissionState
from gateway.store.campaigns import Source
from gateway.usecases import campaigns, desk_people, templates
from gateway.usecases.actors import Absent, Right
from gateway.usecases.campaigns import MAX_FILE, CampaignRefused, NewCampaign, Recipient
from gateway.usecases.preferences import TOPICS
from gateway.usecases.templates import Template
from gateway.web.console import pages
from gateway.web.console.local_time import TimeFault, moment
from gateway.web.console.notifications import own, spoken_hours
from gateway.web.console.screens import Screen, Visit, asked_for
from gateway.web.console.words import demands
from gateway.web.console.words.notifications import WORDS

_PAGE = 20
_SOURCES: tuple[Source, ...] = ("single", "list", "file", "state", "topic")
#: In which a demand can be while somebody may want to write to whoever made it.
STATES = tuple(SubmissionState(one) for one in demands.WORDS["fr"]["states"])
#: A longer list is not sent back over a slow line: the browser still has it on the page before.
_SHOWN_AGAIN = 12_000
#: What multipart and the other fields add to the file.
_AROUND_FILE = 200_000
#: The field that a refusal belongs to; the others belong to what says to whom.
_FIELDS = {"past": "start_day", "no_template": "form", "sender": "form"}


@dataclass
class _Form:
    """What was typed, and what is wrong with it by field."""

    source: Source
    typed: Mapping[str, str] = field(repr=False)
    errors: dict[str, str] = field(default_factory=dict)

    def of(self, name: str, size: int = 160) -> str:
        """A field on one line, without what no database takes."""
        return "".join(one for one in self.typed.get(name, "") if one.isprintable()).strip()[:size]


def choose_template(visit: Visit) -> Response:
    institution = own(visit, Right.SEND)
    search, written = asked_for("q"), asked_for("page", 4)
    number = int(written) if written.isascii() and written.isdigit() else 0
    every = templates.list_(visit.parts, visit.actor, institution)
    found = [one for one in every if search.casefold() in one.name.casefold()]
    shown = found[number * _PAGE : (number + 1) * _PAGE]
    return pages.page(
        visit, "notification_choose.html", WORDS, found=shown, search=search, number=number, any=bool(every),
        more=number + 1 if len(found) > (number + 1) * _PAGE else 0, hours=spoken_hours(visit),
    )  # fmt: skip


def prepare(visit: Visit, template_id: int) -> Response:
    institution = own(visit, Right.SEND)
    template = templates.open_(visit.parts, visit.actor, template_id)
    if template.institution != institution or template.retired:
        raise Absent
    chosen = asked_for("to")
    source = next((one for one in _SOURCES if one == chosen), _SOURCES[0])
    form = _Form(source, request.form)
    if request.method == "POST":
        new = _read(visit, template, form)
        if not form.errors:
            try:
                made = campaigns.start(visit.parts, visit.actor, institution, new)
                return pages.went(url_for("console.notification", public_id=made))
            except CampaignRefused as refused:
                form.errors[_FIELDS.get(refused.code, _asks(source))] = refused.sentence(visit.language)
    return _page(visit, institution, template, form)


def _page(visit: Visit, institution: str, template: Template, form: _Form) -> Response:
    words, menus = WORDS[visit.language], visit.parts.shelf.current
    columns = ", ".join((words["columns_number"], *template.body.placeholders))
    known = {"state": {"reference"}, "topic": set[str]()}.get(form.source)
    missing = [] if known is None else [one for one in notification_text.needed(template.body) if one not in known]
    return pages.page(
        visit,
        "notification_new.html",
        WORDS,
        status=400 if form.errors else 200,
        chosen=template,
        needed=set(notification_text.needed(template.body)),
        source=form.source,
        sources=_SOURCES,
        typed={name: value for name, value in form.typed.items() if len(value) <= _SHOWN_AGAIN},
        errors=form.errors,
        press=visit.parts.new_id(),
        file_hint=words["file_hint"].format(columns=columns, optional=", ".join(words["columns_optional"])),
        missing=", ".join(f"{{{one}}}" for one in missing),
        services=desk_people.services(visit.parts, institution, visit.language),
        states={state: demands.WORDS[visit.language]["states"][state] for state in STATES},
        topics=_topics(visit, menus.lists.get(TOPICS, ())),
        languages={code: pages.LANGUAGES.get(code, code) for code in template.body.texts},
    )


def _topics(visit: Visit, items: Any) -> dict[str, str]:
    return {one.id: one.label.by_language.get(visit.language) or one.label.by_language["fr"] for one in items}


def _read(visit: Visit, template: Template, form: _Form) -> NewCampaign:
    """What the form asks for; its faults are in `form.errors`."""
    words = WORDS[visit.language]
    to = _recipients(visit, template, form)
    try:
        start_at = moment(form.of("start_day"), form.of("start_hour"), visit.parts.zone, visit.parts.now())
    except TimeFault as fault:
        start_at = None
        form.errors["start_hour" if fault.code == "hour" else "start_day"] = words[f"fault_{fault.code}"]
    language = form.of("language")
    return NewCampaign(
        template_id=template.id,
        version_id=template.version_id,
        source=form.source,
        own_reference=form.of("own_reference", 64) or None,
        language=language if language in template.body.texts else "",
        start_at=start_at,
        press=form.of("press", 64),
        **to,
    )


def _recipients(visit: Visit, template: Template, form: _Form) -> dict[str, Any]:
    """To whom, as NewCampaign takes it."""
    words = WORDS[visit.language]
    if form.source in ("single", "list"):
        values = _values(visit, template, form)
        if form.source == "single":
            number = form.of("number", 40)
            found: tuple[Recipient, ...] = (Recipient(number, values),) if number else ()
        else:
            found = campaigns.pasted(form.typed.get("numbers", ""), values)
        if not found:
            form.errors[_asks(form.source)] = words[f"fault_{_asks(form.source)}"]
        return {"recipients": found}
    if form.source == "file":
        return _file(visit, form)
    if form.source == "topic":
        topic = form.of("topic")
        if topic not in _topics(visit, visit.parts.shelf.current.lists.get(TOPICS, ())):
            form.errors["topic"] = words["fault_topic"]
        return {"topic": topic}
    state, service = form.of("state"), form.of("service")
    if state not in STATES:
        form.errors["state"] = words["fault_state"]
        return {}
    known = desk_people.services(visit.parts, template.institution, visit.language)
    return {"state": SubmissionState(state), "service": service if service in known else None}


def _values(visit: Visit, template: Template, form: _Form) -> dict[str, str]:
    """What the text says to everybody, by placeholder."""
    values = {name: form.of(f"value-{name}") for name in template.body.placeholders}
    for name in notification_text.needed(template.body):
        if not values[name]:
            form.errors[f"value-{name}"] = WORDS[visit.language]["fault_value"]
    return values


def _file(visit: Visit, form: _Form) -> dict[str, Any]:
    """The file as it is kept until it is read. Its name says what kind it is, and nothing else of it is kept."""
    words, given = WORDS[visit.language], request.files.get("file")
    if given is None or not given.filename:
        form.errors["file"] = words["fault_file"]
        return {}
    content = given.stream.read(MAX_FILE + 1)
    if not content:
        form.errors["file"] = words["fault_empty"]
    kind = "xlsx" if given.filename.lower().endswith(".xlsx") else "csv"
    return {"content": content, "name": f"table.{kind}"}


def _asks(source: Source) -> str:
    """The field that says to whom."""
    return {"single": "number", "list": "numbers"}.get(source, source)


SCREENS = (
    Screen("/notifications/new", choose_template, right=Right.SEND),
    Screen(
        "/notifications/new/<int(max=9223372036854775807):template_id>",
        prepare,
        ("GET", "POST"),
        right=Right.SEND,
        body_bytes=MAX_FILE + _AROUND_FILE,
    ),
)
