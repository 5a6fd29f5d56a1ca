"""What a gateway that serves must satisfy beyond being readable: no demonstration towards the network, real secrets."""

from __future__ import annotations

import base64
import ipaddress
import os
import re
import ssl
from collections.abc import Mapping

from gateway.settings.model import Settings, SettingsError, address_of
from gateway.settings.systems import DropSystem, HttpSystem, RestSystem

_TOKEN = re.compile(r"[!-~]+")


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
    faults = [
        f"{channel.api_key_env} is not set: it is the API key of the channel {name} (channels.{name}.api_key_env)"
        for name, channel in settings.channels.items()
        if channel.api_key_env and not environ.get(channel.api_key_env)
    ]
    for name, system in settings.systems.items():
        if isinstance(system, HttpSystem) and not _is_simulator(settings, system.url):
            faults += _secrets_of(name, system, environ)
            faults += _file_faults(f"systems.{name}", system)
        elif isinstance(system, DropSystem):
            faults += _secrets_of(name, system, environ)
    return faults


def _secrets_of(name: str, system: HttpSystem | DropSystem, environ: Mapping[str, str]) -> list[str]:
    here = f"systems.{name}"
    secrets = {"webhook_secret_env": system.webhook_secret_env}
    if isinstance(system, RestSystem):
        secrets |= {"token_env": system.token_env, "signing_secret_env": system.signing_secret_env}
    faults = [
        f"{variable} is not set: it is a secret of the system {name} ({here}.{key})"
        for key, variable in secrets.items()
        if variable and not environ.get(variable)
    ]
    for key in ("webhook_secret_env", "signing_secret_env"):
        given = environ.get(secrets.get(key) or "", "")
        if given and not all(_can_sign(secret) for secret in given.split() or [""]):
            wanted = "must be whsec_ and the base64 of 24 bytes or more"
            faults.append(f"{secrets[key]} {wanted} ({here}.{key})")
    token = environ.get(secrets.get("token_env") or "", "")
    if token and not _TOKEN.fullmatch(token):  # each call would end before it left, as if the system were away
        wanted = "must be visible ASCII characters, without a space or a line break"
        faults.append(f"{secrets['token_env']} {wanted} ({here}.token_env)")
    return faults


def _file_faults(here: str, system: HttpSystem) -> list[str]:
    faults: list[str] = []
    files = {"ca_file": system.ca_file, "client_cert_file": system.client_cert_file}
    for key, file in (files | {"client_key_file": system.client_key_file}).items():
        if file is not None and not os.access(file, os.R_OK):
            faults.append(f"{file} cannot be read ({here}.{key})")
    return faults or _certificate_faults(here, system)


def _can_sign(secret: str) -> bool:
    """Standard Webhooks: 24 to 64 bytes; only the least matters."""
    try:
        letters = secret.removeprefix("whsec_").rstrip("=")
        key = base64.b64decode(letters + "=" * (-len(letters) % 4), validate=True)
    except ValueError:
        return False
    return secret.startswith("whsec_") and len(key) >= 24


def _certificate_faults(here: str, system: HttpSystem) -> list[str]:
    """What OpenSSL will say at each call, said once at start."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    faults: list[str] = []
    if system.ca_file is not None:
        try:
            context.load_verify_locations(system.ca_file)
        except OSError:
            faults.append(f"{system.ca_file} holds no certificate in PEM ({here}.ca_file)")
    if system.client_cert_file is not None:
        try:
            context.load_cert_chain(system.client_cert_file, system.client_key_file, password=lambda: b"")
        except (OSError, ValueError):
            pair = f"{system.client_cert_file} and {system.client_key_file}"
            faults.append(f"{pair} are no certificate with its key, without a password, in PEM ({here})")
    return faults


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
        if isinstance(system, HttpSystem) and _is_simulator(settings, system.url):
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
