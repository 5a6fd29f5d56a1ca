"""The simulated world put together: phones, two aggregators, a back office, and what makes them misbehave."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from gateway.simulator.africastalking import AfricasTalking
from gateway.simulator.agenda import Agenda
from gateway.simulator.aggregators import Aggregator
from gateway.simulator.backoffice import Backoffice
from gateway.simulator.config import SimulatorConfig
from gateway.simulator.insights import Insights
from gateway.simulator.madapi import MtnMadapi
from gateway.simulator.messaging import Messaging
from gateway.simulator.network import UssdNetwork
from gateway.simulator.phones import AFRICASTALKING, MTN_MADAPI, Phones
from gateway.simulator.reports import Reports
from gateway.simulator.switches import SwitchPanel
from gateway.simulator.texting import Texting
from gateway.simulator.wire import Wire
from gateway.simulator.xroad import SecurityServer


@dataclass(frozen=True, slots=True)
class World:
    config: SimulatorConfig
    phones: Phones
    switches: SwitchPanel
    network: UssdNetwork
    messaging: Messaging
    reports: Reports
    texting: Texting
    backoffice: Backoffice
    security_server: SecurityServer
    insights: Insights
    agenda: Agenda
    wire: Wire
    closing: threading.Event  #: set when the server stops: frees what is held

    def reset(self) -> None:
        """As it was at the start."""
        self.agenda.clear()
        self.switches.reset()
        self.messaging.reset()
        self.backoffice.reset()
        self.phones.reset()

    def close(self) -> None:
        """Stop all threads; nothing that was due later happens."""
        self.closing.set()
        self.agenda.close()
        self.network.close()
        self.wire.close()


def build(config: SimulatorConfig) -> World:
    """A new world around one gateway; close it."""
    phones, switches, agenda = Phones(), SwitchPanel(), Agenda()
    wire = Wire(config.gateway_url, config.reply_s)
    aggregators: dict[str, Aggregator] = {
        AFRICASTALKING: AfricasTalking(config.token, config.service_code),
        MTN_MADAPI: MtnMadapi(config.token, config.service_code),
    }
    network = UssdNetwork(
        phones,
        switches,
        aggregators,
        wire,
        agenda,
        service_code=config.service_code,
        idle_s=config.idle_s,
    )
    backoffice = Backoffice(config, switches, wire, agenda)
    reports = Reports(config, phones, switches, wire, agenda)
    return World(
        config,
        phones,
        switches,
        network,
        Messaging(config, phones, switches, reports),
        reports,
        Texting(config, phones, switches, wire, agenda),
        backoffice,
        SecurityServer(config, switches, backoffice),
        Insights(config, phones, wire, agenda),
        agenda,
        wire,
        threading.Event(),
    )
