"""The registry of job types, by name and by the older names that still resolve."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar, overload

from onward.authoring.chain_type import chain_type
from onward.authoring.job_type import JobType, make_job_type
from onward.errors import InvalidJobType, UnknownJobType
from onward.model.chain import JobPhase
from onward.model.job import Json
from onward.model.retry import Backoff, RetryPolicy
from onward.model.schedule import DefaultSchedule

F = TypeVar("F", bound=Callable[..., Any])
Older = Callable[[Mapping[str, Json]], tuple[str, dict[str, Json]]]
"""For an older name that stands for several job types: parameters to the job type meant, and its parameters."""

_POLICY = frozenset(JobType.__dataclass_fields__) - {
    "func",
    "params_model",
    "context_name",
    "model_name",
    "retry",
}
_TUPLES = ("runs_before", "runs_after", "conflicts_with", "searchable")


class JobTypes:
    """A collection of job types. Applications have one; a catalogue offers one to be included."""

    def __init__(self) -> None:
        self._types: dict[str, JobType] = {}
        self._aliases: dict[str, tuple[str, dict[str, Json]]] = {}
        self._older: dict[str, Older] = {}
        self._by_func: dict[Callable[..., Any], str] = {}
        self._schedules: dict[str, DefaultSchedule] = {}

    @overload
    def job(self, func: F, /) -> F: ...

    @overload
    def job(self, func: None = None, /, **policy: Any) -> Callable[[F], F]: ...

    def job(
        self,
        func: F | None = None,
        /,
        *,
        max_attempts: int = 1,
        backoff: Backoff | float | tuple[float, ...] | None = None,
        retry_on: tuple[type[BaseException], ...] | type[BaseException] = (Exception,),
        aliases: Iterable[str] | Mapping[str, dict[str, Json]] = (),
        sensitive: Iterable[str] = (),
        **policy: Any,
    ) -> Any:
        """Register a function as a job type; the function itself is returned unchanged.

        A class with a method ``run_job`` is one, too: for each run one instance is made, whose ``__init__`` gets the
        parameters as ``config`` (a mapping, or the Pydantic model that it is annotated with) or by their names.

        ``name`` (the function's, or the class's: ``MyJob`` is ``my_job``), ``label``, ``description`` (the
        docstring's first line), ``category``, ``queue``, ``priority`` (higher first), ``max_attempts`` (failures of
        the code allowed; a lost worker uses none), ``backoff`` (``Backoff``, seconds, or ``(seconds, factor,
        maximum, jitter)``), ``retry_on`` (exceptions), ``timeout`` (seconds for one attempt), ``isolation``
        (``thread``, ``async`` or ``process``; chosen from the function), ``resources`` (names or ``(name,
        capacity)``, as a list or by ``lambda params, source_id: [...]``), ``needs_source``, ``weight`` (in a
        chain), ``runs_before``, ``runs_after``, ``conflicts_with`` (names of job types), ``aliases`` (older names;
        a mapping may preset parameters), ``sensitive`` (parameters shown as ``***``), ``version`` and ``upgrade``
        (for jobs in flight across a release), ``on_changed_inputs``, ``stall_after`` (seconds without progress),
        ``on_stall``, ``skip_if``, ``on_conflict``, ``max_losses``, ``on_worker_lost``, ``on_store_loss``
        (``continue`` or ``freeze`` while the database is away), ``hold_while_waiting``, ``searchable``,
        ``checkpoint_every`` (items), ``checkpoint_seconds``.

        Raises ``InvalidJobType`` when the function or its policy cannot be registered.
        """

        def register(function: F) -> F:
            unknown = sorted(set(policy) - _POLICY)
            if unknown:
                near = difflib.get_close_matches(unknown[0], _POLICY, n=1)
                raise InvalidJobType(
                    f"{unknown[0]!r} is not an option of a job type.",
                    hint=f"Did you mean {near[0]!r}?" if near else "See JobTypes.job for the options.",
                )
            if policy.get("on_store_loss", "continue") not in ("continue", "freeze"):
                raise InvalidJobType(
                    f"on_store_loss is {policy['on_store_loss']!r}.",
                    hint="Use 'continue' (it goes on, and another may take it over) or 'freeze' (it stands still).",
                )
            if max_attempts < 1:
                raise InvalidJobType(f"max_attempts is {max_attempts}.", hint="Use 1 or more; 1 means no retry.")
            options = dict(policy)
            for key in _TUPLES:
                if key in options:
                    options[key] = tuple(options[key])
            exceptions = retry_on if isinstance(retry_on, tuple) else (retry_on,)
            presets = dict(aliases) if isinstance(aliases, Mapping) else {alias: {} for alias in aliases}
            self.add(
                make_job_type(
                    function,
                    retry=RetryPolicy(max_attempts, _backoff(backoff), exceptions),
                    aliases=presets,
                    sensitive=frozenset(sensitive),
                    **options,
                )
            )
            return function

        return register if func is None else register(func)

    def add(self, job_type: JobType) -> None:
        """Register a job type. The same function again replaces it; another under its name is an error."""
        known = self._types.get(job_type.name)
        if known is not None and not _is_same(known, job_type):
            raise InvalidJobType(
                f"The job type {job_type.name!r} is registered twice: {_where(known)} and {_where(job_type)}.",
                hint="Give one of them another name=.",
            )
        for alias, preset in job_type.aliases.items():
            owner = self._aliases.get(alias, (job_type.name,))[0]
            if alias in self._types or owner != job_type.name:
                raise InvalidJobType(f"The alias {alias!r} is taken by {owner!r}.", hint="Choose another.")
            self._aliases[alias] = (job_type.name, preset)
        self._types[job_type.name] = job_type
        if not job_type.is_chain:
            self._by_func[getattr(job_type.func, "job_class", job_type.func)] = job_type.name

    def chain(
        self,
        name: str,
        phases: Sequence[JobPhase],
        label: str | None = None,
        aliases: Iterable[str] = (),
    ) -> None:
        """Register a chain as a job type. Its phases must be job types by the time it is submitted."""
        self.add(chain_type(name, phases, label, {alias: {} for alias in aliases}))

    def older_name(self, name: str, meant: Older) -> None:
        """An older name under which several job types were submitted: ``meant(params)`` says which, and with what."""
        self._older[name] = meant

    def default_schedule(self, job_type: str, *, name: str | None = None, **when: Any) -> None:
        """Have a schedule made for a job type at the first start of a scheduler, once; deleted, it stays deleted.

        ``name`` is the job type's where it is left out. ``when``: the fields of ``DefaultSchedule``. ``ready`` is a
        function that says why the job cannot do its work yet, or None; with a reason, the schedule is made disabled.
        """
        declared = DefaultSchedule(name=name or job_type, job_type=job_type, **when)
        self._schedules[declared.name] = declared

    def default_schedules(self) -> tuple[DefaultSchedule, ...]:
        """The schedules that ship with these job types."""
        return tuple(self._schedules.values())

    def include(self, other: JobTypes) -> None:
        """Take in all job types of another collection, and the schedules that ship with them."""
        for job_type in other:
            self.add(job_type)
        self._older |= other._older
        self._schedules |= {declared.name: declared for declared in other.default_schedules()}

    def get(self, name: str | Callable[..., Any]) -> JobType:
        """The job type of this name, alias or function. Raises ``UnknownJobType`` with near names."""
        return self.resolve(name)[0]

    def resolve_with(
        self, name: str | Callable[..., Any], params: Mapping[str, Json] | None
    ) -> tuple[JobType, dict[str, Json]]:
        """The job type that is meant with these parameters, and all its parameters."""
        if isinstance(name, str) and name in self._older:
            name, params = self._older[name](params or {})
        job_type, preset = self.resolve(name)
        given = {**preset, **(params or {})}
        return job_type, _by_phase(given) if job_type.phases else given

    def resolve(self, name: str | Callable[..., Any]) -> tuple[JobType, dict[str, Json]]:
        """The job type, and the parameters that an alias presets."""
        if isinstance(name, str) and name in self._older:
            name = self._older[name]({})[0]
        if not isinstance(name, str):
            if name not in self._by_func:
                raise UnknownJobType(
                    f"The function {getattr(name, '__qualname__', name)!r} is not a registered job type.",
                    hint="Decorate it with @app.job().",
                )
            return self._types[self._by_func[name]], {}
        target, preset = self._aliases.get(name, (name, {}))
        if target not in self._types:
            names = sorted({*self._types, *self._aliases, *self._older})
            near = tuple(difflib.get_close_matches(name, names, n=3))
            known = ", ".join(names[:12]) or "none yet"
            raise UnknownJobType(
                f"No job type is called {name!r}.",
                hint=f"Did you mean {near[0]!r}? Known: {known}." if near else f"Known job types: {known}.",
                near=near,
            )
        return self._types[target], preset

    def __contains__(self, name: object) -> bool:
        return name in self._types or name in self._aliases or name in self._older

    def __iter__(self) -> Iterator[JobType]:
        return iter(list(self._types.values()))

    def __len__(self) -> int:
        return len(self._types)

    def names(self) -> tuple[str, ...]:
        """The names, sorted, without aliases."""
        return tuple(sorted(self._types))

    def as_mapping(self) -> dict[str, JobType]:
        """Names and aliases to job types."""
        older = {name: self.get(name) for name in self._older}
        return dict(self._types) | {alias: self._types[target] for alias, (target, _) in self._aliases.items()} | older


def _backoff(given: Backoff | float | tuple[float, ...] | None) -> Backoff:
    if given is None:
        return Backoff()
    if isinstance(given, Backoff):
        return given
    return Backoff(*given) if isinstance(given, tuple) else Backoff(float(given))


def _by_phase(params: dict[str, Json]) -> dict[str, Json]:
    """Parameters of a chain's phases given as ``phase.parameter``, where a chain takes them by phase."""
    plain = {name: value for name, value in params.items() if "." not in name}
    if len(plain) == len(params):
        return params
    phases: dict[str, Json] = {phase: dict(given) for phase, given in (plain.get("params") or {}).items()}
    for name, value in params.items():
        phase, dot, parameter = name.partition(".")
        if dot:
            phases.setdefault(phase, {})[parameter] = value
    return plain | {"params": phases}


def _is_same(one: JobType, other: JobType) -> bool:
    if one.phases or other.phases:
        return one.phases == other.phases
    return (one.func.__module__, one.func.__qualname__) == (other.func.__module__, other.func.__qualname__)


def _where(job_type: JobType) -> str:
    code = getattr(job_type.func, "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code else repr(job_type.func)
