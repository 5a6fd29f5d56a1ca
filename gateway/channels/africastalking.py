"""Africa's Talking: USSD callback and end event, SMS sending through its SDK, delivery reports.

Sources: the aggregator's documentation as third parties report it, and the SDK (PyPI africastalking 2.0.3) as it was
seen to behave. Nothing says that it sells USSD in Bénin, nor how it retries a callback.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import msgspec
from africastalking import SMSService

from gateway.channels import africastalking_insights, fields, form
from gateway.channels.base import ChannelDeclarationError, ChannelError, ChannelFault, HttpAnswer, Ignored
from gateway.messages import (
    Dlr,
    EndStatus,
    MoSms,
    MtSms,
    MtState,
    OptOut,
    SendOutcome,
    SendResult,
    SimAnswer,
    UssdEnd,
    UssdEvent,
    UssdReply,
    UssdTurn,
)
from gateway.outgoing import Answer, Client, NoAnswer, NotSent, origin_of
from gateway.settings import ChannelSettings
from gateway.text import msisdn

#: Ten parts of an SMS.
_MO_MAX = 1600
#: The whole transcript of a dialogue.
_TEXT_MAX = 2000
#: An answer for 1,000 recipients takes about 200 KiB; what is larger is not an answer.
_ANSWER_MAX = 1 << 20
#: A day: an aggregator that asks for longer is asked again anyway.
_RETRY_AFTER_MAX_S = 86_400
#: "KES 0.8000"
_COST_MAX = 32

_KEY = re.compile(r"[\x21-\x7e]{1,256}")


# The send answer, as far as it is used; every part may be missing or of another type.


class _Recipient(msgspec.Struct):
    number: Any = None
    statusCode: Any = None  # noqa: N815 - the aggregator's name
    status: Any = None
    cost: Any = None
    messageId: Any = None  # noqa: N815 - the aggregator's name


class _Message(msgspec.Struct):
    Message: str = ""
    Recipients: list[_Recipient] = []


class _SendAnswer(msgspec.Struct):
    SMSMessageData: _Message


_ANSWER = msgspec.json.Decoder(_SendAnswer)

# Status maps. Words are compared without case.

_END = {
    "success": EndStatus.COMPLETED,
    "incomplete": EndStatus.DROPPED,
    "failed": EndStatus.FAILED,
}

_DLR = {
    "sent": MtState.SENT,  # left the aggregator's network
    "submitted": MtState.SENT,  # handed to the operator
    "buffered": MtState.SENT,  # queued by the operator
    "success": MtState.DELIVERED,
    "absentsubscriber": MtState.FAILED_TEMPORARY,  # not marked final by the aggregator
    "expired": MtState.EXPIRED,
    "rejected": MtState.FAILED_PERMANENT,  # by the operator, so it did leave us
    "failed": MtState.FAILED_PERMANENT,
}

#: Words that the aggregator is known to spell in two ways.
_REASONS = {
    "userinblacklist": "UserInBlacklist",
    "notnetworksubcriber": "NotNetworkSubscriber",
    "notnetworksubscriber": "NotNetworkSubscriber",
}

#: The word for a number without a subscriber.
_GONE = "userdoesnotexist"

#: Of one recipient's statusCode, and of the same word where it answers for the whole call.
_NOT_ACCEPTED = {
    405: SendOutcome.STOP,
    "insufficientbalance": SendOutcome.STOP,
    500: SendOutcome.RETRY,
    "internalservererror": SendOutcome.RETRY,
    501: SendOutcome.RETRY,
    "gatewayerror": SendOutcome.RETRY,
}

#: Of an HTTP status other than 2xx; the rest is REJECTED.
_HTTP = {
    401: SendOutcome.STOP,
    429: SendOutcome.RETRY,
    500: SendOutcome.RETRY,
    502: SendOutcome.RETRY,
    503: SendOutcome.RETRY,
    504: SendOutcome.UNKNOWN,  # a proxy gave up waiting: the SMS may have left
}


class AfricasTalkingChannel:
    """One Africa's Talking account, safe to share between threads."""

    def __init__(self, name: str, settings: ChannelSettings, *, api_key: str | None, region: str) -> None:
        """Without an `api_key` nothing is sent. `ChannelDeclarationError` for settings that cannot be used."""
        self.name = name
        self._region = region
        self._per_call = max(1, settings.max_recipients_per_call)
        key = (api_key or "").strip()
        self._has_key = bool(key)
        faults = []
        if not settings.username:
            faults.append(f"channels.{name}.username: the account's name is missing")
        if key and not _KEY.fullmatch(key):
            faults.append(f"channels.{name}.api_key_env: the key holds characters that no key has")
        if settings.base_url is not None and not _is_address(settings.base_url):
            faults.append(f"channels.{name}.base_url: must look like https://host/version1")
        if faults:
            raise ChannelDeclarationError(faults)
        self._sms = _Sms(settings, key)
        self._insights = africastalking_insights.Insights(settings, key)

    def parse_ussd(self, body: bytes, content_type: str, query: str = "") -> UssdTurn:
        """One turn; its text is the whole transcript. Nothing names the turn: only a diff tells new from repeated."""
        del query
        received = form.parse(body, content_type)
        given = received.get("phoneNumber", "")
        return UssdTurn(
            channel=self.name,
            session_id=fields.session_id(received.get("sessionId", ""), "sessionId"),
            msisdn=fields.number(given, "phoneNumber", self._region),
            service_code=fields.service_code(received.get("serviceCode", ""), "serviceCode"),
            event=UssdEvent.CUMULATIVE,
            text=fields.answer(received.get("text", ""), "text", _TEXT_MAX),
            network=fields.network(received.get("networkCode", ""), "networkCode"),
        )

    def format_ussd(self, turn: UssdTurn, reply: UssdReply) -> HttpAnswer:
        """`CON ` or `END ` and the text. Anything before the prefix would end the dialogue with an error."""
        del turn
        text = ("END " if reply.final else "CON ") + reply.text
        return HttpAnswer(200, "text/plain; charset=utf-8", text.encode("utf-8", "replace"))

    def format_end(self) -> HttpAnswer:
        """An empty 200: only the status is read."""
        return HttpAnswer(200, "text/plain; charset=utf-8", b"")

    def parse_event(self, body: bytes, content_type: str) -> UssdEnd:
        """The end of a dialogue. A status word unknown to us is DROPPED: what was typed is then kept for later.

        The event repeats every input and our last screen; neither is read.
        """
        received = form.parse(body, content_type)
        return UssdEnd(
            channel=self.name,
            session_id=fields.session_id(received.get("sessionId", ""), "sessionId"),
            status=_END.get(received.get("status", "").casefold(), EndStatus.DROPPED),
            duration_ms=fields.whole_number(received.get("durationInMillis", "")),
            turns=fields.whole_number(received.get("hopsCount", "")),
            cost=received.get("cost", "")[:_COST_MAX],
        )

    def parse_mo(self, body: bytes, content_type: str) -> MoSms | Ignored:
        """One SMS; what comes from a name or a short code is no citizen's. A longer text than ten parts is cut.

        A date that cannot be read is none: losing the SMS for it would be worse.
        """
        received = form.parse(body, content_type)
        if not received.get("from"):
            raise ChannelError(ChannelFault.MISSING_FIELD, "from")
        number = _number_or_none(received["from"], self._region)
        if number is None:
            return Ignored()
        return MoSms(
            channel=self.name,
            external_id=fields.message_id(received.get("id", ""), "id"),
            msisdn=number,
            to=fields.short_code(received.get("to", ""), "to"),
            text=received.get("text", "")[:_MO_MAX],
            sent_at=_date_or_none(received.get("date", "")),
            network=fields.network(received.get("networkCode", ""), "networkCode"),
        )

    def parse_optout(self, body: bytes, content_type: str) -> OptOut:
        """Who wants nothing more, and from which of our senders, "" when it names none."""
        received = form.parse(body, content_type)
        number = fields.number(received.get("phoneNumber", ""), "phoneNumber", self._region)
        return OptOut(self.name, fields.word(received.get("senderId", "")), number)

    def parse_dlr(self, body: bytes, content_type: str) -> Dlr:
        """One delivery report; an unknown status word has no state, and is no error."""
        received = form.parse(body, content_type)
        status = received.get("status", "")
        reason = received.get("failureReason", "")
        number = received.get("phoneNumber", "")
        return Dlr(
            channel=self.name,
            external_id=fields.message_id(received.get("id", ""), "id"),
            state=_DLR.get(status.casefold()),
            raw_status=fields.word(status),
            reason=_REASONS.get(reason.casefold(), fields.word(reason)),
            msisdn=_number_or_none(number, self._region),
            network=fields.network(received.get("networkCode", ""), "networkCode"),
            gone=reason.casefold() == _GONE,
        )

    def ask_sim(self, number: str) -> str | None:
        """The aggregator's id of the question whether the SIM of `number` (E.164) was changed; None: not asked."""
        return self._insights.ask(number) if self._has_key else None

    def parse_sim(self, body: bytes, content_type: str) -> SimAnswer:
        """The answer to such a question."""
        return africastalking_insights.parse_sim(self.name, body, content_type)

    def send(self, sms: MtSms) -> tuple[SendResult, ...]:
        """One result for each recipient, in their order.

        A number that is not a valid E.164 is rejected here. More recipients than one call takes are sent in several
        calls; once a call says STOP, the next ones do not leave.
        """
        valid = [n for n in sms.recipients if _number_or_none(n, self._region) == n]
        results: dict[str, SendResult] = {}
        stopped = "" if self._has_key else "no_api_key"
        for start in range(0, len(valid), self._per_call):
            numbers = valid[start : start + self._per_call]
            if stopped:
                results |= _for_all(numbers, SendOutcome.STOP, stopped)
                continue
            results |= self._call(sms, numbers)
            stopped = next((results[n].code for n in numbers if results[n].outcome is SendOutcome.STOP), "")
        return tuple(
            results.get(n) or SendResult(n, SendOutcome.REJECTED, code="invalid_number") for n in sms.recipients
        )

    def _call(self, sms: MtSms, numbers: list[str]) -> dict[str, SendResult]:
        try:
            sms.text.encode()
        except UnicodeEncodeError:
            return _for_all(numbers, SendOutcome.REJECTED, "unsendable_text")
        try:
            answer: Answer = self._sms.send(sms.text, numbers, sms.sender or None)
        except NotSent:
            return _for_all(numbers, SendOutcome.RETRY, "not_sent")
        except NoAnswer:
            return _for_all(numbers, SendOutcome.UNKNOWN, "no_answer")
        if not 200 <= answer.status < 300:
            outcome = _HTTP.get(answer.status, SendOutcome.REJECTED)
            return _for_all(numbers, outcome, f"http_{answer.status}", _retry_after_s(answer.retry_after))
        return _read_answer(answer.body, numbers)


