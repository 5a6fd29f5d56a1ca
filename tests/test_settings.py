"""Configuration: what is accepted, what is refused with which sentence, all faults at once."""

import re
from pathlib import Path

import pytest

from gateway.settings import ENVIRONMENT, Network, SettingsError, address_of, is_loopback, load, require_serving

ROOT = Path(__file__).parents[1]
SHIPPED = (ROOT / "config" / "gateway.yaml").read_text()
SMALLEST = """\
channels:
  one:
    kind: africastalking
    sms: true
senders: {s: {channel: one}}
sms:
  sender: s
"""
HOOKED = (
    SMALLEST
    + """\
institutions: {anip: {name: {fr: ANIP, en: ANIP}}}
systems: {}
hooks:
  suivi:
    {secret_env: S, institution: anip, url: 'https://x/y', events: [submission.received]}
"""
)


@pytest.fixture
def written(tmp_path):
    """Writes a gateway.yaml; the environment that names it."""

    def written(text, **environ):
        path = tmp_path / "gateway.yaml"
        path.write_text(text)
        return {"GATEWAY_CONFIG": str(path), **environ}

    return written


def faults_of(environ):
    with pytest.raises(SettingsError) as refused:
        load(environ)
    assert str(refused.value).splitlines() == refused.value.faults
    return [fault.rpartition("gateway.yaml")[2].lstrip(":") for fault in refused.value.faults]


def test_what_ships_is_accepted(monkeypatch):
    monkeypatch.chdir(ROOT)
    settings = load({})
    assert settings.channels["africastalking"].base_url == "http://127.0.0.1:8001/africastalking/version1"
    assert settings.service_code == "*229#"
    assert not settings.local


def test_the_simulator_is_where_the_environment_puts_it(monkeypatch):
    monkeypatch.chdir(ROOT)
    settings = load({"GATEWAY_SIMULATOR_BIND": "127.0.0.1:9999"})
    assert settings.systems["etat-civil"].url == "http://127.0.0.1:9999/backoffice/etat-civil"


def test_a_simulator_that_is_used_and_switched_off(monkeypatch):
    monkeypatch.chdir(ROOT)
    with pytest.raises(SettingsError) as refused:
        load({"GATEWAY_SIMULATOR_BIND": "none"})
    lines = [number for number, line in enumerate(SHIPPED.splitlines(), 1) if "${simulator}" in line]
    assert refused.value.faults == [
        f"config/gateway.yaml:{lines[0]}: channels.africastalking.base_url "
        "is the simulator, and GATEWAY_SIMULATOR_BIND=none: write the real address",
        f"config/gateway.yaml:{lines[1]}: channels.africastalking.insights_url "
        "is the simulator, and GATEWAY_SIMULATOR_BIND=none: write the real address",
        f"config/gateway.yaml:{lines[2]}: systems.etat-civil.url "
        "is the simulator, and GATEWAY_SIMULATOR_BIND=none: write the real address",
    ]


