"""A channel from its settings."""

from __future__ import annotations

from pathlib import Path

from gateway.channels.africastalking import AfricasTalkingChannel
from gateway.channels.base import Channel
from gateway.channels.http_json import HttpJsonChannel
from gateway.settings import ChannelSettings


def build(name: str, settings: ChannelSettings, *, config_folder: Path, api_key: str | None, region: str) -> Channel:
    """The channel that gateway.yaml calls `name`.

    `config_folder` holds gateway.yaml and channels/; `api_key` is the value of `api_key_env`, None when unset;
    national numbers are those of `region`. `ChannelDeclarationError` when a declaration cannot be used.
    """
    if settings.kind == "africastalking":
        return AfricasTalkingChannel(name, settings, api_key=api_key, region=region)
    return HttpJsonChannel(name, settings, config_folder=config_folder, region=region)
