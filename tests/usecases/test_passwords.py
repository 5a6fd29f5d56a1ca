"""Passwords: what is refused, and how they are kept."""

from __future__ import annotations

import os

import argon2
import pytest

from gateway.usecases import passwords
from gateway.usecases.passwords import PasswordFault


@pytest.mark.parametrize(
    ("password", "fault", "remark"),
    [
        ("a", PasswordFault.SHORT, ""),
        ("trois chats", PasswordFault.SHORT, "11 characters"),
        ("trois chats!", None, "12, and no rule about signs"),
        ("troischatsnoirs", None, "letters only"),
        ("x1" * 64, PasswordFault.COMMON, "128 characters, two different ones"),
        ("abcdefgh ijklmnop qrs" * 6 + "yz", None, "128 characters"),
        ("abcdefgh ijklmnop qrs" * 6 + "xyz", PasswordFault.LONG, "129 characters"),
        ("awa.dossou@mairie.bj", PasswordFault.LOGIN, "the login"),
        ("AWA.Dossou@mairie.bj!!", PasswordFault.LOGIN, "the login and a little more"),
        ("awa.dossou12", PasswordFault.LOGIN, "its first part and two digits"),
        ("awa.dossou et les trois chats", None, "its first part within a sentence"),
        ("motdepasse123", PasswordFault.COMMON, "listed"),
        ("MotDePasse123", PasswordFault.COMMON, "listed, in capitals"),
        ("123456 123456", PasswordFault.COMMON, "listed, with a space"),
        ("aaaaaaaaaaaaaa", PasswordFault.COMMON, "one letter"),
        ("ababababababab", PasswordFault.COMMON, "two"),
        ("ijklmnopqrstuvw", PasswordFault.COMMON, "a row of the alphabet"),
        ("34567890123456", PasswordFault.COMMON, "a row of digits"),
        ("98765432109876", PasswordFault.COMMON, "backwards"),
        ("ééééàààùùùçç", None, "four different letters"),
    ],
)
def test_rules(password: str, fault: PasswordFault | None, remark: str) -> None:
    assert passwords.fault(password, "awa.dossou@mairie.bj") is fault, remark


def test_only_the_password_fits() -> None:
    kept = passwords.digest("trois chats noirs", os.urandom)
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert passwords.fits(kept, "trois chats noirs")
    assert not passwords.fits(kept, "trois chats noir")
    assert not passwords.fits("", "nobody's password")
    assert passwords.digest("trois chats noirs", os.urandom) != kept


def test_the_same_letters_from_another_keyboard() -> None:
    kept = passwords.digest("caf\u00e9 au lait de Porto", os.urandom)
    assert passwords.fits(kept, "cafe\u0301 au lait de Porto")


def test_what_other_parameters_made_is_old() -> None:
    assert not passwords.is_old(passwords.digest("trois chats noirs", os.urandom))
    assert not passwords.is_old(passwords.NOBODY)  # or an unknown login would take another time
    assert passwords.is_old(argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("x"))
