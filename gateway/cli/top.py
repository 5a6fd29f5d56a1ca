"""`gateway top`: how the gateway stands, in a terminal of 80 columns, looked at every two seconds."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

if TYPE_CHECKING:
    from rich.console import RenderableType

    from gateway.cli.scrape import Scrape
    from gateway.usecases.figures import Figures
    from gateway.wiring import Gateway

EVERY_S = 2.0
#: Two looks are needed to tell a rate.
ONCE_S = 1.0
#: Ceilings shown: the fullest.
_CEILINGS = 5
#: How the names of the workers' signs of life begin.
_WORKER = "worker-"
_STATES = ("ready", "claimed", "sending", "unknown", "dead")


@click.command()
@click.option("--once", is_flag=True, help="Print one frame and end.")
@click.option("--url", help="The web process to ask, by default the one at GATEWAY_BIND.")
def top(once: bool, url: str | None) -> None:
    """Show turns, lanes, SMS, ceilings, stops and signs of life, until Ctrl-C."""
    from rich.console import Console
    from rich.live import Live

    from gateway.cli.submissions import opened

    gateway = opened()
    console, pause = Console(highlight=False, markup=False, emoji=False), threading.Event()
    frames = _frames(gateway, url or _own_url(gateway))
    if once:
        next(frames)
        pause.wait(ONCE_S)
        console.print(next(frames))
        return
    try:
        with Live(next(frames), console=console, screen=True, auto_refresh=False) as live:
            while not pause.wait(EVERY_S):
                live.update(next(frames), refresh=True)
    except KeyboardInterrupt:
        return


def _own_url(gateway: Gateway) -> str:
    from gateway import settings

    host, port = settings.address_of(gateway.settings.bind)
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # where it listens is not where we ask
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _frames(gateway: Gateway, url: str) -> Iterator[RenderableType]:
    """One frame each time it is asked; rates are those since the time before."""
    from rich.console import Group

    from gateway.cli.scrape import NoAnswer, fetch
    from gateway.store.db import StoreUnavailable
    from gateway.usecases import figures

    before: Scrape | None = None
    while True:
        lines: list[RenderableType] = [_title(gateway.now(), ZoneInfo(gateway.settings.timezone), url)]
        try:
            after = fetch(url, gateway.monotonic())
            lines += _counted(before or after, after)
            before = after
        except NoAnswer as error:
            lines.append(f"NO WEB PROCESS ANSWERS  {error}")
        try:
            lines += _stored(figures.read(gateway.parts, gateway.now()))
        except StoreUnavailable as error:
            lines.append(f"THE DATABASE CANNOT ANSWER  {error.why}")
        yield Group(*lines)


def _title(now: datetime, zone: ZoneInfo, url: str) -> str:
    return f"Passerelle  {now.astimezone(zone):%H:%M:%S}  {url}"


def _counted(before: Scrape, after: Scrape) -> Iterator[str]:
    """What the processes counted since the look before."""
    from gateway.cli.scrape import quantile, rate

    turns = "ussd_turns_total"
    failed = sum(rate(before, after, turns, outcome=outcome) for outcome in ("unavailable", "busy"))
    middle, slow = (quantile(before, after, "ussd_turn_duration_seconds", q) for q in (0.5, 0.99))
    yield f"turns/s {rate(before, after, turns):.1f}   p50 {_ms(middle)}   p99 {_ms(slow)}"
    yield f"apologies/s {failed:.1f}   callbacks refused/s {rate(before, after, 'callbacks_refused_total'):.1f}"
    sent = "sms_messages_total"
    for channel in after.values(sent, "channel"):
        rates = {o: rate(before, after, sent, channel=channel, outcome=o) for o in after.values(sent, "outcome")}
        told = "   ".join(f"{outcome} {value:.1f}" for outcome, value in rates.items() if value)
        yield f"SMS/s by {channel}: {told or '0.0'}"


def _stored(now: Figures) -> Iterator[RenderableType]:
    """What the database holds."""
    yield ""
    yield _lanes(now)
    states = "   ".join(f"{state} {count}" for state, count in now.submissions.items())
    yield f"submissions: {states or 'none'}   SMS of unknown fate: {now.sms_unknown}"
    yield from _away(now)
    yield f"late: {_many(now.late)}"
    yield ""
    yield _ceilings(now)
    yield f"stopped: {', '.join(now.stopped) or 'nothing'}"
    seen = {"relay": None, "backup": None, **now.beat_ages_s}
    workers = {name: age for name, age in seen.items() if name.startswith(_WORKER)}
    yield f"last seen: {_ages({name: age for name, age in seen.items() if name not in workers})}"
    yield f"workers: {_ages({name.removeprefix(_WORKER): age for name, age in workers.items()}) or 'never seen'}"


def _ages(seen: Mapping[str, float | None]) -> str:
    return ", ".join(f"{name} {'never' if age is None else _age(age)}" for name, age in seen.items())


def _away(now: Figures) -> Iterator[str]:
    """A line for each system that is not called: why, and when it is again."""
    told = False
    for one in now.breakers:
        again = _age(max(0.0, (one.ask_at - now.at).total_seconds())) if one.ask_at else "-"
        if one.opened_at is not None:
            since = _age((now.at - one.opened_at).total_seconds())
            yield f"system away: {one.system} ({one.last_code} for {since}, asked in {again})"
        elif one.holds_back(now.at):
            yield f"system busy: {one.system} (left alone as it asked, for {again})"
        else:
            continue
        told = True
    if not told:
        yield "systems away: none"


def _many(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items() if count) or "none"


def _lanes(now: Figures) -> RenderableType:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("LANE")
    for state in _STATES:
        table.add_column(state, justify="right")
    table.add_column("oldest", justify="right")
    for lane, oldest_s in now.oldest_s.items():
        rows = {count.state.value: count.rows for count in now.lanes if count.lane == lane}
        if lane != "upkeep":  # holds no rows
            table.add_row(lane, *(str(rows.get(state, 0)) for state in _STATES), _age(oldest_s) if oldest_s else "-")
    return table


def _ceilings(now: Figures) -> RenderableType:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for name in ("THIS HOUR", "of"):
        table.add_column(name, no_wrap=True)
    for name in ("used", "ceiling", "%"):
        table.add_column(name, justify="right")
    fullest = sorted(now.spent, key=lambda one: -one.used / max(one.limit, 1))[:_CEILINGS]
    for one in fullest:
        percent = f"{100 * one.used / max(one.limit, 1):.0f}"
        table.add_row(one.scope, one.subject or "gateway", str(one.used), str(one.limit), percent)
    return table


def _ms(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    return "> 10 s" if seconds == float("inf") else f"<= {seconds * 1000:g} ms"


def _age(seconds: float) -> str:
    """12 s, 3 min, 5 h, 2 d."""
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
