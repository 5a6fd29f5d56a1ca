"""`gateway dial`: a phone in the terminal. It drives the simulator's phones, by HTTP like everybody else."""

from __future__ import annotations

import threading
from typing import Any
from urllib.parse import quote

import click
import requests
from rich.console import Console
from rich.panel import Panel
from rich.text import Text

POLL_S = 0.3
SMS_WITHIN_S = 30  #: the demo back office decides after 6 s; the rest is patience
SCREEN_WIDTH = 36  #: columns, about what a basic phone shows, and its frame
PAGE_SEPTETS = 182
SMS_SIGN = "/sms "  #: no answer to a screen begins so


class DialError(Exception):
    """Why the call went wrong, in one sentence."""


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("code", required=False)
@click.option("--phone", default="+2290197000000", show_default=True, help="Who dials.")
@click.option(
    "--network",
    type=click.Choice(["africastalking", "mtn_madapi"]),
    help="The aggregator the phone is on; by default the one it was on before, at first africastalking.",
)
@click.option("--inputs", help="Answers to play, joined by *, as in '1*2'; each screen is printed plainly.")
@click.option("--sms", "texts", multiple=True, help="Text this to the short code instead of dialling; may be repeated.")
@click.option("--wait-sms", type=click.IntRange(0, 20), default=0, help="Then wait for this many new SMS.")
@click.option("--simulator", default="http://127.0.0.1:8001", show_default=True, help="Where the simulator is.")
def dial(
    code: str | None,
    phone: str,
    network: str | None,
    inputs: str | None,
    texts: tuple[str, ...],
    wait_sms: int,
    simulator: str,
) -> None:
    """Dial CODE ('*229#', or '*229*1*2#') on a simulated phone, answer from the keyboard, read the SMS.

    `/sms TEXT` at the prompt texts the short code.
    """
    if not code and not texts:
        raise click.UsageError("a CODE to dial, or --sms TEXT, is needed")
    handset = _Handset(simulator.rstrip("/"), phone, network)
    for words in texts:
        handset.text(words)
    if not code:
        _wait(handset, wait_sms or len(texts))
    elif inputs is None and not wait_sms:
        _talk(handset, code)
    else:
        _play(handset, code, [] if inputs is None else inputs.split("*"), wait_sms)


class _Handset:
    """One phone of the simulator. Every method raises `DialError`."""

    def __init__(self, simulator: str, phone: str, network: str | None) -> None:
        self._base = f"{simulator}/api/phones/{quote(phone)}"
        self._simulator = simulator
        self._network = {"network": network} if network else {}
        self._known = {sms["id"] for sms in self._inbox()}

    def dial(self, code: str) -> dict[str, Any]:
        return self._turn("dial", {"code": code, **self._network})

    def answer(self, text: str) -> dict[str, Any]:
        return self._turn("answer", {"text": text})

    def redeliver(self) -> dict[str, Any]:
        return self._turn("redeliver", {})

    def text(self, words: str) -> None:
        self._turn("sms", {"text": words})

    def hang_up(self) -> None:
        self._turn("hangup", {})

    def new_sms(self) -> list[dict[str, Any]]:
        """What came since the last time this was asked, oldest first."""
        new = [sms for sms in reversed(self._inbox()) if sms["id"] not in self._known]
        self._known |= {sms["id"] for sms in new}
        return new

    def _inbox(self) -> list[dict[str, Any]]:
        messages: list[dict[str, Any]] = self._call("GET", "inbox")
        return messages

    def _turn(self, what: str, body: dict[str, str]) -> dict[str, Any]:
        turn: dict[str, Any] = self._call("POST", what, body)
        return turn

    def _call(self, method: str, what: str, body: dict[str, str] | None = None) -> Any:
        try:
            # Longer than the aggregator's own patience with two deliveries and the longest delay.
            answer = requests.request(method, f"{self._base}/{what}", json=body, timeout=45)
            said = answer.json()
        except requests.ConnectionError as error:
            raise DialError(f"no simulator answers at {self._simulator}; is `gateway run` running?") from error
        except requests.RequestException as error:  # a time-out, or an answer that is not JSON
            raise DialError(f"{self._simulator} does not answer as the simulator does") from error
        if not answer.ok:
            detail = said.get("detail", said) if isinstance(said, dict) else said
            raise DialError(f"the simulator refused: {detail}")
        return said


