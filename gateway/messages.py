"""Channel-neutral values: what every aggregator says, in our words. Nothing here does anything."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class UssdEvent(StrEnum):
    """What the aggregator reports about a dialogue."""

    NEW = "new"  #: the citizen dialled the service code
    INPUT = "input"  #: the citizen answered the screen
    CUMULATIVE = "cumulative"  #: the channel repeats the whole transcript; only a diff tells new from input


@dataclass(frozen=True, slots=True)
class UssdTurn:
    """One delivery of one turn of a USSD dialogue.

    `text` is the whole transcript (inputs joined by `*`) when `event` is CUMULATIVE, the dial tail when it
    is NEW (`21*3` for `*229*21*3#`, else empty), the last input alone when it is INPUT.
    `turn_id` is what the aggregator names this turn by (a sequence or a request id); None when it names nothing.
    `network` is the operator's code as the callback gives it (never guessed from the prefix), or "".
    """

    channel: str
    session_id: str
    msisdn: str = field(repr=False)
    service_code: str
    event: UssdEvent
    text: str = field(repr=False)
    turn_id: str | None = None
    network: str = ""
    #: as received, where it is not E.164: some aggregators want it back in the reply just so
    number_given: str = field(default="", repr=False)
    imsi: str = field(default="", repr=False)  #: the SIM's identity where the channel names it


@dataclass(frozen=True, slots=True)
class UssdReply:
    """What the handset shows; `final` closes the dialogue."""

    text: str = field(repr=False)
    final: bool


class EndStatus(StrEnum):
    """How the aggregator says a dialogue ended."""

    COMPLETED = "completed"  #: our last screen was shown
    DROPPED = "dropped"  #: closed while an answer was expected (time-out, cancel, lost network)
    FAILED = "failed"  #: the aggregator could not use our answer


@dataclass(frozen=True, slots=True)
class UssdEnd:
    """The end of a dialogue, as a separate event or as an abort signal on the turn's own route."""

    channel: str
    session_id: str
    status: EndStatus
    duration_ms: int | None = None
    turns: int | None = None
    cost: str = ""


class Category(StrEnum):
    """What an SMS is to the citizen: it decides what she may refuse and what a ceiling may stop."""

    VITAL = "vital"  #: récépissés, decisions, codes: cannot be refused, is counted and never stopped
    REPLY = "reply"  #: answers what she has just sent: cannot be refused, a ceiling stops it
    PROCEDURE = "procedure"  #: how her own demands go on
    INFORMATION = "information"  #: campaigns, topics


class Role(StrEnum):
    """What a person may do in the console: an administrator and an auditor everywhere, others in one institution."""

    READER = "reader"  #: sees notifications and demands of the institution, masked
    SENDER = "sender"  #: prepares and sends
    AUTHOR = "author"  #: writes templates
    APPROVER = "approver"  #: lets go what a sender prepared, never his own
    CASE_WORKER = "case_worker"  #: reads demands, asks, decides
    MANAGER = "manager"  #: people, API keys and budget of the institution
    ADMINISTRATOR = "administrator"  #: institutions' managers, limits, stops; reads no content, approves nothing
    AUDITOR = "auditor"  #: reads who did what, everywhere; no content


class CampaignState(StrEnum):
    """The life of a notification, of one number or of a hundred thousand."""

    CHECKING = "checking"  #: new: its rows are read and checked, step by step
    READY = "ready"  #: checking | waiting -> ready: every figure is known; waits for its sender's word
    REFUSED = "refused"  #: checking -> refused: nothing in it can be sent
    WAITING = "waiting"  #: ready -> waiting: another person must approve it
    SENDING = "sending"  #: ready | waiting -> sending: rows become SMS, step by step, in the allowed hours
    DONE = "done"  #: sending -> done: every row became an SMS or never will
    STOPPED = "stopped"  #: any but refused -> stopped: what has not left never will


class RowState(StrEnum):
    """What becomes of one row of a campaign; the SMS has states of its own."""

    GOOD = "good"  #: can be sent
    WRONG = "wrong"  #: cannot: its code and cell say why
    DUPLICATE = "duplicate"  #: the number stands in an earlier row
    LEFT_OUT = "left_out"  #: the citizen wants no such SMS, or no sender reaches her
    WRITTEN = "written"  #: good -> written: its SMS is stored


