"""What no single setting can know: settings that contradict each other, or name something that does not exist."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gateway.settings.model import APPEAL_SIZE, CALL_THREADS, Settings, address_of

Fault = tuple[tuple[str, ...], str]  #: where (`("sms", "channel")`), and the sentence

SIMULATOR = "${simulator}"  # in gateway.yaml: the simulator's address, wherever it listens

_SERVICE_CODE = re.compile(r"\*\d{1,6}(\*\d{1,6})*#")
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")  # channels and systems appear in addresses and logs
_SHORT_CODE = re.compile(r"\+?\d{3,15}")
#: As strict as outgoing.origin_of, which can only refuse when it is too late to say where the fault is written.
_HTTP = re.compile(r"https?://(\[[0-9A-Fa-f:.]+\]|[^\s/?#@\\:\[\]]+)(:\d{1,5})?(/[^\s\\?#]*)?")
_REDIS = re.compile(r"(rediss?|unix)://\S+")
_DATABASE = re.compile(r"(sqlite|postgresql(\+psycopg)?):\S+")


def crosschecks(settings: Settings) -> Iterator[Fault]:
    """Every contradiction in settings whose values are well formed one by one."""
    yield from _environment(settings)
    yield from _formats(settings)
    yield from _addresses(settings)
    yield from _channels(settings)
    yield from _senders(settings)
    yield from _systems(settings)
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


def _systems(settings: Settings) -> Iterator[Fault]:
    for name, institution in settings.institutions.items():
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
    for name, system in settings.systems.items():
        here = ("systems", name)
        if not _NAME.fullmatch(name):
            yield here, "a system's name is small letters, digits, - and _, at most 32"
        if system.institution not in settings.institutions:
            yield (*here, "institution"), f"there is no institution {system.institution!r}"
        yield from _url((*here, "url"), system.url)
        if system.first_retry_s > system.longest_retry_s:
            yield (*here, "first_retry_s"), "is longer than longest_retry_s"
        if system.max_in_flight >= CALL_THREADS:
            yield (
                (*here, "max_in_flight"),
                f"must be less than {CALL_THREADS}, the calls that a worker makes at a time: else this system alone "
                "could hold up all others",
            )


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
