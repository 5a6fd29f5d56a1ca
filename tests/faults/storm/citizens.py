"""Citizens of the storm: they dial and text through the simulator's phones, and remember what they were told."""

from __future__ import annotations

import random
import re
import threading
from dataclasses import dataclass, field
from typing import Any

import requests

#: Answers to one dialogue; a citizen who needs more gives up and dials again.
STEPS = 14
#: How often she dials for one demand before she leaves it.
TRIES = 40
#: How long she waits for the SMS that answers hers.
PATIENCE_S = 15.0
REFERENCE = re.compile(r"\d{4} \d{4} \d{4}")
#: On whichever screen one of these is a choice, it is hers.
_LABELS = ("Recommencer", "Acte de naissance", "Pour moi", "Cotonou", "Confirmer")


@dataclass
class Wish:
    """One certificate that one number wants; what was said of it.

    `filed`: references that a last screen called filed. `already`: told that one is under way.
    """

    number: str
    npi: str
    filed: list[str] = field(default_factory=list)
    already: bool = False


@dataclass
class Citizens:
    """`count` of them, until they are told that it is enough."""

    simulator_url: str
    seed: int
    count: int
    enough: threading.Event = field(default_factory=threading.Event)
    wishes: list[Wish] = field(default_factory=list)
    turns: int = 0  #: deliveries that the phones asked for
    answered: int = 0  #: of those, the ones that a screen came back for
    texts: int = 0
    broken: list[BaseException] = field(default_factory=list)  #: faults of these citizens themselves
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Citizens:
        self._threads = [threading.Thread(target=self._life, args=(one,)) for one in range(self.count)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.enough.set()
        for thread in self._threads:
            thread.join(120)
        if self.broken:
            raise self.broken[0]

    def alive(self) -> bool:
        return any(thread.is_alive() for thread in self._threads)

    def _life(self, which: int) -> None:
        chance = random.Random(f"{self.seed} {which}")
        try:
            with requests.Session() as session:
                for day in range(10_000):
                    if self.enough.is_set():
                        return
                    # The institution asks back when a NPI ends in 8, and refuses when it ends in 0.
                    wish = Wish(
                        f"+22901{97 + which % 3}{which:02d}{day:04d}", f"{which + 10}{day:07d}{chance.randrange(10)}"
                    )
                    with self._lock:
                        self.wishes.append(wish)
                    Life(self, session, wish, chance).lead()
        except BaseException as error:
            self.broken.append(error)

    def counted(self, *, turns: int = 0, answered: int = 0, texts: int = 0) -> None:
        with self._lock:
            self.turns += turns
            self.answered += answered
            self.texts += texts


@dataclass
class Life:
    """What one citizen does about one wish."""

    citizens: Citizens
    session: requests.Session
    wish: Wish
    chance: random.Random

    def lead(self) -> None:
        """Files her demand by USSD, now and then by SMS, and now and then asks how it stands."""
        if self.chance.random() < 0.2:
            self._by_sms()
        else:
            self._by_ussd()
        if self.wish.filed and self.chance.random() < 0.4:
            self._asks(f"STATUT {self.wish.filed[0]}")

    def _by_ussd(self) -> None:
        for _ in range(TRIES):
            said = self._dialogue()
            shown = REFERENCE.search(said)
            if "déposée" in said and shown:
                self.wish.filed.append(shown[0].replace(" ", ""))
                return
            if "déjà en cours" in said:
                self.wish.already = True
                return
            if self.citizens.enough.wait(0.3 + self.chance.random()):  # she dials again in a moment
                return

    def _dialogue(self) -> str:
        """The last screen of one dialogue, "" when there was none."""
        screen = self._turn("dial", {"code": "*229#", "network": "africastalking"})
        for _ in range(STEPS):
            if screen is None or screen["final"]:
                return "" if screen is None else str(screen["text"])
            screen = self._turn("answer", {"text": self._answer_to(screen["text"])})
        return ""

    def _answer_to(self, screen: str) -> str:
        for label in _LABELS:
            if choice := re.search(rf"^(\d)\.{label}", screen, re.MULTILINE):
                return choice[1]
        if "NPI" in screen:
            return self.wish.npi
        return "cot" if "Commune" in screen else "1"

    def _turn(self, what: str, body: dict[str, str]) -> dict[str, Any] | None:
        """The screen; a turn whose reply was lost on the way is delivered again, as a network does."""
        for kind, content in ((what, body), ("redeliver", {}), ("redeliver", {})):
            self.citizens.counted(turns=1)
            answer = self.session.post(self._phone(kind), json=content, timeout=60)
            if answer.status_code == 409:
                return None  # the network closed the dialogue meanwhile
            assert answer.status_code == 200, answer.text
            screen: dict[str, Any] = answer.json()
            if not screen["error"]:
                self.citizens.counted(answered=1)
                return screen
            if screen["error"] != "reply_lost" and self.chance.random() < 0.5:
                return None
        return None

    def _by_sms(self) -> None:
        """A conversation; she stops when an answer does not come."""
        for words in ("Acte", "pour moi", self.wish.npi, "cotonou", "1"):
            answer = self._asks(words)
            if answer is None:
                return
        self.wish.filed += [shown[0].replace(" ", "") for shown in [REFERENCE.search(answer)] if shown]

    def _asks(self, words: str) -> str | None:
        """Texts; the next SMS to her, None when none comes in time."""
        before = len(self._inbox())
        self.citizens.counted(texts=1)
        self.session.post(self._phone("sms"), json={"text": words}, timeout=60).raise_for_status()
        waited = 0.0
        while waited < PATIENCE_S:
            inbox = self._inbox()
            if len(inbox) > before:
                return str(inbox[0]["text"])
            threading.Event().wait(0.2)  # between two looks at her phone
            waited += 0.2
        return None

    def _inbox(self) -> list[dict[str, Any]]:
        answer = self.session.get(self._phone("inbox"), timeout=60)
        answer.raise_for_status()
        found: list[dict[str, Any]] = answer.json()
        return found

    def _phone(self, what: str) -> str:
        return f"{self.citizens.simulator_url}/api/phones/{self.wish.number}/{what}"
