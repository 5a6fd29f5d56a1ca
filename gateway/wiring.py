"""Builds everything once, from settings and keys. The only source of the clock, of randomness and of ids."""

from __future__ import annotations

import importlib
import os
import pkgutil
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache, partial
from pathlib import Path
from zoneinfo import ZoneInfo

import handlers
from gateway import keys, logs, metrics
from gateway.backoffice.base import BackOffice
from gateway.backoffice.build import build as build_system
from gateway.backoffice.endpoints import Endpoint
from gateway.backoffice.endpoints import build as build_endpoint
from gateway.backoffice.signing import SigningError, Verifier, signers, verifier
from gateway.channels.base import Channel, ChannelDeclarationError
from gateway.channels.build import build as build_channel
from gateway.engine.outcomes import Declared
from gateway.engine.surface import Rules, Surface
from gateway.keys import Ciphers, Keyring, KeysError
from gateway.menu.faults import Fault
from gateway.menu.model import Menus
from gateway.menu.report import check_folder
from gateway.menu.world import World, max_units, world_of
from gateway.settings import DEMO_API_KEY, DropSystem, HttpSystem, Settings, SettingsError, SystemSettings
from gateway.store import beats, erasure_list, key_check, sealed
from gateway.store.db import Database, StoreUnavailable, is_there, open_database
from gateway.store.limits import open_throttle
from gateway.store.sessions import Sessions
from gateway.store.wake import Wake, open_wake
from gateway.usecases import (
    acts,
    arrivals,
    codes,
    demo_people,
    demo_templates,
    lookups,
    my_messages,
    persons,
    preferences,
    promised_answers,
    questions,
    saved_dialogues,
    shelf,
    spend,
    statements,
    submissions,
    system_answers,
    takeover,
    verification,
    withdrawals,
)
from gateway.usecases.demo_people import DemoAccount
from gateway.usecases.parts import Parts
from gateway.usecases.stops import Stops
from gateway.usecases.talk import Talk
from gateway.usecases.transcripts import keyed
from gateway.usecases.ussd_parts import Action, Source, Ussd

#: The relay's name among the signs of life.
RELAY = "relay"
#: The latest backup's, and that of the keys.
BACKUP = "backup"
BACKUP_KEYS = "backup-keys"
#: The token that `make run` believes on every channel, on loopback only.
LOCAL_TOKEN = "local"  # noqa: S105  # no secret: it is refused unless settings.local


