"""Sources of the gateway itself: the citizen's own submissions, and the state of one."""

from __future__ import annotations

from gateway import logs
from gateway.engine.outcomes import Item, Lookup, LookupAnswer, Saved
from gateway.menu.model import Menus
from gateway.messages import OnBehalf, SubmissionState
from gateway.store import counters, holdings, submissions
from gateway.store.db import Connection, StoreUnavailable
from gateway.store.submissions import StoredSubmission
from gateway.text import reference
from gateway.usecases import holdings as held
from gateway.usecases import late, questions, withdrawals
from gateway.usecases.caller import Caller
from gateway.usecases.notices import service_of, short_title, state_word, words
from gateway.usecases.parts import Parts

UNAVAILABLE = LookupAnswer("unavailable")
CLOSED = (SubmissionState.GRANTED, SubmissionState.REFUSED, SubmissionState.WITHDRAWN)
_REFERENCES = "references"
#: The newest ones; older ones are read by their reference.
_LISTED = 20
#: What a list line shows (menu.model.Pick.maximum): the service's name gives way, never what tells demands apart.
_LINE_SIZE = 24


def my_submissions(parts: Parts, lookup: Lookup, caller: Caller, left_s: float) -> LookupAnswer:
    """The newest submissions of the calling number, as lines `Acte, ...4412, 12/11`; the id is the reference."""
    del lookup
    if left_s <= 0:
        return UNAVAILABLE
    try:
        with parts.database.read() as conn:
            holding = held.find(conn, parts, caller.msisdn, caller.imsi)
            mine = submissions.of_holding(conn, parts.seals, holding, _LISTED) if holding else ()
    except StoreUnavailable as error:
        return _unavailable("my_submissions", error)
    lines = tuple(Item(one.reference, _line(parts, one, caller.language)) for one in mine)
    return LookupAnswer("found", items=lines)


def submission_status(parts: Parts, lookup: Lookup, caller: Caller, left_s: float) -> LookupAnswer:
    """The state of `args["reference"]`: `own` with all that is known, `other` with the state word only, `unknown`."""
    number = reference.parse(str(lookup.args.get("reference", "")))
    if number is None:
        return LookupAnswer("unknown")
    if left_s <= 0:
        return UNAVAILABLE
    try:
        with parts.database.begin() as conn:
            found = submissions.by_reference(conn, parts.seals, number)
            own = found is not None and _is_own(conn, parts, found, caller)
            asked = questions.waiting(conn, parts, found, parts.now()) if found is not None and own else None
            if not own and not _may_look(conn, parts, caller):
                return LookupAnswer("unavailable", closing="too_many_references")
    except StoreUnavailable as error:
        return _unavailable("submission_status", error)
    if found is None or found.state is SubmissionState.PROPOSED:
        return LookupAnswer("unknown")
    menus = parts.shelf.current
    state = Saved(state_word(menus, found.state, caller.language, asked=asked is not None))
    if not own:
        return LookupAnswer("other", {"state_label": state})
    answer = "" if asked is None else "code" if found.sensitive else "yes"
    details = _details(parts, menus, found, caller.language)
    return LookupAnswer("own", {"state_label": state, "can_answer": Saved(answer), **details})


def _may_look(conn: Connection, parts: Parts, caller: Caller) -> bool:
    """Whether this number may look up one more reference that is not its own within the hour."""
    now = parts.now()
    hour = now.replace(minute=0, second=0, microsecond=0)
    number = holdings.digest_of(parts.seals, caller.msisdn).hex()
    most = parts.settings.limits.references_per_number_hour
    return counters.take(conn, _REFERENCES, number, hour, 1, most, now) is not None


def _is_own(conn: Connection, parts: Parts, found: StoredSubmission, caller: Caller) -> bool:
    return held.find(conn, parts, caller.msisdn, caller.imsi) == found.holding_id


def _details(parts: Parts, menus: Menus, found: StoredSubmission, language: str) -> dict[str, Saved]:
    service = service_of(parts, found)
    promised = found.promised_on
    return {
        "service_title": Saved(short_title(menus, service, language) if service else found.service),
        "late": Saved("yes" if late.is_late(parts, found, parts.now()) else ""),
        "promised_date": Saved(promised.isoformat(), f"{promised:%d/%m/%Y}") if promised else Saved(""),
        "case_number": Saved(found.case_number),
        "can_withdraw": Saved(_can_withdraw(parts, found)),
        "can_correct": Saved("yes" if questions.is_correctable(found) else ""),
        "decided_message": Saved(words(found.message, language, menus.languages[0])),
    }


def _can_withdraw(parts: Parts, found: StoredSubmission) -> str:
    """ "yes"; "new": later, as another number took it over lately; "": it cannot, or not by phone."""
    if found.state in CLOSED or found.on_behalf is OnBehalf.DECLARED:
        return ""
    return "new" if withdrawals.too_young(parts, found, parts.now()) else "yes"


def _line(parts: Parts, one: StoredSubmission, language: str) -> str:
    """A sensitive demand shows its reference in place of its service: others may look at this screen."""
    day = f"{one.submitted_at.astimezone(parts.zone):%d/%m}"
    service = service_of(parts, one)
    if one.sensitive or service is None:
        return f"{reference.show(one.reference)}, {day}"
    rest = ", ".join(part for part in (one.label, day) if part)
    room = _LINE_SIZE - len(rest) - len(", ")
    title = _whole_words(short_title(parts.shelf.current, service, language), room)
    return f"{title}, {rest}" if title else rest


def _whole_words(text: str, room: int) -> str:
    """As many whole words as fit: "Acte de naissance" in 8 is "Acte de", shown as "Acte"."""
    kept: list[str] = []
    for word in text.split():
        if len(" ".join([*kept, word])) > room:
            break
        kept.append(word)
    while kept and len(kept) < len(text.split()) and len(kept[-1]) <= 2:  # "de", "d", "of" say nothing last
        kept.pop()
    return " ".join(kept)


def _unavailable(source: str, error: StoreUnavailable) -> LookupAnswer:
    logs.event("lookup.unavailable", level="warning", source=source, why=error.why)
    return UNAVAILABLE
