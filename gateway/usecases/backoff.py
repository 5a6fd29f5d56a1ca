"""When to try again: doubling waits, capped, and spread so that what failed together does not come back together."""

from __future__ import annotations

from collections.abc import Callable


def wait_s(
    tries: int, first_s: float, longest_s: float, asked_s: int | None, random_bytes: Callable[[int], bytes]
) -> float:
    """Seconds until the next try, after `tries` (1 or more) that failed.

    Between half and the whole of `first_s` * 2**(tries - 1), the whole being at most `longest_s`. Never sooner than
    `asked_s`, what the other side asked for (Retry-After).
    """
    whole: float = min(longest_s, first_s * 2.0 ** min(tries - 1, 30))  # 30: beyond any cap, and no overflow
    spread = int.from_bytes(random_bytes(4)) / 2**32
    if asked_s is None:
        return whole * (0.5 + spread / 2)
    return max(whole * (0.5 + spread / 2), asked_s * (1 + spread / 10))
