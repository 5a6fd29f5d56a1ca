"""`gateway tokens`: the addresses to give to the aggregators."""

from __future__ import annotations

import click


@click.command()
@click.option("--renew", metavar="CHANNEL", help="First make CHANNEL a new token; the one before stays valid.")
@click.option("--retire", metavar="CHANNEL", help="First leave CHANNEL only its newest token.")
def tokens(renew: str | None, retire: str | None) -> None:
    """Show the callback addresses of each channel. They are secrets: whoever has one can speak for the aggregator.

    To change one: --renew, restart the web processes, give the new address to the aggregator, --retire, restart.
    """
    from gateway import settings, wiring

    chosen = settings.load()
    for channel in filter(None, (renew, retire)):
        if channel not in chosen.channels:
            raise click.ClickException(f"no channel is called {channel}; there are: {', '.join(chosen.channels)}")
    wiring.prepare(chosen)
    if renew:
        wiring.renew_token(chosen, renew)
    if retire:
        wiring.retire_tokens(chosen, retire)
    keys = wiring.prepare(chosen)
    base = chosen.public_url.rstrip("/") or f"http://{chosen.bind}"
    for channel, declared in chosen.channels.items():
        for token in keys.channel_tokens[channel]:
            paths = ["ussd", "events"] if declared.kind == "africastalking" else ["ussd"]
            for path in (
                paths + ["mo", "dlr", "optout"] * declared.sms + ["sim"] * (chosen.holdings.sim_check == channel)
            ):
                click.echo(f"{channel:<16} {path:<7} {base}/channels/{channel}/{token}/{path}")
