"""The JSON API of the phones: what the phone page, the terminal phone and the tests drive."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, request

from gateway.simulator.network import DialogueError
from gateway.simulator.phones import CONDITIONS, NETWORKS, Phone, Sms, Text
from gateway.simulator.switches import SwitchError, as_json
from gateway.simulator.world import World
from gateway.text.msisdn import MsisdnError, normalise

LONGEST_INPUT = 182  #: septets of one USSD message, as on the way down
LONGEST_TEXT = 1600  #: characters; the longest SMS that phones write has ten parts

api = Blueprint("api", __name__, url_prefix="/api")


class ApiError(Exception):
    """Answered as `{"error": code, "detail": sentence}`."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail = status, code, detail


@api.errorhandler(ApiError)
def _api_error(error: ApiError) -> tuple[Response, int]:
    return jsonify(error=error.code, detail=error.detail), error.status


@api.errorhandler(SwitchError)
def _switch_error(error: SwitchError) -> tuple[Response, int]:
    return jsonify(error="bad_switch", detail=str(error)), 400


@api.errorhandler(DialogueError)
def _dialogue_error(error: DialogueError) -> tuple[Response, int]:
    sentences = {
        "no_dialogue": "no dialogue is open: dial first",
        "reply_lost": "the last reply was lost: deliver the turn again, hang up, or dial",
    }
    return jsonify(error=error.code, detail=sentences[error.code]), 409


@api.before_request
def _same_site_only() -> None:
    """Another site's page must not drive the phones of a developer's machine."""
    if request.method != "GET" and request.headers.get("Sec-Fetch-Site", "none") not in (
        "same-origin",
        "none",
    ):
        raise ApiError(403, "cross_site", "only the simulator's own page may do this from a browser")


@api.get("/phones")
def list_phones() -> Response:
    return jsonify([_phone(phone) for phone in _world().phones.all()])


@api.get("/phones/<number>")
def show_phone(number: str) -> Response:
    return jsonify(_phone(_find(number)))


@api.post("/phones/<number>/dial")
def dial(number: str) -> Response:
    """`{"code": "*229#", "network": "mtn_madapi"}`; the network is else that of the phone."""
    body = _body()
    code, network = _word(body, "code"), _word(body, "network", required=False)
    phone = _find(number, network or None)
    _world().network.dial(phone, code)
    return jsonify(_turn(phone))


@api.post("/phones/<number>/answer")
def answer(number: str) -> Response:
    """`{"text": "1"}`; an empty text is an answer too."""
    phone = _find(number)
    _world().network.answer(phone, _word(_body(), "text", empty=True))
    return jsonify(_turn(phone))


@api.post("/phones/<number>/redeliver")
def redeliver(number: str) -> Response:
    """The last turn once more, as a network does that saw no reply; also after the last screen."""
    phone = _find(number)
    _world().network.redeliver(phone)
    return jsonify(_turn(phone))


@api.post("/phones/<number>/hangup")
def hang_up(number: str) -> Response:
    """`{"reason": "timed_out"}` when it is the network that closes a dialogue left waiting."""
    reason = _word(_body(), "reason", required=False) or "hung_up"
    if reason not in ("hung_up", "timed_out"):
        raise ApiError(400, "bad_reason", "reason is hung_up or timed_out")
    phone = _find(number)
    _world().network.hang_up(phone, "timed_out" if reason == "timed_out" else "hung_up")
    return jsonify(_turn(phone))


@api.get("/phones/<number>/inbox")
def inbox(number: str) -> Response:
    """Newest first."""
    return jsonify([_sms(sms) for sms in list(_find(number).inbox)])


@api.post("/phones/<number>/inbox/read")
def mark_read(number: str) -> Response:
    """All of the phone's messages have been seen."""
    phone = _find(number)
    with _world().phones.changing():
        for sms in phone.inbox:
            sms.read = True
    return jsonify([_sms(sms) for sms in phone.inbox])


@api.post("/phones/<number>/sms")
def send_sms(number: str) -> Response:
    """`{"text": "STATUT 482109375628", "to": "22900"}`: the phone sends an SMS; `to` is else our own code."""
    phone, body = _find(number), _body()
    to = _word(body, "to", required=False)
    if to and not (to.isascii() and to.isdigit()):
        raise ApiError(400, "bad_to", "to is a short code: digits")
    return jsonify(_text(_world().texting.send(phone, _word(body, "text", most=LONGEST_TEXT), to)))


@api.put("/phones/<number>/condition")
def set_condition(number: str) -> Response:
    """`{"condition": "unreachable", "opted_out": true}`, either or both: what becomes of SMS to the phone."""
    phone, body, world = _find(number), _body(), _world()
    condition, opted_out = body.get("condition", phone.condition), body.get("opted_out", phone.opted_out)
    if condition not in CONDITIONS:
        raise ApiError(400, "bad_condition", f"condition is one of {', '.join(CONDITIONS)}")
    if not isinstance(opted_out, bool):
        raise ApiError(400, "bad_opted_out", "opted_out is true or false")
    world.reports.set_condition(phone, condition)
    if opted_out != phone.opted_out:
        world.texting.opt_out(phone, world.config.short_code, out=opted_out)
    return jsonify(_phone(phone))


