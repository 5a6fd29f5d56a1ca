import pytest

from gateway.simulator.config import SimulatorConfigError, from_environment

SECRETS = {
    "SIMULATOR_API_KEY": "demo-key",
    "SIMULATOR_BACKOFFICE_TOKEN": "demo-token",
    "SIMULATOR_WEBHOOK_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
}


def test_the_secrets_are_enough() -> None:
    config = from_environment(SECRETS)
    assert (config.gateway_url, config.address, config.token) == (
        "http://127.0.0.1:8000",
        ("127.0.0.1", 8001),
        "local",
    )
    assert (config.service_code, config.ack_s, config.decision_s) == ("*229#", 3, 6)


@pytest.mark.parametrize(
    ("key", "value", "field", "read"),
    [
        ("SIMULATOR_GATEWAY_URL", "http://10.0.0.5:8000/", "gateway_url", "http://10.0.0.5:8000"),
        ("SIMULATOR_BIND", "[::1]:9", "address", ("::1", 9)),
        ("SIMULATOR_TOKEN", "0123abcd", "token", "0123abcd"),
        ("SIMULATOR_SERVICE_CODE", "*928*55#", "service_code", "*928*55#"),
        ("SIMULATOR_ACK_S", "0.5", "ack_s", 0.5),
        ("SIMULATOR_DECISION_S", "0", "decision_s", 0.0),
        ("SIMULATOR_TOKEN", "", "token", "local"),  # empty is unset
    ],
)
def test_reads(key: str, value: str, field: str, read: object) -> None:
    assert getattr(from_environment(SECRETS | {key: value}), field) == read


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        ({"SIMULATOR_API_KEY": ""}, ["SIMULATOR_API_KEY is missing"]),
        ({"SIMULATOR_WEBHOOK_SECRET": "secret"}, ["SIMULATOR_WEBHOOK_SECRET must be whsec_ and base64"]),
        ({"SIMULATOR_WEBHOOK_SECRET": "whsec_"}, ["SIMULATOR_WEBHOOK_SECRET must be whsec_ and base64"]),
        ({"SIMULATOR_GATEWAY_URL": "localhost"}, ["SIMULATOR_GATEWAY_URL must look like http://127.0.0.1:8000"]),
        ({"SIMULATOR_BIND": "8001"}, ["SIMULATOR_BIND must look like 127.0.0.1:8001"]),
        ({"SIMULATOR_TOKEN": "a/b"}, ["SIMULATOR_TOKEN must be letters, digits, - and _"]),
        ({"SIMULATOR_SERVICE_CODE": "229"}, ["SIMULATOR_SERVICE_CODE must look like *229#"]),
        ({"SIMULATOR_ACK_S": "soon"}, ["SIMULATOR_ACK_S must be a number of seconds"]),
        ({"SIMULATOR_DECISION_S": "-1"}, ["SIMULATOR_DECISION_S must be a number of seconds"]),
        ({"SIMULATOR_DECISION_S": "nan"}, ["SIMULATOR_DECISION_S must be a number of seconds"]),
        (  # all at once
            {"SIMULATOR_API_KEY": "", "SIMULATOR_BIND": "x"},
            ["SIMULATOR_API_KEY is missing", "SIMULATOR_BIND must look like 127.0.0.1:8001"],
        ),
    ],
)
def test_refuses(changes: dict[str, str], faults: list[str]) -> None:
    with pytest.raises(SimulatorConfigError) as refused:
        from_environment(SECRETS | changes)
    assert refused.value.faults == faults


def test_no_secret_in_its_repr() -> None:
    shown = repr(from_environment(SECRETS | {"SIMULATOR_TOKEN": "0123abcd"}))
    assert not any(secret in shown for secret in [*SECRETS.values(), "0123abcd"])
