"""A small set of menus written as values, one screen for each thing that the engine must do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml

from gateway.engine import session, walk
from gateway.engine.outcomes import Answer, Item, LookupAnswer, Reply
from gateway.engine.surface import Surface
from gateway.engine.walk import Step
from gateway.menu import expressions
from gateway.menu.model import (
    ROOT,
    Ask,
    Branch,
    CallHandler,
    Case,
    CatalogueEntry,
    Choice,
    End,
    Expression,
    ListItem,
    Lookup,
    Mark,
    Menus,
    Pick,
    Screen,
    Service,
    Submit,
    Text,
    Verb,
)

MARK = Mark("test.yaml", 1)
NOW = datetime(2026, 11, 23, 14, 5, tzinfo=ZoneInfo("Africa/Porto-Novo"))
MESSAGES = Path(__file__).parents[2] / "menus" / "messages.yaml"


def text(fr: str, en: str | None = None, sms: str | None = None) -> Text:
    return Text({"fr": fr, "en": en or f"EN {fr}"}, {"fr": sms, "en": sms} if sms else None, MARK)


def choice(id_: str, label: str, go: str, when: str | None = None, language: str | None = None) -> Choice:
    return Choice(id_, text(label), go, MARK, condition(when), language)


def condition(source: str | None) -> Expression | None:
    return None if source is None else expressions.parse(source, MARK)


def screen(id_: str, say: str | None, verb: Verb = None, *choices: Choice, back: bool = True) -> Screen:
    return Screen(id_, None if say is None else text(say), choices, verb, MARK, back)


def service(id_: str, *screens: Screen) -> Service:
    return Service(id_, text(id_.title()), screens[0].id, {s.id: s for s in screens}, MARK)


def menus(*services: Service, lists: Mapping[str, tuple[ListItem, ...]] | None = None) -> Menus:
    messages = {
        key: Text(said, None, MARK) for key, said in yaml.safe_load(MESSAGES.read_text(encoding="utf-8")).items()
    }
    entry = CatalogueEntry(
        "demande",
        title=text("Acte de naissance", "Birth certificate"),
        fee=text("à confirmer en mairie", "to be confirmed"),
        delay=text("3 jours", "3 days"),
        pieces=text("NPI"),
        where=text("mairie", "town hall"),
        delay_days=3,
        source="test",
        checked_on="2026-11-23",
        verified=frozenset({"delay"}),
        mark=MARK,
    )
    return Menus(
        version="0123456789abcdef",
        languages=("fr", "en"),
        services={s.id: s for s in services},
        lists=lists or {},
        catalogue={"demande": entry},
        messages=messages,
        shortcuts={"21": services[1].id} if len(services) > 1 else {},
        files={},
    )


def _ask(kind: str, go: str, **more: object) -> Ask:
    return Ask(kind, kind, go, MARK, **more)  # type: ignore[arg-type]


def _demande() -> Service:
    return service(
        "demande",
        screen(
            "qui",
            "Acte de naissance\nTarif: {catalogue.tarif}, {catalogue.delai}",
            None,
            choice("moi", "Pour moi", "npi"),
            choice("enfant", "Pour mon enfant", "npi"),
        ),
        screen(
            "npi",
            "Votre NPI (10 chiffres, pas votre téléphone)",
            _ask("npi", "commune", personal="yes"),
            choice("sans_npi", "Je n'ai pas de NPI", "sans"),
        ),
        screen("commune", "Commune de naissance", Pick("communes", "commune", "recap", MARK, search=True)),
        screen(
            "recap",
            "NPI {npi|mask}\n{commune}",
            None,
            choice("oui", "Confirmer", "envoi"),
            choice("cotonou", "Retirer à Cotonou", "envoi", when="commune == 'cotonou'"),
            choice("non", "Annuler", "fin"),
        ),
        screen(
            "envoi",
            None,
            Submit(
                "etat-civil",
                ("npi", "commune"),
                ("npi",),
                {"submitted": "ok", "already": "deja", "unavailable": "plus_tard", "closed": "fin"},
                MARK,
                "...{npi|last4}",
            ),
        ),
        screen("ok", "Demande {reference} déposée. Réponse avant le {promised_date}.", End(MARK)),
        screen("deja", "Déjà déposée: {reference}.", End(MARK)),
        screen("plus_tard", "Réessayez plus tard.", None, choice("encore", "Réessayer", "envoi")),
        screen("sans", "Allez à l'ANIP.", None, choice("infos", "Infos", "service:infos")),
        screen("fin", "Rien n'a été envoyé.", End(MARK)),
    )


def _suivi() -> Service:
    found = {"own": "etat", "unknown": "inconnue", "unavailable": "panne"}
    return service(
        "suivi",
        screen(
            "liste",
            "Vos demandes",
            Pick("my_submissions", "reference", "lire", MARK, moving=True, empty="aucune", unavailable="panne"),
            choice("autre", "Autre numéro", "saisir"),
        ),
        screen("saisir", "Numéro du récépissé", Ask("reference", "reference", "lire", MARK)),
        screen(
            "lire",
            None,
            Lookup("submission_status", {"reference": "{reference}"}, {"state_label": 20}, found, MARK),
        ),
        screen("etat", "{reference}: {state_label}", None, choice("fin", "Terminer", "fin")),
        screen("inconnue", "Numéro inconnu.", End(MARK)),
        screen("aucune", "Vous n'avez pas de demande.", End(MARK)),
        screen("panne", "Service indisponible.", End(MARK)),
        screen("fin", "Merci.", End(MARK)),
    )


def _infos() -> Service:
    return service(
        "infos",
        screen("pieces", "mot " * 90, None, choice("fin", "Terminer", "fin")),
        screen("fin", "fin " * 60, End(MARK)),
    )


def _questions() -> Service:
    sizes = Branch((Case(condition("amount > 500"), "grand", MARK), Case(None, "petit", MARK)), MARK)
    rule = CallHandler("codes.check", {"right": "bon", "wrong": "code"}, MARK, {"left": 1})
    return service(
        "questions",
        screen("text", "Votre nom", _ask("text", "digits", minimum=2, maximum=20)),
        screen("digits", "Numéro de table", _ask("digits", "amount", minimum=1, maximum=6)),
        screen("amount", "Montant", _ask("amount", "mesure", minimum=0, maximum=1000)),
        screen("mesure", None, sizes),
        screen("grand", "Grand: {amount}", None, choice("suite", "Suite", "date")),
        screen("petit", "Petit: {amount}", None, choice("suite", "Suite", "date")),
        screen("date", "Date de naissance", _ask("date", "code", precisions=("day", "month", "year"))),
        screen("code", "Code secret", _ask("secret", "verifie", personal="secret")),
        screen("verifie", None, rule),
        screen("bon", "{text}, {date}, encore {left} essai(s)", End(MARK)),
        screen("boucle_a", None, Branch((Case(None, "boucle_b", MARK),), MARK)),
        screen("boucle_b", None, Branch((Case(None, "boucle_a", MARK),), MARK)),
    )


COMMUNES = ("Abomey", "Abomey-Calavi", "Cotonou", "Djougou", "Kandi", "Kétou", "Lokossa", "Natitingou", "Nikki")


@pytest.fixture(scope="session")
def small() -> Menus:
    root = service(
        ROOT,
        screen(
            "racine",
            "Services publics",
            None,
            choice("demande", "Acte de naissance", "service:demande"),
            choice("suivi", "Suivre ma demande", "service:suivi"),
            choice("infos", "Infos", "service:infos"),
            choice("questions", "Questions", "service:questions"),
            choice("english", "English", "accueil", when="language == 'fr'", language="en"),
        ),
    )
    names = COMMUNES + tuple(f"{name} {place}" for name in COMMUNES for place in (2, 3))
    lists = {"communes": tuple(ListItem(name.lower().replace("é", "e"), text(name, name)) for name in names)}
    return menus(root, _demande(), _suivi(), _infos(), _questions(), lists=lists)


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def screen_of_160() -> Surface:
    return Surface(160, "gsm7")


class Phone:
    """Walks menus as a handset would; the state goes through its bytes between every two calls."""

    def __init__(self, menus_: Menus, surface: Surface, now_: datetime = NOW, language: str = "fr") -> None:
        self.menus, self.surface, self.now, self.language = menus_, surface, now_, language
        self.step: Step

    def dial(self, *tail: str) -> Step:
        return self._keep(walk.open_dialogue(self.menus, self.surface, self.language, self.now, tail))

    def type(self, *inputs: str) -> Step:
        for typed in inputs:
            self._keep(walk.advance(self.menus, self.surface, self.state, typed, self.now))
        return self.step

    def to_recap(self) -> None:
        self.dial()
        self.type("1", "1", "1234567890", "1")

    def to_questions(self, *inputs: str) -> None:
        self.dial()
        self.type("4", *inputs)

    def answer(self, answer: Answer) -> Step:
        return self._keep(walk.resume(self.menus, self.surface, self.state, answer, self.now))

    def again(self) -> Step:
        return self._keep(walk.again(self.menus, self.surface, self.state, self.now))

    @property
    def state(self) -> session.State:
        return session.decode(session.encode(self.step.state))

    @property
    def text(self) -> str:
        assert isinstance(self.step.effect, Reply), self.step.effect
        return self.step.effect.text

    @property
    def place(self) -> str:
        return f"{self.step.state.service}.{self.step.state.screen}"

    def _keep(self, step: Step) -> Step:
        self.step = step
        return step


@pytest.fixture
def phone(small: Menus, screen_of_160: Surface) -> Phone:
    return Phone(small, screen_of_160)


@pytest.fixture
def phone_on() -> Callable[[Menus, Surface], Phone]:
    return Phone


@pytest.fixture
def submissions() -> Callable[[int], LookupAnswer]:
    """The answer of the citizen's own list with so many lines."""
    return lambda count: LookupAnswer(
        "found", items=tuple(Item(f"{n:012d}", f"Acte, ...{n:04d}, 12/11") for n in range(1, count + 1))
    )


@pytest.fixture
def edited(small: Menus) -> Callable[..., Menus]:
    """The small menus with one screen changed: `error`, `go` and the like of its verb, `back` of the screen."""

    def edit(service_id: str, screen_id: str, **changes: object) -> Menus:
        old_service = small.services[service_id]
        old = old_service.screens[screen_id]
        if "error" in changes:
            changes["error"] = text(str(changes["error"]))
        new = replace(old, **changes) if "back" in changes else replace(old, verb=replace(old.verb, **changes))
        changed = replace(old_service, screens={**old_service.screens, screen_id: new})
        return replace(small, services={**small.services, service_id: changed})

    return edit