class _Sms(SMSService):  # type: ignore[misc]  # the SDK has no types
    """The SDK's SMS service over our own client: it would open a connection per call and hide the HTTP status."""

    def __init__(self, settings: ChannelSettings, key: str) -> None:
        super().__init__(settings.username, key)
        if settings.base_url is not None:
            self._baseUrl = self._contentUrl = settings.base_url.rstrip("/")
        self._client = Client(
            (self._baseUrl,),
            connect_timeout_s=settings.connect_timeout_s,
            read_timeout_s=settings.read_timeout_s,
            # An answer that drips byte by byte would hold its thread for ever.
            total_s=settings.connect_timeout_s + 2 * settings.read_timeout_s,
            max_bytes=_ANSWER_MAX,
        )

    def _make_request(
        self,
        url: str,
        method: str,
        headers: dict[str, str],
        data: dict[str, Any],
        params: None,
        callback: None = None,
        timeout: object = None,
    ) -> Answer:
        del method, params, callback, timeout  # sending is a POST, never asynchronous, under our own timeouts
        return self._client.post(url, headers, data)


def _is_address(url: str) -> bool:
    try:
        origin_of(url)
    except ValueError:
        return False
    return True


def _for_all(
    numbers: list[str], outcome: SendOutcome, code: str, retry_after_s: int | None = None
) -> dict[str, SendResult]:
    return {n: SendResult(n, outcome, code=code, retry_after_s=retry_after_s) for n in numbers}


