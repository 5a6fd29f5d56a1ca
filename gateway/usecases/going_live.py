"""What must change before citizens are served, judged from the settings, the environment and facts of the place."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from gateway.settings import (
    DEMO_API_KEY,
    DropSystem,
    HttpSystem,
    RestSystem,
    Settings,
    System,
    address_of,
    is_loopback,
    simulated,
)
from gateway.store.probes import FileFacts
from gateway.usecases.doctor import Facts
from gateway.usecases.findings import Finding, Severity, error, warning

#: What the shipped gateway.yaml and env.example say, and their comments call examples.
EXAMPLE_CODE, EXAMPLE_SHORT_CODE, EXAMPLE_HOST = "*229#", "22900", "example.bj"
#: Others may read these, and nobody but their owner change them; the environment holds secrets.
CHANGED_BY_OTHERS, READ_BY_OTHERS = 0o022, 0o007


@dataclass(frozen=True, slots=True)
class Place:
    """What is around the gateway: its environment (`GATEWAY_*` and secrets), and the files it is configured with."""

    environ: Mapping[str, str]
    files: tuple[FileFacts, ...]  #: gateway.yaml, the declarations of channels, the folder of the menus
    environment_file: FileFacts


def examine(settings: Settings, facts: Facts, place: Place) -> list[Finding]:
    """Everything that must change before going live, in the order of docs/operations.md."""
    return [
        *_demonstration(settings),
        *_secrets(settings, place.environ),
        *_examples(settings),
        *_reached(settings),
        *_believed(settings),
        *_plain(settings),
        *_doors(settings),
        *_copies(facts),
        *([error("live_demo_people")] if facts.database.work is not None and facts.database.work.demo_people else ()),
        *_files(place),
        *([warning("live_sqlite")] if facts.database.kind == "sqlite" else ()),
        *([] if settings.privacy.notice else [warning("live_notice")]),
    ]


def graver(findings: list[Finding]) -> list[Finding]:
    """The same findings, the ones that are only worth a look elsewhere being errors on the way to citizens."""
    must = {"backup_never", "backup_old", "redis_old"}
    return [Finding(Severity.ERROR, found.code, found.params) if found.code in must else found for found in findings]


def _demonstration(settings: Settings) -> Iterator[Finding]:
    if settings.local:
        yield error("live_local")
    if settings.simulator_bind:
        yield error("live_simulator")
    for where in simulated(settings):
        yield error("live_sandbox" if where.endswith(".username") else "live_simulated", where=where)


def _secrets(settings: Settings, environ: Mapping[str, str]) -> Iterator[Finding]:
    named = {
        f"channels.{name}.api_key_env": channel.api_key_env
        for name, channel in settings.channels.items()
        if channel.api_key_env or channel.kind == "africastalking"
    }
    for name, system in settings.systems.items():
        named |= {f"systems.{name}.{key}": variable for key, variable in _secrets_of(system).items()}
    told = frozenset(named) if not settings.local and not simulated(settings) else frozenset()  # it stops the start
    for name, system in settings.systems.items():
        if isinstance(system, DropSystem):
            named[f"systems.{name}.webhook_secret_env"] = system.webhook_secret_env
    named |= {f"hooks.{name}.secret_env": hook.secret_env for name, hook in settings.hooks.items()}
    for where, variable in named.items():
        if not variable:
            yield error("live_no_secret", where=where)
        elif not environ.get(variable):
            if where not in told:
                yield error("live_secret", variable=variable, where=where)
        elif DEMO_API_KEY in environ[variable]:
            yield error("live_demo_key", variable=variable)


def _secrets_of(system: System) -> dict[str, str | None]:
    """Key -> the variable that must hold the secret, of those without which the gateway does not call this system."""
    needed: dict[str, str | None] = {}
    if isinstance(system, HttpSystem) and system.poll_every_s is None:
        needed["webhook_secret_env"] = system.webhook_secret_env
    if isinstance(system, RestSystem) and system.authentication == "bearer":
        needed["token_env"] = system.token_env
    if isinstance(system, RestSystem) and system.authentication == "hmac":
        needed["signing_secret_env"] = system.signing_secret_env
    return needed


def _examples(settings: Settings) -> Iterator[Finding]:
    if EXAMPLE_CODE in settings.service_codes:
        yield warning("live_service_code", code=EXAMPLE_CODE)
    for name, sender in settings.senders.items():
        if EXAMPLE_SHORT_CODE in (sender.name, sender.short_code):
            yield warning("live_sender", sender=name, code=EXAMPLE_SHORT_CODE)


def _reached(settings: Settings) -> Iterator[Finding]:
    """How aggregators reach us: through a proxy with TLS, which alone reaches the port."""
    url = urlsplit(settings.public_url)
    if not settings.public_url:
        yield error("live_public_missing")
    elif url.scheme != "https":
        yield error("live_public_plain", url=settings.public_url)
    elif (url.hostname or "").endswith(EXAMPLE_HOST):
        yield error("live_public_example", url=settings.public_url)
    if not is_loopback(settings.bind) and not _is_private(address_of(settings.bind)[0]):
        yield warning("live_bind", bind=settings.bind)
    if not settings.trusted_proxies:
        yield error("live_proxies")
    elif is_loopback(settings.bind) and not any(
        ipaddress.ip_network(network).is_loopback for network in settings.trusted_proxies
    ):
        yield error("live_proxy_here", bind=settings.bind)


def _believed(settings: Settings) -> Iterator[Finding]:
    for name, channel in settings.channels.items():
        if not channel.allow_from:
            yield warning("live_allow_from", where=f"channels.{name}.allow_from")
    for written in settings.monitoring_from:
        network = ipaddress.ip_network(written)
        if network.prefixlen == 0 or not (network.is_private or network.is_loopback):
            yield error("live_monitoring", network=written)


def _plain(settings: Settings) -> Iterator[Finding]:
    """What leaves this machine in clear."""
    urls = {f"channels.{name}.base_url": channel.base_url for name, channel in settings.channels.items()}
    urls |= {f"channels.{name}.insights_url": channel.insights_url for name, channel in settings.channels.items()}
    called = {name: system for name, system in settings.systems.items() if isinstance(system, HttpSystem)}
    urls |= {f"systems.{name}.url": system.url for name, system in called.items()}
    urls |= {f"hooks.{name}.url": hook.url for name, hook in settings.hooks.items()}
    told = simulated(settings)
    for where, url in urls.items():
        if url and where not in told and url.startswith("http://") and not _is_here(url):
            yield error("live_plain", where=where)


def _doors(settings: Settings) -> Iterator[Finding]:
    """Whoever names an endpoint would have the gateway call any machine beside it."""
    for name, hook in settings.hooks.items():
        if hook.allow_private:
            yield warning("live_private", where=f"hooks.{name}.allow_private")


def _copies(facts: Facts) -> Iterator[Finding]:
    """The key file is known to be copied by the note that `gateway backup --keys` leaves in the database."""
    work = facts.database.work
    if work is None or facts.keys.changed_at is None:
        return
    copied = work.beats.get("backup-keys")
    if copied is None:
        yield error("live_keys_never", path=facts.keys.path)
    elif facts.keys.changed_at > copied:
        yield error("live_keys_changed", path=facts.keys.path)


def _files(place: Place) -> Iterator[Finding]:
    for file in place.files:
        if file.mode is not None and file.mode & CHANGED_BY_OTHERS:
            yield error("live_file_open", path=file.path, mode=f"{file.mode:04o}")
    environment = place.environment_file
    if environment.mode is not None and environment.mode & (CHANGED_BY_OTHERS | READ_BY_OTHERS):
        yield error("live_environment_open", path=environment.path, mode=f"{environment.mode:04o}")


def _is_private(host: str) -> bool:
    """Whether an address is of a private network; every address of the machine (0.0.0.0) and a name are not."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_private and not address.is_unspecified


def _is_here(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return is_loopback(f"[{host}]:1" if ":" in host else f"{host}:1")
