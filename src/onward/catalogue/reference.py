"""The reference page of the job types that ship, written from what they say of themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from onward.authoring.job_type import JobType
from onward.authoring.registry import JobTypes

_HEAD = """\
# Job types that ship

Written by `python docs/generate.py` from `onward.catalogue`. An application has them after `app.include_catalogue()`;
the `onward` command has them where it is given no application. `onward run TYPE --source ID -a parameter=value`.

*Weight* is a phase's part of a chain's progress. Names in *after* and *before* are what a chain's check looks at;
*not with* are job types that make no sense in one chain.
"""
_CHAINS = """\
## Chains

Each is a job type of its own: `onward run NAME --source ID`; parameters of its phases are given as
`-a phase.parameter=value`.

| chain | label | phases |
|---|---|---|
"""
_BOUNDS = {"minimum": "at least", "maximum": "at most", "exclusiveMinimum": "more than"}


def reference(job_types: JobTypes) -> str:
    """The page: job types by category, then chains."""
    kinds = sorted(job_types, key=lambda kind: (kind.category, kind.name))
    lines = [_HEAD]
    category = ""
    for kind in kinds:
        if kind.is_chain:
            continue
        if kind.category != category:
            category = kind.category
            lines.append(f"## {category.capitalize()}\n")
        lines += _described(kind)
    lines.append(_CHAINS.rstrip())
    lines += [_chain(kind) for kind in kinds if kind.is_chain]
    return "\n".join(lines) + "\n"


def _described(kind: JobType) -> Iterator[str]:
    yield f"### {kind.name}\n"
    yield f"**{kind.label}.** {kind.description}\n"
    facts = [
        ("needs a source" if kind.needs_source else "needs no source"),
        f"weight {kind.weight}",
        _listed("also called", kind.aliases),
        _listed("after", kind.runs_after),
        _listed("before", kind.runs_before),
        _listed("not with", kind.conflicts_with),
    ]
    yield "; ".join(fact for fact in facts if fact) + ".\n"
    schema: dict[str, Any] = kind.schema()
    properties = schema.get("properties", {})
    if properties:
        yield "| parameter | type | default | meaning |"
        yield "|---|---|---|---|"
        yield from (_row(name, entry, name in schema.get("required", ())) for name, entry in properties.items())
        yield ""


def _listed(word: str, names: Any) -> str:
    return f"{word} {', '.join(f'`{name}`' for name in sorted(names))}" if names else ""


def _row(name: str, entry: dict[str, Any], is_required: bool) -> str:
    default = "required" if is_required else f"`{_shown(entry.get('default'))}`"
    meaning = str(entry.get("description", "")).replace("|", "\\|")
    return f"| `{name}` | {_type(entry)} | {default} | {meaning} |"


def _type(entry: dict[str, Any]) -> str:
    if "anyOf" in entry:
        return " or ".join(_type(item) for item in entry["anyOf"])
    if "enum" in entry or "const" in entry:
        values = entry.get("enum", [entry.get("const")])
        return ", ".join(f"`{_shown(value)}`" for value in values)
    if entry.get("type") == "array":
        return f"list of {_type(entry.get('items', {}))}"
    name = str(entry.get("type", ""))
    kind = {"null": "nothing", "boolean": "yes or no", "string": "text"}.get(name, name)
    bounds = [f"{word} {entry[bound]:,}" for bound, word in _BOUNDS.items() if bound in entry]
    return ", ".join([kind, *bounds])


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "nothing"
    return str(value) if value not in ("", [], ()) else "empty"


def _chain(kind: JobType) -> str:
    return f"| `{kind.name}` | {kind.label} | {' → '.join(_phase(phase) for phase in kind.phases)} |"


def _phase(phase: Any) -> str:
    given = ", ".join(f"{name} {_shown(value)}" for name, value in phase.type_params.items())
    return f"`{phase.type_name}` {phase.weight:g} %" + (f" ({given})" if given else "")
