"""JSON pointers (RFC 6901), as gateway.yaml writes them: `/requester/phone`."""

from __future__ import annotations

Pointer = tuple[str, ...]


def pointer(text: str) -> Pointer:
    """The names that lead to a value, outermost first; `""` is the whole document. Raises ValueError."""
    if text == "":
        return ()
    if not text.startswith("/"):
        raise ValueError(f"{text!r} is not a JSON pointer: it begins with / (/requester/phone)")
    names = text[1:].split("/")
    for name in names:
        if "~" in name.replace("~0", "").replace("~1", ""):
            raise ValueError(f"{text!r} is not a JSON pointer: ~ is written ~0, and / in a name ~1")
    return tuple(name.replace("~1", "/").replace("~0", "~") for name in names)
