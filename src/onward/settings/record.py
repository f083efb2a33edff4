"""The record of all settings, and how it is made from code or from everywhere."""

from __future__ import annotations

import dataclasses
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

from onward.errors import InvalidConfig
from onward.settings import kinds
from onward.settings.field import Group, Rule, group, rules, setting
from onward.settings.groups import (
    Cache,
    Checkpoint,
    Client,
    Cloud,
    Cluster,
    Database,
    Journal,
    LangGraph,
    Limits,
    Log,
    Metrics,
    Models,
    ProfileMaintenance,
    Retention,
    Scheduler,
    Server,
    Sources,
    Traces,
    Ui,
    Vault,
    Webhooks,
    Worker,
)
from onward.settings.load import SYSTEM_FOLDER, Surroundings, find, invalid, near
from onward.settings.origin import Origin

_log = logging.getLogger("onward.settings")
_OF_SERVICES = ("models", "sources", "cloud", "langgraph", "profile_maintenance", "vault")
"""What a job asks for, and nothing that runs: it may change while a service runs."""


@group
class Settings(Group):
    """All settings, frozen.

    ``Settings(worker={"lease_seconds": "5s"})`` in code reads nothing from outside; ``Settings.load()`` reads
    flags, arguments in code, the environment, ``.env`` files and configuration files, in this order.
    """

    database: Database = Database()
    worker: Worker = Worker()
    checkpoint: Checkpoint = Checkpoint()
    cache: Cache = Cache()
    journal: Journal = Journal()
    scheduler: Scheduler = Scheduler()
    cluster: Cluster = Cluster()
    limits: Limits = Limits()
    retention: Retention = Retention()
    log: Log = Log()
    metrics: Metrics = Metrics()
    traces: Traces = Traces()
    models: Models = Models()
    sources: Sources = Sources()
    client: Client = Client()
    cloud: Cloud = Cloud()
    langgraph: LangGraph = LangGraph()
    profile_maintenance: ProfileMaintenance = ProfileMaintenance()
    server: Server = Server()
    ui: Ui = Ui()
    vault: Vault = Vault()
    webhooks: Webhooks = Webhooks()
    backup_path: str = setting("backups", kinds.TEXT, "folder that backups are written to", also=("BACKUP_PATH",))
    automation_pause: bool = setting(
        False, kinds.TRUTH, "true: schedules start nothing, people still can", also=("AUTOMATION_PAUSE",)
    )
    _places: Mapping[str, tuple[str, ...]] | None = dataclasses.field(default=None, init=False, compare=False)
    _again: Callable[[], Settings] | None = dataclasses.field(default=None, init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        problems = list(_read_groups(self))
        try:
            Group.__post_init__(self)
        except InvalidConfig as error:
            problems += error.problems
        if problems:
            raise invalid(problems)

    @classmethod
    def load(
        cls,
        cwd: str | Path | None = None,
        environ: Mapping[str, str] | None = None,
        flags: Mapping[str, Any] | None = None,
        code: Mapping[str, Any] | None = None,
        *,
        system_folder: Path = SYSTEM_FOLDER,
    ) -> Settings:
        """Settings from everywhere, highest first: ``flags``, ``code``, environment, files, defaults.

        ``flags`` and ``code`` are nested (``{"worker": {"concurrency": 8}}``) or dotted
        (``{"worker.concurrency": 8}``). Raises ``InvalidConfig`` with all problems at once.
        """
        around = Surroundings(Path(cwd or Path.cwd()), os.environ if environ is None else environ, system_folder)
        again = partial(cls.load, around.cwd, environ, flags, code, system_folder=system_folder)
        finding = find(all_rules(), around, flags or {}, code or {})
        nested: dict[str, Any] = {}
        for key, value in finding.values.items():
            first, _, below = key.partition(".")
            if below:
                nested.setdefault(first, {})[below] = value
            else:
                nested[first] = value
        settings = cls(**nested)
        object.__setattr__(settings, "_places", finding.places)
        object.__setattr__(settings, "_again", again)
        return settings

    def renewed(self) -> Settings:
        """The same settings, but those of services that jobs use as the same places say them at this moment.

        They are ``models``, ``sources``, ``cloud``, ``langgraph``, ``profile_maintenance`` and ``vault``. Settings that
        were made in code stay as they are; so do all while a file is wrong, which is told in the log.
        """
        if self._again is None:
            return self
        try:
            found = self._again()
        except InvalidConfig as error:
            _complain(f"{error.message} The settings of before stay in force.")
            return self
        _said.clear()
        return self._but(found._places, {name: getattr(found, name) for name in _OF_SERVICES})

    def on(self, url: str) -> Settings:
        """The same settings, but for another database."""
        return self._but(self._places, {"database": dataclasses.replace(self.database, url=url)})

    def _but(self, places: Mapping[str, tuple[str, ...]] | None, values: Mapping[str, Any]) -> Settings:
        changed = dataclasses.replace(self, **values)
        object.__setattr__(changed, "_places", places)
        object.__setattr__(changed, "_again", self._again)
        return changed

    def as_mapping(self) -> dict[str, Any]:
        """Plain values, secrets too, of which ``Settings(**mapping)`` makes the same record in another process."""
        return {
            field.name: {name: getattr(value, name) for name in rules(value)} if isinstance(value, Group) else value
            for field in dataclasses.fields(self)
            if field.init
            for value in [getattr(self, field.name)]
        }

    def origins(self) -> list[Origin]:
        """Every setting with the place that its value comes from and the places that it hides."""
        return [self._origin(key, rule) for key, rule in all_rules().items()]

    def _origin(self, key: str, rule: Rule) -> Origin:
        value = value_of(self, key)
        if self._places is None:
            places: tuple[str, ...] = ("default" if value == value_of(Settings(), key) else "code",)
        else:
            places = self._places.get(key, ("default",))
        shown = rule.kind.show(value)
        return Origin(key, shown, places[0], places[1:], redacted=shown != value)


_said: set[str] = set()


def _complain(text: str) -> None:
    """Once, until all was right in between."""
    if text not in _said:
        _said.add(text)
        _log.warning("%s", text)


@cache
def all_rules() -> dict[str, Rule]:
    """Every setting's rule by its dotted key, in the order of the record."""
    found: dict[str, Rule] = {}
    for field in dataclasses.fields(Settings):
        if isinstance(field.default, Group):
            found |= {f"{field.name}.{name}": rule for name, rule in rules(field.default).items()}
        elif "rule" in field.metadata:
            found[field.name] = field.metadata["rule"]
    return found


def value_of(settings: Settings, key: str) -> Any:
    value: Any = settings
    for part in key.split("."):
        value = getattr(value, part)
    return value


def _read_groups(settings: Settings) -> Iterator[str]:
    """Turns mappings into groups; gives a problem for each that does not fit."""
    for field in dataclasses.fields(settings):
        given = getattr(settings, field.name)
        if not isinstance(field.default, Group) or isinstance(given, type(field.default)):
            continue
        known = rules(field.default)
        if not isinstance(given, Mapping):
            yield f"{field.name}: expected a group of settings, {type(field.default).__name__} or a mapping."
            continue
        for name in given.keys() - known.keys():
            yield f"{field.name}.{name} is not a setting.{near(name, known)}"
        try:
            made = type(field.default)(**{name: value for name, value in given.items() if name in known})
            object.__setattr__(settings, field.name, made)
        except InvalidConfig as error:
            yield from (f"{field.name}.{problem}" for problem in error.problems)
