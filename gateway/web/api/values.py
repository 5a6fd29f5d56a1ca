"""The values of the API as they travel: strict where they come in, documented where they go out."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from gateway.backoffice.webhooks import CASE_MAX, MESSAGE_MAX, QUESTION_MAX
from gateway.messages import CampaignState, Category, Decision, SubmissionState
from gateway.usecases.api_notifications import MOST, State

_M = Meta
#: Ids of rows: a database takes no more.
_BIGGEST = 2**63 - 1
OwnReference = Annotated[
    str,
    _M(
        min_length=1,
        max_length=64,
        pattern="^[ -~]+$",
        description="Your own reference: printable ASCII. It may repeat; it is shown to your institution's people, so "
        "put no name and no phone number in it.",
        examples=["lettre-2026-0417"],
    ),
]
Value = Annotated[str, _M(max_length=500)]
Values = Annotated[
    dict[Annotated[str, _M(max_length=40)], Value],
    _M(max_length=40, description="What stands in the places of the template.", examples=[{"nom": "Awa"}]),
]
Number = Annotated[
    str,
    _M(
        min_length=1,
        max_length=32,
        description="A phone number: international, or as dialled in Bénin (old 8-digit numbers are converted).",
        examples=["+2290197000000"],
    ),
]
Language = Annotated[
    str, _M(pattern="^[a-z]{2,8}$", description="For whoever chose none; the template's first when left out.")
]
StartAt = Annotated[
    datetime,
    _M(
        tz=True,
        description="Not before this time, with its offset; at most 90 days ahead. The hours of the template's "
        "category hold in any case.",
        examples=["2026-12-01T09:00:00+01:00"],
    ),
]
Time = Annotated[datetime, _M(tz=True)]
TemplateId = Annotated[int, _M(ge=1, le=_BIGGEST, description="See `GET /templates`.", examples=[1])]
Limit = Annotated[int, _M(ge=1, le=500, description="How many at most.")]


class _In(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whatever comes in: what is not known is refused."""


class _Out(Struct, frozen=True, kw_only=True):
    """Whatever goes out."""


class NewNotification(_In, frozen=True):
    """One notification."""

    template_id: TemplateId
    to: Number
    values: Values = {}
    language: Language | None = None
    own_reference: OwnReference | None = None
    start_at: StartAt | None = None


class Recipient(_In, frozen=True):
    """Somebody to write to."""

    to: Number
    values: Values = {}
    language: Language | None = None
    own_reference: OwnReference | None = None


class NewNotifications(_In, frozen=True):
    """Many notifications from one template."""

    template_id: TemplateId
    recipients: Annotated[list[Recipient], _M(min_length=1, max_length=MOST)]
    language: Language | None = None
    own_reference: OwnReference | None = None
    start_at: StartAt | None = None
    part: Annotated[
        bool, _M(description="Write to those who can be written to, although others cannot: `refused` says why.")
    ] = False


class Notification(_Out, frozen=True):
    """A notification and what became of it. The number is masked."""

    id: Annotated[str, _M(examples=["0f6c1b7e2d3a4f5b8c9d0e1f2a3b4c5d-1"])]
    campaign: str
    own_reference: str | None
    to: Annotated[str, _M(examples=["+22901******00"])]
    state: State
    code: Annotated[str, _M(description="Why, as words that do not change; empty when there is nothing to say.")]
    detail: Annotated[str, _M(description="The same as a sentence, which may change.")]
    language: str
    segments: Annotated[int, _M(description="SMS that it takes.")]
    cost_f: Annotated[int, _M(description="F CFA.")]
    updated_at: Time | None


class Notifications(_Out, frozen=True):
    """A page of notifications; `next` is what to ask for `after` next time, None on the last page."""

    notifications: list[Notification]
    next: Annotated[int, _M(ge=0)] | None


class NotificationsQuery(_In, frozen=True):
    """Which notifications: those of a reference of yours, or of a campaign. One of both is given."""

    own_reference: OwnReference | None = None
    campaign: Annotated[str, _M(min_length=1, max_length=40)] | None = None
    after: Annotated[int, _M(ge=0, le=_BIGGEST, description="`next` of the page before.")] = 0
    limit: Limit = 100


class Campaign(_Out, frozen=True):
    """Many notifications from one template, counted."""

    id: str
    own_reference: str | None
    state: CampaignState
    detail: Annotated[str, _M(description="The state as a sentence.")]
    live: bool
    template: str
    template_version: int
    rows: Annotated[dict[str, int], _M(description="How many recipients are in each state of the check.")]
    sms: Annotated[dict[str, int], _M(description="What became of the SMS, in words.")]
    segments: int
    cost_f: int
    budget_left_f: Annotated[int, _M(description="F CFA left of the institution's month.")]
    opens_at: Annotated[datetime, _M(tz=True, description="When the first may leave.")]
    created_at: Time


