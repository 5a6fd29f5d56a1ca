"""What no single setting can know: settings that contradict each other, or name something that does not exist."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gateway.settings.mapping import NONE
from gateway.settings.model import APPEAL_SIZE, Settings, address_of
from gateway.settings.systems import CALL_THREADS, DropSystem, HttpSystem, RestSystem

Fault = tuple[tuple[str, ...], str]  #: where (`("sms", "channel")`), and the sentence

SIMULATOR = "${simulator}"  # in gateway.yaml: the simulator's address, wherever it listens

_SERVICE_CODE = re.compile(r"\*\d{1,6}(\*\d{1,6})*#")
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")  # channels and systems appear in addresses and logs
_SHORT_CODE = re.compile(r"\+?\d{3,15}")
#: As strict as outgoing.origin_of, which can only refuse when it is too late to say where the fault is written.
_HTTP = re.compile(r"https?://(\[[0-9A-Fa-f:.]+\]|[^\s/?#@\\:\[\]]+)(:\d{1,5})?(/[^\s\\?#]*)?")
_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")
_REDIS = re.compile(r"(rediss?|unix)://\S+")
_DATABASE = re.compile(r"(sqlite|postgresql(\+psycopg)?):\S+")


def crosschecks(settings: Settings) -> Iterator[Fault]:
    """Every contradiction in settings whose values are well formed one by one."""
    yield from _environment(settings)
    yield from _formats(settings)
    yield from _addresses(settings)
    yield from _channels(settings)
    yield from _senders(settings)
    yield from _institutions(settings)
    yield from _systems(settings)
    yield from _hooks(settings)
    yield from _operators(settings)


def _environment(settings: Settings) -> Iterator[Fault]:
    binds = {"bind": settings.bind, "simulator_bind": settings.simulator_bind}
    for name, bind in binds.items():
        if bind:
            try:
                address_of(bind)
            except ValueError:
                yield (name,), "must be an address and a port, like 127.0.0.1:8000"
    if settings.bind == settings.simulator_bind:
        yield ("simulator_bind",), "is the same address as GATEWAY_BIND"
    if settings.redis not in {"auto", "path", "wheel"} and not _REDIS.fullmatch(settings.redis):
        yield ("redis",), "must be auto, path, wheel, or a URL (redis://, rediss://, unix://)"
    for name, url in (("sessions_url", settings.sessions_url), ("queues_url", settings.queues_url)):
        if url and not _REDIS.fullmatch(url):
            yield (name,), "must be a URL (redis://, rediss://, unix://)"
    if settings.database_url and not _DATABASE.fullmatch(settings.database_url):
        yield ("database_url",), "must be a URL (postgresql://user@host/name, or sqlite:///path)"
    if settings.public_url and not _HTTP.fullmatch(settings.public_url):
        yield ("public_url",), "must be a URL (https://...)"


def _formats(settings: Settings) -> Iterator[Fault]:
    if not settings.languages:
        yield ("languages",), "must name at least one language; the first is the default"
    for country in settings.countries:
        if not re.fullmatch(r"[A-Z]{2}", country):
            yield ("countries",), f"{country!r} is not a two-letter country code (BJ)"
    if not settings.countries:
        yield ("countries",), "must name at least one country"
    try:
        ZoneInfo(settings.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        yield ("timezone",), f"{settings.timezone!r} is not a known time zone (Africa/Porto-Novo)"
    try:
        re.compile(settings.npi_pattern)
    except re.error:
        yield ("npi_pattern",), "is not a regular expression"
    for code in dict.fromkeys((settings.service_code, *settings.service_codes)):
        if not _SERVICE_CODE.fullmatch(code):
            yield ("service_codes",), f"{code!r} is not a service code (*229#)"
    for name, channel in settings.channels.items():
        if settings.limits.lookup_budget_ms > channel.deadline_ms * 3 // 4:
            text = f"must leave a quarter of channels.{name}.deadline_ms ({channel.deadline_ms}) for the rest of a turn"
            yield ("limits", "lookup_budget_ms"), text
    if settings.service_code not in settings.service_codes:
        yield ("service_code",), "must be one of service_codes"


def _addresses(settings: Settings) -> Iterator[Fault]:
    yield from _networks(("monitoring_from",), settings.monitoring_from)
    yield from _networks(("trusted_proxies",), settings.trusted_proxies)
    for network in settings.trusted_proxies:
        if network.endswith("/0"):  # then anybody writes his own address
            yield ("trusted_proxies",), f"{network!r} is everybody: name your proxies"


def _networks(where: tuple[str, ...], networks: tuple[str, ...]) -> Iterator[Fault]:
    for network in networks:
        try:
            ipaddress.ip_network(network)
        except ValueError:
            yield where, f"{network!r} is not an address range (196.223.0.0/16)"


def _channels(settings: Settings) -> Iterator[Fault]:
    folder = settings.config.parent / "channels"
    for name, channel in settings.channels.items():
        here = ("channels", name)
        if not _NAME.fullmatch(name):
            yield here, "a channel's name is small letters, digits, - and _, at most 32"
        if channel.kind == "http_json" and not channel.declaration:
            yield here, "needs `declaration`: the name of a file in config/channels, without .yaml"
        elif channel.kind == "http_json" and not (folder / f"{channel.declaration}.yaml").is_file():
            yield (*here, "declaration"), f"there is no file {folder / f'{channel.declaration}.yaml'}"
        elif channel.kind != "http_json" and channel.declaration:
            yield (*here, "declaration"), "is for channels of kind http_json only"
        if channel.base_url is not None:
            yield from _url((*here, "base_url"), channel.base_url)
        if channel.insights_url is not None:
            yield from _url((*here, "insights_url"), channel.insights_url)
        yield from _networks((*here, "allow_from"), channel.allow_from)
    if settings.sms.first_retry_s > settings.sms.longest_retry_s:
        yield ("sms", "first_retry_s"), "is longer than longest_retry_s"


def _senders(settings: Settings) -> Iterator[Fault]:
    if settings.sms.sender not in settings.senders:
        yield ("sms", "sender"), f"there is no sender {settings.sms.sender!r}"
    for key, sender in settings.senders.items():
        here = ("senders", key)
        if not _NAME.fullmatch(key):
            yield here, "a sender's key is small letters, digits, - and _, at most 32"
        if sender.channel not in settings.channels:
            yield (*here, "channel"), f"there is no channel {sender.channel!r}"
        elif not settings.channels[sender.channel].sms:
            yield (*here, "channel"), f"the channel {sender.channel!r} sends no SMS: set its `sms: true`"
        if sender.two_way and not _SHORT_CODE.fullmatch(sender.short_code):
            yield (*here, "short_code"), "must be the digits that citizens answer to, as the sender is two_way (22900)"
        for operator in set(sender.registered or ()) - settings.operators.keys():
            yield (*here, "registered"), f"there is no operator {operator!r}"
        if sender.fallback is not None and sender.fallback not in settings.senders:
            yield (*here, "fallback"), f"there is no sender {sender.fallback!r}"
        elif sender.fallback == key:
            yield (*here, "fallback"), "is the sender itself"
    for country in settings.sms.reply_countries:
        if not re.fullmatch(r"[A-Z]{2}", country):
            yield ("sms", "reply_countries"), f"{country!r} is not a two-letter country code (BJ)"


def _institutions(settings: Settings) -> Iterator[Fault]:
    for name, institution in settings.institutions.items():
        for sender in institution.senders:
            if sender not in settings.senders:
                yield ("institutions", name, "senders"), f"names {sender!r}, which is not in senders"
        for host in institution.links:
            if not _HOST.fullmatch(host):
                yield ("institutions", name, "links"), f"{host!r} is not the name of a host (service-public.bj)"
        yield from _words(settings, name)
    for key in ("information", "procedure"):
        begins, _, ends = getattr(settings.hours, key).partition("-")
        if begins >= ends:
            yield ("hours", key), "must end after it begins, on the same day"


def _words(settings: Settings, name: str) -> Iterator[Fault]:
    """What citizens read of an institution, in every language."""
    institution = settings.institutions[name]
    for language in settings.languages:
        if not institution.name.get(language):
            yield ("institutions", name, "name"), f"has no name in {language}"
        if institution.appeal and not institution.appeal.get(language):
            yield ("institutions", name, "appeal"), f"says nothing in {language}"
    for language, appeal in institution.appeal.items():
        if len(appeal) > APPEAL_SIZE:
            yield (
                ("institutions", name, "appeal"),
                f"has {len(appeal)} characters in {language}, and an SMS has room for {APPEAL_SIZE}",
            )


def _systems(settings: Settings) -> Iterator[Fault]:
    for name, system in settings.systems.items():
        here = ("systems", name)
        if not _NAME.fullmatch(name):
            yield here, "a system's name is small letters, digits, - and _, at most 32"
        if system.institution not in settings.institutions:
            yield (*here, "institution"), f"there is no institution {system.institution!r}"
        if system.first_retry_s > system.longest_retry_s:
            yield (*here, "first_retry_s"), "is longer than longest_retry_s"
        if system.max_in_flight >= CALL_THREADS:
            yield (
                (*here, "max_in_flight"),
                f"must be less than {CALL_THREADS}, the calls that a worker makes at a time: else this system alone "
                "could hold up all others",
            )
        if isinstance(system, HttpSystem):
            yield from _http(here, system)
        if isinstance(system, RestSystem):
            yield from _authentication(here, system)
    yield from _folders(settings)


def _http(here: tuple[str, ...], system: HttpSystem) -> Iterator[Fault]:
    yield from _url((*here, "url"), system.url)
    certificates = {"ca_file": system.ca_file, "client_cert_file": system.client_cert_file}
    for name, file in certificates.items():
        if file is not None and not system.url.startswith("https:"):
            yield (*here, name), "needs a url that begins with https:"
    if (system.client_cert_file is None) != (system.client_key_file is None):
        yield here, "needs both client_cert_file and client_key_file, or neither"
    if system.poll_every_s is not None and system.paths.status == NONE:
        yield (*here, "poll_every_s"), "needs paths.status: where the state of a demand is asked"


def _authentication(here: tuple[str, ...], system: RestSystem) -> Iterator[Fault]:
    if system.authentication == "mtls" and system.client_cert_file is None:
        yield (*here, "authentication"), "mtls needs client_cert_file and client_key_file"
    if system.authentication == "hmac" and not system.signing_secret_env:
        yield (*here, "authentication"), "hmac needs signing_secret_env: the variable that holds whsec_..."
    if system.authentication != "hmac" and system.signing_secret_env:
        yield (*here, "signing_secret_env"), "is for authentication: hmac only"
    if system.authentication != "bearer" and system.token_env:
        yield (*here, "token_env"), "is for authentication: bearer only"


def _folders(settings: Settings) -> Iterator[Fault]:
    """Whoever fetches or puts one institution's files must not reach another's, nor the keys."""
    taken: list[tuple[str, Path]] = [("the data folder", settings.data.resolve())]
    for name, system in settings.systems.items():
        if not isinstance(system, DropSystem):
            continue
        for key in ("folder", "answers_folder"):
            folder = Path(os.path.normpath(settings.data.resolve() / getattr(system, key)))
            for whose, other in taken:
                if folder == other or folder in other.parents or (other in folder.parents and other != taken[0][1]):
                    yield ("systems", name, key), f"must be a folder of its own: it shares one with {whose}"
                    break
            taken.append((f"systems.{name}.{key}", folder))


def _hooks(settings: Settings) -> Iterator[Fault]:
    for name, hook in settings.hooks.items():
        here = ("hooks", name)
        if not _NAME.fullmatch(name):
            yield here, "an endpoint's name is small letters, digits, - and _, at most 32"
        if hook.institution not in settings.institutions:
            yield (*here, "institution"), f"there is no institution {hook.institution!r}"
        yield from _url((*here, "url"), hook.url)
        if not hook.url.startswith("https://") and not hook.allow_private:
            yield (*here, "url"), "must be https://, except in a closed network (allow_private: true)"
        if hook.ca is not None and not hook.ca.is_file():
            yield (*here, "ca"), f"there is no file {hook.ca}"


def _url(where: tuple[str, ...], url: str) -> Iterator[Fault]:
    if SIMULATOR in url:
        yield where, "is the simulator, and GATEWAY_SIMULATOR_BIND=none: write the real address"
    elif "@" in url.partition("://")[2].partition("/")[0]:
        yield where, "must not hold a user or a password: write secrets in the environment"
    elif not _HTTP.fullmatch(url):
        yield where, "must be a URL (https://...)"


def _operators(settings: Settings) -> Iterator[Fault]:
    owner: dict[str, str] = {}
    for name, operator in settings.operators.items():
        for network in operator.networks:
            if network in owner:
                yield ("operators", name, "networks"), f"{network!r} is also a network of {owner[network]}"
            owner.setdefault(network, name)
        if operator.idle_s > operator.session_s:
            yield ("operators", name, "idle_s"), "is longer than session_s"
    if settings.unknown_operator.idle_s > settings.unknown_operator.session_s:
        yield ("unknown_operator", "idle_s"), "is longer than session_s"
