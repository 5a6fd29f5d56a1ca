"""The settings as values: types, units, defaults and bounds. `load.py` fills them, `crosschecks.py` compares them."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from gateway.settings.part import Count, Seconds
from gateway.settings.part import Part as _Part
from gateway.settings.systems import System

Dedupe = Literal["transcript", "sequence", "request_id", "window"]
Rate = Annotated[float, Field(gt=0)]

#: Calls that one worker makes at the same time; each has a thread, because it waits for others and not for us.
CALL_THREADS = 48

#: What the simulator accepts as the aggregator's API key. Not a secret: it opens nothing but the simulator.
DEMO_API_KEY = "demo-key-of-the-simulator"


class SettingsError(Exception):
    """Everything wrong with the configuration, one sentence each, in `faults`."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class Network(_Part):
    """What one operator's network does with a USSD dialogue."""

    max_septets: Annotated[int, Field(ge=40, le=182)] = 160  #: per screen; 182 septets are 160 octets
    alphabet: Literal["gsm7", "ucs2"] = "gsm7"
    idle_s: Count = 30
    session_s: Count = 180


class Operator(Network):
    name: str
    networks: tuple[str, ...] = ()  #: codes as callbacks give them (MCC+MNC or a word)


class Pace(_Part):
    """How fast a citizen reads and types on a keypad."""

    read_chars_per_s: Rate = 15
    choice_s: Seconds = 3
    type_chars_per_s: Rate = 1.5
    network_s: Seconds = 2


class ChannelSettings(_Part):
    """One aggregator account. `kind` names the module in gateway/channels."""

    kind: Literal["africastalking", "http_json"]
    declaration: str | None = None  #: http_json: file name in config/channels, without .yaml
    username: str = ""
    api_key_env: str | None = None
    base_url: str | None = None  #: None: the aggregator's real service
    insights_url: str | None = None  #: africastalking: where SIM changes are asked for; None: its real service
    dedupe: Dedupe = "transcript"
    duplicate_window_ms: Annotated[int, Field(ge=0, le=60_000)] = 2000
    deadline_ms: Annotated[int, Field(ge=500, le=30_000)] = 8000
    #: At least 300: the sweep takes a record in its last 120 s for a dropped dialogue, and a network waits up to 180 s.
    session_ttl_s: Annotated[int, Field(ge=300, le=86_400)] = 600
    dlr: Literal["none", "smsc", "handset"] = "none"
    sms: bool = False
    allow_from: tuple[str, ...] = ()
    max_septets: Annotated[int, Field(ge=40, le=182)] | None = None  #: caps every operator's budget on this channel
    max_recipients_per_call: Annotated[int, Field(ge=1, le=1000)] = 100
    connect_timeout_s: Seconds = 3
    read_timeout_s: Seconds = 9


class Sender(_Part):
    """One name or short code under which SMS leave. gateway.yaml calls it by its key in `senders`."""

    channel: str
    name: str = ""  #: as the aggregator knows it; empty: the account's default
    two_way: bool = False  #: whether citizens can answer it
    short_code: str = ""  #: the number they answer to
    registered: tuple[str, ...] | None = None  #: operators that carry it, by their key in `operators`; None: all
    fallback: str | None = None  #: the sender used where this one is not registered
    tps: Rate = 20  #: SMS per second that the aggregator takes
    appends: Annotated[int, Field(ge=0, le=100)] = 0  #: septets that the aggregator adds to each text
    transliteration: Literal["exact", "plain", "shortest"] = "plain"
    cost_f: Annotated[int, Field(ge=0)] = 0  #: F CFA per segment


class SmsSettings(_Part):
    sender: str  #: the key in `senders` of the one used when nothing says otherwise
    validity_s: Count = 172_800
    receipt_validity_s: Count = 259_200
    reply_validity_s: Count = 3600  #: an answer to a text sent hours ago helps nobody
    reply_countries: tuple[str, ...] = ("BJ",)  #: texts from elsewhere are kept and not answered
    dialogue_s: Count = 86_400  #: how long a conversation by SMS waits for an answer
    proposal_s: Count = 600  #: how long OUI accepts "Vouliez-vous dire ...?"
    help_every_s: Count = 3600  #: a text that means nothing is answered no more often, per number
    loop_messages: Count = 5  #: the same text this often within loop_window_s is a machine, and is not answered
    loop_window_s: Count = 600
    resume_sms_after: Count = 3  #: answered screens before a dropped dialogue is worth an SMS
    resend_vital_after_s: Count = 900  #: an SMS of unknown fate that must arrive is sent once more after this
    lease_s: Seconds = 60  #: how long a worker may hold a claimed row
    sending_deadline_s: Seconds = 60  #: past it, a row in `sending` is `unknown`
    first_retry_s: Seconds = 5
    longest_retry_s: Seconds = 900
    attempts: Count = 60


#: The means of appeal that a refusal names, in characters: it stays within three segments with all the rest.
APPEAL_SIZE = 120


