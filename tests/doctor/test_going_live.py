"""`gateway doctor --production`: each thing that must change before going live, really left as it was."""

from __future__ import annotations

from typing import Any

import pytest

from gateway import wiring
from gateway.messages import Role
from gateway.settings import DEMO_API_KEY, SettingsError
from gateway.settings import load as load_settings
from tests.doctor.conftest import ROOT, Installation
from tests.e2e.running import free_ports


def test_nothing_has_to_change(installation: Installation) -> None:
    sqlite = installation.database_url.startswith("sqlite")
    assert installation.codes(production=True) == ({"live_sqlite"} if sqlite else set())
    if sqlite:
        done = installation.run("doctor", "--production", "--lang", "fr")
        assert done.exit_code == 0, "a warning is no error"
        assert done.output.startswith("ATTENTION La base est un fichier SQLite")


def test_the_shipped_configuration(on_sqlite: Installation) -> None:
    """What a ministry sees that has changed nothing yet."""
    on_sqlite.environ(
        GATEWAY_CONFIG=str(ROOT / "config" / "gateway.yaml"),
        GATEWAY_SIMULATOR_BIND=None,
        GATEWAY_PUBLIC_URL=None,
        GATEWAY_LOCAL="1",
        AT_API_KEY=None,
        ETAT_CIVIL_TOKEN=None,
        ETAT_CIVIL_WEBHOOK_SECRET=None,
    )
    assert on_sqlite.codes() == set(), "as a demonstration it is well"
    assert on_sqlite.codes(production=True) == {
        *("live_local", "live_simulator", "live_simulated", "live_sandbox", "live_secret", "live_service_code"),
        *("live_sender", "live_public_missing", "live_proxies", "live_allow_from", "live_sqlite"),
    }
    done = on_sqlite.run("doctor", "--production", "--lang", "en")
    assert done.exit_code == 1
    assert "systems.etat-civil.url still leads to the simulator" in done.output


ENVIRONMENT: list[tuple[dict[str, str | None], str]] = [
    ({"GATEWAY_LOCAL": "1"}, "live_local"),
    ({"GATEWAY_SIMULATOR_BIND": None}, "live_simulator"),
    ({"GATEWAY_PUBLIC_URL": None}, "live_public_missing"),
    ({"GATEWAY_PUBLIC_URL": "http://services.gouv.bj"}, "live_public_plain"),
    ({"GATEWAY_PUBLIC_URL": "https://passerelle.example.bj"}, "live_public_example"),
    ({"GATEWAY_BIND": "0.0.0.0:8000"}, "live_bind"),
    ({"GATEWAY_BIND": "[::]:8000"}, "live_bind"),
    ({"GATEWAY_BIND": "41.79.1.2:8000"}, "live_bind"),
    ({"AT_API_KEY": DEMO_API_KEY}, "live_demo_key"),
]


@pytest.mark.parametrize(("variables", "code"), ENVIRONMENT)
def test_the_environment(on_sqlite: Installation, variables: dict[str, str | None], code: str) -> None:
    on_sqlite.environ(**variables)
    assert on_sqlite.codes(production=True) - {"live_sqlite"} == {code}
    assert on_sqlite.codes() == set(), "only production asks for it"


def test_a_private_address_is_well(on_sqlite: Installation) -> None:
    on_sqlite.environ(GATEWAY_BIND="10.20.0.4:8000")
    assert on_sqlite.codes(production=True) == {"live_sqlite"}


def channel(**changes: object) -> Any:
    return lambda values: values["channels"]["africastalking"].update(changes)


def system(**changes: object) -> Any:
    return lambda values: values["systems"]["etat-civil"].update(changes)


def settings(**changes: object) -> Any:
    return lambda values: values.update(changes)


CONFIGURATION = [
    (channel(username="sandbox"), "live_sandbox"),
    (channel(allow_from=[]), "live_allow_from"),
    (channel(api_key_env=None), "live_no_secret"),
    (channel(base_url="http://api.example.com"), "live_plain"),
    (system(url="http://etat-civil.gouv.bj/api"), "live_plain"),
    (system(webhook_secret_env=None), "live_no_secret"),
    (settings(service_codes=["*229#", "*881#"]), "live_service_code"),
    (lambda values: values["senders"]["court"].update(short_code="22900"), "live_sender"),
    (settings(trusted_proxies=[]), "live_proxies"),
    (settings(trusted_proxies=["10.0.0.1/32"]), "live_proxy_here"),
    (settings(monitoring_from=["0.0.0.0/0"]), "live_monitoring"),
    (settings(monitoring_from=["127.0.0.0/8", "41.79.0.0/16"]), "live_monitoring"),
    (lambda values: values["privacy"].update(notice=""), "live_notice"),
]


@pytest.mark.parametrize(("change", "code"), CONFIGURATION)
def test_the_configuration(on_sqlite: Installation, change: Any, code: str) -> None:
    on_sqlite.configure(change)
    assert on_sqlite.codes(production=True) - {"live_sqlite"} == {code}
    assert on_sqlite.codes() == set()