@dataclass(frozen=True, slots=True)
class MoSms:
    """One SMS that a citizen sent. `to` is the short code it was sent to; `sent_at` as the aggregator dates it."""

    channel: str
    external_id: str
    msisdn: str = field(repr=False)
    to: str
    text: str = field(repr=False)
    sent_at: datetime | None = None
    network: str = ""


@dataclass(frozen=True, slots=True)
class OptOut:
    """A citizen told the aggregator that she wants nothing more from a sender of ours; "" when it names none."""

    channel: str
    sender: str
    msisdn: str = field(repr=False)


class MtState(StrEnum):
    """The life of one SMS we send. States only move forward, except that a late *delivered* is always believed."""

    CREATED = "created"  #: stored, waits in its lane; sending -> created: it surely did not leave, and is tried again
    SENDING = "sending"  #: created -> sending: the call is about to leave; never claimed again
    ACCEPTED = "accepted"  #: sending -> accepted: the aggregator took it and gave its id
    SENT = "sent"  #: accepted -> sent: the operator has it
    DELIVERED = "delivered"  #: any state -> delivered: a report says it arrived (see the channel's `dlr`)
    FAILED_TEMPORARY = "failed_temporary"  #: absent subscriber and the like; a later report may still settle it
    FAILED_PERMANENT = "failed_permanent"  #: will never arrive: unknown subscriber, refused by the network
    REJECTED = "rejected"  #: sending -> rejected: the aggregator refused it at once, nothing left
    EXPIRED = "expired"  #: its validity ended before it was delivered (before or after leaving us)
    NO_REPORT = "no_report"  #: accepted | sent -> no_report: validity passed and no report came
    #: sending -> unknown: it may have left; settled by a report or a person, never resent. After a restore also from
    #: created: it may have left after the backup was made.
    UNKNOWN = "unknown"
    SUPPRESSED = "suppressed"  #: created -> suppressed: the citizen refused such messages before it left


@dataclass(frozen=True, slots=True)
class MtSms:
    """One text for one or more recipients, ready to leave; `sender` is a sender id or short code, "" the default."""

    channel: str
    sender: str
    text: str = field(repr=False)
    recipients: tuple[str, ...] = field(repr=False)


class SendOutcome(StrEnum):
    """What one recipient's answer means for us."""

    ACCEPTED = "accepted"
    RETRY = "retry"  #: surely not sent: may be tried again
    REJECTED = "rejected"  #: surely not sent and never will be
    STOP = "stop"  #: surely not sent; nothing on this channel will leave until a person acts (no credit, bad key)
    UNKNOWN = "unknown"  #: it may have left; never resent by itself


@dataclass(frozen=True, slots=True)
class SendResult:
    """The aggregator's answer for one recipient. `code` is a short stable word for logs and statistics."""

    msisdn: str = field(repr=False)
    outcome: SendOutcome
    external_id: str | None = None
    code: str = ""
    cost: str = ""
    retry_after_s: int | None = None


@dataclass(frozen=True, slots=True)
class Dlr:
    """One delivery report. `state` is None when the aggregator's status word is unknown to us."""

    channel: str
    external_id: str
    state: MtState | None
    raw_status: str
    reason: str = ""
    msisdn: str | None = field(default=None, repr=False)
    network: str = ""
    gone: bool = False  #: it says that the number has no subscriber (any more)


@dataclass(frozen=True, slots=True)
class SimAnswer:
    """What an operator answers when it is asked about a SIM; `swapped_at` None: not changed, as far as it knows."""

    channel: str
    request_id: str
    swapped_at: datetime | None
    readable: bool = True  #: False: it could not say
    undated: bool = False  #: the SIM was changed, and the answer does not say when; not readable then


class SubmissionState(StrEnum):
    """The life of a submission. "Open" is any state from which an answer may still come."""

    PROPOSED = "proposed"  #: stored for somebody else, whose number has not agreed yet; nobody else sees it
    RECEIVED = "received"  #: new, or proposed -> received: its récépissé is on its way; waits to be handed over
    QUEUED = "queued"  #: received -> queued: it lies where the institution will find it: a day's file, an agents' inbox
    DELIVERED = "delivered"  #: received | queued -> delivered: its system has it and has not said yet that it takes it
    ACKNOWLEDGED = "acknowledged"  #: -> acknowledged: the institution took it
    #: -> in_progress: somebody works on it; more_needed -> in_progress: she answered, or the time to answer is over
    IN_PROGRESS = "in_progress"
    MORE_NEEDED = "more_needed"  #: -> more_needed: the institution asked the citizen something and waits for the answer
    GRANTED = "granted"  #: open -> granted: the institution decided in favour; what was asked for is ready
    REFUSED = "refused"  #: open -> refused: the institution decided against, or would not take it
    DEAD = "dead"  #: received -> dead: it could not be handed over; a person must look (`gateway submissions dead`)
    WITHDRAWN = "withdrawn"  #: open -> withdrawn: by whoever it is for, or she never agreed