class Institution(_Part):
    """One institution: what it may send under which name. People, templates and budgets live in the database."""

    name: dict[str, str]
    appeal: dict[str, str] = {}  #: by language, said with a refusal: where and until when one can contest it
    senders: tuple[str, ...] = ()  #: keys in `senders` that it may use; empty: the default one only
    links: tuple[str, ...] = ()  #: hosts that its SMS may name ("service-public.bj"), with what is below them
    numbers: tuple[str, ...] = ()  #: phone numbers and codes that its SMS may name, beside ours
    approval_above: Annotated[int, Field(ge=0)] = 100  #: a notification of more SMS waits for an approver
    budget_f: Annotated[int, Field(ge=0)] = 0  #: F CFA a month, until an administrator sets another; 0: nothing leaves


#: "08:00-17:00", in the settings' time zone.
Hours = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$")]


class SendingHours(_Part):
    """When what nobody waits for may leave. Vital SMS, and answers to a citizen's own act, leave always."""

    information: Hours = "08:00-17:00"  #: campaigns and information: not on Sundays and holidays
    procedure: Hours = "07:00-21:00"
    holidays: tuple[date, ...] = ()


class Console(_Part):
    """How long people stay signed in, and what guessing costs. What is longer than the bounds here is no protection."""

    idle_s: Annotated[int, Field(ge=60, le=7200)] = 1800  #: without a request
    longest_s: Annotated[int, Field(ge=600, le=86_400)] = 36_000  #: 10 h, whatever is done
    invitation_s: Annotated[int, Field(ge=300, le=604_800)] = 86_400  #: how long an invitation opens
    wrong_per_person: Annotated[int, Field(ge=3, le=20)] = 5  #: wrong tries in a row before each further one waits
    wrong_per_address: Annotated[int, Field(ge=10, le=1000)] = 100  #: the same, per day: an office is one address
    longest_wait_s: Annotated[int, Field(ge=60, le=86_400)] = 3600


class Api(_Part):
    """What a new API key may do unless another limit is given, and how long an answer is kept to be repeated."""

    per_minute: Annotated[int, Field(ge=1, le=6000)] = 600  #: calls
    per_day: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000  #: notifications
    idempotency_s: Annotated[int, Field(ge=3600, le=604_800)] = 86_400  #: how long an Idempotency-Key is remembered
    lease_s: Annotated[int, Field(ge=1, le=600)] = 60  #: past it, a call that did not end may be made again


#: What an institution's endpoint may be told of. `submission.statement`: the citizen gave more information.
HookEvent = Literal[
    "submission.received",
    "submission.corrected",
    "submission.withdrawn",
    "submission.statement",
    "notification.accepted",
    "notification.delivered",
    "notification.failed",
    "notification.unknown",
]


class HookSettings(_Part):
    """One endpoint of an institution that is told of events by signed webhook."""

    institution: str
    url: str
    secret_env: str  #: names the variable that holds one secret (whsec_...), or two while it is being changed
    events: Annotated[tuple[HookEvent, ...], Field(min_length=1)]
    allow_private: bool = False  #: addresses of closed networks too: for tests, and where there is no internet
    ca: Path | None = None  #: PEM file of who is believed about the endpoint's name; None: the public authorities


class Holdings(_Part):
    """When a number is taken to be somebody else's, and what that stops."""

    max_silence_s: Count = 7_776_000  #: 90 days; idle SIMs are ended at 180 in Bénin (one source)
    new_sim_s: Count = 259_200  #: 72 h: a SIM younger than that proves nothing by a code sent to it
    sim_check: str | None = None  #: the channel whose operator is asked whether the SIM was changed; None: nobody is
    sim_check_every_s: Count = 86_400


class Codes(_Part):
    """One-time codes: six digits sent to a number and typed back."""

    per_number_hour: Count = 3
    valid_s: Count = 600
    wrong: Count = 3  #: tries of one code


class Agreements(_Part):
    """The word of a person for whom somebody else dials."""

    valid_s: Count = 259_200
    per_helper_day: Count = 5
    wrong: Count = 3


class Privacy(_Part):
    """What citizens are told about their data, and how long each kind is kept."""

    notice: str = ""  #: version of the notice shown once to each number ("2026-11"); empty: none is shown
    texts_s: Count = 2_592_000  #: 30 days: texts of SMS, both directions, and what was refused, reported, repeated
    acts_s: Count = 604_800  #: 7 days: answers of acts; longer than any aggregator repeats a callback
    codes_s: Count = 86_400  #: a day: one-time codes, as keyed digests
    closed_holdings_s: Count = 31_536_000  #: a year after it ended, a number is forgotten unless a demand needs it
    open_demands_s: Count | None = None  #: a demand that nobody ever decided; None: kept until somebody does


class Ceilings(_Part):
    """What the SMS that citizens cause may cost: past a ceiling only vital ones leave."""

    per_number_day: Count = 10
    per_service_hour: Count = 5000
    per_sender_hour: Count = 20_000
    francs_hour: Count = 200_000  #: F CFA, for the whole gateway
    alert_at: Annotated[float, Field(gt=0, lt=1)] = 0.8


