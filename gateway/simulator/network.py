"""What happens between a keypad and the gateway: turns, and what can go wrong with them on purpose."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from gateway.simulator.agenda import Agenda
from gateway.simulator.aggregators import Aggregator, Ending, Heard, UnusableAnswerError
from gateway.simulator.handset import NETWORK_ERROR, show
from gateway.simulator.phones import Dialogue, Phone, Phones, imsi_of
from gateway.simulator.switches import SwitchPanel
from gateway.simulator.wire import Answer, Request, Wire, WireError

_DIALLED = re.compile(r"\*[0-9*]+#")


class DialogueError(Exception):
    """The phone cannot do this now: "no_dialogue" is open, or "reply_lost": deliver it again first."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class UssdNetwork:
    """Dials, answers and hangs up for the phones. What a turn gave is left on the `Phone`."""

    def __init__(
        self,
        phones: Phones,
        switches: SwitchPanel,
        aggregators: Mapping[str, Aggregator],
        wire: Wire,
        agenda: Agenda,
        *,
        service_code: str,
        idle_s: float,
    ) -> None:
        self._phones = phones
        self._switches = switches
        self._aggregators = aggregators
        self._wire = wire
        self._agenda = agenda
        self._prefix = service_code.removesuffix("#")
        self._idle_s = idle_s
        # The second of two simultaneous deliveries.
        self._twin = ThreadPoolExecutor(8, thread_name_prefix="simulator-twin")

    def dial(self, phone: Phone, code: str) -> None:
        """Start a dialogue with what was typed (`*229#`, `*229*1*2#`); an open one is hung up first."""
        with phone.turning:
            if phone.dialogue and phone.dialogue.open:
                self._close(phone, phone.dialogue, "hung_up")
            tail = self._tail(code)
            if tail is None:
                with self._phones.changing():
                    phone.dialogue = None
                    _fail(phone, "unknown_code")
                return
            dialogue = self._aggregators[phone.network].begin(phone.msisdn, code, tail)
            dialogue.imsi = imsi_of(phone)
            with self._phones.changing():
                phone.dialogue = dialogue
            self._turn(phone, dialogue)

    def answer(self, phone: Phone, text: str) -> None:
        """Send what was typed; raises `DialogueError`."""
        with phone.turning:
            dialogue = _open_dialogue(phone)
            if dialogue.lost:
                raise DialogueError("reply_lost")
            dialogue.inputs.append(text)
            self._turn(phone, dialogue)

    def redeliver(self, phone: Phone) -> None:
        """The network delivers the last turn once more, the same bytes; raises `DialogueError`."""
        with phone.turning:
            if phone.dialogue is None or phone.dialogue.last is None:
                raise DialogueError("no_dialogue")
            self._deliver(phone, phone.dialogue, phone.dialogue.last)

    def hang_up(self, phone: Phone, ending: Ending = "hung_up") -> None:
        """Close the open dialogue, if there is one, and clear the screen."""
        with phone.turning:
            if phone.dialogue and phone.dialogue.open:
                self._close(phone, phone.dialogue, ending)
            with self._phones.changing():
                phone.screen, phone.error, phone.final, phone.differs = None, None, False, False

    def close(self) -> None:
        self._twin.shutdown(wait=True, cancel_futures=True)

    def _tail(self, code: str) -> str | None:
        """What follows the service code in a dialled string, None when it is not our code."""
        if not _DIALLED.fullmatch(code):
            return None
        if code == self._prefix + "#":
            return ""
        return code[len(self._prefix) + 1 : -1] if code.startswith(self._prefix + "*") else None

    def _turn(self, phone: Phone, dialogue: Dialogue) -> None:
        dialogue.hops += 1
        dialogue.last = self._aggregators[phone.network].turn(dialogue)
        self._deliver(phone, dialogue, dialogue.last)

    def _deliver(self, phone: Phone, dialogue: Dialogue, request: Request) -> None:
        """One turn to the gateway and its reply to the phone, as the switches let it be."""
        switches = self._switches.take_for_turn()
        with self._phones.changing():
            phone.busy = True
        try:
            time.sleep(switches.delay_ms / 1000)
            answers = self._post(request, switches.deliver_twice)
            dialogue.last_reply = answers[-1].body.decode("utf-8", "replace")
            heard = self._aggregators[phone.network].read(answers[-1])
            with self._phones.changing():
                phone.differs = len({answer.body for answer in answers}) > 1
                dialogue.lost = switches.drop_next_reply
                if dialogue.lost:
                    _fail(phone, "reply_lost", final=False)
                else:
                    _display(phone, heard)
        except (WireError, UnusableAnswerError) as error:
            with self._phones.changing():
                _fail(phone, error.code)
        finally:
            with self._phones.changing():
                phone.busy = False
        self._after(phone, dialogue)

    def _after(self, phone: Phone, dialogue: Dialogue) -> None:
        """Close what is over; watch for silence what is not."""
        if not dialogue.open:
            return
        if phone.error and not dialogue.lost:
            self._close(phone, dialogue, "failed")
        elif phone.final:
            self._close(phone, dialogue, "completed")
        else:
            hops = dialogue.hops
            self._agenda.after(self._idle_s, lambda: self._time_out(phone, dialogue, hops))

    def _time_out(self, phone: Phone, dialogue: Dialogue, hops: int) -> None:
        with phone.turning:
            if phone.dialogue is dialogue and dialogue.open and dialogue.hops == hops:
                self._close(phone, dialogue, "timed_out")
                with self._phones.changing():
                    _fail(phone, "timed_out")

    def _close(self, phone: Phone, dialogue: Dialogue, ending: Ending) -> None:
        """Told to the gateway a moment later, as the real ones do; nobody waits for its answer."""
        with self._phones.changing():
            dialogue.open = False
        error = (phone.error or "") if ending == "failed" else ""
        request = self._aggregators[phone.network].end(dialogue, ending, error)
        if request is not None:
            self._agenda.after(0, lambda: self._tell(request))

    def _tell(self, request: Request) -> None:
        try:
            self._wire.post(request)
        except WireError:
            return  # no aggregator says that it repeats this event: it is lost, as it would be

    def _post(self, request: Request, twice: str) -> list[Answer]:
        """The answers in the order of delivery; the phone sees the last one."""
        if twice == "together":
            other = self._twin.submit(self._wire.post, request)
            first = self._wire.post(request)
            return [first, other.result()]
        answers = [self._wire.post(request)]
        if twice == "after":
            answers.append(self._wire.post(request))
        return answers


def _open_dialogue(phone: Phone) -> Dialogue:
    if phone.dialogue is None or not phone.dialogue.open:
        raise DialogueError("no_dialogue")
    return phone.dialogue


def _display(phone: Phone, heard: Heard) -> None:
    phone.screen, phone.final, phone.error = show(heard.text), heard.final, None


def _fail(phone: Phone, code: str, final: bool = True) -> None:
    phone.screen, phone.final, phone.error, phone.differs = show(NETWORK_ERROR), final, code, False
