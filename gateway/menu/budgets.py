"""Whether every text fits: each screen in every language on every network, with the longest values, and every SMS."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.menu.inspection import Inspection, texts
from gateway.menu.longest import Longest, as_written, filled
from gateway.menu.message_keys import MESSAGES
from gateway.menu.model import Ask, Choice, End, Menus, Pick, Screen, Service, Submit, Text
from gateway.menu.world import max_units
from gateway.settings import Network
from gateway.text import fit, pages
from gateway.text.segments import Alphabet, units

#: A citizen who must turn more pages than this gives up or is cut off.
MAX_PAGES = 5
#: Two lines of a basic phone.
MAX_LABEL = 40
#: What tells demands apart in a list ("...4412").
MAX_SUBMIT_LABEL = 12
#: A word of the footer; three of them share a line with their keys.
MAX_KEY_WORD = 10
MAX_WORD = 40
#: The gateway's default keys (engine/surface.py).
_BACK, _MORE = "0", "98"
#: Standard error sentences by type of question.
_ERRORS_OF = {
    "text": ("error_empty", "error_text", "error_too_long", "error_too_short"),
    "digits": ("error_empty", "error_digits", "error_digits_length"),
    "amount": ("error_empty", "error_amount", "error_amount_low", "error_amount_high"),
    "date": ("error_empty", "error_date", "error_date_future"),
    "msisdn": ("error_empty", "error_msisdn"),
    "npi": ("error_empty", "error_npi"),
    "ifu": ("error_empty", "error_ifu"),
    "reference": ("error_empty", "error_reference"),
    "secret": ("error_empty", "error_secret"),
    "pattern": ("error_empty", "error_pattern", "error_too_long", "error_too_short"),
}


def check_budgets(inspection: Inspection) -> None:
    """Screens of every service that was wholly read, then the gateway's own sentences."""
    menus = inspection.menus
    # By SMS a screen is one segment: several cost the institution several.
    one_sms = Network(max_septets=160 - inspection.world.writing.appends)
    for service in inspection.sound():
        for language in menus.languages:
            for name, network in _distinct(inspection):
                longest = Longest(menus, service, language, network.alphabet)
                for screen in service.screens.values():
                    _Screen(inspection, longest, screen, name, network).check()
            by_sms = Longest(menus, service, language, "gsm7", sms=True)
            for screen in service.screens.values():
                if any(text.sms is not None for text in texts(screen)):
                    _Screen(inspection, by_sms, screen, "SMS", one_sms).check()
            _labels(inspection, service, language)
    for key in menus.messages:
        for language in menus.languages:
            _message(inspection, key, language)


def error_sentences(longest: Longest, ask: Ask) -> list[str]:
    """What may stand above the question, each with its greatest values."""
    messages, language = longest.menus.messages, longest.language
    keys = ("error_empty",) if ask.error is not None else _ERRORS_OF[ask.type]
    standard = [
        filled(messages[key].by_language.get(language, ""), MESSAGES[key].sizes) for key in keys if key in messages
    ]
    return standard if ask.error is None else [*standard, longest.text(ask.error)]


def footer(menus: Menus, language: str) -> pages.Footer:
    """The keys as the engine shows them."""

    def key(name: str, digits: str) -> str:
        message = menus.messages.get(name)
        word = filled(message.by_language.get(language, ""), {}) if message is not None else ""
        return f"{digits}.{word}"

    return pages.Footer(back=key("key_back", _BACK), more=key("key_more", _MORE))


def screen_pages(longest: Longest, screen: Screen, max_units: int, mistake: str = "") -> tuple[pages.Page, ...]:
    """The pages of a screen with its longest values, under an error sentence when there is one."""
    menus, language, alphabet = longest.menus, longest.language, longest.alphabet
    head = longest.text(screen.say)
    if isinstance(screen.verb, Pick) and screen.verb.search and "search_hint" in menus.messages:
        head += "\n" + filled(menus.messages["search_hint"].by_language.get(language, ""), {})
    if mistake:
        max_units -= units(mistake + "\n", alphabet)
    lines = [f"{number}.{label}" for number, label in enumerate(longest.labels(screen), 1)]
    return pages.paginate(head, lines, footer(menus, language), max_units, alphabet)