class Limits(_Part):
    body_bytes: Annotated[int, Field(ge=1024, le=1_048_576)] = 16_384
    turns_per_dialogue: Annotated[int, Field(ge=10, le=10_000)] = 120
    verify_per_number_hour: Count = 10
    verify_per_address_hour: Count = 600  #: operators put many phones behind one address
    verify_free_wrong: Count = 5  #: wrong codes for one reference before each further try has to wait
    verify_longest_delay_s: Count = 300
    resume_codes_per_number_hour: Count = 10
    identifiers_per_number_day: Count = 10  #: different identifiers typed from one number
    lookup_budget_ms: Annotated[int, Field(ge=100, le=20_000)] = 4000  #: what all lookups of one turn may take together
    promise_valid_s: Count = 86_400  #: how long a lookup that had no answer in time is tried again
    promises_per_number: Count = 3  #: that are not kept yet
    references_per_number_hour: Count = 20  #: references looked up that are not the number's own
    takeovers_wrong_day: Count = 3  #: wrong proofs for one reference
    token_surge_factor: Annotated[float, Field(gt=1)] = 10  #: a minute this many times the usual one is told, ...
    token_surge_floor: Count = 600  #: ... when it has more callbacks than this, per web process
    refused_per_minute: Count = 60  #: wrong tokens and addresses, per channel and web process, before it is told


class Settings(_Part):
    """Everything, frozen. Build with `load`."""

    # The environment's, each as GATEWAY_<NAME>: see ENVIRONMENT
    data: Path = Path("data")
    config: Path = Path("config/gateway.yaml")
    menus: Path = Path("menus")
    database_url: str = ""  #: empty: SQLite in the data folder
    redis: str = "auto"  #: auto | path | wheel | a redis://, rediss:// or unix:// URL
    sessions_url: str = ""  #: empty: the same as `redis`
    queues_url: str = ""  #: empty: the same as `redis`
    bind: str = "127.0.0.1:8000"
    simulator_bind: str = "127.0.0.1:8001"  #: "": no simulator (GATEWAY_SIMULATOR_BIND=none)
    public_url: str = ""
    web_threads: Annotated[int, Field(ge=1, le=64)] = 4
    local: bool = False  #: `make run`: the token `local` is believed and the demonstration accounts exist
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    # gateway.yaml's
    countries: tuple[str, ...] = ("BJ",)
    languages: tuple[str, ...] = ("fr", "en")
    timezone: str = "Africa/Porto-Novo"
    npi_pattern: str = r"^\d{10}$"
    operators: dict[str, Operator] = {}
    unknown_operator: Network = Network()
    pace: Pace = Pace()
    service_code: str = "*229#"
    service_codes: tuple[str, ...] = ("*229#",)
    channels: dict[str, ChannelSettings] = {}
    senders: dict[str, Sender] = {}
    sms: SmsSettings
    ceilings: Ceilings = Ceilings()
    holdings: Holdings = Holdings()
    codes: Codes = Codes()
    agreements: Agreements = Agreements()
    privacy: Privacy = Privacy()
    institutions: dict[str, Institution] = {}
    hours: SendingHours = SendingHours()
    console: Console = Console()
    api: Api = Api()
    systems: dict[str, System] = {}
    hooks: dict[str, HookSettings] = {}
    limits: Limits = Limits()
    trusted_proxies: tuple[str, ...] = ()  #: whose word on the client's address is taken, as CIDR networks
    monitoring_from: tuple[str, ...] = ("127.0.0.0/8", "::1/128")  #: who may read /metrics, as CIDR networks

    def operator_of(self, network: str) -> Network:
        """The operator whose codes hold `network`, or what is assumed of an unknown one."""
        for operator in self.operators.values():
            if network in operator.networks:
                return operator
        return self.unknown_operator

    def operator_id(self, network: str) -> str | None:
        """The key in `operators` of the one whose codes hold `network`, None when it is none we know."""
        return next((key for key, operator in self.operators.items() if network and network in operator.networks), None)

    def sender_of(self, key: str) -> Sender:
        """The sender of that key; the default one when there is none such (any more)."""
        return self.senders.get(key) or self.senders[self.sms.sender]

    def reply_sender(self, to: str) -> str:
        """The key of the sender that answers what was sent to the short code `to`: that very one when it is ours."""
        return next((key for key, one in self.senders.items() if one.two_way and one.short_code == to), self.sms.sender)


#: The fields that come from the environment only; all others come from gateway.yaml only.
ENVIRONMENT = (
    "data", "config", "menus", "database_url", "redis", "sessions_url", "queues_url", "bind", "simulator_bind",
    "public_url", "web_threads", "local", "log_level",
)  # fmt: skip


def address_of(bind: str) -> tuple[str, int]:
    """`127.0.0.1:8000` or `[::1]:8000` as (host, port); ValueError when it is neither. Port 0 is refused."""
    host, colon, port = bind.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65_536:
        raise ValueError(bind)
    return host, int(port)