HOOK = {
    "institution": "anip",
    "url": "https://hooks.gouv.bj/x",
    "secret_env": "HOOK",
    "events": ["submission.received"],
}
DROP = {"institution": "anip", "kind": "drop", "folder": "jours", "answers_folder": "reponses"}
SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
#: What nobody needs to start, and no institution could believe or be told without.
BESIDE = [
    (settings(hooks={"anip": HOOK}), None, "live_secret"),
    (settings(hooks={"anip": {**HOOK, "allow_private": True}}), SECRET, "live_private"),
    (lambda values: values["systems"].update(registre=DROP), None, "live_no_secret"),
]


@pytest.mark.parametrize(("change", "secret", "code"), BESIDE)
def test_institutions_that_are_told_by_hook_or_by_file(
    on_sqlite: Installation, change: Any, secret: str | None, code: str
) -> None:
    on_sqlite.configure(change)
    on_sqlite.environ(HOOK=secret)
    assert on_sqlite.codes(production=True) - {"live_sqlite"} == {code}
    assert on_sqlite.codes() == set()


def test_a_file_signed_with_a_secret_that_is_not_set_is_no_start(on_sqlite: Installation) -> None:
    on_sqlite.configure(lambda values: values["systems"].update(registre={**DROP, "webhook_secret_env": "HOOK"}))
    on_sqlite.environ(HOOK=None)
    assert on_sqlite.codes() == {"settings"}
    assert "settings" in on_sqlite.codes(production=True)


def test_an_institution_with_its_secret_is_well(on_sqlite: Installation) -> None:
    on_sqlite.configure(settings(hooks={"anip": HOOK}))
    on_sqlite.environ(HOOK=SECRET)
    assert on_sqlite.codes(production=True) == {"live_sqlite"}


def test_the_simulator_in_the_configuration(on_sqlite: Installation) -> None:
    on_sqlite.configure(system(url="${simulator}/backoffice/etat-civil"))
    assert on_sqlite.codes(production=True) == {"settings"}, "without a simulator it is no address"
    on_sqlite.environ(GATEWAY_SIMULATOR_BIND="127.0.0.1:8001")
    assert on_sqlite.codes(production=True) - {"live_sqlite"} == {"live_simulator", "live_simulated"}


def test_a_system_on_this_machine_may_be_in_clear(on_sqlite: Installation) -> None:
    for url in ("http://127.0.0.1:9000/x", "http://[::1]:9000/x", "http://localhost/x"):
        on_sqlite.configure(system(url=url))
        assert on_sqlite.codes(production=True) == {"live_sqlite"}


def test_whether_the_keys_were_copied(installation: Installation) -> None:
    """`gateway backup --keys` says so, and a key made since takes its word back."""
    installation.execute("DELETE FROM beats WHERE name = 'backup-keys'")
    assert "live_keys_never" in installation.codes(production=True)
    copied = installation.run("backup", "--keys", str(installation.folder / "second"))
    assert copied.exit_code == 0
    assert not {"live_keys_never", "live_keys_changed"} & installation.codes(production=True)
    assert installation.run("tokens", "--renew", "africastalking").exit_code == 0
    assert "live_keys_changed" in installation.codes(production=True)


def test_accounts_of_the_demonstration(installation: Installation) -> None:
    """Made while it was one, and left behind: they open nothing, and must not be there."""
    installation.environ(GATEWAY_LOCAL="1")
    declared = load_settings()
    assert len(wiring.make_demo_people(declared, wiring.prepare(declared))) == len(Role)
    installation.environ(GATEWAY_LOCAL=None, GATEWAY_BIND=f"0.0.0.0:{free_ports(1)[0]}")
    assert "live_demo_people" in installation.codes(production=True)
    refused = installation.run("web")
    assert refused.exit_code == 1
    assert isinstance(refused.exception, SettingsError)
    assert "the accounts demo-..." in refused.exception.faults[0]
    installation.execute("UPDATE people SET disabled_at = created_at WHERE login LIKE 'demo-%'")
    assert "live_demo_people" not in installation.codes(production=True)


def test_files_that_others_may_change_or_read(on_sqlite: Installation) -> None:
    environment = on_sqlite.config.parent / "env"
    environment.chmod(0o644)
    assert on_sqlite.codes(production=True) - {"live_sqlite"} == {"live_environment_open"}
    environment.chmod(0o660)
    assert on_sqlite.codes(production=True) - {"live_sqlite"} == {"live_environment_open"}
    environment.chmod(0o600)
    for path in (on_sqlite.config, on_sqlite.config.parent / "menus", on_sqlite.config.parent / "menus" / "main.yaml"):
        mode = path.stat().st_mode & 0o777
        path.chmod(mode | 0o020)
        assert on_sqlite.codes(production=True) - {"live_sqlite"} == {"live_file_open"}, path
        path.chmod(mode)
    assert on_sqlite.codes(production=True) == {"live_sqlite"}
