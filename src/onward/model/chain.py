"""Phases of a chain, and the rules by which they fit together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from datetime import datetime
from difflib import get_close_matches
from typing import Any, Protocol

from onward.errors import InvalidChain
from onward.model.job import Json
from onward.model.weights import weight_problem


@dataclass
class JobPhase:
    """One phase of a chain: a function, or a job type by name.

    ``func`` is called with ``args`` and ``kwargs``; without it, ``job_type or name`` is a job type and
    ``params`` (or ``kwargs``) are its parameters. A text as ``func`` is a job type too. ``weight`` is the
    phase's part of the progress bar. ``InvalidChain`` if the parts do not go together.
    """

    name: str
    func: Callable[..., Any] | str | None = None
    weight: float = 50
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    _: KW_ONLY
    job_type: str | None = None
    params: dict[str, Json] | None = None

    def __post_init__(self) -> None:
        if isinstance(self.func, str):
            self.func, self.job_type = None, self.job_type or self.func
        problem = _problem(self)
        if problem:
            hint = "Give it a function with args and kwargs, or a job type with params."
            raise InvalidChain(f"Phase {self.name!r} {problem}.", hint=hint)

    @property
    def type_name(self) -> str | None:
        """The job type's name, or None for a function."""
        return None if self.func is not None else self.job_type or self.name

    @property
    def type_params(self) -> dict[str, Json]:
        """The job type's parameters."""
        return dict(self.kwargs if self.params is None else self.params)


def _problem(phase: JobPhase) -> str:
    name: Any = phase.name
    if not isinstance(name, str) or not name:
        return "has no name"
    if phase.func is None:
        return "is a job type and has args, which only functions take" if phase.args else ""
    if not callable(phase.func):
        return f"has a function that cannot be called: {phase.func!r}"
    if phase.job_type is not None or phase.params is not None:
        return "has a function, and a job type or params too"
    return ""


