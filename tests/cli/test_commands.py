"""The command line: what it prints, and that its errors are sentences."""

import json
import os
import re
import shutil
import sqlite3
from pathlib import Path

import pytest

from tests import commands

ROOT = Path(__file__).parents[2]


@pytest.fixture
def gateway(tmp_path):
    """Runs a command on data of the test's own; the finished process."""

    def gateway(*arguments, **environment):
        clean = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")}
        return commands.run(arguments, {**clean, "GATEWAY_DATA": str(tmp_path), "LC_ALL": "C.UTF-8", **environment})

    return gateway


def refused(done):
    assert done.returncode == 1, done
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return done.stderr.strip()


def test_help_names_every_command(gateway):
    done = gateway("--help")
    assert done.returncode == 0
    for name in (
        *("run", "dial", "check", "text", "submissions", "reconcile", "top", "beat", "tokens", "keys", "migrate"),
        *("web", "worker", "relay", "doctor", "backup", "restore", "service"),
    ):
        assert re.search(rf"^  {name} ", done.stdout, re.MULTILINE)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", {"encoding": "GSM-7", "units": 0, "segments": 0, "text": "", "transliterated": ""}),
        ("é€", {"encoding": "GSM-7", "units": 3, "segments": 1, "text": "é€", "transliterated": "é€"}),
        ("ê", {"encoding": "UCS-2", "units": 1, "segments": 1, "text": "ê", "transliterated": "e"}),
        ("-1 <b>", {"encoding": "GSM-7", "units": 6, "segments": 1, "text": "-1 <b>", "transliterated": "-1 <b>"}),
    ],
    ids=["nothing", "an extension character is two", "UCS-2", "what looks like an option"],
)
def test_text_as_json(gateway, text, said):
    done = gateway("text", "--json", text)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == said


def test_text_for_people(gateway):
    assert gateway("text", "forêt").stdout == "UCS-2, 5 UTF-16 units, 1 SMS\nforet\n"
    assert gateway("text", "pré").stdout == "GSM-7, 3 septets, 1 SMS\n"


def test_a_text_that_is_not_utf8(gateway):
    done = gateway("text", "--json", b"\xff".decode(errors="surrogateescape"))
    assert done.returncode == 2
    assert "not UTF-8" in done.stderr


def test_the_shipped_menus_have_no_fault(gateway):
    counts = r"\(\d+ (files|fichiers), \d+ services, \d+ (screens|écrans)\)\.\nSMS: .*; 0 (in|en) UCS-2\n"
    assert re.fullmatch(r"menus: no fault " + counts, gateway("check").stdout)
    assert re.fullmatch(r"menus: aucun défaut " + counts, gateway("check", "menus", "--lang", "fr").stdout)


def test_every_sms_with_its_segments(gateway):
    lines = gateway("check", "--sms").stdout.splitlines()
    assert "receipt  fr  GSM-7  159  1 segment" in lines
    assert any(re.fullmatch(r"commands\.aide  en  GSM-7  \d+  1 segment", line) for line in lines)
    assert any(re.fullmatch(r"infos\.fiche  fr  GSM-7  \d+  \d x 1 segment", line) for line in lines)


def test_a_broken_menu_is_reported_in_both_languages(gateway, tmp_path):
    menus = tmp_path / "menus"
    shutil.copytree(ROOT / "menus", menus)
    path = menus / "suivi.yaml"
    path.write_text(path.read_text().replace("go: par_reference", "go: par_referense"))
    lines = path.read_text().splitlines()
    choice, target = lines.index("      par_reference:") + 1, lines.index("        go: par_referense") + 1
    said = {lang: refused(gateway("check", str(menus), "--lang", lang)) for lang in ("fr", "en")}
    for report in said.values():
        assert choice <= int(re.search(r"suivi\.yaml:(\d+)", report).group(1)) <= target
        assert "par_referense" in report
    assert said["fr"] != said["en"]
    assert refused(gateway("check", str(menus), LC_ALL="fr_FR.UTF-8")) == said["fr"]


