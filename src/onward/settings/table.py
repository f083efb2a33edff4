"""The table of all settings, for the reference, and the schema of a configuration file, for editors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from onward.settings.load import OTHER_VARIABLES, variable_of
from onward.settings.record import Settings, all_rules, value_of


@dataclass(frozen=True, slots=True)
class Variable:
    """One row of the table: the key (empty where it is a variable only), its variables and what it means."""

    key: str
    name: str
    also: tuple[str, ...]
    kind: str
    default: Any
    why: str
    secret: bool = False


def variables() -> list[Variable]:
    """Every setting with the environment's names for it: the table that the reference shows."""
    defaults = Settings()
    rows = [
        Variable(
            key,
            variable_of(key),
            rule.also,
            rule.kind.name,
            value_of(defaults, key),
            rule.why,
            rule.kind.secret,
        )
        for key, rule in all_rules().items()
    ]
    return rows + [Variable("", name, (), "text", None, why) for name, why in OTHER_VARIABLES.items()]


def json_schema() -> dict[str, Any]:
    """JSON Schema of a configuration file, for editors."""
    properties: dict[str, Any] = {}
    for key, rule in all_rules().items():
        first, _, below = key.partition(".")
        entry = {**rule.kind.schema, "description": rule.why, "default": value_of(Settings(), key)}
        if below:
            group_schema = properties.setdefault(first, _closed({}))
            group_schema["properties"][below] = entry
        else:
            properties[first] = entry
    properties["scheduler"]["properties"]["jobs"] = {"type": "object"}
    profile = {"type": "object", "additionalProperties": _closed(dict(properties))}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **_closed({**properties, "profile": profile}),
    }


def _closed(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def reference() -> str:
    """The table as a page of Markdown."""
    lines = [
        "# Settings",
        "",
        "Written by `python -m onward.settings.table`; the defaults and reasons stand in `onward.settings`.",
        "",
        "| key | environment | kind | default | meaning |",
        "|---|---|---|---|---|",
    ]
    for row in variables():
        names = ", ".join(f"`{name}`" for name in (row.name, *row.also))
        lines.append(f"| {row.key and f'`{row.key}`'} | {names} | {row.kind} | {_default(row)} | {row.why} |")
    return "\n".join(lines) + "\n"


def _default(row: Variable) -> str:
    if row.default is None or row.default in ("", ()):
        return ""
    return f"`{str(row.default).lower() if isinstance(row.default, bool) else row.default}`"


if __name__ == "__main__":
    import sys

    sys.stdout.write(reference())