class ChainType(Protocol):
    """What the rules ask of a job type; the three collections hold names of other job types."""

    @property
    def name(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def runs_before(self) -> Collection[str]: ...
    @property
    def runs_after(self) -> Collection[str]: ...
    @property
    def conflicts_with(self) -> Collection[str]: ...
    @property
    def needs_source(self) -> bool: ...

    def param_errors(self, params: dict[str, Json]) -> Sequence[Mapping[str, str]]:
        """Each wrong parameter as ``{"field", "message"}``."""
        ...


@dataclass(frozen=True)
class ChainIssue:
    """One thing that is wrong or doubtful.

    ``phase`` is the position from 0, or None for the whole chain; ``hint`` is a mend; ``code`` is stable; ``other`` is
    the position of the phase with which it does not fit.
    """

    phase: int | None
    message: str
    hint: str = ""
    code: str = ""
    other: int | None = None


@dataclass(frozen=True)
class ChainReport:
    """What is wrong with a chain: ``errors`` prevent it from running, ``warnings`` do not."""

    errors: list[ChainIssue] = field(default_factory=list)
    warnings: list[ChainIssue] = field(default_factory=list)

    @property
    def valid(self) -> bool:
        """Whether it may run."""
        return not self.errors

    def require_valid(self) -> None:
        """Raise ``InvalidChain`` with this report and the first error, if there is one."""
        if self.errors:
            first = self.errors[0]
            raise InvalidChain(first.message, hint=first.hint, report=self)


@dataclass(frozen=True)
class ChainTemplate:
    """A chain that is saved under a name; ``version`` rises with each save."""

    name: str
    phases: tuple[JobPhase, ...]
    label: str
    description: str
    version: int
    created_at: datetime
    updated_at: datetime
    updated_by: str | None = None


def with_params(name: str, phases: Sequence[JobPhase], added: Mapping[str, Mapping[str, Json]]) -> list[JobPhase]:
    """The phases with more parameters, by the names of phases. Raises ``InvalidChain`` for a name that is none."""
    unknown = sorted(set(added) - {phase.name for phase in phases})
    if unknown:
        raise InvalidChain(
            f"The chain {name!r} has no phase {unknown[0]!r}.",
            hint="Its phases: " + ", ".join(phase.name for phase in phases) + ".",
        )
    return [
        JobPhase(
            phase.name,
            weight=phase.weight,
            job_type=phase.type_name,
            params={**phase.type_params, **added.get(phase.name, {})},
        )
        for phase in phases
    ]


def check_chain(
    phases: Sequence[JobPhase],
    types: Mapping[str, ChainType],
    *,
    source_id: str | None = None,
    check_source: bool = False,
    allow_functions: bool = True,
) -> ChainReport:
    """Whether these phases fit together; ``types`` are all job types by name.

    With ``check_source``, a type that needs a source is an error where ``source_id`` is None. With
    ``allow_functions=False``, a bare function is an error: a durable chain needs job types.
    """
    errors = check_shape(phases)
    placed: list[tuple[int, ChainType]] = []
    for at, phase in enumerate(phases):
        name = phase.type_name
        if name is None:
            errors += [] if allow_functions else [_bare_function(at, phase)]
        elif name not in types:
            errors.append(_unknown(at, name, types))
        else:
            placed.append((at, types[name]))
            errors += _wrong_params(at, phase, types[name])
            if check_source and types[name].needs_source and source_id is None:
                text = f"{types[name].label} needs a source."
                errors.append(ChainIssue(at, text, "Give source_id.", "source-missing"))
    errors += _conflicts(placed)
    warnings = [*_order(placed), *_repeated(phases, placed)]
    return ChainReport(errors, sorted(warnings, key=lambda issue: issue.phase or 0))


def check_shape(phases: Sequence[JobPhase]) -> list[ChainIssue]:
    """The errors of a chain that can be told without its job types: no phases, or unusable weights."""
    if not phases:
        return [ChainIssue(None, "The chain has no phases.", "Add at least one phase.", "chain-empty")]
    hint = "Use a weight from 0 to 100."
    found = [
        ChainIssue(at, f"{phase.name}: {problem}", hint, "weight-invalid")
        for at, phase in enumerate(phases)
        if (problem := weight_problem([phase.weight, 1]))
    ]
    if not any(phase.weight for phase in phases):
        hint = "Give at least one phase a weight above 0."
        found.append(ChainIssue(None, "All weights are 0.", hint, "weights-zero"))
    return found


def _bare_function(at: int, phase: JobPhase) -> ChainIssue:
    hint = "Register the function as a job type and name that, or use run_combined_job."
    return ChainIssue(at, f"{phase.name} is a bare function, not a job type.", hint, "phase-function")


def _unknown(at: int, name: str, types: Mapping[str, ChainType]) -> ChainIssue:
    near = get_close_matches(name, list(types), n=3)
    hint = f"Did you mean {' or '.join(near)}?" if near else "Register it, or take the phase out."
    return ChainIssue(at, f"There is no job type {name!r}.", hint, "job-type-unknown")


def _wrong_params(at: int, phase: JobPhase, kind: ChainType) -> Iterator[ChainIssue]:
    for problem in kind.param_errors(phase.type_params):
        where = problem.get("field", "")
        text = f"{kind.label}: {where}: {problem.get('message', '')}".replace(": : ", ": ")
        yield ChainIssue(at, text, f"Set {where} in the params of phase {at + 1}.", "params-invalid")


def _conflicts(placed: Sequence[tuple[int, ChainType]]) -> Iterator[ChainIssue]:
    for later, kind in placed:
        for earlier, first in placed:
            if earlier < later and kind.name in first.conflicts_with:
                text = f"{kind.label} cannot follow {first.label} (phase {earlier + 1})."
                hint = f"Move {kind.label} before {first.label}, or take one of them out."
                yield ChainIssue(later, text, hint, "type-conflict", earlier)
                break


def _order(placed: Sequence[tuple[int, ChainType]]) -> Iterator[ChainIssue]:
    """Pairs in the wrong order; a type that already stood once before the phase is in order."""
    for at, kind in placed:
        seen = {other.name for place, other in placed if place < at} | {kind.name}
        for later, other in placed:
            first = other.name in kind.runs_after or kind.name in other.runs_before
            if later > at and first and other.name not in seen:
                seen.add(other.name)
                hint = f"Move {other.label} (phase {later + 1}) before {kind.label} (phase {at + 1})."
                yield ChainIssue(at, f"{kind.label} before {other.label}", hint, "order", later)


def _repeated(phases: Sequence[JobPhase], placed: Sequence[tuple[int, ChainType]]) -> Iterator[ChainIssue]:
    kinds = dict(placed)
    for at, kind in placed:
        before = kinds.get(at - 1)
        if before and before.name == kind.name and phases[at - 1].type_params == phases[at].type_params:
            text = f"{kind.label} stands twice in a row with the same parameters"
            yield ChainIssue(at, text, f"Take phase {at + 1} out.", "phase-repeated", at - 1)
