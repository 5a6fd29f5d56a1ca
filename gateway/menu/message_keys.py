"""The keys of menus/messages.yaml: where each sentence is said, and the greatest size of what stands in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from gateway.settings import APPEAL_SIZE

Kind = Literal["error", "word", "closing", "sms"]


@dataclass(frozen=True, slots=True)
class MessageKey:
    """`kind`: above a question, a word, a closing screen, or an SMS.

    `sizes`: placeholder -> greatest size in characters. `segments`: how many of an SMS it may take with these.
    """

    kind: Kind
    sizes: Mapping[str, int] = field(default_factory=dict)
    segments: int = 1
    answers_mo: bool = False  #: only ever said from a number that citizens can text to


REFERENCE_SIZE = 14  # "4821 0937 5628"
PROMISED_DATE_SIZE = 5  # "26/11"
CODE_SIZE = 10  # "*229*1234#"
#: A service's short title, so that a récépissé stays one segment.
SERVICE_SIZE = 22

_CODE = {"code": CODE_SIZE}
_DEMAND = {"reference": REFERENCE_SIZE, "code": CODE_SIZE}
_DEMAND_OF = {"service": SERVICE_SIZE, **_DEMAND}
_PROOF = {**_DEMAND, "date": 10, "time": 5, "verification": 6}
_PROMISE = {"promised_date": PROMISED_DATE_SIZE}
SHORT_CODE_SIZE = 8  # "22900"
#: The words of a help SMS; more are left out by whoever composes it.
HELP_WORDS_SIZE = 80
#: Why a service is closed, in the operator's words.
REASON_SIZE = 60
_RESUME = {"service": SERVICE_SIZE, "short": SHORT_CODE_SIZE, "resume": REFERENCE_SIZE, **_CODE}
#: What an institution writes in a decision or a refusal; longer is visibly cut by whoever composes the SMS.
INSTITUTION_TEXT_SIZE = 200
#: What an institution is called, and what it asks: with how to answer, two segments hold them.
INSTITUTION_SIZE = 24
QUESTION_SIZE = 160
_QUESTION = {"institution": INSTITUTION_SIZE, "question": QUESTION_SIZE, "otc": 6, **_DEMAND}
_UNTIL = {"date": 5, "time": 5}
_APPEAL = {"appeal": APPEAL_SIZE}

_ERRORS: dict[str, dict[str, int]] = {
    "error_choice": {},
    "error_lost": {},
    "error_empty": {},
    "error_text": {},
    "error_too_long": {"maximum": 3},
    "error_too_short": {"minimum": 3},
    "error_digits": {},
    "error_digits_length": {"length": 5},
    "error_amount": {},
    "error_amount_low": {"minimum": 11},
    "error_amount_high": {"maximum": 11},
    "error_date": {"forms": 24},
    "error_date_future": {},
    "error_msisdn": {},
    "error_npi": {},
    "error_ifu": {},
    "error_reference": {},
    "error_secret": {},
    "error_pattern": {},
    "error_search": {},
    "error_code": {},
    "error_code_expired": {},
}
_WORDS = (
    "key_back", "key_home", "key_more", "word_or", "word_yes", "word_no", "date_day", "date_month", "date_year",
    "search_hint", "unverified", "word_wrong", "word_right",
    "state_proposed", "state_received", "state_queued", "state_delivered", "state_acknowledged", "state_in_progress",
    "state_more_needed", "state_granted", "state_refused", "state_dead", "state_withdrawn", "state_closed",
    "notice_go_on", "resume_yes", "resume_no", "resume_other",
    "category_vital", "category_procedure", "category_information",
)  # fmt: skip

_ANSWERS: dict[str, dict[str, int]] = {
    "sms_help": {"words": HELP_WORDS_SIZE, **_CODE},
    "sms_unknown": _CODE,
    "sms_did_you_mean": {"word": 24},
    "sms_bad_argument": {"usage": 100},
    "sms_stop_all": _CODE,
    "sms_stop_category": {"what": 40, **_CODE},
    "sms_nothing_to_resume": _CODE,
    "sms_resume_code_wrong": _CODE,
    "sms_dialogue_over": _CODE,
    "sms_service_stopped": _CODE,
    "sms_service_closed": {"reason": REASON_SIZE, **_CODE},
    "sms_service_closed_until": {"reason": REASON_SIZE, "day": 5, "time": 5, **_CODE},
    "sms_privacy": _CODE,
    "sms_agree_code": {},
    "sms_agree_wrong": {},
    "sms_answer_taken": {"institution": INSTITUTION_SIZE, **_DEMAND},
    "sms_answer_again": _CODE,
    "sms_answer_over": _CODE,
    "sms_answer_wrong": _CODE,
    "sms_answer_tries": _CODE,
    "sms_answer_too_long": {"maximum": 3},
}

MESSAGES: Mapping[str, MessageKey] = {
    **{key: MessageKey("error", sizes) for key, sizes in _ERRORS.items()},
    **{key: MessageKey("word") for key in _WORDS},
    "resume_offer": MessageKey("closing", {"service": SERVICE_SIZE}),
    "privacy_notice": MessageKey("closing", _CODE),
    "code_ask": MessageKey("closing", _CODE),
    "code_too_many": MessageKey("closing", _CODE),
    "code_new_sim": MessageKey("closing", _CODE),
    "code_over": MessageKey("closing", _CODE),
    "agree_not_asked": MessageKey("closing", _CODE),
    "agree_too_many": MessageKey("closing", _CODE),
    "too_many_identifiers": MessageKey("closing", _CODE),
    "too_many_references": MessageKey("closing", _CODE),
    "service_stopped": MessageKey("closing", _CODE),
    "service_closed": MessageKey("closing", {"reason": REASON_SIZE, **_CODE}),
    "service_closed_until": MessageKey("closing", {"reason": REASON_SIZE, "day": 5, "time": 5, **_CODE}),
    "unavailable": MessageKey("closing"),
    "unavailable_stored": MessageKey("closing", _DEMAND),
    "busy": MessageKey("closing"),
    "foreign_number": MessageKey("closing"),
    "interrupted": MessageKey("closing", _CODE),
    "expired": MessageKey("closing", _CODE),
    "too_many_turns": MessageKey("closing", _CODE),
    "too_long": MessageKey("closing", _CODE),
    "receipt": MessageKey("sms", {**_PROOF, **_PROMISE, "service": SERVICE_SIZE}),
    "receipt_no_promise": MessageKey("sms", {**_PROOF, "service": SERVICE_SIZE}),
    "receipt_sensitive": MessageKey("sms", {**_PROOF, **_PROMISE}),
    "receipt_sensitive_no_promise": MessageKey("sms", _PROOF),
    "acknowledged": MessageKey("sms", _DEMAND_OF),
    "acknowledged_case": MessageKey("sms", {**_DEMAND_OF, "case": 24}),
    "acknowledged_sensitive": MessageKey("sms", _DEMAND),
    "in_progress": MessageKey("sms", _DEMAND_OF),
    "in_progress_sensitive": MessageKey("sms", _DEMAND),
    "question_ask": MessageKey("sms", _QUESTION, 2, answers_mo=True),
    "question_ask_until": MessageKey("sms", {**_QUESTION, **_UNTIL}, 2, answers_mo=True),
    "question_dial": MessageKey("sms", _QUESTION, 2),
    "question_dial_until": MessageKey("sms", {**_QUESTION, **_UNTIL}, 2),
    "question_sensitive": MessageKey("sms", _DEMAND),
    "question_sensitive_until": MessageKey("sms", {**_DEMAND, **_UNTIL}),
    "decided_granted": MessageKey("sms", _DEMAND_OF),
    "decided_granted_message": MessageKey("sms", {**_DEMAND_OF, "message": INSTITUTION_TEXT_SIZE}, 2),
    "decided_refused": MessageKey("sms", _DEMAND_OF),
    "decided_refused_message": MessageKey("sms", {**_DEMAND_OF, "message": INSTITUTION_TEXT_SIZE}, 2),
    "decided_refused_appeal": MessageKey("sms", {**_DEMAND_OF, **_APPEAL}, 2),
    "decided_refused_message_appeal": MessageKey("sms", {**_DEMAND_OF, **_APPEAL, "message": INSTITUTION_TEXT_SIZE}, 3),
    "decided_sensitive": MessageKey("sms", _DEMAND),
    "not_accepted": MessageKey("sms", _DEMAND_OF),
    "not_accepted_reason": MessageKey("sms", {**_DEMAND_OF, "reason": INSTITUTION_TEXT_SIZE}, 2),
    "not_accepted_appeal": MessageKey("sms", {**_DEMAND_OF, **_APPEAL}, 2),
    "not_accepted_reason_appeal": MessageKey("sms", {**_DEMAND_OF, **_APPEAL, "reason": INSTITUTION_TEXT_SIZE}, 3),
    "not_accepted_sensitive": MessageKey("sms", _DEMAND),
    "late": MessageKey("sms", {**_DEMAND_OF, **_PROMISE}),
    "late_sensitive": MessageKey("sms", {**_DEMAND, **_PROMISE}),
    "resume_sms": MessageKey("sms", _RESUME),
    "code_sms": MessageKey("sms", {"otc": 6, "service": SERVICE_SIZE}),
    "no_answer": MessageKey("sms", {"service": SERVICE_SIZE, **_CODE}),
    "withdrawn_sms": MessageKey("sms", _DEMAND_OF),
    "withdrawn_sensitive": MessageKey("sms", _DEMAND),
    "moved_away": MessageKey("sms", _DEMAND),
    "agree_ask": MessageKey("sms", {"helper": 18, "service": SERVICE_SIZE, "otc": 4}, answers_mo=True),
    "agree_over": MessageKey("sms", _DEMAND_OF),
    "receipt_helper": MessageKey("sms", _DEMAND_OF),
    **{key: MessageKey("sms", sizes, answers_mo=True) for key, sizes in _ANSWERS.items()},
}  # fmt: skip
