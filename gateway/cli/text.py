"""`gateway text`: what a text costs."""

from __future__ import annotations

import json

import click

from gateway.text.describe import describe


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("--json", "as_json", is_flag=True, help="One JSON object on one line.")
@click.argument("text")
def text(text: str, as_json: bool) -> None:
    """Say how TEXT travels as an SMS: its encoding, its size, its segments, and how it reads without accents."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise click.BadParameter("is not UTF-8", param_hint="TEXT") from None
    said = describe(text)
    if as_json:
        click.echo(json.dumps(said, ensure_ascii=False))
        return
    unit = "septets" if said["encoding"] == "GSM-7" else "UTF-16 units"
    click.echo(f"{said['encoding']}, {said['units']} {unit}, {said['segments']} SMS")
    if said["transliterated"] != text:
        click.echo(said["transliterated"])
