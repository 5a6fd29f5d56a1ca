"""The simulator's server: the phone page and its API, the aggregator's SMS side, the demo back office."""

from __future__ import annotations

import os
import re
import signal
import socket
import threading
from pathlib import Path
from types import FrameType

from flask import Flask, Response, current_app, jsonify, request, send_from_directory
from werkzeug.serving import WSGIRequestHandler, make_server

from gateway.simulator import world as worlds
from gateway.simulator import xroad
from gateway.simulator.api import api
from gateway.simulator.backoffice import SYSTEM
from gateway.simulator.config import SimulatorConfig, SimulatorConfigError
from gateway.simulator.world import World

PAGE = Path(__file__).with_name("page")
LARGEST_BODY = 1_048_576  #: octets: 10,000 recipients in one send call

#: Everything comes from this server; nothing inline, nothing framed.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


#: A page of another site whose name was made to point here (DNS rebinding) is of our origin to a browser, but it
#: still calls us by its own name.
OUR_NAMES = {"127.0.0.1", "localhost", "[::1]"}


def create_app(config: SimulatorConfig) -> Flask:
    """The WSGI application with its own world in `app.extensions["world"]`; close that world after use."""
    app = Flask(__name__, static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]  # the default provider has it
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    app.config["MAX_FORM_MEMORY_SIZE"] = LARGEST_BODY
    app.extensions["world"] = worlds.build(config)
    app.register_blueprint(api)
    app.add_url_rule("/", view_func=phone_page)
    app.add_url_rule("/page/<path:name>", view_func=page_file)
    app.add_url_rule("/healthz", view_func=healthz)
    app.add_url_rule("/africastalking/version1/messaging", view_func=send_sms, methods=["POST"])
    app.add_url_rule(f"/backoffice/{SYSTEM}/submissions", view_func=take_submission, methods=["POST"])
    app.add_url_rule(
        f"/backoffice/{SYSTEM}/submissions/<reference>/withdrawal", view_func=take_withdrawal, methods=["POST"]
    )
    app.add_url_rule(f"/backoffice/{SYSTEM}/submissions/<reference>", view_func=tell_status)
    app.add_url_rule(f"{xroad.PREFIX}/<path:call>", view_func=through_xroad, methods=["GET", "POST"])
    app.add_url_rule(
        f"/backoffice/{SYSTEM}/submissions/<reference>/statements", view_func=take_statement, methods=["POST"]
    )
    app.add_url_rule("/africastalking/insights/v1/sim-swap", view_func=ask_sim, methods=["POST"])
    app.before_request(_only_ourselves)
    app.after_request(_add_headers)
    return app


class Server:
    """One simulator on one port. Raises `SimulatorConfigError` when the address cannot be had."""

    def __init__(self, config: SimulatorConfig) -> None:
        host, port = config.address
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        # Bound here: werkzeug prints and exits by itself when a port is taken.
        try:
            listening = socket.create_server((host, port), family=family, backlog=128)
        except OSError as error:
            raise SimulatorConfigError([f"SIMULATOR_BIND={config.bind}: {os.strerror(error.errno or 0)}"]) from error
        with listening:
            app = create_app(config)
            self.world: World = app.extensions["world"]
            self._server = make_server(
                host, port, app, threaded=True, request_handler=_SilentHandler, fd=listening.fileno()
            )
        self.url = f"http://{config.bind.rpartition(':')[0]}:{self._server.port}"

    def run(self, poll_s: float = 0.2) -> None:
        """Serve until `stop`, which is looked for every `poll_s`; then nothing is left."""
        try:
            self._server.serve_forever(poll_interval=poll_s)
        finally:
            self._server.server_close()
            self.world.close()

    def stop(self) -> None:
        """Make `run` return soon; from another thread than its own."""
        self.world.closing.set()
        self._server.shutdown()


def serve(config: SimulatorConfig) -> None:
    """Serve until SIGTERM or Ctrl-C; on the main thread. Raises `SimulatorConfigError` as `Server` does."""
    server = Server(config)

    def stop(number: int, frame: FrameType | None) -> None:
        del number, frame
        # The handler runs on the serving thread, and `shutdown` waits for its loop.
        threading.Thread(target=server.stop).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    server.run()


def phone_page() -> Response:
    return send_from_directory(PAGE, "index.html")


def page_file(name: str) -> Response:
    return send_from_directory(PAGE, name)


def healthz() -> Response:
    return jsonify(status="ok")


def send_sms() -> tuple[Response, int]:
    """What Africa's Talking answers to the SDK: JSON for who is known, a plain sentence for who is not."""
    world = _world()
    answer = world.messaging.send(request.headers.get("apiKey", ""), request.form)
    world.closing.wait(world.config.hold_s if answer.hold else world.config.answer_s)
    if isinstance(answer.body, str):
        return Response(answer.body, content_type="text/plain"), answer.status
    return jsonify(answer.body), answer.status


def take_submission() -> tuple[Response, int]:
    world = _world()
    status, body = world.backoffice.submit(
        request.headers.get("Authorization", ""),
        request.headers.get("Idempotency-Key", ""),
        request.get_data(),
    )
    world.closing.wait(world.config.answer_s)
    return jsonify(body), status


def take_withdrawal(reference: str) -> tuple[Response, int]:
    status, body = _world().backoffice.withdraw(request.headers.get("Authorization", ""), reference)
    return jsonify(body), status


def tell_status(reference: str) -> tuple[Response, int]:
    status, body = _world().backoffice.status(request.headers.get("Authorization", ""), reference)
    return jsonify(body), status


def through_xroad(call: str) -> Response:
    """What the security server answers; its own parsing is of the request line, before anything was decoded."""
    del call
    world = _world()
    target = request.environ["REQUEST_URI"].removeprefix(xroad.PREFIX)
    headers = {name.lower(): value for name, value in request.headers}
    reply = world.security_server.call(request.method, target, headers, request.get_data())
    if reply.hold:
        world.closing.wait(world.config.hold_s)
    if reply.cut:
        request.environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    answer = jsonify(reply.body)
    answer.status_code = reply.status or 500
    answer.headers.extend(reply.headers)
    return answer


def take_statement(reference: str) -> tuple[Response, int]:
    status, body = _world().backoffice.take_statement(
        request.headers.get("Authorization", ""),
        request.headers.get("Idempotency-Key", ""),
        reference,
        request.get_data(),
    )
    return jsonify(body), status


def ask_sim() -> tuple[Response, int]:
    """What Africa's Talking answers to a question about SIMs."""
    status, body = _world().insights.ask(request.headers.get("apiKey", ""), request.get_json(silent=True))
    return jsonify(body), status


class _SilentHandler(WSGIRequestHandler):
    """No access log: addresses hold phone numbers."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        del code, size


def _only_ourselves() -> tuple[Response, int] | None:
    """Refuses whoever calls us by another name, and a page of another place that wants to change something."""
    origin = request.headers.get("Origin")
    foreign = origin is not None and request.method not in ("GET", "HEAD") and origin != f"http://{request.host}"
    if foreign or re.sub(r":\d+\Z", "", request.host) not in OUR_NAMES:
        return jsonify(error="cross_site", detail="the simulator answers this machine and its own page only"), 403
    return None


def _add_headers(response: Response) -> Response:
    response.headers.extend(HEADERS)
    return response


def _world() -> World:
    world: World = current_app.extensions["world"]
    return world
