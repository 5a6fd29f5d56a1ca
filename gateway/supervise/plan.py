"""Which processes the system is made of, and what each is given."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gateway import metrics
from gateway.keys import Keyring
from gateway.settings import DEMO_API_KEY, HttpSystem, RestSystem, Settings

QUEUES = ("urgent", "bulk", "backoffice", "upkeep")  # one worker process each: RQ loses jobs with two queues


_GATEWAY = (sys.executable, "-m", "gateway.cli")


@dataclass(frozen=True, slots=True)
class Planned:
    """One process to keep alive. `environment` may hold secrets.

    A `stranger` gets that and what any program needs, not our own environment with the secrets in it.
    """

    name: str
    command: tuple[str, ...]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    stranger: bool = False


def redis(command: tuple[str, ...], logs: Path) -> Planned:
    """The embedded Redis: started first, stopped last."""
    return Planned("redis", command, logs / "redis.log", stranger=True)


def metrics_folder(settings: Settings) -> Path:
    """Where the processes of one run count; nothing in it outlives the run."""
    return settings.data.resolve() / "metrics"


def gateway_processes(
    settings: Settings, keys: Keyring, environ: Mapping[str, str], redis_url: str, logs: Path
) -> tuple[Planned, ...]:
    """Web, one worker per queue, the relay, and the simulator unless it is switched off."""
    shared = {"GATEWAY_REDIS": redis_url, "GATEWAY_LOCAL": "1" if settings.local else "0", "PYTHONUNBUFFERED": "1"}
    shared[metrics.FOLDER] = str(metrics_folder(settings))

    def planned(name: str, *arguments: str) -> Planned:
        return Planned(name, (*_GATEWAY, *arguments), logs / f"{name}.log", shared)

    processes = [
        planned("web", "web"),
        *(planned(f"worker-{queue}", "worker", queue) for queue in QUEUES),
        planned("relay", "relay"),
    ]
    if settings.simulator_bind:
        told = simulator_environment(settings, keys, environ)
        log = logs / "simulator.log"
        processes.append(Planned("simulator", (*_GATEWAY, "simulator"), log, told, stranger=True))
    return tuple(processes)


def simulator_environment(settings: Settings, keys: Keyring, environ: Mapping[str, str]) -> dict[str, str]:
    """What the simulator must know to play its parts: our address, and the secrets of both sides.

    It plays the aggregator that SMS leave by, and the first back office of gateway.yaml.
    """
    sender = settings.senders[settings.sms.sender]
    channel = settings.channels[sender.channel]
    plays_it = (channel.base_url or "").startswith(f"http://{settings.simulator_bind}/")
    key_name = channel.api_key_env if plays_it else None  # the real aggregator's key is not for the simulator
    played = ((name, one) for name, one in settings.systems.items() if isinstance(one, HttpSystem))
    name, system = next(played, ("", None))
    token_env = system.token_env if isinstance(system, RestSystem) else None
    token = environ.get(token_env or "") or keys.system_tokens.get(name, "")
    secret = environ.get((system and system.webhook_secret_env) or "")
    return {
        "PYTHONUNBUFFERED": "1",
        "GATEWAY_DATA": str(settings.data),  # in a list of processes it tells whose simulator this is
        "SIMULATOR_BIND": settings.simulator_bind,
        "SIMULATOR_GATEWAY_URL": f"http://{settings.bind}",
        "SIMULATOR_SERVICE_CODE": settings.service_code,
        "SIMULATOR_SHORT_CODE": sender.short_code,
        "SIMULATOR_API_KEY": environ.get(key_name or "") or DEMO_API_KEY,
        "SIMULATOR_BACKOFFICE_TOKEN": token,
        "SIMULATOR_WEBHOOK_SECRET": secret or next(iter(keys.webhook_secrets.get(name, ())), ""),
    }
