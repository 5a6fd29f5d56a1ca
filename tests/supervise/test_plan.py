"""What each process of `gateway run` is given."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway import keys, metrics, settings
from gateway.supervise import plan

SECRETS = {
    "AT_API_KEY": "real-key",
    "ETAT_CIVIL_TOKEN": "real-token",
    "ETAT_CIVIL_WEBHOOK_SECRET": "whsec_" + "QUJD" * 12,
}


@pytest.fixture
def processes(tmp_path: Path) -> dict[str, plan.Planned]:
    declared = settings.load({"GATEWAY_DATA": str(tmp_path), "GATEWAY_LOCAL": "1"})
    ring = keys.load_or_create(tmp_path / "keys.json", lambda count: b"k" * count, ("africastalking",), ("etat-civil",))
    made = plan.gateway_processes(declared, ring, SECRETS, "unix:///r.sock", tmp_path)
    return {one.name: one for one in made}


def test_one_worker_for_each_queue(processes: dict[str, plan.Planned]) -> None:
    workers = {name for name in processes if name.startswith("worker-")}
    assert workers == {"worker-urgent", "worker-bulk", "worker-backoffice", "worker-upkeep"}
    assert {"web", "relay", "simulator"} == set(processes) - workers


def test_only_our_own_processes_get_our_environment(processes: dict[str, plan.Planned], tmp_path: Path) -> None:
    strangers = {name for name, one in processes.items() if one.stranger}
    assert strangers == {"simulator"}
    assert plan.redis(("redis-server",), tmp_path).stranger


def test_our_processes_count_in_one_folder(processes: dict[str, plan.Planned], tmp_path: Path) -> None:
    folders = {one.environment.get(metrics.FOLDER) for one in processes.values() if not one.stranger}
    assert folders == {str(tmp_path / "metrics")}


def test_the_simulator_gets_the_secrets_of_the_parts_it_plays(processes: dict[str, plan.Planned]) -> None:
    told = processes["simulator"].environment
    assert told["SIMULATOR_API_KEY"] == "real-key", "its base_url is the simulator: the key is only between the two"
    assert told["SIMULATOR_BACKOFFICE_TOKEN"] == "real-token"


def test_the_real_aggregators_key_is_not_for_the_simulator(tmp_path: Path) -> None:
    declared = settings.load({"GATEWAY_DATA": str(tmp_path), "GATEWAY_LOCAL": "1"})
    real = declared.channels["africastalking"].model_copy(update={"base_url": None})
    ring = keys.load_or_create(tmp_path / "keys.json", lambda count: b"k" * count, ("africastalking",), ("etat-civil",))
    changed = declared.model_copy(update={"channels": {"africastalking": real}})
    assert plan.simulator_environment(changed, ring, SECRETS)["SIMULATOR_API_KEY"] == settings.DEMO_API_KEY