def _read_answer(body: bytes, numbers: list[str]) -> dict[str, SendResult]:
    """Each recipient's own result in a 2xx answer; the content type is not asked, because it is not always right."""
    try:
        answer = _ANSWER.decode(body).SMSMessageData
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return _for_all(numbers, SendOutcome.UNKNOWN, "unreadable_answer")
    word = fields.word(answer.Message)
    if not answer.Recipients and word:  # one word for the whole call, like InvalidSenderId
        return _for_all(numbers, _NOT_ACCEPTED.get(word.casefold(), SendOutcome.REJECTED), word)
    results = _for_all(numbers, SendOutcome.UNKNOWN, "missing_recipient")
    for recipient in answer.Recipients:
        number = "+" + str(recipient.number).strip().lstrip("+")
        if number in results:
            results[number] = _read_recipient(number, recipient)
    return results


def _read_recipient(number: str, recipient: _Recipient) -> SendResult:
    status_code = fields.whole_number(str(recipient.statusCode))
    word = fields.word(str(recipient.status))
    if status_code is None:
        return SendResult(number, SendOutcome.UNKNOWN, code="unreadable_recipient")
    if not 100 <= status_code < 200:  # 100 processed, 101 sent, 102 queued
        outcome = _NOT_ACCEPTED.get(status_code, SendOutcome.REJECTED)
        return SendResult(number, outcome, code=word or str(status_code))
    try:
        external_id = fields.message_id(str(recipient.messageId or ""), "messageId")
    except ChannelError:
        external_id = None
    cost = str(recipient.cost or "")[:_COST_MAX]
    return SendResult(number, SendOutcome.ACCEPTED, external_id, word or str(status_code), cost)


def _retry_after_s(value: str) -> int | None:
    # The form with a date is left to the caller's own delay: it would need the clocks to agree.
    return min(int(value), _RETRY_AFTER_MAX_S) if value.isascii() and value.isdigit() else None


def _date_or_none(value: str) -> datetime | None:
    """`2017-05-03T06:04:45Z` or `2017-05-03 06:04:45`: the aggregator writes both, and means UTC."""
    try:
        read = datetime.fromisoformat(value.strip()[:40])
    except ValueError:
        return None
    try:
        return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (OverflowError, ValueError):  # the first and the last day of the calendar
        return None


def _number_or_none(number: str, region: str) -> str | None:
    try:
        return msisdn.normalise(number, region)
    except msisdn.MsisdnError:
        return None
