"""Institutions' systems in gateway.yaml: each kind has its own keys, and a mapping is checked before anything runs."""

import pytest

from gateway.settings import RestSystem, SettingsError, XroadSystem, load, require_serving
from tests.certificates import Authority

BEFORE = """\
channels:
  one: {kind: africastalking, sms: true}
senders: {s: {channel: one}}
sms: {sender: s}
institutions:
  anip: {name: {fr: ANIP, en: ANIP}}
systems:
  ec:
    institution: anip
"""
REST = BEFORE + "    kind: rest\n    url: https://x.example/api\n"
XROAD = BEFORE + (
    "    kind: xroad\n    url: https://x.example\n    client: BJ/GOV/ASIN/PASSERELLE\n"
    "    service: BJ/GOV/ANIP/ETATCIVIL/demandes\n"
)


@pytest.fixture
def loaded(tmp_path):
    def loaded(text):
        path = tmp_path / "gateway.yaml"
        path.write_text(text)
        return load({"GATEWAY_CONFIG": str(path)})

    return loaded


def faults_of(loaded, text):
    with pytest.raises(SettingsError) as refused:
        loaded(text)
    return [fault.rpartition("gateway.yaml")[2].lstrip(":").split(": ", 1)[1] for fault in refused.value.faults]


def test_each_kind_is_its_own_model(loaded):
    assert isinstance(loaded(REST).systems["ec"], RestSystem)
    assert isinstance(loaded(XROAD).systems["ec"], XroadSystem)


