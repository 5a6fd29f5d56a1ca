"""Templates of one's institution: list, one with its versions, the editor that measures as one types, retire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response, request

from gateway.messages import Category
from gateway.text.fit import Policy
from gateway.usecases import templates
from gateway.usecases.actors import Absent, Right
from gateway.usecases.template_draft import CATEGORIES, MAX_PLACEHOLDERS, SIZE, body_of, languages_of, senders_of
from gateway.usecases.template_measures import POLICIES
from gateway.usecases.templates import Draft, Fault, Template, TemplateRefused
from gateway.web.console import pages
from gateway.web.console.screens import ROW, Screen, Visit, asked_for, row_asked_for
from gateway.web.console.words.templates import WORDS

_TEXT_MAX = 4000
_RANK_MAX = 99


def template_list(visit: Visit) -> Response:
    retired = asked_for("retired") == "1"
    found = templates.list_(visit.parts, visit.actor, _institution(visit), retired=retired)
    return _page(visit, "templates.html", found=found, retired=retired, may_write=_may_write(visit))


def template(visit: Visit, template_id: int) -> Response:
    found = templates.open_(visit.parts, visit.actor, template_id, row_asked_for("version"))
    return _page(
        visit,
        "template.html",
        found=found,
        versions=templates.versions(visit.parts, visit.actor, template_id),
        measures=templates.measured(visit.parts, visit.actor, found.institution, _draft_of(found)),
        may_write=_may_write(visit),
    )


def new_template(visit: Visit) -> Response:
    if request.method == "GET":
        return _editor(visit, _empty(visit))
    draft = _typed(visit)
    if request.form.get("do") != "save":
        return _editor(visit, draft)
    try:
        made = templates.create(visit.parts, visit.actor, _institution(visit), draft)
    except TemplateRefused as refused:
        return _editor(visit, draft, faults=refused.faults)
    return pages.see("template", "template_saved", template_id=made.id)


def revise_template(visit: Visit, template_id: int) -> Response:
    found = templates.open_(visit.parts, visit.actor, template_id)
    if found.retired:
        raise Absent
    if request.method == "GET":
        return _editor(visit, _draft_of(found), found)
    draft = _typed(visit)
    if request.form.get("do") != "save":
        return _editor(visit, draft, found)
    try:
        templates.revise(visit.parts, visit.actor, template_id, draft)
    except TemplateRefused as refused:
        return _editor(visit, draft, found, refused.faults)
    return pages.see("template", "template_saved", template_id=template_id)


def retire_template(visit: Visit, template_id: int) -> Response:
    templates.retire(visit.parts, visit.actor, template_id)
    return pages.see("template", "template_retired", template_id=template_id)


def measure_template(visit: Visit) -> Response:
    """The part of the editor that says what the text weighs, and its fields when they are others than before."""
    draft = _typed(visit)
    values = _measures(visit, draft)
    known = request.form.getlist("known")
    return _page(visit, "template_measures.html", fields_changed=known != list(values["sizes"]), **values)


def _editor(visit: Visit, draft: Draft, found: Template | None = None, faults: tuple[Fault, ...] = ()) -> Response:
    institution = _institution(visit)
    known = languages_of(visit.parts)
    shown = [one for one in dict.fromkeys((*draft.languages, *draft.texts)) if one in known]
    return _page(
        visit,
        "template_editor.html",
        status=400 if faults else 200,
        script=True,
        hours=visit.parts.settings.hours,
        found=found,
        shown=shown,
        addable=[one for one in known if one not in shown],
        categories=CATEGORIES,
        policies=POLICIES,
        senders=senders_of(visit.parts, institution),
        faults=[(_element(fault), fault.sentence(visit.language)) for fault in faults],
        fields_changed=False,
        **_measures(visit, draft),
    )


def _measures(visit: Visit, draft: Draft) -> Mapping[str, Any]:
    body = body_of(draft)
    return {
        "measures": templates.measured(visit.parts, visit.actor, _institution(visit), draft),
        "sizes": dict(list(body.placeholders.items())[: MAX_PLACEHOLDERS + 1]),
        "examples": draft.examples,
        "draft": draft,
    }


def _page(visit: Visit, template_name: str, *, status: int = 200, script: bool = False, **values: Any) -> Response:
    def sender_name(key: str | None) -> str:
        settings = visit.parts.settings
        return settings.sender_of(key or settings.sms.sender).name or key or settings.sms.sender

    return pages.page(
        visit,
        template_name,
        WORDS,
        status=status,
        script=script,
        francs=pages.francs,
        sender_name=sender_name,
        **values,
    )


def _typed(visit: Visit) -> Draft:
    """What the form says; what it cannot say is left as if it were not there."""
    form = request.form
    known = languages_of(visit.parts)
    languages = [one for one in form.getlist("language") if one in known]
    if form.get("do") == "add" and form.get("add") in known:
        languages.append(form["add"])
    languages = list(dict.fromkeys(languages))
    ranks = {one: _whole(form.get(f"rank.{one}", ""), at + 1) for at, one in enumerate(languages)}
    languages.sort(key=ranks.__getitem__)
    policy = form.get("policy", "")
    names = [key.partition(".")[2] for key in form if key.startswith("size.")]
    return Draft(
        name=form.get("name", "")[:120],
        category=_category(form.get("category", "")),
        texts={one: form.get(f"text.{one}", "")[:_TEXT_MAX] for one in languages},
        languages=tuple(languages),
        sender=form.get("sender", "")[:32] or None,
        policy=policy if policy in POLICIES else "plain",
        sizes={name: _whole(form.get(f"size.{name}", ""), -1) for name in names[: 2 * MAX_PLACEHOLDERS]},
        examples={name: form.get(f"example.{name}", "")[:200] for name in names[: 2 * MAX_PLACEHOLDERS]},
        based_on=_whole(form.get("based_on", ""), 0) or None,
    )


def _empty(visit: Visit) -> Draft:
    """What a new template begins with: the languages of the menus, the first sender."""
    languages = visit.parts.settings.languages
    sender = senders_of(visit.parts, _institution(visit))[0]
    return Draft("", Category.PROCEDURE, dict.fromkeys(languages, ""), languages, sender, _policy(visit, sender))


def _policy(visit: Visit, sender: str) -> Policy:
    return visit.parts.settings.sender_of(sender).transliteration


def _draft_of(found: Template) -> Draft:
    body = found.body
    return Draft(
        found.name,
        found.category,
        body.texts,
        body.languages,
        found.sender,
        found.policy,
        body.placeholders,
        body.examples,
        found.number,
    )


def _category(written: str) -> Category:
    return Category(written) if written in set(Category) else Category.PROCEDURE


def _whole(written: str, otherwise: int) -> int:
    """A small whole number that somebody typed, `otherwise` for everything else; nothing typed is SIZE's."""
    plain = written.strip()
    if not plain and otherwise == -1:
        return SIZE
    return int(plain) if plain.isascii() and plain.isdigit() and len(plain) < 6 else otherwise


def _element(fault: Fault) -> str:
    """The id of the element that a fault belongs to."""
    return fault.field.replace(".", "-")


def _institution(visit: Visit) -> str:
    if visit.actor.institution is None:
        raise Absent
    return visit.actor.institution


def _may_write(visit: Visit) -> bool:
    return visit.actor.may(Right.WRITE_TEMPLATES, visit.actor.institution)


SCREENS = (
    Screen("/templates", template_list, right=Right.SEE_TEMPLATES),
    Screen("/templates/new", new_template, ("GET", "POST"), right=Right.WRITE_TEMPLATES),
    Screen("/templates/measure", measure_template, ("POST",), right=Right.WRITE_TEMPLATES),
    Screen(f"/templates/<{ROW}:template_id>", template, right=Right.SEE_TEMPLATES),
    Screen(f"/templates/<{ROW}:template_id>/revise", revise_template, ("GET", "POST"), right=Right.WRITE_TEMPLATES),
    Screen(f"/templates/<{ROW}:template_id>/retire", retire_template, ("POST",), right=Right.WRITE_TEMPLATES),
)
