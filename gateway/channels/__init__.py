"""Adapters to aggregators: raw bytes in, channel-neutral values out, and back."""

from gateway.channels.base import (
    Channel,
    ChannelDeclarationError,
    ChannelError,
    ChannelFault,
    HttpAnswer,
    Ignored,
)
from gateway.channels.build import build

__all__ = [
    "Channel",
    "ChannelDeclarationError",
    "ChannelError",
    "ChannelFault",
    "HttpAnswer",
    "Ignored",
    "build",
]
