"""The name kept with what an operator did: the system's, not one that she gives herself, nor made-up lines."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

from tests.cli.test_commands import gateway

__all__ = ["gateway"]


def signed_in() -> str:
    """Who the system says runs this test."""
    audited = Path("/proc/self/loginuid")
    uid = int(audited.read_text()) if audited.exists() else 2**32 - 1
    return pwd.getpwuid(os.getuid() if uid == 2**32 - 1 else uid).pw_name


def test_nobody_acts_in_anothers_name(gateway):
    gateway("migrate")
    forged = dict.fromkeys(("LOGNAME", "USER", "LNAME", "USERNAME", "SUDO_USER"), "directrice")
    assert gateway("stop", "sms", "--reason", "essai", **forged).returncode == 0
    told = gateway("stops").stdout
    assert "directrice" not in told
    assert f"by {signed_in()}: essai" in told


def test_a_reason_is_one_line_without_escapes(gateway):
    gateway("migrate")
    gateway("stop", "sms", "--reason", "panne\n2026-11-25 10:00:00  directrice  start sms \x1b[2K\u202etxt")
    lines = gateway("stops").stdout.splitlines()
    assert len(lines) == 2, "what is stopped, and the act"
    assert not any(character in "".join(lines) for character in "\x1b\u202e")
