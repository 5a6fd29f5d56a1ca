"""`gateway run`: the whole system on this machine."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from gateway.usecases.demo_people import DemoAccount


@click.command()
@click.option("--with-parent", is_flag=True, help="Stop when the process that started this one ends (make).")
def run(with_parent: bool) -> None:
    """Start the whole system on this machine, with a simulated phone.

    Database, Redis, web server, workers, relay and simulator, until Ctrl-C. This is the demonstration: it believes the
    token `local`, and refuses to be reached from other machines.
    """
    from gateway import settings, supervise, wiring
    from gateway.store import migrate

    parent = os.getppid() if with_parent else None
    environ = {"GATEWAY_LOCAL": "1", **os.environ}
    chosen = settings.load(environ)
    settings.require_serving(chosen, environ, simulator_runs=bool(chosen.simulator_bind))
    lock = supervise.claim_data(chosen.data, wiring.monotonic)
    binds = {"GATEWAY_BIND": chosen.bind, "GATEWAY_SIMULATOR_BIND": chosen.simulator_bind}
    supervise.claim_ports({name: bind for name, bind in binds.items() if bind})
    wiring.load_menus(chosen)
    keys = wiring.prepare(chosen)
    migrate.upgrade(wiring.database_url(chosen))
    accounts = _accounts(wiring.make_demo_people(chosen, keys), chosen.bind)
    supervise.run(chosen, keys, environ, lock, parent, wiring.monotonic, click.echo, accounts)


def _accounts(made: tuple[DemoAccount, ...], bind: str) -> str:
    """What a newcomer needs to try the console, "" where there are no such accounts."""
    from gateway.usecases.demo_people import PASSWORD

    if not made:
        return ""
    lines = [f"console     http://{bind}/console/"]
    lines += [f"            {one.login:<20} {one.role.value}" for one in made]
    return "\n".join([*lines, f"            password {PASSWORD}; the page shows the code. On this machine only."])