def test_migrate_then_an_empty_list(gateway, tmp_path):
    for _ in range(2):  # safe to repeat
        done = gateway("migrate")
        assert (done.returncode, done.stdout) == (0, "The database is up to date.\n")
    assert (tmp_path / "gateway.db").exists()
    assert (tmp_path / "keys.json").stat().st_mode & 0o777 == 0o600
    assert gateway("submissions", "list").stdout == ""
    assert refused(gateway("submissions", "show", "482109375628")) == "Error: 482109375628: no such demand"
    assert gateway("submissions", "dead").stdout == ""
    assert gateway("late").stdout == ""
    assert refused(gateway("submissions", "replay", "abc")) == "Error: abc: no such demand"
    assert "is not dead" in refused(gateway("submissions", "replay", "482109375625"))
    assert "name a REFERENCE, or give --system or --code" in gateway("submissions", "replay").stderr
    assert "no such system in gateway.yaml" in refused(
        gateway("submissions", "replay", "--code", "x", "--system-now", "y")
    )
    counted = gateway("submissions", "replay", "--system", "etat-civil")
    assert counted.stdout == "0 would be replayed, 0 cannot be; add --yes to replay them\n"


@pytest.mark.parametrize("command", [("web",), ("worker", "urgent"), ("relay",), ("submissions", "list")])
def test_a_database_that_was_never_migrated(gateway, command):
    done = gateway(*command, GATEWAY_LOCAL="1", GATEWAY_BIND="127.0.0.1:9", GATEWAY_REDIS="unix:///none")
    assert refused(done).endswith("the database is not up to date: run `gateway migrate`")


def test_a_database_that_does_not_answer(gateway):
    done = gateway("migrate", GATEWAY_DATABASE_URL="postgresql://nobody:secret@127.0.0.1:9/none")
    assert refused(done).startswith("the database cannot answer: away")
    assert "secret" not in done.stderr


def test_the_demonstration_does_not_serve_without_being_told(gateway):
    gateway("migrate")
    assert refused(gateway("web", GATEWAY_BIND="127.0.0.1:9")).startswith("AT_API_KEY is not set")


def test_a_simulator_for_the_whole_network(gateway):
    secrets = {"SIMULATOR_API_KEY": "k", "SIMULATOR_BACKOFFICE_TOKEN": "t", "SIMULATOR_WEBHOOK_SECRET": "whsec_MTIz"}
    assert refused(gateway("simulator", SIMULATOR_BIND="0.0.0.0:9", **secrets)) == (
        "SIMULATOR_BIND=0.0.0.0:9 can be reached from other machines; use 127.0.0.1"
    )
    assert "SIMULATOR_API_KEY is missing" in refused(gateway("simulator"))


def test_tokens_are_the_addresses_of_each_channel(gateway):
    done = gateway("tokens", GATEWAY_PUBLIC_URL="https://passerelle.example/")
    lines = [line.split() for line in done.stdout.splitlines()]
    assert [(channel, route) for channel, route, _ in lines] == [
        ("africastalking", "ussd"),
        ("africastalking", "events"),
        ("africastalking", "mo"),
        ("africastalking", "dlr"),
        ("africastalking", "optout"),
        ("mtn_madapi", "ussd"),
    ]
    for channel, route, address in lines:
        assert re.fullmatch(rf"https://passerelle\.example/channels/{channel}/[0-9a-f]{{32}}/{route}", address)
    assert done.stdout == gateway("tokens", GATEWAY_PUBLIC_URL="https://passerelle.example").stdout


def test_where_the_keys_are(gateway, tmp_path):
    assert gateway("keys", "path").stdout == f"{tmp_path}/keys.json\n"


def test_all_faults_of_the_configuration_are_listed(gateway, tmp_path):
    (tmp_path / "gateway.yaml").write_text("sms: {channel: x}\nlanguages: []\n")
    said = refused(gateway("check", GATEWAY_CONFIG=str(tmp_path / "gateway.yaml"), GATEWAY_BNID="x"))
    assert len(said.splitlines()) == 3


def test_a_bug_shows_itself(monkeypatch):
    """Only what we know how to say becomes a sentence."""
    from gateway import cli

    def broken():
        raise ValueError("a bug")

    monkeypatch.setattr(cli, "gateway", broken)
    with pytest.raises(ValueError, match="a bug"):
        cli.main()


def test_a_token_is_renewed_and_the_old_one_retired(gateway):
    def of_channel(done):
        assert done.returncode == 0, done.stderr
        return {line.split("/channels/")[1].split("/")[1] for line in done.stdout.splitlines() if "mtn_madapi" in line}

    (first,) = of_channel(gateway("tokens"))
    both = of_channel(gateway("tokens", "--renew", "mtn_madapi"))
    assert len(both) == 2
    assert first in both
    assert of_channel(gateway("tokens")) == both, "two are valid until the old one is retired"
    assert of_channel(gateway("tokens", "--retire", "mtn_madapi")) == both - {first}


