"""What an operator decides: the environment (`GATEWAY_*`) and gateway.yaml; read once, checked together, frozen."""

from gateway.settings.exposure import is_loopback, require_serving
from gateway.settings.load import load
from gateway.settings.model import (
    APPEAL_SIZE,
    CALL_THREADS,
    DEMO_API_KEY,
    ENVIRONMENT,
    Ceilings,
    ChannelSettings,
    Dedupe,
    Institution,
    Limits,
    Network,
    Operator,
    Pace,
    Sender,
    Settings,
    SettingsError,
    SmsSettings,
    SystemSettings,
    address_of,
)

__all__ = [
    "APPEAL_SIZE",
    "CALL_THREADS",
    "DEMO_API_KEY",
    "ENVIRONMENT",
    "Ceilings",
    "ChannelSettings",
    "Dedupe",
    "Institution",
    "Limits",
    "Network",
    "Operator",
    "Pace",
    "Sender",
    "Settings",
    "SettingsError",
    "SmsSettings",
    "SystemSettings",
    "address_of",
    "is_loopback",
    "load",
    "require_serving",
]
