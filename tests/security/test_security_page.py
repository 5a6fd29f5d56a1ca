"""docs/security.md names modules and tests: they are there."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path("docs/security.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`([a-z_0-9/]+\.py)`", PAGE)))


def test_what_the_page_names_exists() -> None:
    def place(name: str) -> Path:
        if name.startswith("tests/"):
            return Path(name)
        return Path("tests/security" if name.startswith("test_") else "gateway", name)

    assert [name for name in NAMED if not place(name).is_file()] == []
    assert len(NAMED) > 40


def test_every_attack_is_on_the_page() -> None:
    here = {path.name for path in Path("tests/security").glob("test_*.py")}
    assert here - set(NAMED) == {Path(__file__).name}