class MenusBroken(Exception):
    """The menus cannot be put in service; `faults` says why, each with its file and line."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__(f"{len(faults)} faults in the menus")
        self.faults = faults


def now() -> datetime:
    return datetime.now(UTC)


def monotonic() -> float:
    """Seconds that only grow; for durations and deadlines."""
    return time.monotonic()


def new_id() -> str:
    """A random id: 128 bits, 32 hexadecimal digits."""
    return secrets.token_hex(16)


@dataclass(frozen=True, slots=True)
class Gateway:
    """Everything that was built, for one process."""

    settings: Settings
    keys: Keyring = field(repr=False)
    parts: Parts
    ussd: Ussd
    talk: Talk
    verifiers: Mapping[str, Verifier]
    wake: Wake
    queues_url: str = field(repr=False)
    now: Callable[[], datetime]
    monotonic: Callable[[], float]
    new_id: Callable[[], str]
    random_bytes: Callable[[int], bytes]

    @property
    def database(self) -> Database:
        return self.parts.database

    def close(self) -> None:
        """Closes what this process and this thread hold open."""
        self.ussd.sessions.close()
        self.wake.close()
        self.parts.throttle.close()
        self.database.close()

    def relay_beat(self) -> datetime | None:
        """When the relay was last seen at work. Raises StoreUnavailable."""
        with self.database.read() as conn:
            return beats.last(conn, RELAY)


def prepare(settings: Settings) -> Keyring:
    """The keys of this installation, made at first start. Raises KeysError, StoreUnavailable.

    None are made beside a database that was sealed with others: that would hide the loss, and add to it.
    """
    path = keys_path(settings)
    try:
        found = key_check.samples(database_url(settings))  # before the look at the file: another start may make both
    except StoreUnavailable:
        if not path.exists():
            raise
        found = ()  # a database that is away is told by whoever needs it
    if found and not path.exists():
        raise KeysError(f"{path}: missing, and the database was sealed with it; restore it from its backup")
    keyring = keys.load_or_create(path, os.urandom, tuple(settings.channels), tuple(settings.systems))
    if not key_check.belong(sealed.build(keyring, os.urandom), found):
        raise KeysError(f"{path}: not the keys of this database; restore the file that belongs to it")
    return keyring


def require_keys(settings: Settings, found: tuple[key_check.SealedSample, ...]) -> None:
    """Raises KeysError unless the keys of this installation made what was `found`; makes none."""
    path = keys_path(settings)
    if not path.exists():
        raise KeysError(f"{path}: missing; put the copy that `gateway backup --keys` made there, mode 0600")
    keyring = keys.load_or_create(path, os.urandom, tuple(settings.channels), tuple(settings.systems))
    if not key_check.belong(sealed.build(keyring, os.urandom), found):
        raise KeysError(f"{path}: not the keys of this backup; put the copy that belongs to it there")


def keys_belong(settings: Settings, keyring: Keyring) -> bool:
    """Whether these keys made what the database holds; makes nothing. Raises StoreUnavailable."""
    return key_check.belong(sealed.build(keyring, os.urandom), key_check.samples(database_url(settings)))


def note_backup(settings: Settings, at: datetime, name: str = BACKUP) -> bool:
    """Whether the database took the note that it, or the keys, were copied: one that may not be written still can be.

    Where there is no database yet, none is made.
    """
    if not is_there(database_url(settings)):
        return False
    database = open_database(database_url(settings))
    try:
        with database.begin() as conn:
            beats.beat(conn, name, at)
    except StoreUnavailable:
        return False
    finally:
        database.close()
    return True


def make_demo_people(settings: Settings, keyring: Keyring) -> tuple[DemoAccount, ...]:
    """The demonstration's accounts and templates, made where they are missing; none unless `settings.local`."""
    database = open_database(database_url(settings))
    try:
        demo_templates.make(database, settings, now())
        return demo_people.make(database, sealed.build(keyring, os.urandom), settings, os.urandom, now())
    finally:
        database.close()


def has_demo_people(settings: Settings) -> bool:
    """Whether the database has an account of the demonstration that is not disabled. Raises StoreUnavailable."""
    database = open_database(database_url(settings))
    try:
        return demo_people.any_enabled(database)
    finally:
        database.close()


def renew_token(settings: Settings, channel: str) -> None:
    """A new callback token for a channel, beside the one before. Raises KeysError."""
    keys.renew_token(keys_path(settings), os.urandom, channel)


def retire_tokens(settings: Settings, channel: str) -> None:
    """Only the newest callback token of a channel from now on. Raises KeysError."""
    keys.retire_tokens(keys_path(settings), channel)


def keys_path(settings: Settings) -> Path:
    """Where the keys are: in the data folder."""
    return settings.data / "keys.json"


def build(settings: Settings, clock: Callable[[], datetime] = now) -> Gateway:
    """A Gateway ready to work; the database must be migrated. Raises KeysError, MenusBroken, StoreUnavailable."""
    keyring = prepare(settings)
    logs.start(settings.log_level, clock)
    metrics.start(settings.channels, spend.SCOPES, settings.hooks)
    database = open_database(database_url(settings))
    ciphers = Ciphers(keyring.encryption, partial(keys.read_encryption, keys_path(settings)), monotonic)
    seals = sealed.build(keyring, os.urandom, ciphers)
    wake = open_wake(redis_url(settings, settings.queues_url))
    built_channels = _channels(settings)
    parts = Parts(
        database=database,
        seals=seals,
        receipt_keys=keyring.receipts,
        shelf=shelf.publish(database, load_menus(settings), clock()),
        settings=settings,
        channels=built_channels,
        systems=_systems(settings, keyring, clock),
        announce=wake.announce,
        now=clock,
        monotonic=monotonic,
        new_id=new_id,
        random_bytes=os.urandom,
        throttle=open_throttle(redis_url(settings, settings.queues_url), monotonic),
        stops=Stops(database, monotonic, clock),
        signing=partial(keys.read_signing, keys_path(settings)),
        endpoints=_endpoints(settings),
    )
    ussd = _ussd(settings, keyring, parts, ciphers)
    return Gateway(
        settings=settings,
        keys=keyring,
        parts=parts,
        ussd=ussd,
        talk=Talk(parts, ussd.sources, ussd.actions, ussd.handlers, sms_surfaces(settings), ussd.digest),
        verifiers=_verifiers(settings, keyring),
        wake=wake,
        queues_url=redis_url(settings, settings.queues_url),
        now=clock,
        monotonic=monotonic,
        new_id=new_id,
        random_bytes=os.urandom,
    )


