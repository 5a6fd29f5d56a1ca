"""The WSGI application that the web server loads: `gateway.wsgi:application`, one Gateway a process."""

from __future__ import annotations

from gateway import settings, wiring
from gateway.web.site import build_web

application = build_web(wiring.build(settings.load()))