class Sent(_Out, frozen=True):
    """A campaign and its notifications, in the order of the recipients."""

    campaign: Campaign
    notifications: list[Notification]


class TemplateLine(_Out, frozen=True):
    """A template that can be sent."""

    id: int
    name: str
    category: Category
    version: int
    languages: list[str]


class Templates(_Out, frozen=True):
    templates: list[TemplateLine]


class Template(_Out, frozen=True):
    """A template as its latest version says."""

    id: int
    name: str
    category: Category
    version: int
    texts: Annotated[dict[str, str], _M(description="By language, places in braces.")]
    placeholders: Annotated[dict[str, int], _M(description="Place -> the greatest size of its value.")]
    needed: Annotated[list[str], _M(description="Places that every recipient needs a value for.")]


class Submission(_Out, frozen=True):
    """A submission without what the citizen wrote."""

    reference: Annotated[str, _M(examples=["482109375628"])]
    service: str
    system: str
    state: SubmissionState
    submitted_at: Time
    promised_on: date | None
    in_hand_of: Annotated[str, _M(description="Who of your institution has it in hand; empty: nobody.")]


class Submissions(_Out, frozen=True):
    """A page of submissions; `next` is what to ask for `after` next time, None on the last page."""

    submissions: list[Submission]
    next: str | None


class SubmissionsQuery(_In, frozen=True):
    """Which submissions, in the order in which they were filed."""

    state: SubmissionState | None = None
    service: Annotated[str, _M(min_length=1, max_length=64)] | None = None
    after: Annotated[str, _M(pattern="^[0-9]{12}$", description="`next` of the page before.")] | None = None
    limit: Limit = 100


class Applicant(_Out, frozen=True):
    """Who a submission is of, and how sure that is."""

    msisdn: str
    assurance: str
    language: str
    on_behalf: Annotated[str, _M(description="How the person agreed for whom somebody else dialled; empty: herself.")]
    relation: str
    helper_msisdn: Annotated[str, _M(description="Who dialled, when it was for somebody else.")]


class Said(_Out, frozen=True):
    """What was asked or said about a submission; `text` by language, under an empty one what the citizen wrote."""

    at: Time
    kind: Literal["question", "answer", "correction"]
    text: dict[str, str]


class Entry(_Out, frozen=True):
    """One entry of its history."""

    at: Time
    kind: str
    code: str


class FullSubmission(_Out, frozen=True):
    """A submission with what the citizen wrote; `applicant` and `fields` are null once her data were erased."""

    submission: Submission
    applicant: Applicant | None
    fields: dict[str, str | int] | None
    said: list[Said]
    history: list[Entry]


CaseNumber = Annotated[str, _M(max_length=CASE_MAX, description="Your own number of the file.", examples=["EC-77"])]


class Acknowledgement(_In, frozen=True):
    """That the institution takes the submission, or works on it."""

    case_number: CaseNumber = ""


class Question(_In, frozen=True):
    """What the institution needs to know from the citizen, in French, and in English where you can."""

    question: Annotated[
        dict[Literal["fr", "en"], Annotated[str, _M(min_length=1, max_length=QUESTION_MAX)]],
        _M(min_length=1, examples=[{"fr": "Joindre la copie du statut"}]),
    ]
    answer_by: Annotated[datetime, _M(tz=True, description="Until when you wait, with its offset.")] | None = None
    case_number: CaseNumber = ""


class NewDecision(_In, frozen=True):
    """The institution's decision, told to the citizen by SMS with these words."""

    decision: Decision
    message: Annotated[
        dict[Literal["fr", "en"], Annotated[str, _M(min_length=1, max_length=MESSAGE_MAX)]],
        _M(examples=[{"fr": "A retirer au guichet 3"}]),
    ] = {}
    case_number: CaseNumber = ""


class EventsQuery(_In, frozen=True):
    """Where to begin."""

    after: Annotated[int, _M(ge=0, le=_BIGGEST, description="`next` of the call before; 0: from the beginning.")] = 0
    limit: Limit = 100


class Event(_Out, frozen=True):
    """One thing that happened. `id` is the `webhook-id` of the webhook that told it."""

    id: str
    type: Annotated[str, _M(examples=["notification.delivered"])]
    timestamp: Time
    data: dict[str, str | int | None]


class Events(_Out, frozen=True):
    """Events in their order, each once. `more`: ask again at once."""

    events: list[Event]
    next: Annotated[int, _M(ge=0)]
    more: bool