def database_url(settings: Settings) -> str:
    """The SQL database: the one declared, else SQLite in the data folder."""
    return settings.database_url or f"sqlite:///{settings.data.resolve() / 'gateway.db'}"


def redis_url(settings: Settings, declared: str) -> str:
    """A Redis: the one declared for the purpose, else the common one, else the embedded one's socket."""
    if declared:
        return declared
    if "://" in settings.redis:
        return settings.redis
    return f"unix://{settings.data.resolve() / 'redis.sock'}"


def erasures_path(settings: Settings) -> Path:
    """Where erased numbers are listed, apart from the database: in the data folder."""
    return settings.data / erasure_list.NAME


def load_menus(settings: Settings) -> Menus:
    """The menus of settings.menus, checked. Raises MenusBroken with every fault."""
    menus, faults = check_folder(settings.menus, settings.languages, world(settings))
    if menus is None or faults:
        raise MenusBroken(faults)
    return menus


def load_handlers() -> dict[str, Declared]:
    """Every handler under handlers/, as `module.function`."""
    found: dict[str, Declared] = {}
    for module in pkgutil.iter_modules(handlers.__path__):
        loaded = importlib.import_module(f"handlers.{module.name}")
        for name, value in vars(loaded).items():
            if isinstance(value, Declared):
                found[f"{module.name}.{name}"] = value
    return found


def world(settings: Settings) -> World:
    """What exists around the menus of this installation."""
    rules = load_handlers()
    return world_of(
        settings,
        {name: tuple(sorted(rule.outcomes)) for name, rule in rules.items()},
        {name: frozenset(rule.values) for name, rule in rules.items()},
    )


def channel_faults(settings: Settings) -> tuple[str, ...]:
    """One sentence for each fault in the declarations of channels."""
    found: list[str] = []
    for name in settings.channels:
        try:
            _channel(settings, name)
        except ChannelDeclarationError as error:
            found += error.faults
    return tuple(found)


def _channels(settings: Settings) -> dict[str, Channel]:
    return {name: _channel(settings, name) for name in settings.channels}


def _channel(settings: Settings, name: str) -> Channel:
    declared = settings.channels[name]
    return build_channel(
        name,
        declared,
        config_folder=Path(settings.config).resolve().parent,
        api_key=os.environ.get(declared.api_key_env or "", DEMO_API_KEY if settings.local else None),
        region=settings.countries[0],
    )


def _systems(settings: Settings, keyring: Keyring, clock: Callable[[], datetime]) -> dict[str, BackOffice]:
    return {
        name: build_system(
            name,
            declared,
            token=os.environ.get(getattr(declared, "token_env", None) or "", keyring.system_tokens[name]),
            now=clock,
            secrets=_file_secrets(declared, keyring, name) or _signing_secrets(declared, keyring, name),
            data=settings.data.resolve(),
            zone=ZoneInfo(settings.timezone),
        )
        for name, declared in settings.systems.items()
    }


def _endpoints(settings: Settings) -> dict[str, Endpoint]:
    """The endpoints that are told of events; one whose secret is not set is there, and can be told nothing."""
    built: dict[str, Endpoint] = {}
    for name, declared in settings.hooks.items():
        secrets_ = os.environ.get(declared.secret_env, "").split()
        try:
            built[name] = build_endpoint(name, declared, signers(secrets_[:2]))
        except SigningError as error:
            raise SettingsError([f"{declared.secret_env}: {error}"]) from None
    return built


def _signing_secrets(declared: SystemSettings, keyring: Keyring, system: str) -> tuple[str, ...]:
    """What our calls to a system are signed with: the environment's, else the secret that its webhooks have too."""
    given = os.environ.get(getattr(declared, "signing_secret_env", None) or "", "")
    return tuple(given.split()) if given else keyring.webhook_secrets[system]


def _verifiers(settings: Settings, keyring: Keyring) -> dict[str, Verifier]:
    """Of the systems that can call back: the others have no webhook secret."""
    callers = {name: one for name, one in settings.systems.items() if isinstance(one, HttpSystem)}
    return {name: verifier(_webhook_secrets(one, keyring, name)) for name, one in callers.items()}


