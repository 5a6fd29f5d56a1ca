"""Templates that an institution's system may send from; people write them in the console."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.usecases import api_keys, templates
from gateway.usecases.actors import Absent
from gateway.usecases.api_keys import Scope
from gateway.web.api import values
from gateway.web.api.operations import Answer, Call, Operation

_SUBJECT = "Templates"


def list_templates(call: Call) -> Answer:
    found = templates.list_(call.parts, api_keys.actor_of(call.key), call.key.institution)
    lines = [
        values.TemplateLine(
            id=one.id, name=one.name, category=one.category, version=one.number, languages=list(one.languages)
        )
        for one in found
    ]
    return Answer(values.Templates(templates=lines))


def get_template(call: Call, template: str) -> Answer:
    if not (template.isascii() and template.isdecimal() and len(template) < 19):
        raise Absent
    found = templates.open_(call.parts, api_keys.actor_of(call.key), int(template))
    return Answer(
        values.Template(
            id=found.id,
            name=found.name,
            category=found.category,
            version=found.number,
            texts=dict(found.body.texts),
            placeholders=dict(found.placeholders),
            needed=list(found.needed),
        )
    )


OPERATIONS: Sequence[Operation] = (
    Operation(
        method="GET",
        path="/templates",
        view=list_templates,
        scope=Scope.SEE_TEMPLATES,
        subject=_SUBJECT,
        summary="Templates in use",
        answer=values.Templates,
    ),
    Operation(
        method="GET",
        path="/templates/{template}",
        view=get_template,
        scope=Scope.SEE_TEMPLATES,
        subject=_SUBJECT,
        summary="One template as it is now",
        names={"template": "The template's `id`."},
        answer=values.Template,
    ),
)
