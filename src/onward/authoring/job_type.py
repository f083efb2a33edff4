"""A job type: a function, its parameters, and the policy by which it is run."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, PydanticSchemaGenerationError, ValidationError, create_model
from pydantic import Field as PydanticField
from pydantic.fields import FieldInfo

from onward.authoring.job_class import function_of
from onward.errors import InvalidJobType, InvalidParams
from onward.model.chain import JobPhase
from onward.model.job import Json, Need
from onward.model.resource import needs
from onward.model.retry import RetryPolicy

_CONFIG = ConfigDict(extra="forbid", ser_json_inf_nan="constants")  # the codec refuses what would become null here

CHAIN = "chain"
"""The job type of chains that are made up for one submission."""

Isolation = Literal["thread", "async", "process"]
Declared = Iterable[str | tuple[str, int] | Need]
Upgrade = Callable[[int, dict[str, Json], dict[str, Json]], tuple[dict[str, Json], dict[str, Json]]]
"""``upgrade(old_version, params, state) -> (params, state)``: how to read what an older version left."""


@dataclass(frozen=True, slots=True, eq=False)
class JobType:
    """What can be done. See ``JobTypes.job`` for the meaning of each field."""

    name: str
    func: Callable[..., Any]
    params_model: type[BaseModel]
    context_name: str | None
    model_name: str | None
    label: str
    description: str = ""
    category: str = "general"
    queue: str = "default"
    priority: int = 0
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    timeout: float | None = None
    isolation: Isolation = "thread"
    resources: Callable[[Any, str | None], Declared] | Declared | None = None
    needs_source: bool = False
    weight: int = 50
    runs_before: tuple[str, ...] = ()
    runs_after: tuple[str, ...] = ()
    conflicts_with: tuple[str, ...] = ()
    aliases: Mapping[str, dict[str, Json]] = field(default_factory=dict)
    sensitive: frozenset[str] = frozenset()
    version: int = 1
    upgrade: Upgrade | None = None
    on_changed_inputs: Literal["restart", "continue", "ask"] = "restart"
    stall_after: float | None = None
    on_stall: Literal["show", "cancel"] = "show"
    skip_if: Callable[..., str | None] | None = None
    on_conflict: Literal["reject", "wait", "replace"] = "reject"
    max_losses: int = 5
    on_worker_lost: Literal["resume", "hold"] = "resume"
    on_store_loss: Literal["continue", "freeze"] = "continue"
    hold_while_waiting: bool = False
    searchable: tuple[str, ...] = ()
    checkpoint_every: int | None = None
    checkpoint_seconds: float | None = None
    phases: tuple[JobPhase, ...] = ()
    """Of a chain: its phases. Then there is no function of its own to be run."""

    @property
    def is_chain(self) -> bool:
        """Whether a job of this type is made of phases."""
        return bool(self.phases) or self.name == CHAIN

    def validate(self, params: Mapping[str, Json]) -> BaseModel:
        """The parameters as the type's model. Raises ``InvalidParams``, field by field."""
        try:
            return self.params_model.model_validate(dict(params))
        except ValidationError as error:
            raise InvalidParams(
                f"The parameters of {self.name} do not fit: {_sentence(error)}.",
                hint=f"It takes: {', '.join(self._fields()) or 'no parameters'}.",
                errors=tuple(_problems(error)),
            ) from None

    def param_errors(self, params: Mapping[str, Json]) -> list[dict[str, str]]:
        """What is wrong with the parameters, as ``{"field", "message"}``; an empty list when nothing is."""
        try:
            self.params_model.model_validate(dict(params))
        except ValidationError as error:
            return _problems(error)
        return []

    def dump(self, model: BaseModel) -> dict[str, Json]:
        """The parameters as plain JSON, defaults filled in."""
        return model.model_dump(mode="json")

    def arguments(self, model: BaseModel) -> dict[str, Any]:
        """The keyword arguments (or the one model argument) with which the function is called."""
        if self.model_name is not None:
            return {self.model_name: model}
        return {name: getattr(model, name) for name in type(model).model_fields}

    def needs(self, model: BaseModel, source_id: str | None) -> tuple[Need, ...]:
        """What a job with these parameters occupies while it runs."""
        wanted = self.resources
        declared: Declared = wanted(model, source_id) if callable(wanted) else wanted or ()
        if isinstance(declared, str):
            declared = (declared,)
        return needs(declared, source_id)

    def schema(self) -> dict[str, Json]:
        """The JSON Schema of the parameters, for forms and for the API."""
        return self.params_model.model_json_schema()

    def redacted(self, params: Mapping[str, Json]) -> dict[str, Json]:
        """The parameters as people may see them: sensitive ones as ``***``."""
        if not self.sensitive:
            return dict(params)
        return {name: "***" if name in self.sensitive else value for name, value in params.items()}

    def _fields(self) -> list[str]:
        return [
            f"{name}{'' if info.is_required() else ' (optional)'}"
            for name, info in self.params_model.model_fields.items()
        ]


