"""The console's style and script: files of ours, under names that hold their digest, so that browsers keep them."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from flask import Response, abort, request

from gateway.web.console.screens import Access, Screen, Visit

_FOLDER = Path(__file__).parents[1] / "static"
_KINDS = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
_YEAR_S = 31_536_000


@dataclass(frozen=True, slots=True)
class _Asset:
    kind: str
    plain: bytes = field(repr=False)
    packed: bytes = field(repr=False)


@cache
def _assets() -> dict[str, tuple[str, _Asset]]:
    """By the file's own name: the name it is served under, and what is served."""
    found: dict[str, tuple[str, _Asset]] = {}
    for path in sorted(_FOLDER.iterdir()):
        if path.suffix in _KINDS:
            content = path.read_bytes()
            digest = hashlib.sha256(content).hexdigest()[:16]
            asset = _Asset(_KINDS[path.suffix], content, gzip.compress(content, mtime=0))
            found[path.name] = (f"{path.stem}-{digest}{path.suffix}", asset)
    return found


def address(name: str) -> str:
    """Where the file `name` ("console.css") is served."""
    return f"/console/static/{_assets()[name][0]}"


def static(visit: Visit, name: str) -> Response:
    del visit
    served = dict(_assets().values())
    if name not in served:
        abort(404)
    asset = served[name]
    packed = request.accept_encodings.quality("gzip") > 0
    answer = Response(asset.packed if packed else asset.plain, content_type=asset.kind)
    if packed:
        answer.headers["Content-Encoding"] = "gzip"
    answer.headers["Vary"] = "Accept-Encoding"
    answer.headers["Cache-Control"] = f"public, max-age={_YEAR_S}, immutable"
    return answer


SCREENS = (Screen("/static/<name>", static, access=Access.OPEN),)
