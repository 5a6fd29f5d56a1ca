"""`gateway systems`: what an institution's system would be sent, without sending it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from gateway.backoffice.rest import Prepared
    from gateway.menu.model import Menus
    from gateway.settings import HttpSystem, SystemSettings

#: In place of every secret: nothing real is read, so nothing real can be shown.
_HIDDEN = "***"
_SECRET = "whsec_" + "A" * 32
_SECRET_HEADERS = ("Authorization", "webhook-signature")
_AT = datetime(2026, 1, 2, 9, 30, tzinfo=UTC)


@click.group()
def systems() -> None:
    """The institutions' systems of gateway.yaml."""


@systems.command()
@click.argument("name")
@click.option("--service", help="The service whose demand is shown (default: the first that submits to it).")
def check(name: str, service: str | None) -> None:
    """Show the call that would offer a demand to the system NAME: invented values, no secret, nothing is sent."""
    from gateway import settings, wiring
    from gateway.settings import HttpSystem

    chosen = settings.load()
    known: Mapping[str, SystemSettings] = chosen.systems
    declared = known.get(name)
    if declared is None:
        names = ", ".join(sorted(known)) or "none"
        raise click.ClickException(f"{name}: no such system (known: {names})")
    click.echo(f"{name}: {declared.kind}, {declared.institution}")  # type: ignore[attr-defined]  # every kind has it
    if not isinstance(declared, HttpSystem):
        click.echo("Nothing is called over HTTP.")
        return
    submitted = dict(_submitted(wiring.load_menus(chosen), name))
    if service is not None and service not in submitted:
        raise click.ClickException(f"{service}: no such service submits to {name}")
    shown = service or next(iter(submitted), "")
    click.echo("\n".join(_call(_prepared(name, declared, shown, submitted.get(shown, ())))))
    click.echo("\n" + "\n".join(_rest_of_it(declared)))
    faults = list(_never_given(declared, submitted))
    if faults:
        raise click.ClickException("\n".join(faults))


def _submitted(menus: Menus, system: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each service that submits to the system, with the names of the fields it gives."""
    from gateway.menu.model import Submit

    for service in menus.services.values():
        verbs = [screen.verb for screen in service.screens.values()]
        found = [verb.fields for verb in verbs if isinstance(verb, Submit) and verb.system == system]
        if found:
            yield service.id, tuple(dict.fromkeys(name for fields in found for name in fields))


def _prepared(name: str, declared: SystemSettings, service: str, fields: tuple[str, ...]) -> Prepared:
    from gateway.backoffice.build import build
    from gateway.backoffice.rest import RestBackOffice
    from gateway.messages import BackofficeRequest

    office = build(name, declared, token=_HIDDEN, secrets=(_SECRET,), now=lambda: _AT)
    assert isinstance(office, RestBackOffice)
    sample = BackofficeRequest(
        idempotency_key="0" * 32,
        reference="000000000000",
        service=service,
        submitted_at=_AT,
        promised_on=_AT.date().isoformat(),
        language="fr",
        msisdn="+2290100000000",
        assurance="number",
        fields=dict.fromkeys(fields, "exemple"),
    )
    try:
        return office.prepared(sample)
    finally:
        office.close()


def _call(call: Prepared) -> Iterator[str]:
    import json

    yield f"POST {call.url}"
    for header, value in call.headers.items():
        yield f"{header}: {_masked(header, value)}"
    yield ""
    yield json.dumps(json.loads(call.body or b"{}"), ensure_ascii=False, indent=2)


def _masked(header: str, value: str) -> str:
    if header not in _SECRET_HEADERS:
        return value
    scheme = value.partition(" ")[0] if header == "Authorization" else value.partition(",")[0]
    return f"{scheme} {_HIDDEN}"


def _rest_of_it(declared: HttpSystem) -> Iterator[str]:
    """Where other things are told, and what answers mean."""
    for what, path in declared.paths.model_dump().items():
        if what != "submit":
            method = "GET " if what == "status" else "POST"
            yield f"{what:10} {'cannot be told' if path == 'none' else f'{method} {path}'}"
    for word, meaning in declared.answers.values.items():
        yield f"{declared.answers.status or 'the whole answer'} = {word}: {meaning}"
    every = declared.poll_every_s
    yield f"asked about each open demand every {every:g} s" if every else "calls back"


def _never_given(declared: HttpSystem, submitted: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """A mapping that waits for a field that no service gives: a slip of the pen would only show as a missing value."""
    given = {name for fields in submitted.values() for name in fields}
    for rule in declared.fields.submit or ():
        if rule.ours is not None and rule.ours[:1] == ("fields",) and len(rule.ours) == 2 and rule.ours[1] not in given:
            yield f"fields.submit /{'/'.join(rule.to)}: no service gives the field {rule.ours[1]!r}"