PATHS = "    paths:\n      "
SUBMIT = "    fields:\n      submit:\n        "
FAULTS = [
    # text, fault (after systems.ec), remark
    (BEFORE + "    url: 'https://x'\n", ".kind is missing", "no kind"),
    (
        REST.replace("rest", "soap"),
        ".kind must be 'rest' or 'xroad' or 'desk' or 'drop'",
        "no such kind",
    ),
    (REST + "    urll: x\n", ".urll is not a known key; did you mean url?", "a slip of the pen"),
    (REST + "    client: A/B/C\n", ".client is not a known key", "a key of another kind"),
    (XROAD + "    token_env: X\n", ".token_env is not a known key", "X-Road takes no token"),
    (REST + "    attempts: 0\n", ".attempts must be more than 0", "what all kinds share"),
    (REST.replace("https://x.example/api", "x"), ".url must be a URL (https://...)", "no URL"),
    (REST + "    authentication: jwt\n", ".authentication must be 'bearer', 'hmac' or 'mtls'", "no such way"),
    (
        REST + "    authentication: mtls\n",
        ".authentication mtls needs client_cert_file and client_key_file",
        "nothing to show",
    ),
    (
        REST + "    client_cert_file: a.pem\n",
        " needs both client_cert_file and client_key_file, or neither",
        "a certificate without its key",
    ),
    (
        REST.replace("https", "http") + "    ca_file: a.pem\n",
        ".ca_file needs a url that begins with https:",
        "TLS without TLS",
    ),
    (
        REST + "    authentication: hmac\n",
        ".authentication hmac needs signing_secret_env: the variable that holds whsec_...",
        "no secret",
    ),
    (REST + "    signing_secret_env: A\n", ".signing_secret_env is for authentication: hmac only", "unused"),
    (
        REST + "    authentication: hmac\n    signing_secret_env: A\n    token_env: B\n",
        ".token_env is for authentication: bearer only",
        "unused",
    ),
    (
        XROAD.replace("BJ/GOV/ASIN/PASSERELLE", "BJ/GOV"),
        ".client must have 3 to 4 parts with / between them",
        "too few parts",
    ),
    (
        XROAD.replace("ANIP/ETAT", "ANIP/A/ETAT"),
        ".service must have 4 to 5 parts with / between them",
        "too many parts",
    ),
    (
        XROAD.replace("ETATCIVIL", "ETAT_CIVIL"),
        ".service each part is letters, digits and ' ( ) + , - . = ? (PR-REST 1.0.3)",
        "an underscore is no identifier character",
    ),
    (XROAD + "    user_id: '1234'\n", ".user_id must look like BJ0000000001", "no country"),
    (XROAD + '    header_prefix: "X-Road\\r\\nA"\n', ".header_prefix must look like X-Road", "a header within"),
    (REST + PATHS + "sumbit: /a\n", ".paths.sumbit is not a known key; did you mean submit?", "a slip of the pen"),
    (REST + PATHS + "submit: a\n", ".paths.submit must be a path like /files/{reference}", "no slash"),
    (REST + PATHS + "submit: //evil.example/a#b\n", ".paths.submit must be a path like", "a fragment"),
    (REST + PATHS + "submit: /a/../b\n", ".paths.submit must be a path like /files/{reference}", "upwards"),
    (REST + PATHS + "submit: none\n", ".paths.submit must be a path like /files/{reference}", "must be told"),
    (REST + PATHS + "submit: '/a/{case}'\n", ".paths.submit may hold nothing in braces", "no file number yet"),
    (REST + PATHS + "status: '/a/{npi}'\n", ".paths.status may hold {reference}, {case} in braces", "not a place"),
    (REST + PATHS + "status: '/a/{case'\n", ".paths.status may hold {reference}, {case} in braces", "not closed"),
    (REST + PATHS + "status: '/{case.x}'\n", ".paths.status may hold {reference}, {case} in braces", "no attributes"),
    (REST + PATHS + "status: '/{case!r}'\n", ".paths.status may hold", "no conversions"),
    (
        REST + "    poll_every_s: 60\n" + PATHS + "status: none\n",
        ".poll_every_s needs paths.status: where the state of a demand is asked",
        "polling nowhere",
    ),
    (REST + SUBMIT + "a: /reference\n", ".fields.submit 'a' is not a JSON pointer: it begins with /", "no pointer"),
    (
        REST + SUBMIT + "/a: /referense\n",
        ".fields.submit /a: we have no '/referense'; did you mean /reference?",
        "slip",
    ),
    (REST + SUBMIT + "/a: /applicant/npi\n", ".fields.submit /a: we have no '/applicant/npi'", "not ours"),
    (REST + SUBMIT + "/a/0: /reference\n", ".fields.submit '/a/0' leads into a list", "lists cannot be made"),
    (REST + SUBMIT + "/a~2: /reference\n", ".fields.submit '/a~2' is not a JSON pointer: ~ is written ~0", "escape"),
    (
        REST + SUBMIT + "/a: /reference\n        /a/b: /service\n",
        ".fields.submit /a/b lies inside another value that is sent",
        "two values in one place",
    ),
    (REST + SUBMIT + "/a: {const: 1}\n", ".fields.submit /a: what is no pointer of ours is {constant:", "slip"),
    (REST + "    fields: {reminder: {/a: /text}}\n", ".fields.reminder /a: we have no '/text'", "of a statement"),
    (
        REST + "    answers: {values: {OK: taken}}\n",
        ".answers.values.OK must be 'accepted', 'delivered', 'rejected'",
        "no such meaning",
    ),
    (
        REST + "    answers: {values: {NON: rejected}}\n",
        ".answers.values no value means accepted or delivered",
        "nothing could be handed over",
    ),
    (
        REST + "    answers: {language: FR}\n",
        ".answers.language must look like fr",
        "words in it would be told to nobody",
    ),
    (REST + "    answers: {status: etat}\n", ".answers.status 'etat' is not a JSON pointer", "no pointer"),
    (REST + "    answers: {satus: /a}\n", ".answers.satus is not a known key; did you mean status?", "slip"),
]


@pytest.mark.parametrize(("text", "fault", "remark"), FAULTS, ids=[row[2] + " " + row[1][:30] for row in FAULTS])
def test_a_fault_has_its_key_and_a_sentence(loaded, text, fault, remark):
    (found,) = faults_of(loaded, text)
    assert found.startswith("systems.ec" + fault)


def test_all_faults_of_all_systems_come_together(loaded):
    text = REST + "    urll: x\n    paths: {submit: a}\n  other: {kind: xroad, institution: anip, url: 'https://x'}\n"
    assert [fault.split(" ")[0] for fault in faults_of(loaded, text)] == [
        "systems.ec.paths.submit",
        "systems.ec.urll",
        "systems.other.client",
        "systems.other.service",
    ]


def test_a_mapping_as_it_is_understood(loaded):
    system = loaded(
        REST + SUBMIT + "/a~1b/c: /fields/npi\n        /type: {constant: X}\n        /all: /fields\n"
    ).systems["ec"]
    assert [(rule.to, rule.ours, rule.constant) for rule in system.fields.submit] == [
        (("a/b", "c"), ("fields", "npi"), None),
        (("type",), None, "X"),
        (("all",), ("fields",), None),
    ]


