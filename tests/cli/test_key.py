"""`gateway key`: made once shown, listed without its secret, revoked."""

from __future__ import annotations

from pathlib import Path

from gateway.cli import key as command
from gateway.store import migrate
from gateway.usecases.api_keys import KeyFault, Scope
from tests.cli.test_commands import gateway  # noqa: F401 - the fixture


def test_a_key_s_life(gateway, tmp_path: Path) -> None:  # noqa: F811 - the fixture
    migrate.upgrade(f"sqlite:///{tmp_path}/gateway.db")
    add = ("key", "add", "anip", "--name", "essai", "--scope", "notifications:send", "--guest", "+2290197000000")
    made = gateway(*add)
    assert made.returncode == 0, made.stderr
    secret = made.stdout.strip()
    assert secret.startswith("psl_test_")
    assert "is not shown again" in made.stderr
    listed = gateway("key", "list", "anip").stdout
    assert secret not in listed
    assert f"{secret[:17]}  trial    600/min 10000/day" in listed
    assert "never used" in listed
    assert "+229" not in listed
    assert gateway("key", "revoke", "anip", secret[:17]).stdout == f"{secret[:17]}: revoked\n"
    assert f"{secret[:17]}  revoked" in gateway("key", "list", "anip").stdout


def test_what_cannot_be_done_says_why(gateway, tmp_path: Path) -> None:  # noqa: F811 - the fixture
    migrate.upgrade(f"sqlite:///{tmp_path}/gateway.db")
    nowhere = gateway("key", "list", "nowhere")
    assert (nowhere.returncode, nowhere.stderr) == (1, "Error: nowhere: no such institution; there are anip\n")
    guests = gateway("key", "add", "anip", "--name", "x", "--scope", "notifications:send")
    assert guests.returncode == 1
    assert "a trial key has 1 to 20 --guest numbers" in guests.stderr
    absent = gateway("key", "revoke", "anip", "psl_test_zzzzzzzz")
    assert (absent.returncode, "no such key" in absent.stderr) == (1, True)


def test_the_command_knows_every_scope_and_fault() -> None:
    assert set(command._SCOPES) == set(Scope)
    assert set(command._WHY) == set(KeyFault)
