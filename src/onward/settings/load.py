"""How settings are found: all places in their order, profiles over files, every problem at once."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from onward.errors import InvalidConfig
from onward.settings.field import Rule
from onward.settings.places import (
    Place,
    Said,
    Tree,
    Unreadable,
    label_of,
    read_env_lines,
    read_text,
    read_toml,
)

SYSTEM_FOLDER = Path("/etc/onward")
PREFIX = "ONWARD_"
OTHER_VARIABLES = {
    "ONWARD_APP": "the application that the command line uses, as module:attribute",
    "ONWARD_PROFILE": "name of the [profile.NAME] tables of configuration files that apply",
    "ONWARD_TEST_DATABASE_URL": "a PostgreSQL server for the project's own tests; they start one without it",
}
_NOT_OURS = {("scheduler", "jobs")}  # schedules are read where schedules are understood


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found, by key: the values that somebody said, and all places that say one, highest first."""

    values: Mapping[str, Any]
    places: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where to look; ``environ`` without HOME means that there is no user."""

    cwd: Path
    environ: Mapping[str, str]
    system_folder: Path

    @property
    def home(self) -> Path | None:
        return Path(self.environ["HOME"]) if self.environ.get("HOME") else None

    @property
    def user_folder(self) -> Path | None:
        return self.home / ".config" / "onward" if self.home else None


def variable_of(key: str) -> str:
    """The environment's name of a setting: ``worker.concurrency`` is ONWARD_WORKER_CONCURRENCY."""
    return PREFIX + key.replace(".", "_").upper()


def find(
    rules: Mapping[str, Rule],
    around: Surroundings,
    flags: Mapping[str, Any],
    code: Mapping[str, Any],
) -> Finding:
    """Every setting from the highest place that says it; ``InvalidConfig`` with all that is wrong."""
    search = _Search(rules, around)
    said = [search.arguments(flags, "flag"), search.arguments(code, "code"), *search.variables()]
    profile = next((given.value for place in said for given in place.said if given.name == "profile"), None)
    places = [*said, *search.files(profile)]
    problems = [problem for place in places for problem in place.problems]
    if profile is not None and profile not in search.profiles:
        problems.append(f"profile {profile!r} is in no configuration file.{near(str(profile), search.profiles)}")
    finding = search.merge(places, problems)
    if problems:
        raise invalid(problems)
    return finding


def near(name: str, known: Iterable[str]) -> str:
    """``Did you mean …?`` with a blank before it, or nothing."""
    match = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f" Did you mean {match[0]}?" if match else ""


def invalid(problems: list[str]) -> InvalidConfig:
    """One error for all that is wrong."""
    message = problems[0] if len(problems) == 1 else f"{len(problems)} settings are wrong: {' '.join(problems)}"
    return InvalidConfig(message, hint="Nothing was started.", problems=tuple(problems))


