"""A chain in a file of YAML or JSON: ``name``, ``source_id``, ``phases`` with job_type, name, weight and params."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from onward.errors import InvalidChain
from onward.model.chain import JobPhase

_KEYS = {"name", "label", "source_id", "phases"}
_PHASE_KEYS = {"job_type", "name", "weight", "params"}


@dataclass(frozen=True, slots=True)
class ChainFile:
    """What a file says; ``lines`` are those of the phases."""

    label: str
    name: str | None
    source_id: str | None
    phases: list[JobPhase]
    lines: list[int] = field(default_factory=list)

    def place(self, phase: int | None) -> str:
        """``FILE:LINE`` of a phase, or of the file."""
        return f"{self.label}:{self.lines[phase]}" if phase is not None and phase < len(self.lines) else self.label


def read_chain_file(path: Path) -> ChainFile:
    """The chain of a file. Raises ``InvalidChain``, which names file and line."""
    label = str(path)
    try:
        text = path.read_text(encoding="utf-8")
        values, node = yaml.safe_load(text), yaml.compose(text, yaml.SafeLoader)
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidChain(f"{label} cannot be read: {error}.") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{label}:{mark.line + 1}" if mark else label
        raise InvalidChain(f"{where}: {getattr(error, 'problem', None) or 'this is not YAML'}.") from None
    if not isinstance(values, dict) or not isinstance(values.get("phases"), list):
        raise InvalidChain(f"{label}: expected `phases:` with a list.", hint=_HINT)
    _refuse_others(values, _KEYS, f"{label}:1")
    lines = _phase_lines(node)
    phases = [_phase(item, f"{label}:{lines[at]}") for at, item in enumerate(values["phases"])]
    return ChainFile(label, _text(values, "name"), _text(values, "source_id"), phases, lines)


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
    return JobPhase(str(item.get("name") or job_type), weight=weight, job_type=job_type, params=params)


def _refuse_others(values: dict[Any, Any], known: set[str], where: str) -> None:
    for key in values:
        if key not in known:
            raise InvalidChain(f"{where}: {key!r} is not a key here.", hint=f"keys: {', '.join(sorted(known))}")