def test_the_environment_alone_gives_its_values(written):
    settings = load(written(SMALLEST, GATEWAY_WEB_THREADS="8", GATEWAY_LOCAL="1", GATEWAY_DATA="/x", GATEWAY_REDIS=""))
    assert (settings.web_threads, settings.local, settings.data, settings.redis) == (8, True, Path("/x"), "auto")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (SMALLEST + "countreis: [BJ]\n", "8: countreis is not a known key; did you mean countries?"),
        (SMALLEST + "bind: 127.0.0.1:1\n", "8: bind belongs to the environment: GATEWAY_BIND"),
        (SMALLEST + "countries: [BJ]\ncountries: [TG]\n", "9: countries is written twice"),
        (SMALLEST + "countries: [NO]\n", "8: countries.0 must be text: put it in quotes"),
        (SMALLEST + "countries: [Benin]\n", "8: countries 'Benin' is not a two-letter country code (BJ)"),
        (SMALLEST + "countries: []\n", "8: countries must name at least one country"),
        (SMALLEST + "countries: BJ\n", "8: countries must be a list"),
        (SMALLEST + "languages: []\n", "8: languages must name at least one language; the first is the default"),
        (
            SMALLEST + "timezone: Africa/Cotonou\n",
            "8: timezone 'Africa/Cotonou' is not a known time zone (Africa/Porto-Novo)",
        ),
        (SMALLEST + "npi_pattern: '('\n", "8: npi_pattern is not a regular expression"),
        (SMALLEST + "service_code: '*230#'\n", "8: service_code must be one of service_codes"),
        (SMALLEST + "service_codes: ['*229#', 229]\n", "8: service_codes.1 must be text: put it in quotes"),
        (SMALLEST + "service_codes: ['*229#', '229']\n", "8: service_codes '229' is not a service code (*229#)"),
        (SMALLEST + "limits: {body_bytes: many}\n", "8: limits.body_bytes must be a whole number"),
        (SMALLEST + "limits: {body_bytes: 1023}\n", "8: limits.body_bytes must be at least 1024"),
        (SMALLEST + "limits: 7\n", "8: limits must hold keys and values"),
        (SMALLEST + "pace: {choice_s: 0}\n", "8: pace.choice_s must be more than 0"),
        (SMALLEST + "unknown_operator: {max_septets: 183}\n", "8: unknown_operator.max_septets must be at most 182"),
        (
            SMALLEST + "unknown_operator: {idle_s: 181}\n",
            "8: unknown_operator.idle_s is longer than session_s",
        ),
        (
            SMALLEST + "operators:\n  a: {name: A, networks: ['1']}\n  b: {name: B, networks: ['1']}\n",
            "10: operators.b.networks '1' is also a network of a",
        ),
        (SMALLEST + "operators:\n  a: {name: A, idle_s: 200}\n", "9: operators.a.idle_s is longer than session_s"),
        (SMALLEST.replace("channel: one", "channel: two"), "5: senders.s.channel there is no channel 'two'"),
        (SMALLEST.replace("true", "false"), "5: senders.s.channel the channel 'one' sends no SMS: set its `sms: true`"),
        (SMALLEST.replace("sender: s", "sender: t"), "7: sms.sender there is no sender 't'"),
        (
            SMALLEST.replace("one}", "one, two_way: true}"),
            "5: senders.s.short_code must be the digits that citizens answer to, as the sender is two_way (22900)",
        ),
        (SMALLEST.replace("one}", "one, registered: [mtn]}"), "5: senders.s.registered there is no operator 'mtn'"),
        (SMALLEST.replace("one}", "one, fallback: t}"), "5: senders.s.fallback there is no sender 't'"),
        (SMALLEST.replace("one}", "one, fallback: s}"), "5: senders.s.fallback is the sender itself"),
        (
            SMALLEST + "  reply_countries: [Benin]\n",
            "8: sms.reply_countries 'Benin' is not a two-letter country code (BJ)",
        ),
        (SMALLEST + "ceilings: {alert_at: 1}\n", "8: ceilings.alert_at must be less than 1"),
        (SMALLEST.replace("sms: true", "sms: oui"), "4: channels.one.sms must be true or false"),
        (SMALLEST.partition("sms:\n")[0], " sms is missing"),
        (SMALLEST + "  attempts: 1.5\n", "8: sms.attempts must be a whole number"),
        (SMALLEST + "  first_retry_s: 901\n", "8: sms.first_retry_s is longer than longest_retry_s"),
        (
            SMALLEST.replace("one", "One"),
            "2: channels.One a channel's name is small letters, digits, - and _, at most 32",
        ),
        (
            SMALLEST.replace("africastalking", "http_json"),
            "2: channels.one needs `declaration`: the name of a file in config/channels, without .yaml",
        ),
        (SMALLEST.replace("africastalking", "smpp"), "3: channels.one.kind must be 'africastalking' or 'http_json'"),
        (
            SMALLEST.replace("sms: true", "sms: true\n    declaration: x"),
            "5: channels.one.declaration is for channels of kind http_json only",
        ),
        (
            SMALLEST.replace("sms: true", "sms: true\n    allow_from: [10.0.0.1/8]"),
            "5: channels.one.allow_from '10.0.0.1/8' is not an address range (196.223.0.0/16)",
        ),
        *(
            (
                SMALLEST.replace("sms: true", f"sms: true\n    base_url: {url}"),
                "5: channels.one.base_url must be a URL (https://...)",
            )
            for url in (
                "ftp://x.example/",
                "https://x.example#evil/",
                "https://x.example:port/",
                "https://x.example/?to=evil",
            )
        ),
        (
            SMALLEST.replace("sms: true", "sms: true\n    base_url: https://name:password@x.example/"),
            "5: channels.one.base_url must not hold a user or a password: write secrets in the environment",
        ),
        (
            SMALLEST + "monitoring_from: [everywhere]\n",
            "8: monitoring_from 'everywhere' is not an address range (196.223.0.0/16)",
        ),
        (
            SMALLEST + "trusted_proxies: [10.0.0.1/8]\n",
            "8: trusted_proxies '10.0.0.1/8' is not an address range (196.223.0.0/16)",
        ),
        (SMALLEST + "trusted_proxies: [0.0.0.0/0]\n", "8: trusted_proxies '0.0.0.0/0' is everybody: name your proxies"),
        (SMALLEST + "trusted_proxies: ['::/0']\n", "8: trusted_proxies '::/0' is everybody: name your proxies"),
        (
            SMALLEST.replace("sms: true", "sms: true\n    base_url: example.org"),
            "5: channels.one.base_url must be a URL (https://...)",
        ),
        (
            SMALLEST.replace("sms: true", "sms: true\n    deadline: 1"),
            "5: channels.one.deadline is not a known key; did you mean deadline_ms?",
        ),
        (
            SMALLEST + "institutions:\n  anip: {name: {fr: A, en: A}, senders: [x]}\n",
            "9: institutions.anip.senders names 'x', which is not in senders",
        ),
        (
            SMALLEST + "institutions:\n  anip: {name: {fr: A, en: A}, links: ['https://anip.bj']}\n",
            "9: institutions.anip.links 'https://anip.bj' is not the name of a host (service-public.bj)",
        ),
        (
            SMALLEST + "hours:\n  procedure: '21:00-07:00'\n",
            "9: hours.procedure must end after it begins, on the same day",
        ),
        (
            SMALLEST + "limits: {lookup_budget_ms: 6001}\n",
            "8: limits.lookup_budget_ms must leave a quarter of channels.one.deadline_ms (8000) for the rest of a turn",
        ),
        (
            SMALLEST + "institutions:\n  anip:\n    name: {fr: ANIP}\n",
            "10: institutions.anip.name has no name in en",
        ),
        (
            SMALLEST + "systems:\n  ec: {kind: rest, institution: anip, url: 'https://x/y'}\n",
            "9: systems.ec.institution there is no institution 'anip'",
        ),
        (HOOKED.replace("anip, url", "x, url"), "12: hooks.suivi.institution there is no institution 'x'"),
        (
            HOOKED.replace("https://x/y", "http://x/y"),
            "12: hooks.suivi.url must be https://, except in a closed network",
        ),
        (HOOKED.replace("https://x/y", "https://u:p@x/y"), "12: hooks.suivi.url must not hold a user or a password"),
        (HOOKED.replace("[submission.received]", "[]"), "12: hooks.suivi.events "),
        (
            HOOKED.replace("[submission.received]", "[submission.received, submission.lost]"),
            "12: hooks.suivi.events.1 must be",
        ),
        (HOOKED.replace("secret_env: S, ", ""), "11: hooks.suivi.secret_env is missing"),
        (HOOKED.replace("suivi", "Suivi"), "11: hooks.Suivi an endpoint's name is small letters"),
        (
            HOOKED.replace("secret_env: S, ", "secret_env: S, ca: none.pem, "),
            "12: hooks.suivi.ca there is no file none.pem",
        ),
        (
            SMALLEST + "institutions: {a: {name: {fr: A, en: A}}}\nsystems:\n  ec:\n    {kind: rest, institution: a, "
            "url: 'https://x/y', max_in_flight: 48}\n",
            "11: systems.ec.max_in_flight must be less than 48, the calls that a worker makes at a time",
        ),
        (
            SMALLEST + "institutions:\n  a: {name: {fr: A, en: A}, appeal: {fr: ici.}}\n",
            "9: institutions.a.appeal says nothing in en",
        ),
        (
            SMALLEST + f"institutions:\n  a: {{name: {{fr: A, en: A}}, appeal: {{fr: {'x' * 121}, en: here.}}}}\n",
            "9: institutions.a.appeal has 121 characters in fr, and an SMS has room for 120",
        ),
        ("a: [", ": not valid YAML: "),
        ("- a\n", ": must hold keys and values"),
        ("", ": must hold keys and values"),
        ("1: a\n", ": must hold keys and values"),
    ],
)
def test_one_fault_has_its_line_its_key_and_a_sentence(written, text, fault):
    (found,) = faults_of(written(text))
    assert found.startswith(fault.lstrip(":") if fault.startswith(": not valid") else fault.removeprefix(":"))
    assert len(found) < 300