@dataclass(slots=True)
class _Search:
    rules: Mapping[str, Rule]
    around: Surroundings
    profiles: set[str] = field(default_factory=set)

    def arguments(self, given: Mapping[str, Any], where: str) -> Place:
        """Flags or arguments in code: nested groups or dotted keys; what is ``None`` was not said."""
        place = Place()
        for path, value in _leaves(given, self._groups()):
            if value is not None:
                self._take(place, path, value, where)
        return place

    def variables(self) -> Iterator[Place]:
        """The environment, then the ``.env`` of the working folder, then the user's."""
        environ = [Said(name, value, f"env {name}") for name, value in self.around.environ.items()]
        yield _guarded(self._variables, environ)
        for folder in (self.around.cwd, self.around.user_folder):
            if folder is not None:
                yield _guarded(self._env_file, folder / ".env")

    def files(self, profile: str | None) -> Iterator[Place]:
        """Project file, ``[tool.onward]``, user file, system file."""
        yield _guarded(self._project_file, profile)
        yield _guarded(self._toml, self.around.cwd / "pyproject.toml", profile, ("tool", "onward"))
        for folder in (self.around.user_folder, self.around.system_folder):
            if folder is not None:
                yield _guarded(self._toml, folder / "config.toml", profile)

    def merge(self, places: list[Place], problems: list[str]) -> Finding:
        """The highest place wins; only what wins is read."""
        by_key: dict[str, list[Said]] = {}
        for place in places:
            for said in place.said:
                by_key.setdefault(said.name, []).append(said)
        by_key.pop("profile", None)
        values: dict[str, Any] = {}
        for key, (first, *_) in by_key.items():
            try:
                values[key] = self.rules[key].read(first.value)
            except ValueError as expected:
                complaint = self.rules[key].complain(key, first.value, expected)
                problems.append(f"{_plain(first.where)}: {complaint}.")
        return Finding(values, {key: tuple(said.where for said in all_said) for key, all_said in by_key.items()})

    def _groups(self) -> set[str]:
        return {key.partition(".")[0] for key in self.rules if "." in key}

    def _label(self, path: Path) -> str:
        return label_of(path, self.around.cwd, self.around.home)

    def _take(self, place: Place, path: tuple[str, ...], value: Any, where: str) -> None:
        key = ".".join(path)
        if key in self.rules or key == "profile":
            place.said.append(Said(key, value, where))
        elif path[:2] not in _NOT_OURS:
            place.problems.append(f"{_plain(where)}: {key} is not a setting.{near(key, self.rules)}")

    def _variables(self, given: Iterable[Said]) -> Place:
        place = Place()
        by_name = {said.name: said for said in given if said.value != ""}
        for key, rule in self.rules.items():
            for name in (variable_of(key), *rule.also):
                if said := self._variable(name, rule, by_name, place):
                    place.said.append(Said(key, said.value, said.where))
        if profile := by_name.pop("ONWARD_PROFILE", None):
            place.said.append(Said("profile", profile.value, profile.where))
        known = [variable_of(key) for key in self.rules] + list(OTHER_VARIABLES)
        for name, said in by_name.items():
            if name.startswith(PREFIX) and name not in OTHER_VARIABLES:
                where = _plain(said.where).removesuffix(f" {name}")
                place.problems.append(f"{where}: {name} is not a setting.{near(name, known)}")
        return place

    def _variable(self, name: str, rule: Rule, by_name: dict[str, Said], place: Place) -> Said | None:
        said = by_name.pop(name, None)
        file = by_name.pop(f"{name}_FILE", None) if rule.kind.secret else None
        if file is None:
            return said
        if said is not None:
            place.problems.append(f"{name} and {name}_FILE are both set; one of them is meant.")
            return said
        text = read_text(Path(file.value), f"{name}_FILE")
        if text is None:
            place.problems.append(f"{_plain(file.where)}: there is no file {file.value}.")
            return None
        return Said(name, text.strip(), f"{file.where} (file {file.value})")

    def _env_file(self, path: Path) -> Place:
        label = self._label(path)
        return self._variables(read_env_lines(read_text(path, label) or "", label))

    def _project_file(self, profile: str | None) -> Place:
        present = [
            path for name in ("onward.toml", "onward.yaml", "onward.yml") if (path := self.around.cwd / name).exists()
        ]
        if len(present) > 1:
            names = " and ".join(path.name for path in present)
            return Place(problems=[f"{names} are both there; keep one of them."])
        if not present:
            return Place()
        if present[0].suffix == ".toml":
            return self._toml(present[0], profile)
        from onward.settings.yaml_file import read_yaml  # noqa: PLC0415 - the parser is not cheap, and rarely needed

        label = self._label(present[0])
        return self._tree(read_yaml(read_text(present[0], label) or "", label), profile)

    def _toml(self, path: Path, profile: str | None, table: tuple[str, ...] = ()) -> Place:
        text = read_text(path, self._label(path))
        if not text or (table and f"[{'.'.join(table)}" not in text):
            return Place()
        return self._tree(read_toml(text, self._label(path), table), profile)

    def _tree(self, tree: Tree, profile: str | None) -> Place:
        """What one file says: its profile above the rest of it."""
        place = Place()
        plain = {name: value for name, value in tree.values.items() if name != "profile"}
        overlays = tree.values.get("profile", {})
        for name, overlay in overlays.items() if isinstance(overlays, Mapping) else ():
            self.profiles.add(str(name))
            target = place if name == profile else Place()
            for path, value in _leaves(overlay if isinstance(overlay, Mapping) else {}, self._groups()):
                self._take(target, path, value, tree.where(("profile", name, *path)))
            if target is not place:
                place.problems += target.problems
        for path, value in _leaves(plain, self._groups()):
            self._take(place, path, value, tree.where(path))
        return place


def _guarded(read: Callable[..., Place], *where: Any) -> Place:
    """What a place says, or the one problem that keeps it from being read."""
    try:
        return read(*where)
    except Unreadable as error:
        return Place(problems=[f"{_plain(str(error))}."])


def _plain(where: str) -> str:
    return where.removeprefix("./")


def _leaves(values: Mapping[str, Any], groups: set[str]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Each value with its path: ``{"worker": {"name": 1}}`` and ``{"worker.name": 1}`` are the same."""
    for name, value in values.items():
        if name in groups and isinstance(value, Mapping):
            yield from (((name, str(below)), inner) for below, inner in value.items())
        else:
            yield tuple(str(name).split(".")), value