def make_job_type(func: Callable[..., Any], **policy: Any) -> JobType:
    """A job type from a function, or a class with ``run_job``, and its policy. Raises ``InvalidJobType``."""
    if inspect.isclass(func):
        func = function_of(func)
    signature = inspect.signature(func)
    try:
        hints = typing.get_type_hints(func, include_extras=True)
    except NameError as error:
        raise InvalidJobType(
            f"An annotation of {func.__qualname__} cannot be resolved: {error}.",
            hint="Define the types that it names at module level.",
        ) from None
    parameters = list(signature.parameters.values())
    takes_context = bool(parameters) and _is_context(parameters[0], hints)
    rest = parameters[1:] if takes_context else parameters
    model, model_name = _params_model(func, rest, hints)
    isolation: Isolation = policy.pop("isolation", None) or ("async" if inspect.iscoroutinefunction(func) else "thread")
    _check_isolation(func, isolation)
    name = policy.pop("name", None) or func.__name__
    label = policy.pop("label", None) or name.replace("_", " ").capitalize()
    description = policy.pop("description", None) or _first_line(func)
    return JobType(
        name=name,
        func=func,
        params_model=model,
        context_name=parameters[0].name if takes_context else None,
        model_name=model_name,
        label=label,
        description=description,
        isolation=isolation,
        **policy,
    )


def _is_context(parameter: inspect.Parameter, hints: Mapping[str, Any]) -> bool:
    hint = hints.get(parameter.name)
    return parameter.name == "ctx" or getattr(hint, "__name__", "") == "Context"


def _params_model(
    func: Callable[..., Any], rest: list[inspect.Parameter], hints: Mapping[str, Any]
) -> tuple[type[BaseModel], str | None]:
    if len(rest) == 1:
        hint = hints.get(rest[0].name)
        if isinstance(hint, type) and issubclass(hint, BaseModel):
            return hint, rest[0].name
    fields: dict[str, Any] = {}
    for parameter in rest:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise InvalidJobType(
                f"{func.__qualname__} takes {parameter}, which cannot come from named JSON parameters.",
                hint="Use named parameters, or one Pydantic model.",
            )
        default = ... if parameter.default is parameter.empty else parameter.default
        described = default if isinstance(default, FieldInfo) else PydanticField(default)
        fields[parameter.name] = (hints.get(parameter.name, Any), described)
    try:
        model = create_model(f"{func.__name__}_params", __config__=_CONFIG, **fields)
    except (PydanticSchemaGenerationError, NameError, ValueError) as error:
        raise InvalidJobType(
            f"The parameters of {func.__qualname__} cannot be described: {error}",
            hint="Use JSON types, dataclasses or Pydantic models.",
        ) from None
    return model, None


def _check_isolation(func: Callable[..., Any], isolation: str) -> None:
    is_async = inspect.iscoroutinefunction(func)
    if isolation == "async" and not is_async:
        raise InvalidJobType(f"{func.__qualname__} is not async.", hint="Use `async def`, or isolation='thread'.")
    if isolation == "thread" and is_async:
        raise InvalidJobType(f"{func.__qualname__} is async.", hint="Leave isolation out, or use 'async'.")
    if isolation == "process" and ("<" in func.__qualname__ or func.__module__ == "__main__" or is_async):
        raise InvalidJobType(
            f"{func.__module__}.{func.__qualname__} cannot be imported by a child process.",
            hint="isolation='process' needs a plain function at the top of an importable module.",
        )


def _first_line(func: Callable[..., Any]) -> str:
    return (inspect.getdoc(func) or "").partition("\n")[0]


def _problems(error: ValidationError) -> list[dict[str, str]]:
    return [
        {"field": ".".join(str(part) for part in item["loc"]) or "(all)", "message": item["msg"]}
        for item in error.errors(include_url=False, include_input=False)
    ]


def _sentence(error: ValidationError) -> str:
    return "; ".join(f"{problem['field']}: {problem['message']}" for problem in _problems(error))