@pytest.mark.parametrize(
    ("environ", "fault"),
    [
        ({"GATEWAY_BIND": "8000"}, "GATEWAY_BIND must be an address and a port, like 127.0.0.1:8000"),
        ({"GATEWAY_BIND": "127.0.0.1:0"}, "GATEWAY_BIND must be an address and a port, like 127.0.0.1:8000"),
        ({"GATEWAY_BIND": "127.0.0.1:8001"}, "GATEWAY_SIMULATOR_BIND is the same address as GATEWAY_BIND"),
        ({"GATEWAY_REDIS": "yes"}, "GATEWAY_REDIS must be auto, path, wheel, or a URL (redis://, rediss://, unix://)"),
        ({"GATEWAY_QUEUES_URL": "auto"}, "GATEWAY_QUEUES_URL must be a URL (redis://, rediss://, unix://)"),
        (
            {"GATEWAY_DATABASE_URL": "mysql://u:secret@h/n"},
            "GATEWAY_DATABASE_URL must be a URL (postgresql://user@host/name, or sqlite:///path)",
        ),
        ({"GATEWAY_PUBLIC_URL": "example.bj"}, "GATEWAY_PUBLIC_URL must be a URL (https://...)"),
        ({"GATEWAY_WEB_THREADS": "0"}, "GATEWAY_WEB_THREADS must be at least 1"),
        ({"GATEWAY_WEB_THREADS": "four"}, "GATEWAY_WEB_THREADS must be a whole number"),
        ({"GATEWAY_LOCAL": "perhaps"}, "GATEWAY_LOCAL must be true or false"),
        ({"GATEWAY_LOG_LEVEL": "all"}, "GATEWAY_LOG_LEVEL must be 'debug', 'info', 'warning' or 'error'"),
        ({"GATEWAY_ZZZZZZ": "1"}, "GATEWAY_ZZZZZZ is not a known variable"),
        ({"GATEWAY_MENU": "x"}, "GATEWAY_MENU is not a known variable; did you mean GATEWAY_MENUS?"),
    ],
)
def test_a_fault_of_the_environment_names_its_variable_and_no_value(written, environ, fault):
    assert faults_of(written(SMALLEST, **environ)) == [fault]


