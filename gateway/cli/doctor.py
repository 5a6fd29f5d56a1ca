"""`gateway doctor`: everything that is wrong or missing, in sentences that say what to do."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from gateway.settings import Settings
    from gateway.usecases.doctor import Facts, Keys
    from gateway.usecases.findings import Finding
    from gateway.usecases.going_live import Place

_WORDS = {
    "fr": {"error": "ERREUR", "warning": "ATTENTION", "none": "Rien à signaler.", "counts": "{} erreur(s), {} à voir."},
    "en": {"error": "ERROR", "warning": "WARNING", "none": "Nothing is wrong.", "counts": "{} error(s), {} to see."},
}


@click.command()
@click.option("--production", is_flag=True, help="Also what must change before citizens are served.")
@click.option("--lang", type=click.Choice(("fr", "en")), help="Language of the report (default: the terminal's).")
def doctor(production: bool, lang: str | None) -> None:
    """Look at configuration, keys, database, Redis, processes and disk; change nothing.

    Run it as the account of the service, with its environment. Exit code 1 when there is an error, else 0. It speaks to
    its own database and Redis only.
    """
    from gateway.cli.check import language

    listed = findings(production)
    words = _WORDS[lang or language()]
    for found in listed:
        said = f"{found.say(lang or language())} {found.remedy(lang or language())}"
        click.echo(f"{words[found.severity]:<9} {said}")
    errors = sum(found.severity == "error" for found in listed)
    click.echo(words["counts"].format(errors, len(listed) - errors) if listed else words["none"])
    sys.exit(1 if errors else 0)


def findings(production: bool) -> list[Finding]:
    """What `gateway doctor` finds in this environment."""
    from gateway import settings
    from gateway.usecases import doctor as judge
    from gateway.usecases import going_live

    try:
        chosen = settings.load()
        facts = _facts(chosen)
    except settings.SettingsError as error:
        return judge.unreadable(tuple(error.faults))
    found = judge.examine(facts)
    return going_live.graver(found) + going_live.examine(chosen, facts, _place(chosen)) if production else found


def _facts(chosen: Settings) -> Facts:
    from gateway import settings, wiring
    from gateway.store import erasure_list, probes
    from gateway.usecases.doctor import Facts

    erasures_fault = ""
    erasures = probes.file(wiring.erasures_path(chosen))
    if erasures.mode is not None:
        try:
            erasure_list.read(erasures.path)
        except erasure_list.ErasureListError as error:
            erasures_fault = str(error)
    try:
        database = probes.database(wiring.database_url(chosen), wiring.now)
    except ValueError as error:
        raise settings.SettingsError([f"GATEWAY_DATABASE_URL: {error}"]) from None
    keys_are, keys_fault = _keys(chosen, readable=not database.away)
    faults = settings.loopback_faults(chosen)
    if not settings.simulated(chosen):  # `gateway run` gives its processes the demonstration's secrets
        faults += settings.secret_faults(chosen, os.environ)
    return Facts(
        now=wiring.now(),
        data=probes.folder(chosen.data),
        keys=probes.file(wiring.keys_path(chosen)),
        keys_are=keys_are,
        keys_fault=keys_fault,
        erasures=erasures,
        erasures_fault=erasures_fault,
        database=database,
        redis=tuple(probes.redis(name, url, wiring.now) for url, name in _redis_urls(chosen).items()),
        menus=_menu_faults(chosen),
        faults=(*faults, *wiring.channel_faults(chosen)),
    )


def _keys(chosen: Settings, *, readable: bool) -> tuple[Keys, str]:
    from gateway import keys, wiring
    from gateway.store.db import StoreUnavailable

    try:
        ring = keys.read(wiring.keys_path(chosen))
        if ring is None:
            return "missing", ""
        return ("sound", "") if not readable or wiring.keys_belong(chosen, ring) else ("foreign", "")
    except keys.KeysError as error:
        return "broken", str(error)
    except StoreUnavailable:
        return "sound", ""  # the database's own findings say what is wrong there


def _redis_urls(chosen: Settings) -> dict[str, str]:
    """Each Redis once, with the variable that leads to it."""
    from gateway import wiring

    named = {"GATEWAY_SESSIONS_URL": chosen.sessions_url, "GATEWAY_QUEUES_URL": chosen.queues_url}
    urls = {wiring.redis_url(chosen, url): name for name, url in named.items() if url}
    if not all(named.values()):
        urls[wiring.redis_url(chosen, "")] = "GATEWAY_REDIS"
    return urls


def _menu_faults(chosen: Settings) -> int:
    from gateway import wiring
    from gateway.menu.report import check_folder

    try:
        menus, faults = check_folder(chosen.menus, chosen.languages, wiring.world(chosen))
    except OSError:
        return 1
    return len(faults) or int(menus is None)


def _place(chosen: Settings) -> Place:
    """The file of the environment is the one that systemd reads where it is kept as docs/fr/exploitation.md says."""
    from gateway.store import probes
    from gateway.usecases.going_live import Place

    beside = chosen.config.resolve().parent
    files = [chosen.config.resolve(), beside / "channels", chosen.menus.resolve()]
    files += [*sorted(beside.glob("channels/*.yaml")), *sorted(chosen.menus.resolve().rglob("*.yaml"))]
    return Place(os.environ, tuple(probes.file(path) for path in files), probes.file(beside / "env"))
