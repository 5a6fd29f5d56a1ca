"""The simulator as a process of its own."""

from __future__ import annotations

import dataclasses
import os
import signal
import socket
import subprocess
import sys
from typing import Any

import pytest
import requests

from gateway.simulator.app import Server
from gateway.simulator.config import SimulatorConfigError

SECRETS = {
    "SIMULATOR_API_KEY": "demo-key",
    "SIMULATOR_BACKOFFICE_TOKEN": "demo-token",
    "SIMULATOR_WEBHOOK_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
}
PROGRAM = (
    "from gateway.simulator.app import serve\n"
    "from gateway.simulator.config import from_environment\n"
    "serve(from_environment())"
)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_cleanly_and_it_logs_no_address(until: Any, number: signal.Signals) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = os.environ | SECRETS | {"SIMULATOR_BIND": f"127.0.0.1:{port}"}
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:

        def answers() -> bool:
            try:
                return requests.get(f"http://127.0.0.1:{port}/healthz", timeout=1).ok
            except requests.ConnectionError:
                assert process.poll() is None
                return False

        until(answers)
        requests.get(f"http://127.0.0.1:{port}/api/phones/+2290197000000", timeout=5)
        process.send_signal(number)
        output, _ = process.communicate(timeout=10)
    assert process.returncode == 0
    assert output == b""


def test_a_port_in_use_is_one_sentence(config: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        bind = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(SimulatorConfigError) as refused:
            Server(dataclasses.replace(config, bind=bind))
    assert refused.value.faults == [f"SIMULATOR_BIND={bind}: Address already in use"]