def test_all_faults_come_together(written):
    found = faults_of(written(SMALLEST + "pase: 1\nlimits: {body_bytes: a}\n", GATEWAY_X="1", GATEWAY_WEB_THREADS="x"))
    assert sorted(found) == [
        "8: pase is not a known key; did you mean pace?",
        "9: limits.body_bytes must be a whole number",
        "GATEWAY_WEB_THREADS must be a whole number",
        "GATEWAY_X is not a known variable",
    ]


def test_no_file():
    with pytest.raises(SettingsError, match=r"^/none/gateway\.yaml: cannot be read \(No such file or directory\)"):
        load({"GATEWAY_CONFIG": "/none/gateway.yaml"})


def test_a_declared_channel_needs_its_file(written, tmp_path):
    text = SMALLEST + "  validity_s: 1\n"
    text = text.replace("senders:", "  two:\n    kind: http_json\n    declaration: two\nsenders:")
    (fault,) = faults_of(written(text))
    assert fault.endswith("two.yaml")
    (tmp_path / "channels").mkdir()
    (tmp_path / "channels" / "two.yaml").touch()
    assert load(written(text)).channels["two"].declaration == "two"


@pytest.mark.parametrize(
    ("bind", "address"),
    [
        ("127.0.0.1:8000", ("127.0.0.1", 8000)),
        ("[::1]:1", ("::1", 1)),
        ("localhost:65535", ("localhost", 65535)),
        ("localhost:65536", None),
        ("localhost:0", None),
        ("localhost:", None),
        (":8000", None),
        ("8000", None),
        ("h:１", None),
    ],
)
def test_addresses(bind, address):
    if address is None:
        with pytest.raises(ValueError, match=re.escape(bind)):
            address_of(bind)
    else:
        assert address_of(bind) == address


