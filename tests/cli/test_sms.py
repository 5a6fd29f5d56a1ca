"""`gateway sms`, `stop`, `start`, `stops`: masked, audited, and sentences for what cannot be done."""

import re

from gateway.cli.stops import who
from tests.cli.test_commands import gateway, refused  # noqa: F401 - the fixture

NUMBER = "0197000001"


def send(gateway, *more, number=NUMBER, text="Bonjour à tous"):  # noqa: F811
    done = gateway("sms", "send", number, text, "--yes", *more)
    assert done.returncode == 0, done.stderr
    return re.search(r"SMS (\d+)", done.stdout).group(1)


def test_one_sms_from_sending_to_its_moves(gateway):  # noqa: F811
    gateway("migrate")
    shown = gateway("sms", "send", NUMBER, "Très bientôt", "--yes")
    assert "Très bientot\nGSM-7, 1 segment, 12 F CFA, from court" in shown.stdout
    listed = gateway("sms", "list", "--number", "97 00 00 01").stdout
    assert re.search(r"\+22901\*+01  created  en attente  procedure operator  1 segment", listed)
    assert NUMBER[2:] not in listed
    assert gateway("sms", "list", "--number", "0197000002").stdout == ""
    assert gateway("sms", "list", "--state", "delivered").stdout == ""
    assert gateway("sms", "list", "--otherwise").stdout == ""
    (mt,) = re.findall(r"^(\d+)  ", listed, re.MULTILINE)
    sheet = gateway("sms", "show", mt).stdout
    assert "created send" in sheet
    assert "bientot" not in sheet
    assert "text: Très bientot" in gateway("sms", "show", mt, "--text").stdout
    done = gateway("stops").stdout
    assert f"{who()}  sms.read mt:{mt}" in done
    assert f"{who()}  sms.send mt:{mt} procedure" in done


def test_what_cannot_be_done_is_a_sentence(gateway):  # noqa: F811
    gateway("migrate")
    assert "no such SMS" in refused(gateway("sms", "show", "99"))
    assert "phone number" in refused(gateway("sms", "send", "12", "x", "--yes"))
    assert "no such sender" in refused(gateway("sms", "send", NUMBER, "x", "--yes", "--sender", "autre"))
    assert "no such SMS" in refused(gateway("sms", "resend", "99"))
    mt = send(gateway)
    assert "is known" in refused(gateway("sms", "reconcile", mt, "--as", "delivered"))
    assert gateway("sms", "reconcile", mt).returncode == 2
    assert gateway("sms", "reconcile").stdout == ""


def test_a_list_of_the_aggregator(gateway, tmp_path):  # noqa: F811
    gateway("migrate")
    path = tmp_path / "list.csv"
    path.write_text("number,messageId,status,date\n0197000001,ATX_1,Success,\nx,ATX_2,Success,\n", encoding="utf-8")
    done = gateway("sms", "reconcile", "--file", str(path))
    assert done.stdout.strip() == "0 settled, 0 ambiguous, 1 foreign"
    assert "list.csv:3: needs number, messageId and a known status; left out" in done.stderr


def test_a_list_as_a_spreadsheet_writes_it(gateway, tmp_path):  # noqa: F811
    gateway("migrate")
    path = tmp_path / "list.csv"
    path.write_bytes("Rapport d'été\nDate;Numéro;messageId;Statut\n;0197000001;ATX_1;Success\n".encode("cp1252"))
    done = gateway("sms", "reconcile", "--file", str(path))
    assert done.stdout.strip() == "0 settled, 0 ambiguous, 1 foreign", done.stderr
    path.write_bytes(b"number;status\n0197000001;Success\n")
    told = refused(gateway("sms", "reconcile", "--file", str(path)))
    assert told == "Error: list.csv: line 1: no column messageId; the headings must name number, messageId, status"
    path.write_bytes(b"\xff\xd8\xff\x00")
    assert "list.csv: it is no text: save the table as CSV" in refused(gateway("sms", "reconcile", "--file", str(path)))


def test_stopped_and_started(gateway):  # noqa: F811
    gateway("migrate")
    assert gateway("stop", "sms", "--reason", "panne").stdout == "sms: stopped\n"
    assert gateway("stop", "sms", "--reason", "panne").stdout == "sms: was stopped already\n"
    assert gateway("stop", "service", "infos", "--reason", "x").stdout == "service:infos: stopped\n"
    assert "no such service; there are acte-naissance" in refused(gateway("stop", "service", "bidule", "--reason", "x"))
    assert gateway("stop", "service", "--reason", "x").returncode == 2
    assert gateway("stop", "sms").returncode == 2, "a reason is asked for"
    said = gateway("stops").stdout
    assert re.search(rf"^STOPPED sms since .* by {who()}: panne$", said, re.MULTILINE)
    assert gateway("start", "sms").stdout == "sms: started\n"
    assert gateway("start", "sms").stdout == "sms: was not stopped\n"
    assert "STOPPED sms" not in gateway("stops").stdout