REAL = REST.replace("{kind: africastalking, sms: true}", "{kind: africastalking, sms: true, username: u}")
MTLS = (
    REAL + "    authentication: mtls\n    ca_file: ca.pem\n    client_cert_file: us.crt\n    client_key_file: us.key\n"
)
HMAC = REAL + "    authentication: hmac\n    signing_secret_env: SIGN\n    webhook_secret_env: HOOK\n"


def serving_faults(settings, environ):
    try:
        require_serving(settings, environ)
    except SettingsError as refused:
        return refused.faults
    return []


def test_secrets_that_are_named_and_missing_are_told_together(loaded):
    assert serving_faults(loaded(HMAC), {}) == [
        "HOOK is not set: it is a secret of the system ec (systems.ec.webhook_secret_env)",
        "SIGN is not set: it is a secret of the system ec (systems.ec.signing_secret_env)",
    ]
    secret = "whsec_" + "A" * 32
    assert serving_faults(loaded(HMAC), {"HOOK": secret, "SIGN": secret}) == []
    assert serving_faults(loaded(HMAC), {"HOOK": f"{secret} {secret}", "SIGN": "whsec_c2hvcnQ="}) == [
        "SIGN must be whsec_ and the base64 of 24 bytes or more (systems.ec.signing_secret_env)"
    ]
    (fault,) = serving_faults(loaded(REAL + "    token_env: TOK\n"), {})
    assert fault == "TOK is not set: it is a secret of the system ec (systems.ec.token_env)"


@pytest.mark.parametrize(
    ("token", "usable", "remark"),
    [
        ("abc.DEF-123~+/=", True, "RFC 6750 §2.1"),
        ("!", True, "whatever can be seen"),
        ("abc\n", False, "a line break at its end, as files of secrets have"),
        ("abc def", False, "a space"),
        ("ab\u00e9", False, "no ASCII"),
    ],
)
def test_a_token_that_no_header_can_carry_is_told_at_start(loaded, token, usable, remark):
    told = "TOK must be visible ASCII characters, without a space or a line break (systems.ec.token_env)"
    assert serving_faults(loaded(REAL + "    token_env: TOK\n"), {"TOK": token}) == ([] if usable else [told]), remark


@pytest.mark.parametrize(
    ("secret", "remark"),
    [
        (" ", "nothing but a space"),
        ("whsec_" + "A" * 38 + "-_", "the alphabet of addresses: each reader makes another key of it"),
        ("whsec_" + "A" * 41, "one letter too many"),
    ],
)
def test_a_secret_of_which_others_make_another_key_is_told_at_start(loaded, secret, remark):
    good = "whsec_" + "A" * 32
    faults = serving_faults(loaded(HMAC), {"HOOK": secret, "SIGN": good})
    assert faults == ["HOOK must be whsec_ and the base64 of 24 bytes or more (systems.ec.webhook_secret_env)"], remark


def test_the_secret_of_an_institution_that_works_by_files_is_looked_for_at_start(loaded):
    """Else its files would be signed with a secret that nobody there has, until somebody asks why."""
    drop = "  m: {institution: anip, kind: drop, folder: a, answers_folder: b, webhook_secret_env: M}\n"
    settings = loaded(REAL + "    token_env: TOK\n" + drop)
    assert serving_faults(settings, {"TOK": "t"}) == [
        "M is not set: it is a secret of the system m (systems.m.webhook_secret_env)"
    ]
    assert serving_faults(settings, {"TOK": "t", "M": "whsec_" + "A" * 32}) == []


def test_certificate_files_are_tried_at_start(loaded, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = loaded(MTLS)
    assert serving_faults(settings, {}) == [
        "ca.pem cannot be read (systems.ec.ca_file)",
        "us.crt cannot be read (systems.ec.client_cert_file)",
        "us.key cannot be read (systems.ec.client_key_file)",
    ]
    for name in ("ca.pem", "us.crt", "us.key"):
        (tmp_path / name).write_text("no certificate")
    assert serving_faults(settings, {}) == [
        "ca.pem holds no certificate in PEM (systems.ec.ca_file)",
        "us.crt and us.key are no certificate with its key, without a password, in PEM (systems.ec)",
    ]
    ours = Authority(tmp_path, "ca")
    pair, locked = ours.issue("us"), ours.issue("locked", password=b"secret")
    assert serving_faults(settings, {}) == []
    pair.key.write_bytes(locked.key.read_bytes())
    pair.cert.write_bytes(locked.cert.read_bytes())
    assert len(serving_faults(settings, {})) == 1
