"""Names of kept values: every one that is shown, compared or sent was kept before, on every path."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.menu import expressions, graph, templates
from gateway.menu.catalogue import CATALOGUE_LIST
from gateway.menu.expressions import BUILTIN_NAMES
from gateway.menu.inspection import Inspection, texts
from gateway.menu.load import CATALOGUE
from gateway.menu.model import (
    Ask,
    Branch,
    CallHandler,
    Do,
    Expression,
    Lookup,
    Mark,
    Pick,
    Screen,
    Service,
    Submit,
    Text,
)
from gateway.menu.sizes import kept
from gateway.menu.templates import CataloguePlaceholder, Placeholder
from gateway.menu.typed import near
from gateway.text import transliterate

#: `{code}` is the service code.
BUILTIN_PLACEHOLDERS = frozenset({"code"})
#: How many ids of a list a hint names.
_IDS_SAID = 8
RESERVED = BUILTIN_PLACEHOLDERS | BUILTIN_NAMES | {"catalogue"}


def check_values(inspection: Inspection) -> None:
    """Every use of a name in every service that was wholly read."""
    for service in inspection.sound():
        _Names(inspection, service).check()


class _Names:
    """The names of one service: `kept` anywhere with their sizes, `before` each screen for sure."""

    def __init__(self, inspection: Inspection, service: Service) -> None:
        self.inspection = inspection
        self.service = service
        self.kept: Mapping[str, int] = kept(service)
        self.before = graph.kept_before(service)
        self.listed = _listed(inspection, service)
        self.procedures = {
            screen.verb.save
            for screen in service.screens.values()
            if isinstance(screen.verb, Pick) and screen.verb.source == CATALOGUE_LIST
        }

    def check(self) -> None:
        for screen in self.service.screens.values():
            self._reserved(screen)
            if screen.id not in self.before:
                continue  # said to be unreachable
            for text in texts(screen):
                for language, template in text.by_language.items():
                    self._template(screen, template, text.at(language))
                for template in (text.sms or {}).values():
                    self._template(screen, template, text.mark)
            for choice in screen.choices:
                self._condition(choice.when)
            self._verb(screen)
        for title in (self.service.title, self.service.short_title):
            if title is not None:
                self._no_places(title)

    def _no_places(self, title: Text) -> None:
        """A title is said where nothing is kept yet."""
        for language, template in title.by_language.items():
            for name in _places(template):
                self.inspection.fault("unknown_value", title.at(language), name=name, near="")

    def _reserved(self, screen: Screen) -> None:
        verb = screen.verb
        names: tuple[str, ...] = ()
        if isinstance(verb, Ask | Pick):
            names = (verb.save,)
        elif isinstance(verb, Lookup | CallHandler):
            names = tuple(verb.saves)
        for name in names:
            if name in RESERVED or (name in self.procedures and name in self.inspection.menus.catalogue):
                self.inspection.fault("reserved_name", screen.mark, word=name)

    def _verb(self, screen: Screen) -> None:
        match screen.verb:
            case Submit() as submit:
                self._submit(screen, submit)
            case Lookup(args=args, mark=mark, later=later, saves=saves):
                for template in args.values():
                    self._template(screen, template, mark)
                for text in later.values():
                    self._only(text, {*saves, *BUILTIN_PLACEHOLDERS})
            case Pick(args=args, mark=mark) | Do(args=args, mark=mark):
                for template in args.values():
                    self._template(screen, template, mark)
            case Branch(cases=cases):
                for case in cases:
                    self._condition(case.when)

    def _only(self, text: Text, names: set[str]) -> None:
        """An SMS that brings a late answer has what the answer says, and nothing of the dialogue."""
        for language, template in text.by_language.items():
            for name in _places(template):
                if name not in names:
                    self.inspection.fault("unknown_value", text.at(language), name=name, near=near(name, names))

    def _submit(self, screen: Screen, submit: Submit) -> None:
        for name in submit.fields:
            self._value(screen, name, submit.mark)
        for name in submit.duplicate_by:
            if name not in submit.fields:
                self.inspection.fault("not_a_field", submit.mark, name=name, near=near(name, submit.fields))
        for name in filter(None, (submit.number, submit.relation)):
            if name not in self.kept:  # kept on some paths only: who asks for herself names nobody
                self.inspection.fault("unknown_value", submit.mark, name=name, near=near(name, self.kept))
        self._template(screen, submit.label, submit.mark)
        if self.service.keep_s is None and set(submit.fields) & self._personal():
            self.inspection.fault("missing_keep", self.service.mark)

    def _personal(self) -> set[str]:
        verbs = [screen.verb for screen in self.service.screens.values()]
        return {verb.save for verb in verbs if isinstance(verb, Ask | Pick) and verb.personal != "none"}

    def _template(self, screen: Screen, template: str, mark: Mark) -> None:
        for piece in templates.parse(template):
            if isinstance(piece, Placeholder) and piece.name not in BUILTIN_PLACEHOLDERS:
                self._value(screen, piece.name, mark)
            elif isinstance(piece, CataloguePlaceholder):
                self._entry(screen, piece.entry, mark)

    def _entry(self, screen: Screen, entry: str | None, mark: Mark) -> None:
        catalogue = self.inspection.menus.catalogue
        name = self.service.id if entry is None else entry
        if name in catalogue:
            return
        if entry in self.procedures:
            self._value(screen, name, mark)
        elif CATALOGUE not in self.inspection.unread:
            self.inspection.fault("missing_entry", mark, entry=name, near=near(name, [*catalogue, *self.procedures]))

    def _value(self, screen: Screen, name: str, mark: Mark) -> None:
        if name in self.before[screen.id]:
            return
        if name == "promised_date" and name in self.kept and self.service.promise_days is None:
            self.inspection.fault("no_promise", mark, service=self.service.id)
        elif name in self.kept:
            self.inspection.fault("not_always_saved", mark, name=name, screen=screen.id)
        else:
            self.inspection.fault("unknown_value", mark, name=name, near=near(name, self.kept))

    def _condition(self, condition: Expression | None) -> None:
        """A name may be kept on some paths only: a condition reads what is not kept as empty."""
        if condition is None:
            return
        for name in sorted(condition.names):
            if name not in self.kept and name not in BUILTIN_NAMES:
                known = [*self.kept, *BUILTIN_NAMES]
                self.inspection.fault("unknown_name", condition.mark, name=name, near=near(name, known))
        for name, word in expressions.compared(condition):
            if name in self.listed and word not in self.listed[name]:
                ids = sorted(self.listed[name])
                self.inspection.fault(
                    "unknown_item",
                    condition.mark,
                    name=word,
                    source=name,
                    known=", ".join(ids[:_IDS_SAID] + ["..."] * (len(ids) > _IDS_SAID)),
                    near=near(transliterate.fold(word), ids),
                )


def _listed(inspection: Inspection, service: Service) -> Mapping[str, frozenset[str]]:
    """The values that only lists give, with the ids of these; the language has its own."""
    listed: dict[str, frozenset[str]] = {"language": frozenset(inspection.menus.languages)}
    typed: set[str] = set()
    for screen in service.screens.values():
        verb = screen.verb
        if isinstance(verb, Pick) and verb.source in inspection.menus.lists:
            ids = frozenset(item.id for item in inspection.menus.lists[verb.source])
            listed[verb.save] = listed.get(verb.save, frozenset()) | ids
        elif isinstance(verb, Ask | Pick):
            typed.add(verb.save)
        elif isinstance(verb, Lookup | CallHandler):
            typed.update(verb.saves)
    return {name: ids for name, ids in listed.items() if ids and name not in typed}


def _places(template: str) -> tuple[str, ...]:
    return tuple(
        piece.name if isinstance(piece, Placeholder) else f"catalogue.{piece.part}"
        for piece in templates.parse(template)
        if not isinstance(piece, str)
    )
