"""`gateway desk`: the inbox of an institution without an IT system, in a terminal. Each use is kept with your name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from gateway.store.desk import Waiting
    from gateway.usecases.desk import Agent, Opened, Result

_STATES = (
    "queued", "delivered", "acknowledged", "in_progress", "more_needed", "granted", "refused", "withdrawn",
)  # fmt: skip
_institution = click.argument("institution")
_reference = click.argument("reference")
_case = click.option("--case", default="", help="The institution's own number of the file.")
_key = click.option("--key", help="The same key twice has one effect; without it each call is another one.")


@click.group()
def desk() -> None:
    """The inbox of INSTITUTION (its key in gateway.yaml). What you do is kept with your name."""


@desk.command("list")
@_institution
@click.option("--state", type=click.Choice(_STATES), help="Only these; without it those still to do, and unread ones.")
@click.option("--service", help="Only of this service.")
@click.option("--mine", is_flag=True, help="Only those that you have in hand.")
@click.option("--free", is_flag=True, help="Only those that nobody has in hand.")
@click.option("--after", type=int, help="Only those after the line with this number.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
def list_(
    institution: str, state: str | None, service: str | None, mine: bool, free: bool, after: int | None, limit: int
) -> None:
    """The demands that wait, the most urgent first; `*` marks what nobody has read."""
    from gateway.cli.submissions import opened
    from gateway.messages import SubmissionState
    from gateway.store.desk import Chosen
    from gateway.usecases import desk as use

    gateway, agent = opened(), _agent(institution)
    assignee = agent.name if mine else "" if free else None
    chosen = Chosen(SubmissionState(state) if state else None, service, assignee)
    for line in use.inbox(gateway.parts, agent, chosen, limit, after):
        click.echo(_line(line, gateway.parts.zone))
    count = use.counts(gateway.parts, agent)
    click.echo(f"{count.unread} unread, {count.unassigned} in nobody's hand, {count.late} late", err=True)


@desk.command()
@_institution
@_reference
def show(institution: str, reference: str) -> None:
    """Open REFERENCE: what the citizen wrote, who dialled, its history. That you opened it is kept."""
    from gateway.cli.submissions import opened
    from gateway.usecases import desk as use

    gateway = opened()
    found = use.open_demand(gateway.parts, _agent(institution), reference)
    if found is None:
        raise click.ClickException(_SENTENCES["not_found"].format(reference=reference))
    click.echo("\n".join(_sheet(found, gateway.parts.zone)))


@desk.command()
@_institution
@_reference
def take(institution: str, reference: str) -> None:
    """Take REFERENCE in hand: nobody else handles it until you release it."""
    from gateway.cli.submissions import opened
    from gateway.usecases import desk as use

    _say(reference, use.take(opened().parts, _agent(institution), reference))


@desk.command()
@_institution
@_reference
@click.option("--anyway", is_flag=True, help="Although somebody else has it in hand.")
def release(institution: str, reference: str, anyway: bool) -> None:
    """Put REFERENCE back: anybody may take it."""
    from gateway.cli.submissions import opened
    from gateway.usecases import desk as use

    _say(reference, use.release(opened().parts, _agent(institution), reference, of_another=anyway))


@desk.command()
@_institution
@_reference
@click.argument("to")
@click.option("--anyway", is_flag=True, help="Although somebody else has it in hand.")
def give(institution: str, reference: str, to: str, anyway: bool) -> None:
    """Give REFERENCE to the agent named TO."""
    from gateway.cli.submissions import opened
    from gateway.usecases import desk as use

    _say(reference, use.give(opened().parts, _agent(institution), reference, to, of_another=anyway))


@desk.command()
@_institution
@_reference
@_case
@_key
def acknowledge(institution: str, reference: str, case: str, key: str | None) -> None:
    """Say that the institution takes REFERENCE; the citizen is told."""
    from gateway.cli.submissions import opened
    from gateway.usecases import desk as use

    gateway = opened()
    _say(reference, use.acknowledge(gateway.parts, _agent(institution), reference, key or gateway.new_id(), case))


@desk.command()
@_institution
@_reference
@_case
@_key
def progress(institution: str, reference: str, case: str, key: str | None) -> None:
    """Say that somebody works on REFERENCE."""
    from gateway.cli.submissions import opened
    from gateway.usecases import desk as use

    gateway = opened()
    _say(reference, use.progress(gateway.parts, _agent(institution), reference, key or gateway.new_id(), case))


@desk.command()
@_institution
@_reference
@click.option("--fr", default="", help="The question in French.")
@click.option("--en", default="", help="The question in English.")
@_key
def ask(institution: str, reference: str, fr: str, en: str, key: str | None) -> None:
    """Ask the citizen for what is missing in REFERENCE."""
    from gateway.cli.submissions import opened
    from gateway.usecases import desk as use

    gateway, words = opened(), use.Words({"fr": fr, "en": en})
    _say(reference, use.ask(gateway.parts, _agent(institution), reference, key or gateway.new_id(), words))


@desk.command()
@_institution
@_reference
@click.argument("decision", type=click.Choice(("granted", "refused")))
@click.option("--fr", default="", help="Words to the citizen in French.")
@click.option("--en", default="", help="Words to the citizen in English.")
@_case
@_key
def decide(institution: str, reference: str, decision: str, fr: str, en: str, case: str, key: str | None) -> None:
    """Decide REFERENCE; the citizen is told."""
    from gateway.cli.submissions import opened
    from gateway.messages import Decision
    from gateway.usecases import desk as use

    gateway, words = opened(), use.Words({"fr": fr, "en": en}, case)
    press = key or gateway.new_id()
    _say(reference, use.decide(gateway.parts, _agent(institution), reference, press, Decision(decision), words))


_SENTENCES = {
    "done": "{reference}: done",
    "repeated": "{reference}: was done already",
    "held": "{reference}: {holder} has it in hand",
    "late": "{reference}: too late, it is there already or closed",
    "not_found": "{reference}: no such demand at this desk",
    "no_words": "{reference}: a question needs words (--fr, --en)",
    "too_long": "{reference}: a question has at most 160 characters, other words 600, a case number 24",
    "no_language": "{reference}: words in a language that the gateway does not speak",
}


def _say(reference: str, result: Result) -> None:
    sentence = _SENTENCES[result.outcome].format(reference=reference, holder=result.holder or "somebody else")
    if result.outcome not in ("done", "repeated"):
        raise click.ClickException(sentence)
    click.echo(sentence)


def _agent(institution: str) -> Agent:
    from gateway.cli.stops import who
    from gateway.usecases.desk import Agent

    return Agent(who(), institution)


def _line(line: Waiting, zone: ZoneInfo) -> str:
    from gateway.text import reference

    words = (
        f"{'*' if line.unread else ' '}{line.id}",
        reference.show(line.reference),
        f"{line.submitted_at.astimezone(zone):%Y-%m-%d %H:%M}",
        line.state,
        line.service,
        f"promised {line.promised_on}" if line.promised_on else "",
        line.assignee,
    )
    return "  ".join(word for word in words if word)


def _sheet(found: Opened, zone: ZoneInfo) -> Iterator[str]:
    from gateway.backoffice.words import clean  # what citizens type must not act on a terminal

    yield _line(found.line, zone).strip("* ")
    if found.about.case_number:
        yield f"case {found.about.case_number}"
    request = found.request
    if request is None:
        yield "its data were erased" if found.readable else "its data cannot be read with the keys of this installation"
    else:
        yield f"number {request.msisdn or '(forgotten)'}, {request.language}, assurance {request.assurance}"
        if request.on_behalf is not None:
            yield f"dialled by {request.helper_msisdn} ({clean(request.relation) or '?'}), {request.on_behalf}"
        yield from (f"  {name}: {clean(str(value))}" for name, value in request.fields.items())
    for said in found.said:
        texts = "; ".join(f"{language} {clean(text)}".strip() for language, text in said.text.items())
        yield f"{said.at.astimezone(zone):%Y-%m-%d %H:%M}  {said.kind}: {texts}"
    for event in found.events:
        yield f"{event.at.astimezone(zone):%Y-%m-%d %H:%M}  {event.kind} {event.code}".rstrip()
    for act in found.acts:
        yield f"{act.at.astimezone(zone):%Y-%m-%d %H:%M}  {act.who}: {act.act} ({act.detail})"
