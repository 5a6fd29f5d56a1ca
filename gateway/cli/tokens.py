"""`gateway tokens`: the addresses to give to the aggregators."""

from __future__ import annotations

import click


@click.command()
def tokens() -> None:
    """Show the callback addresses of each channel. They are secrets: whoever has one can speak for the aggregator."""
    from gateway import settings, wiring

    chosen = settings.load()
    keys = wiring.prepare(chosen)
    base = chosen.public_url.rstrip("/") or f"http://{chosen.bind}"
    for channel, declared in chosen.channels.items():
        for token in keys.channel_tokens[channel]:
            paths = ["ussd", "events"] if declared.kind == "africastalking" else ["ussd"]
            for path in paths + ["dlr"] * declared.sms:
                click.echo(f"{channel:<16} {path:<7} {base}/channels/{channel}/{token}/{path}")
