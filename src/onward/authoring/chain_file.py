"""A chain as YAML or JSON: ``name``, ``label``, ``description``, ``source_id``, and ``phases``.

A phase has job_type, name, weight and params. One form for files, saved chains and the command line. What is read is
taken as plain values only, and is bounded in size, also of what its aliases stand for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from onward.errors import InvalidChain, InvalidValue
from onward.model import codec
from onward.model.chain import JobPhase

# The parser is imported where it is used: it is not cheap, and few need it.

_KEYS = {"name", "label", "description", "source_id", "phases"}
_PHASE_KEYS = {"job_type", "name", "weight", "params"}
MOST_BYTES = 1 << 20
_MOST_VALUES = 50_000
_MOST_DEPTH = 64


@dataclass(frozen=True, slots=True)
class ChainFile:
    """What a file says; ``label`` is what it is called in errors, ``lines`` are those of the phases."""

    label: str
    name: str | None
    source_id: str | None
    phases: list[JobPhase]
    lines: list[int] = field(default_factory=list)
    title: str = ""
    description: str = ""

    def place(self, phase: int | None) -> str:
        """``FILE:LINE`` of a phase, or of the file."""
        return f"{self.label}:{self.lines[phase]}" if phase is not None and phase < len(self.lines) else self.label


def read_chain_file(path: Path) -> ChainFile:
    """The chain of a file. Raises ``InvalidChain``, which names file and line."""
    try:
        with path.open("rb") as file:
            text = file.read(MOST_BYTES + 1).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidChain(f"{path} cannot be read: {error}.") from None
    return read_chain(text, str(path))


def read_chain(text: str, label: str = "the chain") -> ChainFile:
    """The chain of a text; ``label`` says in errors where it is from. Raises ``InvalidChain``."""
    values, node = _parsed(text, label)
    if not isinstance(values, dict) or not isinstance(values.get("phases"), list):
        raise InvalidChain(f"{label}: expected `phases:` with a list.", hint=_HINT)
    _refuse_others(values, _KEYS, f"{label}:1")
    lines = _phase_lines(node)
    phases = [_phase(item, f"{label}:{lines[at]}") for at, item in enumerate(values["phases"])]
    return ChainFile(
        label,
        _text(values, "name"),
        _text(values, "source_id"),
        phases,
        lines,
        _text(values, "label") or "",
        _text(values, "description") or "",
    )


def write_chain(name: str, label: str, description: str, phases: Sequence[JobPhase]) -> str:
    """The YAML of a chain, as ``read_chain`` reads it."""
    import yaml  # noqa: PLC0415 - see above

    listed: list[dict[str, Any]] = []
    for phase in phases:
        one: dict[str, Any] = {"job_type": phase.type_name}
        if phase.name != phase.type_name:
            one["name"] = phase.name
        one["weight"] = phase.weight
        if phase.type_params:
            one["params"] = phase.type_params
        listed.append(one)
    values = {"name": name, "label": label, "description": description, "phases": listed}
    kept = {key: value for key, value in values.items() if value}
    text: str = yaml.safe_dump(kept, sort_keys=False, allow_unicode=True, width=100)
    return text


def _parsed(text: str, label: str) -> tuple[Any, Any]:
    import yaml  # noqa: PLC0415 - see above

    if len(text.encode("utf-8", "surrogatepass")) > MOST_BYTES:
        raise InvalidChain(f"{label} is longer than {MOST_BYTES:,} bytes.", hint="Keep large data in a file or table.")
    try:
        node = yaml.compose(text, yaml.SafeLoader)
        if node is not None:
            _check_size(node, label)
        return yaml.safe_load(text), node
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{label}:{mark.line + 1}" if mark else label
        raise InvalidChain(f"{where}: {getattr(error, 'problem', None) or 'this is not YAML'}.") from None
    except RecursionError:
        raise InvalidChain(f"{label} is nested deeper than {_MOST_DEPTH} levels.", hint="Flatten it.") from None
    except ValueError as error:
        raise InvalidChain(f"{label}: {error}.") from None


def _check_size(root: Any, label: str) -> None:
    """Count what the text stands for: an alias counts as all that it repeats."""
    sizes: dict[int, int] = {}

    def size(node: Any, depth: int) -> int:
        if depth > _MOST_DEPTH:
            raise InvalidChain(f"{label} is nested deeper than {_MOST_DEPTH} levels.", hint="Flatten it.")
        known = sizes.get(id(node))
        if known is not None:
            return known
        total = 1
        if isinstance(node.value, list):
            for item in node.value:
                total += sum(size(part, depth + 1) for part in (item if isinstance(item, tuple) else (item,)))
        if total > _MOST_VALUES:
            raise InvalidChain(
                f"{label} stands for more than {_MOST_VALUES:,} values.", hint="Write it without so many aliases."
            )
        sizes[id(node)] = total
        return total

    size(root, 0)


_HINT = "phases:\n      - job_type: metadata\n        weight: 20"


def _text(values: dict[str, Any], key: str) -> str | None:
    return None if values.get(key) is None else str(values[key])


def _phase_lines(node: Any) -> list[int]:
    for key, value in node.value:
        if key.value == "phases":
            return [item.start_mark.line + 1 for item in value.value]
    return []


def _phase(item: Any, where: str) -> JobPhase:
    if isinstance(item, str):
        item = {"job_type": item}
    if not isinstance(item, dict):
        raise InvalidChain(f"{where}: a phase is a mapping, not {type(item).__name__}.", hint=_HINT)
    _refuse_others(item, _PHASE_KEYS, where)
    job_type = item.get("job_type") or item.get("name")
    weight, params = item.get("weight", 50), item.get("params") or {}
    if not isinstance(job_type, str):
        raise InvalidChain(f"{where}: the phase has no job_type.", hint=_HINT)
    if isinstance(weight, bool) or not isinstance(weight, int | float):
        raise InvalidChain(f"{where}: weight is {weight!r}, expected a number from 0 to 100.")
    if not isinstance(params, dict):
        raise InvalidChain(f"{where}: params are a mapping, not {type(params).__name__}.")
    try:
        codec.encode(params, "params", MOST_BYTES)
    except InvalidValue as error:
        raise InvalidChain(f"{where}: {error.message}", hint=error.hint) from None
    return JobPhase(str(item.get("name") or job_type), weight=weight, job_type=job_type, params=params)


def _refuse_others(values: dict[Any, Any], known: set[str], where: str) -> None:
    for key in values:
        if key not in known:
            raise InvalidChain(f"{where}: {key!r} is not a key here.", hint=f"keys: {', '.join(sorted(known))}")