def _file_secrets(declared: SystemSettings, keyring: Keyring, system: str) -> tuple[str, ...]:
    """What signs the files of a system that works by files; raises SigningError at start, not at night."""
    if not isinstance(declared, DropSystem):
        return ()
    secrets = _webhook_secrets(declared, keyring, system)
    verifier(secrets)
    return secrets


def _webhook_secrets(declared: HttpSystem | DropSystem, keyring: Keyring, system: str) -> tuple[str, ...]:
    given = os.environ.get(declared.webhook_secret_env or "", "")
    return tuple(given.split()) if given else keyring.webhook_secrets[system]


def _ussd(settings: Settings, keyring: Keyring, parts: Parts, ciphers: Ciphers) -> Ussd:
    sources: dict[str, Source] = {
        "my_submissions": partial(lookups.my_submissions, parts),
        "submission_status": partial(lookups.submission_status, parts),
        "my_question": partial(questions.my_question, parts),
        "my_messages": partial(my_messages.latest, parts),
        "my_message": partial(my_messages.one, parts),
        "my_data": partial(persons.my_data, parts),
        "my_preferences": partial(preferences.my_preferences, parts),
        "verify_receipt": partial(verification.verify_receipt, parts),
    }
    for name, system in settings.systems.items():
        asked = system.sources if isinstance(system, HttpSystem) else ()
        sources |= {source: partial(system_answers.from_system, parts, name) for source in asked}
    actions: dict[str, Action] = {
        "submit": partial(submissions.submit, parts),
        "promise_answer": partial(promised_answers.promise, parts),
        "send_code": partial(codes.send, parts),
        "check_code": partial(codes.check, parts),
        "set_preference": partial(preferences.set_preference, parts),
        "withdraw": partial(withdrawals.withdraw, parts),
        "open_question": partial(questions.open_question, parts),
        "answer_question": partial(statements.answer_question, parts),
        "correct": partial(statements.correct, parts),
        "take_over": partial(takeover.take_over, parts),
        "disown": partial(persons.disown, parts),
        "erase_me": partial(persons.erase_me, parts),
    }
    return Ussd(
        sessions=Sessions(redis_url(settings, settings.sessions_url), ciphers, os.urandom),
        shelf=parts.shelf,
        sources=sources,
        actions=actions,
        handlers=load_handlers(),
        find_act=partial(acts.find, parts),
        surface=surfaces(settings),
        lookup_budget_s=settings.limits.lookup_budget_ms / 1000,
        session_s=lambda network: settings.operator_of(network).session_s,
        channels=settings.channels,
        countries=settings.countries,
        save_dropped=partial(saved_dialogues.save, parts),
        arrive=partial(arrivals.arrive, parts),
        note_notice=partial(arrivals.note_notice, parts),
        settle_offer=partial(saved_dialogues.settle, parts),
        settled_by=partial(saved_dialogues.settled_by, parts),
        barred=parts.stops.barred,
        digest=keyed(keyring.digest),
        timezone=ZoneInfo(settings.timezone),
        now=parts.now,
        monotonic=monotonic,
    )


def rules(settings: Settings) -> Rules:
    """What the operator's settings decide about answers."""
    return Rules(
        npi_pattern=settings.npi_pattern,
        region=settings.countries[0],
        service_code=settings.service_code,
        max_turns=settings.limits.turns_per_dialogue,
    )


def sms_surfaces(settings: Settings) -> Callable[[str], Surface]:
    """The key of a sender -> what one SMS of it holds: dialogues are written in GSM-7, one segment a screen."""
    shared = rules(settings)

    @lru_cache(maxsize=64)
    def surface(sender: str) -> Surface:
        return Surface(160 - settings.sender_of(sender).appends, "gsm7", "sms", rules=shared)

    return surface


def surfaces(settings: Settings) -> Callable[[str, str], Surface]:
    """(channel, network) -> the screen of its handsets; each is made once."""
    shared = rules(settings)

    @lru_cache(maxsize=1024)
    def surface(channel: str, network: str) -> Surface:
        operator = settings.operator_of(network)
        cap = settings.channels[channel].max_septets or operator.max_septets
        capped = operator.model_copy(update={"max_septets": min(cap, operator.max_septets)})
        return Surface(max_units(capped), operator.alphabet, rules=shared)

    return surface
