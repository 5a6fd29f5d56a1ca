"""`gateway web`: the web server."""

from __future__ import annotations

import os
from typing import Any

import click

BACKLOG = 1024  # connections the system holds while we are busy; the aggregator gives up after 10 s anyway
HEADER_TIMEOUT_MS = 10_000  # a client that does not finish its headers in that time holds a connection for nothing
HEADER_BYTES = 32_768  # of all headers, more or less: it is also the server's read buffer. web/front.py counts exactly
KILL_AFTER_S = 15  # at a stop, a turn may take its 8 s deadline
#: The server's own lines are ours too: one JSON object each, without the message of an error.
SERVER_LOG: dict[str, Any] = {
    "formatters": {name: {"()": "gateway.logs.LibraryFormatter"} for name in ("generic", "access")},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "generic", "stream": "ext://sys.stderr"},
        "access": {"class": "logging.NullHandler"},
    },
}


@click.command()
def web() -> None:
    """Serve the callbacks, the API and the pages on GATEWAY_BIND."""
    from granian.constants import HTTPModes, Interfaces
    from granian.http import HTTP1Settings
    from granian.server import Server

    from gateway import settings, supervise, wiring
    from gateway.cli.migrate import require_current

    chosen = settings.load()
    settings.require_serving(chosen, os.environ)
    supervise.claim_ports({"GATEWAY_BIND": chosen.bind})
    # A fault is told here in one sentence; in the serving process it would be a traceback.
    require_current(chosen)
    settings.require_serving(chosen, os.environ, demo_people=wiring.has_demo_people(chosen))
    wiring.load_menus(chosen)
    host, port = settings.address_of(chosen.bind)
    Server(
        "gateway.wsgi:application",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        websockets=False,
        workers=1,  # one process, a few threads: start more `gateway web` on other ports behind a proxy
        blocking_threads=chosen.web_threads,
        backlog=BACKLOG,
        backpressure=BACKLOG,  # granian's own default
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_TIMEOUT_MS, max_buffer_size=HEADER_BYTES),
        log_access=False,  # paths hold callback tokens
        log_dictconfig=SERVER_LOG,
        respawn_failed_workers=True,
        workers_kill_timeout=KILL_AFTER_S,
    ).serve()
