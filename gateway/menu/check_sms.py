"""What SMS cost and lead to: the segments of every reply, a way forward without the web, answers that can be given."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from gateway.menu import graph
from gateway.menu.budgets import screen_pages
from gateway.menu.inspection import Inspection, later_texts
from gateway.menu.longest import Longest, as_written
from gateway.menu.message_keys import MESSAGES
from gateway.menu.model import End, Lookup, Menus, Service, Text
from gateway.menu.world import World, Writing
from gateway.text import fit, segments

_LINK = re.compile(
    r"(?:https?://|www\.)\S+|\b[\w-]+(?:\.[\w-]+)*\.(?:bj|com|org|net|info|gov|gouv|africa)\b", re.IGNORECASE
)
#: What can be dialled or texted: a place that holds a code, a service code, a number of at least three digits.
_WAY = re.compile(r"\{(?:code|short)\}|\*[\d*]+#|\d[\d .]{2,}")
_ASKS = re.compile(
    r"\br[ée]pond(?:ez|re|s)\b|\brenvoyez\b|\breply\b|\banswer (?:with|by|yes|no)\b|\btext back\b", re.IGNORECASE
)
_NAMED = re.compile(r"\{(?:code|short)\}|\*[\d*]+#")


#: What an SMS that brings a late answer may take at most.
LATER_SEGMENTS = 2


@dataclass(frozen=True, slots=True)
class SmsReply:
    """What one SMS to a citizen is at most: a sentence of messages.yaml, a command's help, a screen walked by SMS.

    `messages` counts the SMS that a screen of several pages takes, `segments` those of each of them.
    """

    key: str
    language: str
    encoding: str
    units: int
    segments: int
    messages: int = 1


def check_sms(inspection: Inspection) -> None:
    """Every text that leaves as an SMS."""
    menus, writing = inspection.menus, inspection.world.writing
    words = _command_words(menus)
    for key, text in menus.messages.items():
        if key in MESSAGES and MESSAGES[key].kind == "sms":
            _leads_somewhere(inspection, text, words)
            if not writing.two_way and not MESSAGES[key].answers_mo:
                _can_be_answered(inspection, text)
    for command in menus.commands.values():
        _leads_somewhere(inspection, command.help, words)
    for service in inspection.sound():
        for screen in service.screens.values():
            if isinstance(screen.verb, End) and screen.say is not None:
                _leads_somewhere(inspection, screen.say, words)
            for text in later_texts(screen):
                _leads_somewhere(inspection, text, words)
                _is_short(inspection, service, text)


def sms_replies(menus: Menus, world: World) -> tuple[SmsReply, ...]:
    """Every SMS that the gateway can write, with the longest values, in each language."""
    return tuple(reply for language in menus.languages for reply in _replies(menus, world.writing, language))


def _replies(menus: Menus, writing: Writing, language: str) -> Iterator[SmsReply]:
    for key, text in menus.messages.items():
        if MESSAGES[key].kind == "sms":
            longest = as_written(text.by_language.get(language, ""), MESSAGES[key].sizes)
            yield _reply(key, language, fit.fit(longest, writing.policy, writing.appends))
    for command in menus.commands.values():
        said = fit.fit(command.help.by_language.get(language, ""), writing.policy, writing.appends)
        yield _reply(f"commands.{command.id}", language, said)
    for service in menus.services.values():
        by_sms = Longest(menus, service, language, "gsm7", sms=True)
        for screen in service.screens.values():
            if isinstance(screen.verb, Lookup):
                for outcome, text in screen.verb.later.items():
                    late = fit.fit(by_sms.text(text), writing.policy, writing.appends)
                    yield _reply(f"{service.id}.{screen.id}.{outcome}", language, late)
            if not graph.shows(screen):
                continue
            every = [page.text for page in screen_pages(by_sms, screen, 160 - writing.appends)]
            size = max(segments.measure(text + "x" * writing.appends).units for text in every)
            yield SmsReply(f"{service.id}.{screen.id}", language, "GSM-7", size, 1, len(every))


def _reply(key: str, language: str, fitted: fit.Fitted) -> SmsReply:
    return SmsReply(key, language, fitted.encoding, fitted.units, fitted.segments)


def _leads_somewhere(inspection: Inspection, text: Text, words: frozenset[str]) -> None:
    """A text that names a site must also say what to dial or to text: most who read it have no web."""
    for language, said in _every(text):
        if _LINK.search(said) and not _WAY.search(_LINK.sub("", said)) and words.isdisjoint(said.split()):
            inspection.fault("only_a_link", text.at(language), language=language)


def _is_short(inspection: Inspection, service: Service, text: Text) -> None:
    writing = inspection.world.writing
    for language in inspection.menus.languages:
        longest = Longest(inspection.menus, service, language, "gsm7").text(text)
        left = fit.fit(longest, writing.policy, writing.appends)
        if left.segments > LATER_SEGMENTS:
            most, size = str(LATER_SEGMENTS), str(left.segments)
            inspection.fault("later_too_long", text.at(language), language=language, size=size, most=most)


def _can_be_answered(inspection: Inspection, text: Text) -> None:
    for language, said in _every(text):
        if _ASKS.search(said) and not _NAMED.search(said):
            inspection.fault("asks_reply_one_way", text.at(language), language=language)


def _every(text: Text) -> Iterator[tuple[str, str]]:
    yield from text.by_language.items()
    yield from (text.sms or {}).items()


def _command_words(menus: Menus) -> frozenset[str]:
    """As people see them written: in capitals."""
    words = (word for command in menus.commands.values() for each in command.words.values() for word in each)
    return frozenset(word.upper() for word in words)
