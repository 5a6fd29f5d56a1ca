"""What a gateway that serves must satisfy beyond being readable: no demonstration towards the network, real secrets."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

from gateway.settings.model import Settings, SettingsError, address_of


def require_serving(
    settings: Settings, environ: Mapping[str, str], *, simulator_runs: bool = False, demo_people: bool = False
) -> None:
    """Raises `SettingsError` with every reason why this installation must not serve as it is configured.

    `demo_people`: its database has accounts of the demonstration.
    """
    faults = loopback_faults(settings, simulator_runs=simulator_runs, demo_people=demo_people) + secret_faults(
        settings, environ
    )
    if faults:
        raise SettingsError(faults)


def loopback_faults(settings: Settings, *, simulator_runs: bool = False, demo_people: bool = False) -> list[str]:
    """One sentence for each address beyond loopback while something of the demonstration is configured; [] when safe.

    `simulator_runs`: this start also starts the simulator, so that its address counts too.
    """
    reasons = _demonstration(settings, simulator_runs=simulator_runs)
    if demo_people:
        reasons.append("the database has the accounts demo-... (`gateway user list`, `gateway user disable`)")
    if not reasons:
        return []
    binds = [("GATEWAY_BIND", settings.bind)]
    if simulator_runs:
        binds.append(("GATEWAY_SIMULATOR_BIND", settings.simulator_bind))
    return [
        f"{name}={bind} can be reached from other machines, and this is a demonstration: {'; '.join(reasons)}. "
        "Listen on 127.0.0.1, or configure the real service (docs/operations.md)."
        for name, bind in binds
        if bind and not is_loopback(bind)
    ]


def secret_faults(settings: Settings, environ: Mapping[str, str]) -> list[str]:
    """One sentence for each secret a real service needs and the environment does not hold; [] when `local`."""
    if settings.local:
        return []
    return [
        f"{channel.api_key_env} is not set: it is the API key of the channel {name} (channels.{name}.api_key_env)"
        for name, channel in settings.channels.items()
        if channel.api_key_env and not environ.get(channel.api_key_env)
    ]


def is_loopback(bind: str) -> bool:
    """Whether an address (`127.0.0.1:8000`) is out of reach of other machines."""
    host, _ = address_of(bind)
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name: only its resolver knows
        return False


def simulated(settings: Settings) -> dict[str, str]:
    """Every key of gateway.yaml that still leads to the demonstration, and what it is."""
    found: dict[str, str] = {}
    for name, channel in settings.channels.items():
        if _is_simulator(settings, channel.base_url):
            found[f"channels.{name}.base_url"] = "is the simulator"
        if _is_simulator(settings, channel.insights_url):
            found[f"channels.{name}.insights_url"] = "is the simulator"
        if channel.kind == "africastalking" and channel.username == "sandbox":
            found[f"channels.{name}.username"] = "is the sandbox account"
    for name, system in settings.systems.items():
        if _is_simulator(settings, system.url):
            found[f"systems.{name}.url"] = "is the demonstration back office"
    return found


def _demonstration(settings: Settings, *, simulator_runs: bool) -> list[str]:
    reasons: list[str] = []
    if settings.local:
        reasons.append("GATEWAY_LOCAL is set (the token `local` and the demonstration keys are believed)")
    if simulator_runs and settings.simulator_bind:
        reasons.append("the simulator runs")
    return reasons + [f"{where} {what}" for where, what in simulated(settings).items()]


def _is_simulator(settings: Settings, url: str | None) -> bool:
    return bool(url and settings.simulator_bind and url.startswith(f"http://{settings.simulator_bind}/"))