class _Screen:
    """One screen in one language on one network."""

    def __init__(self, inspection: Inspection, longest: Longest, screen: Screen, name: str, network: Network) -> None:
        self.inspection = inspection
        self.longest = longest
        self.screen = screen
        self.network = name
        self.most = max_units(network)
        self.mark = screen.say.at(longest.language) if screen.say is not None else screen.mark

    def check(self) -> None:
        match self.screen.verb:
            case End():
                self._end()
            case Ask() as ask:
                self._question(ask)
            case Pick() | None:
                self._lines()

    def _end(self) -> None:
        """A closed dialogue turns no page."""
        size = units(self.longest.text(self.screen.say), self.longest.alphabet)
        if size > self.most:
            self._fault("end_too_long", size=str(size), most=str(self.most))

    def _error(self, error: Text) -> None:
        """The engine gives an error sentence half of the screen, and cuts it there."""
        size, most = units(self.longest.text(error), self.longest.alphabet), self.most // 2
        if size > most:
            self.inspection.fault(
                "error_too_long",
                error.at(self.longest.language),
                language=self.longest.language,
                size=str(size),
                most=str(most),
            )

    def _question(self, ask: Ask) -> None:
        """One page, even under the longest error sentence: an answer to a question out of sight is a mistake."""
        if ask.error is not None:
            self._error(ask.error)
        mistakes = error_sentences(self.longest, ask)
        mistake = max(mistakes, key=lambda said: units(said, self.longest.alphabet), default="")
        head = self.longest.text(self.screen.say)
        lines = [f"{number}.{label}" for number, label in enumerate(self.longest.labels(self.screen), 1)]
        foot = footer(self.longest.menus, self.longest.language).text(last=True)
        whole = "\n".join(part for part in (mistake, head, *lines, foot) if part)
        over = units(whole, self.longest.alphabet) - self.most
        if over > 0:
            self._fault("question_too_long", most=str(self.most), over=str(over))

    def _lines(self) -> None:
        count = len(screen_pages(self.longest, self.screen, self.most))
        searched = isinstance(self.screen.verb, Pick) and self.screen.verb.search
        if count > MAX_PAGES and not searched:
            self._fault("too_many_pages", pages=str(count), most=str(MAX_PAGES))

    def _fault(self, code: str, **params: str) -> None:
        self.inspection.fault(code, self.mark, language=self.longest.language, network=self.network, **params)


def _labels(inspection: Inspection, service: Service, language: str) -> None:
    """Choices keep to two lines of a basic phone; what tells demands apart keeps to its place in a list."""
    longest = Longest(inspection.menus, service, language, "gsm7")
    for screen in service.screens.values():
        for choice in screen.choices:
            _label(inspection, longest, choice)
        if isinstance(screen.verb, Pick) and screen.verb.maximum > MAX_LABEL:
            inspection.fault(
                "max_too_large", screen.verb.mark, type="pick", value=str(screen.verb.maximum), most=str(MAX_LABEL)
            )
        if isinstance(screen.verb, Submit):
            size = units(longest.form(screen.verb.label), "gsm7")
            if size > MAX_SUBMIT_LABEL:
                inspection.fault("submit_label_too_long", screen.verb.mark, size=str(size), most=str(MAX_SUBMIT_LABEL))


def _label(inspection: Inspection, longest: Longest, choice: Choice) -> None:
    size = units(longest.text(choice.label), "gsm7")
    if size > MAX_LABEL:
        mark = choice.label.at(longest.language)
        inspection.fault("label_too_long", mark, language=longest.language, size=str(size), most=str(MAX_LABEL))


def _message(inspection: Inspection, key: str, language: str) -> None:
    menus = inspection.menus
    text = menus.messages[key]
    said = filled(text.by_language.get(language, ""), MESSAGES[key].sizes)
    size = units(said, "gsm7")
    narrowest = min((network.max_septets for network in inspection.world.networks.values()), default=160)
    kind = MESSAGES[key].kind
    if kind == "sms":
        sms = inspection.world.writing
        left = fit.fit(as_written(text.by_language.get(language, ""), MESSAGES[key].sizes), sms.policy, sms.appends)
        if left.segments > MESSAGES[key].segments:
            # 3GPP TS 23.038: 160 septets alone, 153 in each part of several; 70 and 67 units in UCS-2.
            alone, each = (160, 153) if left.encoding == "GSM-7" else (70, 67)
            most = alone if MESSAGES[key].segments == 1 else each * MESSAGES[key].segments
            _too_long(inspection, key, language, left.units, most - sms.appends)
        return
    most = {"error": narrowest // 2, "closing": narrowest, "word": MAX_WORD}[kind]
    most = MAX_KEY_WORD if key.startswith("key_") else most
    if size > most:
        _too_long(inspection, key, language, size, most)


def _too_long(inspection: Inspection, key: str, language: str, size: int, most: int) -> None:
    mark = inspection.menus.messages[key].at(language)
    inspection.fault("message_too_long", mark, language=language, size=str(size), most=str(most))


def _distinct(inspection: Inspection) -> Iterator[tuple[str, Network]]:
    """One network of each size: the others would only repeat its faults."""
    seen: set[tuple[int, Alphabet]] = set()
    for name, network in inspection.world.networks.items():
        size = (network.max_septets, network.alphabet)
        if size not in seen:
            seen.add(size)
            yield name, network
