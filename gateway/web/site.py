"""The web process: the site and, in front of it, the aggregators' callbacks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from urllib.parse import urlsplit

from prometheus_client import CollectorRegistry, generate_latest

from gateway import metrics
from gateway.backoffice import webhooks
from gateway.messages import BackofficeEvent, Dlr, MoSms
from gateway.settings import is_loopback
from gateway.usecases import (
    backoffice_events,
    delivery_reports,
    dialogues,
    preferences,
    sim_checks,
    sms_in,
    ussd,
    verification,
)
from gateway.web.addresses import networks_of
from gateway.web.api.shell import add_api
from gateway.web.app import Site, create_app
from gateway.web.callbacks import Callbacks, in_front_of
from gateway.web.console.shell import Console, add_console, error_page
from gateway.web.figures import StoreFigures
from gateway.web.front import WsgiApp, behind_front
from gateway.web.headers import security_headers
from gateway.web.public import Public, add_pages
from gateway.web.surges import Surges
from gateway.wiring import LOCAL_TOKEN, Gateway


def build_web(gateway: Gateway) -> WsgiApp:
    """The WSGI application of a gateway."""
    settings, parts = gateway.settings, gateway.parts
    headers = security_headers(settings.public_url)
    proxies = networks_of(settings.trusted_proxies)
    console = _console(gateway)
    figures = CollectorRegistry()
    figures.register(StoreFigures(parts))
    app = create_app(
        Site(
            systems=frozenset(gateway.verifiers),  # a desk or a folder sends no events
            read_event=partial(_read_event, gateway),
            take_event=lambda event: backoffice_events.take_event(parts, event, gateway.now()),
            ping_database=gateway.database.ping,
            ping_redis=gateway.ussd.sessions.ping,
            relay_beat=gateway.relay_beat,
            exposition=lambda: metrics.exposition() + generate_latest(figures),
            monitoring_from=networks_of(settings.monitoring_from),
            proxies=proxies,
            headers=headers,
            body_bytes=settings.limits.body_bytes,
            now=gateway.now,
            error_page=partial(error_page, console),
        )
    )
    add_console(app, console)
    add_api(app, parts)
    add_pages(app, Public(verify=partial(_verify, gateway), in_words=partial(verification.in_words, parts)))
    tokens = _tokens(gateway)
    callbacks = Callbacks(
        channels=parts.channels,
        tokens=tokens,
        allow_from={name: networks_of(channel.allow_from) for name, channel in settings.channels.items()},
        body_bytes=settings.limits.body_bytes,
        take_turn=partial(ussd.take_turn, gateway.ussd),
        take_end=partial(dialogues.take_end, gateway.ussd),
        take_mo=partial(_take_mo, gateway),
        take_dlr=partial(_take_dlr, gateway),
        take_optout=lambda optout: preferences.take_optout(parts, optout, gateway.now()),
        take_sim=lambda answer: sim_checks.take_answer(parts, answer, gateway.now()),
        surges=_surges(gateway, tokens),
    )
    application = in_front_of(app.wsgi_app, callbacks, max(1, settings.web_threads // 2), headers)
    return behind_front(application, proxies, headers)


def _console(gateway: Gateway) -> Console:
    """Cookies travel in clear on this machine only, where nobody promised HTTPS."""
    url = urlsplit(gateway.settings.public_url)
    https = url.scheme == "https" or not is_loopback(gateway.settings.bind)
    return Console(gateway.parts, gateway.keys.web_secret, https=https, origin=url.netloc)


def _tokens(gateway: Gateway) -> dict[str, tuple[bytes, ...]]:
    local = (LOCAL_TOKEN,) if gateway.settings.local else ()
    return {
        name: tuple(token.encode() for token in (*gateway.keys.channel_tokens[name], *local))
        for name in gateway.settings.channels
    }


def _surges(gateway: Gateway, tokens: Mapping[str, tuple[bytes, ...]]) -> Surges:
    limits = gateway.settings.limits
    return Surges(
        {name: len(believed) for name, believed in tokens.items()},
        factor=limits.token_surge_factor,
        floor=limits.token_surge_floor,
        refused=limits.refused_per_minute,
        monotonic=gateway.monotonic,
    )


def _read_event(
    gateway: Gateway, system: str, headers: Mapping[str, str], body: bytes, now: datetime
) -> BackofficeEvent:
    return webhooks.parse(system, gateway.verifiers[system], headers, body, now)


def _verify(gateway: Gateway, reference: str, code: str, last4: str | None, address: str) -> verification.Verdict:
    parts = gateway.parts
    return verification.verify(parts, reference, code, last4, verification.Asker.of_address(parts.seals, address))


def _take_mo(gateway: Gateway, mo: MoSms) -> None:
    outcome = sms_in.take_mo(gateway.parts, mo, gateway.now())
    metrics.sms_received.labels(mo.channel, outcome).inc()


def _take_dlr(gateway: Gateway, dlr: Dlr) -> None:
    outcome = delivery_reports.take_dlr(gateway.parts, dlr, gateway.now())
    metrics.delivery_reports.labels(dlr.channel, outcome).inc()
