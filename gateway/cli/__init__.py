"""The `gateway` command. One file per subject; what a command needs is imported when it runs, so that each is quick."""

from __future__ import annotations

import importlib
import os
import sys

import click

_COMMANDS = {  # name -> module of gateway.cli, in the order a newcomer meets them
    "run": "run",
    "dial": "dial",
    "check": "check",
    "doctor": "doctor",
    "text": "text",
    "submissions": "submissions",
    "late": "late",
    "desk": "desk",
    "drop": "drop",
    "systems": "systems",
    "sms": "sms",
    "reconcile": "reconcile",
    "stop": "stops",
    "start": "stops",
    "stops": "stops",
    "service": "service",
    "beat": "beat",
    "top": "top",
    "user": "user",
    "key": "key",
    "tokens": "tokens",
    "keys": "keys",
    "person": "person",
    "audit": "audit",
    "hooks": "hooks",
    "migrate": "migrate",
    "backup": "backup",
    "restore": "restore",
    "web": "web",
    "worker": "workers",
    "relay": "workers",
    "simulator": "simulator",
}


class _Commands(click.Group):
    """A command's module is imported when the command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        command = getattr(importlib.import_module(f"gateway.cli.{_COMMANDS[cmd_name]}"), cmd_name)
        return command if isinstance(command, click.Command) else None


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="passerelle", prog_name="Passerelle")
def gateway() -> None:
    """Passerelle: public services by USSD and SMS."""


def main() -> None:
    """Runs the command line. What we know how to say is a sentence on standard error and exit code 1."""
    os.umask(0o077)  # what we write is ours alone: logs, database, Redis's files
    try:
        gateway()
    except Exception as error:
        sentence = _sentence(error)
        if sentence is None:
            raise
        click.echo(sentence, err=True)
        sys.exit(1)


def _sentence(error: Exception) -> str | None:
    """What to tell the person at the terminal; None for an error that is not ours to explain: a bug shows itself."""
    if not type(error).__module__.startswith("gateway."):
        return None
    faults = getattr(error, "faults", ())
    if type(error).__name__ == "MenusBroken":
        from gateway.cli.check import in_lines, language

        return in_lines(faults, language())
    return "\n".join(faults) if faults else str(error)