@pytest.mark.parametrize(
    ("bind", "loopback"),
    [
        ("127.0.0.1:80", True),
        ("127.9.9.9:80", True),
        ("[::1]:80", True),
        ("localhost:80", True),
        ("0.0.0.0:80", False),
        ("[::]:80", False),
        ("10.0.0.1:80", False),
        ("passerelle.example:80", False),
    ],
)
def test_loopback(bind, loopback):
    assert is_loopback(bind) == loopback


REAL = SMALLEST.replace("sms: true", "sms: true\n    username: egouv\n    api_key_env: KEY", 1)


@pytest.mark.parametrize(
    ("text", "environ", "words"),
    [
        (REAL, {"KEY": "k", "GATEWAY_BIND": "0.0.0.0:80"}, None),
        (REAL, {"GATEWAY_BIND": "0.0.0.0:80"}, "KEY is not set: it is the API key of the channel one"),
        (REAL, {"KEY": ""}, "KEY is not set"),
        (REAL, {"GATEWAY_LOCAL": "1"}, None),
        (REAL, {"KEY": "k", "GATEWAY_LOCAL": "1", "GATEWAY_BIND": "0.0.0.0:80"}, "the token `local`"),
        (REAL.replace("egouv", "sandbox"), {"KEY": "k"}, None),
        (
            REAL.replace("egouv", "sandbox"),
            {"KEY": "k", "GATEWAY_BIND": "[::]:80"},
            "channels.one.username is the sandbox account",
        ),
        (
            REAL.replace("username", "base_url: ${simulator}/x\n    username"),
            {"KEY": "k", "GATEWAY_BIND": "10.0.0.1:80"},
            "channels.one.base_url is the simulator",
        ),
        (
            REAL + "institutions: {a: {name: {fr: A, en: A}}}\n"
            "systems: {s: {kind: rest, institution: a, url: '${simulator}/s'}}\n",
            {"KEY": "k", "GATEWAY_BIND": "10.0.0.1:80"},
            "systems.s.url is the demonstration back office",
        ),
    ],
)
def test_what_may_serve_where(written, text, environ, words):
    settings = load(written(text, **{name: value for name, value in environ.items() if name != "KEY"}))
    if words is None:
        require_serving(settings, environ)
    else:
        with pytest.raises(SettingsError, match=re.escape(words)):
            require_serving(settings, environ)


def test_the_simulator_may_not_be_reached_from_elsewhere(written):
    settings = load(written(REAL, GATEWAY_SIMULATOR_BIND="0.0.0.0:81"))
    require_serving(settings, {"KEY": "k"})
    with pytest.raises(SettingsError, match=r"^GATEWAY_SIMULATOR_BIND=0\.0\.0\.0:81 .*the simulator runs"):
        require_serving(settings, {"KEY": "k"}, simulator_runs=True)


def test_an_operator_is_found_by_the_code_of_its_network(written):
    settings = load(written(SMALLEST + "operators:\n  a: {name: A, networks: ['61603'], max_septets: 100}\n"))
    assert settings.operator_of("61603").max_septets == 100
    assert settings.operator_of("61604") == settings.operator_of("") == Network()


def test_the_documents_name_every_variable():
    for page in ("docs/operations.md", "config/env.example"):
        text = (ROOT / page).read_text()
        for name in ENVIRONMENT:
            if not (page.endswith("example") and name == "local"):
                assert f"GATEWAY_{name.upper()}" in text


@pytest.mark.parametrize(
    ("text", "remark"),
    [
        (HOOKED, "a public endpoint"),
        (
            HOOKED.replace("https://x", "http://x").replace("events:", "allow_private: true, events:"),
            "a closed network",
        ),
    ],
)
def test_endpoints_that_are_accepted(written, text, remark):
    assert load(written(text)).hooks["suivi"].events == ("submission.received",), remark
