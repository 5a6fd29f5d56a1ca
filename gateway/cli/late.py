"""`gateway late`: demands whose promised date has passed without a decision."""

from __future__ import annotations

import click


@click.command()
@click.option("--system", help="Only those for this system.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True)
def late(system: str | None, limit: int) -> None:
    """What institutions owe an answer for, the oldest promise first: masked, with the days it is late."""
    from gateway.cli.submissions import opened
    from gateway.usecases import late as overdue

    gateway = opened()
    for one in overdue.list_late(gateway.parts, system, limit):
        words = [
            one.line.reference,
            f"promised {one.promised_on}",
            f"{one.days} days late",
            one.institution,
            one.line.system,
            one.line.service,
            one.line.state,
            one.line.number,
            "told" if one.told_at else "not told yet",
        ]
        click.echo("  ".join(words))