@api.post("/phones/<number>/sim")
def change_sim(number: str) -> Response:
    """The number is given another SIM from now on."""
    phone = _find(number)
    with _world().phones.changing():
        phone.sims += 1
        phone.sim_since = datetime.now(UTC)
    return jsonify(_phone(phone))


@api.get("/switches")
def show_switches() -> Response:
    return jsonify(as_json(_world().switches.now))


@api.put("/switches")
def set_switches() -> Response:
    """Any of the switches; the others stay."""
    switches = _world().switches.set(request.get_json(silent=True))
    with _world().phones.changing():
        return jsonify(as_json(switches))


@api.get("/sent")
def sent() -> Response:
    """Every send call received, oldest first, the refused ones too."""
    return jsonify(_world().messaging.sent())


@api.get("/backoffice")
def backoffice() -> Response:
    return jsonify(cases=_world().backoffice.cases(), down=_world().switches.now.backoffice_down)


@api.post("/reset")
def reset() -> Response:
    """A new world: no dialogue (none is told to the gateway), no SMS, no case, every switch off."""
    _world().reset()
    return jsonify({})


@api.get("/view")
def view() -> Response | tuple[str, int]:
    """All that the page shows of the numbers `phone=..&phone=..`; 204 when nothing changed since `seen`."""
    world = _world()
    phones = [_find(number) for number in request.args.getlist("phone")]
    numbers = [phone.msisdn for phone in phones]
    seen = ".".join([str(world.phones.version), str(world.backoffice.version), *numbers])
    if request.args.get("seen") == seen:
        return "", 204
    return jsonify(
        seen=seen,
        service_code=world.config.service_code,
        short_code=world.config.short_code,
        phones=[_phone(phone) for phone in phones],
        switches=as_json(world.switches.now),
        cases=world.backoffice.cases(),
    )


def _world() -> World:
    world: World = current_app.extensions["world"]
    return world


def _find(number: str, network: str | None = None) -> Phone:
    """The phone with this number, written as anybody writes it."""
    try:
        msisdn = normalise(number)
    except MsisdnError as error:
        raise ApiError(400, "bad_number", "this is not a phone number") from error
    if network is not None and network not in NETWORKS:
        raise ApiError(400, "bad_network", f"network is one of {', '.join(NETWORKS)}")
    return _world().phones.get(msisdn, network)


def _body() -> dict[str, Any]:
    """The JSON object of the request; a request without a body is an empty one."""
    if not request.get_data():
        return {}
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise ApiError(400, "bad_json", "a JSON object is expected")
    return body


def _word(
    body: dict[str, Any], name: str, *, required: bool = True, empty: bool = False, most: int = LONGEST_INPUT
) -> str:
    value = body.get(name)
    if value is None and not required:
        return ""
    if not isinstance(value, str) or (required and not empty and not value) or len(value) > most:
        raise ApiError(400, f"bad_{name}", f"{name} must be a text of at most {most} characters")
    return value


def _phone(phone: Phone) -> dict[str, Any]:
    messages = list(phone.inbox)
    return {
        "msisdn": phone.msisdn,
        "network": phone.network,
        "busy": phone.busy,
        "unread": sum(1 for sms in messages if not sms.read),
        "inbox": [_sms(sms) for sms in messages],
        "outbox": [_text(text) for text in list(phone.outbox)],
        "condition": phone.condition,
        "opted_out": phone.opted_out,
        "sims": phone.sims,
        "waiting": len(phone.waiting),
        **_turn(phone),
    }


def _turn(phone: Phone) -> dict[str, Any]:
    """What the last turn left on the screen. `units` are the septets of the whole text as it was sent."""
    screen, dialogue = phone.screen, phone.dialogue
    return {
        "text": screen.text if screen else "",
        "final": phone.final,
        "session_id": dialogue.session_id if dialogue else None,
        "units": screen.units if screen else 0,
        "error": phone.error,
        "cut": bool(screen and screen.cut),
        "foreign": list(screen.foreign) if screen else [],
        "open": bool(dialogue and dialogue.open),
        "reply_lost": bool(dialogue and dialogue.lost and dialogue.open),
        "differs": phone.differs,
        "hops": dialogue.hops if dialogue else 0,
    }


def _sms(sms: Sms) -> dict[str, Any]:
    return {
        "id": sms.id,
        "from": sms.sender,
        "text": sms.text,
        "segments": sms.measure.segments,
        "encoding": sms.measure.encoding,
        "units": sms.measure.units,
        "received_at": sms.received_at.isoformat(timespec="milliseconds"),
        "delivery": sms.delivery,
        "read": sms.read,
    }


def _text(text: Text) -> dict[str, Any]:
    return {
        "id": text.id,
        "to": text.to,
        "text": text.text,
        "segments": text.measure.segments,
        "encoding": text.measure.encoding,
        "units": text.measure.units,
        "sent_at": text.sent_at.isoformat(timespec="milliseconds"),
        "posting": text.posting,
        "tries": text.tries,
    }
