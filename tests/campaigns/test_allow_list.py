"""Links and phone numbers that no SMS may name, however they are written."""

from __future__ import annotations

import pytest

from gateway.settings import Institution
from gateway.usecases.allow_list import refused

ANIP = Institution(
    name={"fr": "ANIP"}, links=("anip.bj", "service-public.bj"), numbers=("+2290121300000", "97000001", "136", "*155#")
)
OURS = ("*229#", "22900")

LINKS = [
    ("bit.ly/x", "bit.ly", "as phones read it"),
    ("BIT.LY", "BIT.LY", "capitals"),
    ("Allez sur evil.com.", "evil.com", "a full stop after it"),
    ("x..evil.com", "evil.com", "dots before"),
    ("evil.com.bj", "evil.com.bj", "two endings"),
    ("http://10.0.0.1/x", "http://10.0.0.1", "a number as host"),
    ("10.0.0.1/x", "10.0.0.1", "without http"),
    ("hxxp://evil", "hxxp://evil", "any scheme"),
    ("http : //evil", "http : //evil", "spaces in the scheme"),
    ("https://anip.bj@evil.com", "https://anip.bj@evil.com", "what stands before @ is a name"),
    ("anip.bj.evil.com", "anip.bj.evil.com", "an allowed one in front"),
    ("anip-bj.com", "anip-bj.com", "nearly an allowed one"),
    ("xanip.bj", "xanip.bj", "a letter before an allowed one"),
    ("awa@evil.com", "evil.com", "an address of mail"),
    ("bit。ly", "bit。ly", "an ideographic dot"),
    ("bit．ly", "bit．ly", "a full-width dot"),
    ("bit․ly", "bit․ly", "a one dot leader"),
    ("bit·ly", "bit·ly", "a middle dot"),
    ("bit•ly", "bit•ly", "a bullet"),
    ("ｂｉｔ．ｌｙ", "ｂｉｔ．ｌｙ", "full-width letters"),
    ("bіt.ly", "bіt.ly", "a Cyrillic i"),
    ("bit.lу", "bit.lу", "a Cyrillic y in the ending"),
    ("evil.соm", "evil.соm", "a Cyrillic ending"),
    ("bit.\u200bly", "bit.\u200bly", "a zero-width space"),
    ("bi\u00adt.ly", "bi\u00adt.ly", "a soft hyphen"),
    ("bit\u2060.\ufeffly", "bit\u2060.\ufeffly", "a word joiner and a mark of order"),
    ("bit .ly", "bit .ly", "a space before the dot"),
    ("bit . ly/x", "bit . ly", "spaces around the dot"),
    ("bit[.]ly", "bit[.]ly", "as those write it who warn"),
    ("bit (point) ly", "bit (point) ly", "in words"),
    ("evil point com", "evil point com", "in words, alone"),
    ("evil dot com", "evil dot com", "in English"),
    ("http:\u2044\u2044evil", "http:\u2044\u2044evil", "other strokes"),
    ("аnip.bj", "аnip.bj", "a look-alike of an allowed one"),
    ("anip．bj", "anip．bj", "an allowed one with another dot"),
    ("anip .bj", "anip .bj", "an allowed one that would not open"),
]
NUMBERS = [
    ("97000002", "97000002", "8 digits"),
    ("0197000002", "0197000002", "10 digits"),
    ("01 97 00 00 02", "01 97 00 00 02", "in pairs"),
    ("01.97-00/00_02", "01.97-00/00_02", "any signs between"),
    ("97 - 00 - 00 - 02", "97 - 00 - 00 - 02", "three characters between"),
    ("9 7 0 0 0 0 0 2", "9 7 0 0 0 0 0 2", "one by one"),
    ("(229) 97 00 00 02", "229) 97 00 00 02", "brackets"),
    ("+229 01 97 00 00 02", "+229 01 97 00 00 02", "international"),
    ("00229 01 97 00 00 02", "00229 01 97 00 00 02", "with 00"),
    ("002290197000002", "002290197000002", "with 00, in one"),
    ("Tel:97000002", "97000002", "words before"),
    ("N97000002X", "97000002", "letters around"),
    ("1 0197000002", "0197000002", "another digit before"),
    ("12 97 00 00 02", "97 00 00 02", "another pair before"),
    ("0197000002 0197000003", "0197000002", "two in a row"),
    ("97000001 97000002", "97000002", "an allowed one before"),
    ("９７０００００２", "９７０００００２", "full-width digits"),
    ("٩٧٠٠٠٠٠٢", "٩٧٠٠٠٠٠٢", "Arabic digits"),
    ("97\u200b000\u200b002", "97\u200b000\u200b002", "zero-width spaces"),
    ("O1 97 OO OO O2", "O1 97 OO OO O2", "letters for digits"),
    ("+33 6 12 34 56 78", "+33 6 12 34 56 78", "another country"),
    ("appelez 0197000002!", "0197000002", "a sign after"),
    ("*155*1#", None, "a way into an allowed code"),
    ("*156#", "*156#", "a USSD code"),
    ("*156*1*2#", "*156*1*2#", "and a way into it"),
    ("* 1 5 6 #", "* 1 5 6 #", "with spaces"),
    ("＊156＃", "＊156＃", "full-width"),
    ("#150#", "#150#", "with # first"),
    ("*156", "*156", "without its #"),
    ("*2290#", "*2290#", "nearly ours"),
    ("Appelez le 7788", "7788", "a short number to call"),
    ("Envoyez OUI au 7788", "7788", "a short number to write to"),
    ("SMS au 77 88", "77 88", "in two"),
    ("Send YES to 7788", "7788", "in English"),
]
ALLOWED = [
    ("anip.bj/suivi", "allowed"),
    ("https://www.anip.bj/x?y=1", "below an allowed one"),
    ("WWW.ANIP.BJ", "capitals"),
    ("awa@anip.bj", "an address of an allowed one"),
    ("97 00 00 01", "allowed, written otherwise"),
    ("01 97 00 00 01", "allowed, in its new form"),
    ("+229 01 21 30 00 00", "allowed, international"),
    ("Appelez le 136", "an allowed short number"),
    ("Envoyez STATUT au 22900", "our short code"),
    ("*229#", "our code"),
    ("*229*21#", "a way into our menu"),
    ("25/05/2026", "a date that would be a number"),
    ("25.05.2026", "with dots"),
    ("25-5-2026", "with dashes"),
    ("2026-11-25", "as computers write it"),
    ("Le 25/05/2026 de 8h30 à 17h00", "a date and hours"),
    ("25/05/2026 14:30", "a date and an hour"),
    ("4821 0937 5628", "a reference"),
    ("482109375628", "a reference in one"),
    ("1 500 000 F", "an amount"),
    ("1234567890", "a number of a person"),
    ("3201234567890", "a number of a company"),
    ("M. A.Dossou", "initials"),
    ("Dossier #4821", "a sign before a number"),
    ("Fini. La suite", "two sentences"),
    ("8h-12h / 15h-18h", "hours"),
    ("point de retrait", "the word point"),
    ("de 2025 au 2026", "years"),
    ("", "nothing"),
]


@pytest.mark.parametrize(("text", "shown", "remark"), LINKS + NUMBERS)
def test_refused(text: str, shown: str | None, remark: str) -> None:
    for around in ("{}", "Votre dossier: {}", "Prêt {} merci"):
        found = refused(around.format(text), ANIP, OURS)
        assert found[:1] == ((shown,) if shown else ()), remark


@pytest.mark.parametrize(("text", "remark"), ALLOWED)
def test_allowed(text: str, remark: str) -> None:
    for around in ("{}", "Votre dossier: {}", "Prêt {} merci"):
        assert refused(around.format(text), ANIP, OURS) == (), remark