class OnBehalf(StrEnum):
    """How somebody else's demand came from this phone."""

    AGREED = "agreed"  #: the number of the person it is for answered that it agrees
    DECLARED = "declared"  #: the person has no phone: who dialled says so, and the document is handed over in person


class Decision(StrEnum):
    GRANTED = "granted"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class BackofficeRequest:
    """A submission as a back office receives it. `idempotency_key` is the same on every attempt."""

    idempotency_key: str
    reference: str
    service: str
    submitted_at: datetime
    promised_on: str  #: ISO date, "" when none is promised
    language: str
    msisdn: str = field(repr=False)
    assurance: str
    fields: dict[str, str | int] = field(repr=False)
    on_behalf: OnBehalf | None = None
    relation: str = field(default="", repr=False)
    helper_msisdn: str = field(default="", repr=False)  #: who dialled, when it was for somebody else


class HandOver(StrEnum):
    """What a back office's answer to a submission means."""

    ACCEPTED = "accepted"
    DELIVERED = "delivered"  #: its system has it; whether the institution takes it is said later
    QUEUED = "queued"  #: it lies where the institution will find it
    REJECTED = "rejected"  #: it will never take it: tell the citizen why
    RETRY = "retry"  #: try again later; the idempotency key makes that safe


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the way to a system gives as proof that a message was exchanged (X-Road)."""

    message_id: str  #: where its servers' logs have it
    digest: str  #: of the request, as the other side's server signed it


@dataclass(frozen=True, slots=True)
class BackofficeAnswer:
    outcome: HandOver
    case_number: str = ""  #: the institution's own number of the file
    code: str = ""  #: short stable word for logs
    reason: dict[str, str] = field(default_factory=dict, repr=False)  #: by language, for the citizen
    retry_after_s: int | None = None
    misconfigured: bool = False  #: nobody decided: the way to the system is wrong, and a person must look
    evidence: Evidence | None = None
    events: tuple[BackofficeEvent, ...] = ()  #: what it told in the same breath, beyond having taken it


class StatementKind(StrEnum):
    """What a citizen tells the institution about a demand that it already has."""

    ANSWER = "answer"  #: to what it asked
    CORRECTION = "correction"  #: of what she said in the demand, unasked


@dataclass(frozen=True, slots=True)
class BackofficeStatement:
    """What a citizen says about her demand, as a back office receives it; the key is the same on every attempt."""

    idempotency_key: str
    reference: str
    service: str
    kind: StatementKind
    text: str = field(repr=False)
    said_at: datetime
    question_id: str = ""  #: the institution's own id of the event that asked, "" for a correction
    case_number: str = ""  #: the institution's own number of the file, "" when it gave none


@dataclass(frozen=True, slots=True)
class BackofficeReminder:
    """The promised date has passed without a decision: told once to the institution."""

    idempotency_key: str
    reference: str
    service: str
    promised_on: str  #: ISO date
    case_number: str = ""


class EventType(StrEnum):
    """What an institution may tell about a submission."""

    DELIVERED = "submission.delivered"
    ACKNOWLEDGED = "submission.acknowledged"
    IN_PROGRESS = "submission.in_progress"
    MORE_NEEDED = "submission.more_needed"
    DECIDED = "submission.decided"


@dataclass(frozen=True, slots=True)
class BackofficeEvent:
    """What an institution tells about a submission: by signed webhook, by an answer to a poll, by a file, at a desk."""

    system: str
    event_id: str  #: the same when it is told again
    type: EventType
    reference: str
    occurred_at: datetime | None  #: by the institution's clock; None: we read it when it was there, in its order
    case_number: str = ""
    decision: Decision | None = None
    message: dict[str, str] = field(default_factory=dict, repr=False)  #: by language, for the citizen
    question: dict[str, str] = field(default_factory=dict, repr=False)  #: by language, with MORE_NEEDED
    answer_by: datetime | None = None  #: until when the institution waits for the answer; None: as long as it takes
