"""A list of 1,200 choices, paged for a handset of 160 septets."""

from __future__ import annotations

import time
from typing import Any

from gateway.text.pages import Footer, paginate


def measure() -> dict[str, Any]:
    """Milliseconds to page the list, best of twenty."""
    lines = [f"{number}. Commune de l'arrondissement n {number:04d}" for number in range(1, 1201)]
    foot = Footer(back="0.Retour", more="98.Suite")
    times = []
    for _ in range(20):
        started = time.perf_counter()
        pages = paginate("Commune de naissance", lines, foot, 160, "gsm7")
        times.append(time.perf_counter() - started)
    return {"choices": len(lines), "pages": len(pages), "best_ms": round(min(times) * 1000, 2)}
