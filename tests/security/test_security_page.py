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


#: What the threat model must speak of.
_THREATS = (
    "forged callbacks", "sim swap", "recycled number", "insider", "campaign as phishing", "toll fraud", "stolen laptop",
    "stolen backup",
)  # fmt: skip


def test_every_threat_has_an_answer_that_a_test_holds_and_a_limit() -> None:
    table = PAGE.partition("\n## Threats\n")[2].partition("\n## ")[0]
    rows = [row.strip("| ").split(" | ") for row in table.splitlines() if row.startswith("| **")]
    assert all(len(row) == 3 for row in rows), "threat, what answers it, what does not"
    assert [row[0] for row in rows if not re.search(r"`(?:tests/\w+/)?test_\w+\.py`", row[1])] == []
    assert [one for one in _THREATS if not any(one in row[0].lower() for row in rows)] == []
