"""`gateway run` in a process of its own, driven as a newcomer drives it: by its terminal and by its phones."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import requests
import yaml

from tests import commands
from tests.supervise.processes import holding, wait_until

ROOT = Path(__file__).parents[2]
READY_S = 60
CONFIG = yaml.safe_load((ROOT / "config" / "gateway.yaml").read_text())
DUPLICATE_WINDOW_S = CONFIG["channels"]["mtn_madapi"]["duplicate_window_ms"] / 1000


class Running:
    """One system on free ports. `data` is its folder; `environment` is added to the one of `make run`."""

    def __init__(self, data, **environment):
        self.data = data
        self.said_path = data.parent / f"{data.name}.said"
        gateway, simulator = free_ports(2)
        self.gateway_url = f"http://127.0.0.1:{gateway}"
        self.simulator_url = f"http://127.0.0.1:{simulator}"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("GATEWAY_", "SIMULATOR_"))},
            "GATEWAY_DATA": str(data),
            "GATEWAY_CONFIG": str(config_without_notice(data.parent)),
            "GATEWAY_BIND": f"127.0.0.1:{gateway}",
            "GATEWAY_SIMULATOR_BIND": f"127.0.0.1:{simulator}",
            "SIMULATOR_ACK_S": "0.5",
            "SIMULATOR_DECISION_S": "1.5",
            **environment,
        }
        self.process = None

    def start(self):
        """Starts, and waits for the three lines that say it is ready."""
        with self.said_path.open("ab") as said:
            offset = said.tell()
            self.process = subprocess.Popen(
                self.command("run"), cwd=ROOT, env=self.environment, stdout=said, stderr=said
            )
        wait_until(
            lambda: self.process.poll() is not None or "dial  " in self.said()[offset:],
            READY_S,
            what="a running system",
        )
        assert self.process.poll() is None, self.said()[offset:]
        return self

    def gateway(self, *arguments, **environment):
        """A finished `gateway` command on the same data."""
        return commands.run(arguments, {**self.environment, **environment})

    def command(self, *arguments):
        return [sys.executable, "-m", "gateway.cli", *arguments]

    def said(self):
        return self.said_path.read_text()

    def processes(self, part=""):
        """Its living processes, itself included, whose command line holds `part`."""
        found = holding(f"GATEWAY_DATA={self.data}\0", self.data)
        return [pid for pid, command in found.items() if part in command]

    def phone(self, number, network="africastalking"):
        return Phone(self.simulator_url, number, network)

    def stop(self):
        """Ctrl-C; how it ended."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=60)

    def end(self):
        """Whatever state it is in, nothing is left."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        wait_until(lambda: not self.processes(), what=f"no process of {self.data}")


class Phone:
    """One of the simulator's phones."""

    def __init__(self, simulator_url, number, network):
        self.base = f"{simulator_url}/api/phones/{number}"
        self.number, self.network = number, network

    def dial(self, code, *answers):
        """The screen after dialling and giving these answers."""
        screen = self._post("dial", {"code": code, "network": self.network})
        before = None
        for answer in answers:
            assert not screen["final"], screen["text"]
            if answer == before and self.network == "mtn_madapi":
                # This aggregator names no turn: the same answer at once is a second delivery of the first.
                time.sleep(DUPLICATE_WINDOW_S + 0.1)
            screen, before = self.answer(answer), answer
        return screen["text"]

    def answer(self, text):
        return self._post("answer", {"text": text})

    def text(self, words):
        """Sends an SMS to the short code."""
        self._request("POST", "sms", {"text": words})

    def be(self, **how):
        """`condition` and `opted_out`: what becomes of SMS to this phone."""
        self._request("PUT", "condition", how)

    def asks(self, words):
        """Sends an SMS; the one that answers it."""
        before = len(self.inbox())
        self.text(words)
        return self.waits_for_sms(before + 1)[before]

    def inbox(self):
        """The texts it received, oldest first."""
        answer = requests.get(f"{self.base}/inbox", timeout=10)
        answer.raise_for_status()
        return [sms["text"] for sms in answer.json()][::-1]

    def waits_for_sms(self, count, seconds=60):
        wait_until(lambda: len(self.inbox()) >= count, seconds, what=f"SMS number {count}")
        return self.inbox()

    def _post(self, what, body):
        screen = self._request("POST", what, body)
        assert not screen["error"], screen
        return screen

    def _request(self, method, what, body):
        answer = requests.request(method, f"{self.base}/{what}", json=body, timeout=15)
        assert answer.status_code == 200, answer.text
        return answer.json()


def config_without_notice(folder):
    """The shipped configuration, but that a new number starts at the menu; its notice has a test of its own."""
    copied = folder / "config"
    if not copied.exists():
        shutil.copytree(ROOT / "config", copied)
        file = copied / "gateway.yaml"
        file.write_text(file.read_text().replace("notice: '2026-11'", "notice: ''"))
    return copied / "gateway.yaml"


def free_ports(count):
    """Ports that nothing listens on now; they are all held until all are found, so that they differ."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports
