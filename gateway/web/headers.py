"""Headers of every answer that a person's browser may see."""

from __future__ import annotations

Headers = tuple[tuple[str, str], ...]

#: Nothing may be loaded, framed or embedded; a page that needs more says so itself (web/public.py).
_ALWAYS: Headers = (
    ("Content-Security-Policy", "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),  # for browsers older than frame-ancestors
    ("Referrer-Policy", "no-referrer"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cache-Control", "no-store"),
)
#: A year. Not for subdomains: they are not ours to decide for.
_HTTPS_ONLY = ("Strict-Transport-Security", "max-age=31536000")


def security_headers(public_url: str) -> Headers:
    """The headers of an installation that is reached at `public_url` ("": unknown, no HTTPS is promised)."""
    return (*_ALWAYS, _HTTPS_ONLY) if public_url.lower().startswith("https://") else _ALWAYS