def _play(handset: _Handset, code: str, inputs: list[str], wait_sms: int) -> None:
    """The dialogue from given answers; stops with `DialError` at the first thing that is not as expected."""
    turn = handset.dial(code)
    click.echo(turn["text"])
    _refuse_error(turn)
    for place, text in enumerate(inputs):
        if not turn["open"]:
            raise DialError(f"the dialogue ended with {len(inputs) - place} answer(s) left")
        turn = handset.answer(text)
        click.echo(f"> {text}\n{turn['text']}")
        _refuse_error(turn)
    if turn["open"]:
        handset.hang_up()
    _wait(handset, wait_sms)


def _wait(handset: _Handset, wait_sms: int) -> None:
    """Prints the SMS that come, until there were that many; `DialError` when they do not come."""
    came = 0
    for _ in range(int(SMS_WITHIN_S / POLL_S) if wait_sms else 0):
        for sms in handset.new_sms():
            click.echo(f"SMS {sms['from']}: {sms['text']}")
            came += 1
        if came >= wait_sms:
            return
        threading.Event().wait(POLL_S)
    if came < wait_sms:
        raise DialError(f"{came} of {wait_sms} SMS came within {SMS_WITHIN_S} s")


def _refuse_error(turn: dict[str, Any]) -> None:
    if turn["error"]:
        raise DialError(f"the network gave no usable answer ({turn['error']})")


def _talk(handset: _Handset, code: str) -> None:
    """The dialogue from the keyboard; SMS are shown when they come, until the person leaves."""
    console = Console(highlight=False)
    left = threading.Event()
    watching = threading.Thread(target=_watch, args=(handset, console, left), daemon=True)
    watching.start()
    try:
        turn = _show(console, handset.dial(code))
        while turn["open"]:
            if turn["reply_lost"]:
                console.input("[dim]Enter: deliver the turn again · Ctrl-D: hang up [/]")
                turn = _show(console, handset.redeliver())
            else:
                typed = console.input("> ")
                turn = turn if _texted(handset, typed) else _show(console, handset.answer(typed))
        console.print(
            f"[dim]The dialogue is over. SMS show here as they come; {SMS_SIGN}TEXT sends one; Ctrl-C leaves.[/]"
        )
        while True:
            _texted(handset, console.input("> "))
    except (EOFError, KeyboardInterrupt):
        console.print()
        handset.hang_up()
    finally:
        left.set()
        watching.join(1)


def _texted(handset: _Handset, typed: str) -> bool:
    """Whether what was typed is an SMS to send, which was then sent."""
    if not typed.startswith(SMS_SIGN):
        return False
    handset.text(typed.removeprefix(SMS_SIGN))
    return True


def _watch(handset: _Handset, console: Console, left: threading.Event) -> None:
    while not left.wait(POLL_S):
        try:
            messages = handset.new_sms()
        except DialError as error:
            console.print(Text(str(error), style="red"))
            return
        for sms in messages:
            title = f"SMS {sms['from']} ({sms['segments']} x {sms['encoding']})"
            console.print(Panel(Text(sms["text"]), title=Text(title), title_align="left", width=SCREEN_WIDTH))


def _show(console: Console, turn: dict[str, Any]) -> dict[str, Any]:
    """The turn as a phone's screen; gives the turn back."""
    style = "red" if turn["error"] else "green"
    below = turn["error"] or f"{turn['units']}/{PAGE_SEPTETS}"
    console.print(
        Panel(Text(turn["text"]), subtitle=Text(below), subtitle_align="right", width=SCREEN_WIDTH, style=style)
    )
    return turn