def test_a_token_of_no_channel(gateway):
    done = gateway("tokens", "--renew", "nobody")
    assert done.returncode == 1
    assert "no channel is called nobody" in done.stderr


def test_a_backup_is_noted(gateway, tmp_path):
    gateway("migrate")
    assert gateway("beat", "backup").stdout == "backup: noted\n"
    with sqlite3.connect(tmp_path / "gateway.db") as conn:
        assert [row[0] for row in conn.execute("SELECT name FROM beats")] == ["backup"]
    assert gateway("beat", "relay").returncode == 2


def test_an_invoice_is_compared(gateway, tmp_path):
    gateway("migrate")
    bill = tmp_path / "facture.csv"
    with sqlite3.connect(tmp_path / "gateway.db") as conn:
        conn.execute("INSERT INTO daily VALUES ('2026-11-03', 'sessions', 'africastalking|61603', 1000)")
    bill.write_text("mois;opérateur;type;quantité;montant\n2026-11;MTN;sessions;1015;5075\n")
    done = gateway("reconcile", "invoice", str(bill))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "month    operator  kind      ours  theirs  difference     %  F CFA",
        "2026-11  mtn       sessions  1000    1015         +15  +1.5   5075",
    ]
    strict = gateway("reconcile", "invoice", str(bill), "--tolerance", "1")
    assert strict.returncode == 1
    assert strict.stdout.splitlines()[1].endswith("5075  <")
    bill.write_text(bill.read_text() + "2026-11;Orange;sms;1;1\n")
    partly = gateway("reconcile", "invoice", str(bill))
    assert (partly.returncode, partly.stderr) == (
        1,
        "facture.csv:3: operator: Orange is none of gateway.yaml; write one of mtn, moov, celtiis\n",
    )
    bill.write_text("a;b\n")
    assert "facture.csv: no line heads the columns: add one with month, operator, kind, quantity, amount_f" in refused(
        gateway("reconcile", "invoice", str(bill))
    )
    bill.write_text("mois;opérateur;type;quantité;montant\nTotal;;;0;0\n")
    assert "facture.csv: nothing is billed below the headings" in refused(gateway("reconcile", "invoice", str(bill)))


def test_what_no_operator_is_known_of_is_told_beside_a_bill(gateway, tmp_path):
    gateway("migrate")
    bill = tmp_path / "facture.csv"
    with sqlite3.connect(tmp_path / "gateway.db") as conn:
        conn.execute("INSERT INTO daily VALUES ('2026-11-03', 'sessions', 'africastalking|61699', 12)")
    bill.write_text("mois;opérateur;type;quantité;montant\n2026-11;MTN;sessions;12;60\n")
    told = gateway("reconcile", "invoice", str(bill)).stdout.splitlines()
    assert told[-1] == "2026-11  sessions: 12 more of ours came without a network that gateway.yaml knows"


def test_a_key_is_not_retired_while_it_seals_dialogues_under_way(gateway):
    assert gateway("migrate").returncode == 0
    assert "e2: not used yet" in gateway("keys", "prepare").stdout
    assert "e2: the new key" in gateway("keys", "rotate").stdout
    assert re.search(
        r"e1 still seals dialogues under way: retire it after \d", refused(gateway("keys", "retire", "e1"))
    )


def test_a_person_at_the_desk(gateway):
    assert gateway("migrate").returncode == 0
    assert "held by nobody now" in refused(gateway("person", "erase", "0197000000", "--yes"))
    assert gateway("person", "refuse", "0197000000").stdout == "+22901******00: noted\n"
    assert gateway("person", "refuse", "0197000000").stdout == "+22901******00: refused already\n"
    shown = json.loads(gateway("person", "export", "0197000000").stdout)
    assert {(one["subject"], one["value"], one["source"]) for one in shown["choices"]} == {
        ("category:procedure", "out", "person"),
        ("category:information", "out", "person"),
    }
    assert gateway("person", "erase", "0197000000", "--yes").stdout.startswith("+22901******00: 0 demands")
    assert json.loads(gateway("person", "export", "0197000000").stdout)["choices"] == []
