"""``onward config``: settings, and where each value comes from."""

from __future__ import annotations

import difflib
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from onward.cli.command import noun, verb
from onward.cli.here import Here
from onward.cli.show.output import Column, dump, plain
from onward.cli.told import say
from onward.errors import InvalidConfig
from onward.settings import kinds

verbs = noun("config", "Settings, and where they come from.")
_FILES = ("onward.toml", "onward.yaml", "onward.yml", "pyproject.toml", ".env")


def _records(here: Here) -> list[dict[str, Any]]:
    return [
        {
            "key": item.key,
            "value": item.value,
            "origin": item.origin,
            "overridden": list(item.overridden),
            "redacted": item.redacted,
        }
        for item in here.settings.origins()
    ]


@verb(verbs, "show", "onward config show", "onward config show --all", "onward config show --json", data=True)
def show(here: Here, every: Annotated[bool, typer.Option("--all", help="Unchanged ones too.")] = False) -> None:
    """Show settings that differ from their defaults, and where that was said."""
    records = [record for record in _records(here) if every or record["origin"] != "default"]
    if here.out.form == "json":
        here.out.write(
            dump({record["key"]: {k: v for k, v in record.items() if k != "key"} for record in records}, indent=2)
        )
        return
    columns = (
        Column("key"),
        Column("value", text=plain, fixed=False),
        Column("origin"),
        Column("overridden", "", text=lambda hidden: f"(hides {', '.join(hidden)})" if hidden else ""),
    )
    here.out.records(records, columns, empty="All settings are at their defaults; --all shows them.")


@verb(verbs, "get", "onward config get worker.concurrency", data=True)
def get(here: Here, key: Annotated[str, typer.Argument(metavar="KEY", help="Such as worker.concurrency.")]) -> None:
    """Print one setting's value."""
    records = {record["key"]: record for record in _records(here)}
    if key not in records:
        near = difflib.get_close_matches(key, records, n=1)
        raise InvalidConfig(
            f"{key} is not a setting.{f' Did you mean {near[0]}?' if near else ''}", hint="onward config show --all"
        )
    here.out.record(records[key], plain(records[key]["value"]))


@verb(
    verbs, "set", "onward config set worker.concurrency 8", "onward config set --user log.level INFO",
    "onward config set webhooks.secret - < secret.txt",
)  # fmt: skip
def set_(
    here: Here,  # noqa: ARG001 - every command is given it
    key: Annotated[str, typer.Argument(metavar="KEY", help="Such as worker.concurrency.")],
    value: Annotated[str, typer.Argument(metavar="VALUE", help="The new value; - reads it from stdin.")],
    user: Annotated[bool, typer.Option("--user", help="In your own file, not in that of this folder.")] = False,
) -> None:
    """Write one setting into ./onward.toml or .yaml; everything else in that file, comments too, stays as it is."""
    from onward.settings import Settings
    from onward.settings.record import all_rules

    folder = Path.home() / ".config" / "onward" if user else Path.cwd()
    file = _file_in(folder, "config" if user else "onward")
    if key in all_rules() and all_rules()[key].kind is kinds.SECRET and value != "-":
        raise InvalidConfig(
            f"{key} is a secret: others can read what stands on a command line. Nothing was changed.",
            hint=f"onward config set {key} - < FILE",
        )
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    change = _change_of(file)
    changed = change(text, key, sys.stdin.read().rstrip("\n") if value == "-" else value)
    folder.mkdir(parents=True, exist_ok=True)
    beside = file.with_name(file.name + ".new")
    beside.write_text(changed, encoding="utf-8")
    if file.exists():
        shutil.copymode(file, beside)
    beside.replace(file)
    say(f"{key} is written in {file}.")
    origin = next(item.origin for item in Settings.load().origins() if item.key == key)
    if not origin.startswith(f"~/.config/onward/{file.name}:" if user else f"./{file.name}:"):
        say(f"It has no effect here: {origin} comes first.")


def _file_in(folder: Path, name: str) -> Path:
    """The file of settings in a folder: the one that is there, or else a TOML file that will be."""
    there = [file for file in (folder / f"{name}.{end}" for end in ("toml", "yaml", "yml")) if file.exists()]
    return there[0] if there else folder / f"{name}.toml"


def _change_of(file: Path) -> Callable[[str, str, str], str]:
    """What writes one value into a file of this form."""
    if file.suffix == ".toml":
        from onward.settings.editing import with_value

        return with_value
    from onward.settings.editing_yaml import with_yaml_value

    return with_yaml_value


@verb(verbs, "path", "onward config path", data=True)
def path(here: Here) -> None:
    """List the files that settings are read from, highest first, and whether they are there."""
    user = Path.home() / ".config" / "onward"
    files = [Path.cwd() / ".env", user / ".env"]
    files += [Path.cwd() / name for name in _FILES if name != ".env"]
    files += [user / "config.toml", Path("/etc/onward/config.toml")]
    records = [{"path": str(file), "exists": file.exists()} for file in files]
    here.out.records(records, (Column("path"), Column("exists", "there")))


@verb(verbs, "validate", "onward config validate")
def validate(here: Here) -> None:
    """Read all settings; exit code 6 with every problem at once, each with its file and line."""
    changed = sum(1 for item in here.settings.origins() if item.origin != "default")
    say(f"All settings are valid; {changed} of them differ from the default.")


@verb(verbs, "schema", "onward config schema > onward.schema.json")
def schema(here: Here) -> None:
    """Print the JSON Schema of a configuration file, for editors."""
    from onward.settings import json_schema

    here.out.write(dump(json_schema(), indent=2))
