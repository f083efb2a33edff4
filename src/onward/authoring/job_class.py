"""Jobs that are classes: ``run_job`` does the work, ``__init__`` takes what it is to be done with."""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, ConfigDict

from onward.errors import InvalidJobType

METHOD = "run_job"


class JobConfig(BaseModel):
    """The mapping that a class takes as ``config``: any keys, none required."""

    model_config = ConfigDict(extra="allow", ser_json_inf_nan="constants")


def function_of(job_class: type) -> Callable[..., Any]:
    """The function of a class: it makes an instance for each run and calls ``run_job``.

    A parameter ``config`` of ``__init__`` gets the job's parameters as a mapping, or as the Pydantic model that it is
    annotated with. Without one, the parameters of ``__init__`` are the job's. ``run_job`` may take the context.
    Raises ``InvalidJobType``.
    """
    method = getattr(job_class, METHOD, None)
    if not callable(method):
        raise InvalidJobType(f"The class {job_class.__qualname__} has no method `{METHOD}`.", hint="Give it one.")
    taken = list(inspect.signature(method).parameters.values())[1:]
    if len(taken) > 1:
        raise InvalidJobType(
            f"{job_class.__qualname__}.{METHOD} takes {', '.join(one.name for one in taken)}.",
            hint="It takes the context or nothing; what else it needs, __init__ takes.",
        )
    parameters, hints = _parameters(job_class)
    context = [inspect.Parameter("ctx", inspect.Parameter.POSITIONAL_OR_KEYWORD)] if taken else []

    def make(given: dict[str, Any]) -> Callable[..., Any]:
        is_mapping = isinstance(given.get("config"), JobConfig)
        values = given | {"config": given["config"].model_dump(mode="json")} if is_mapping else given
        bound: Callable[..., Any] = getattr(job_class(**values), METHOD)
        return bound

    def run(ctx: Any = None, **given: Any) -> Any:
        return make(given)(ctx) if context else make(given)()

    async def run_async(ctx: Any = None, **given: Any) -> Any:
        return await (make(given)(ctx) if context else make(given)())

    function: Any = run_async if inspect.iscoroutinefunction(method) else run
    function.__signature__ = inspect.Signature([*context, *parameters])
    function.__annotations__ = hints
    function.__name__ = _snake(job_class.__name__)
    function.__qualname__, function.__module__ = job_class.__qualname__, job_class.__module__
    function.__doc__ = inspect.getdoc(job_class) or inspect.getdoc(method)
    function.job_class = job_class
    made: Callable[..., Any] = function
    return made


def _parameters(job_class: type) -> tuple[list[inspect.Parameter], dict[str, Any]]:
    init: Any = job_class.__init__  # type: ignore[misc] # asked of the class itself, for its signature
    if init is object.__init__:
        return [], {}
    try:
        hints = {name: hint for name, hint in typing.get_type_hints(init).items() if name != "return"}
    except NameError as error:
        raise InvalidJobType(
            f"An annotation of {job_class.__qualname__}.__init__ cannot be resolved: {error}.",
            hint="Define the types that it names at module level.",
        ) from None
    parameters = list(inspect.signature(init).parameters.values())[1:]
    config = next((one for one in parameters if one.name == "config"), None)
    if config is None:
        return parameters, hints
    needed = [one.name for one in parameters if one is not config and one.default is one.empty and _is_named(one)]
    if needed:
        raise InvalidJobType(
            f"{job_class.__qualname__}.__init__ needs {', '.join(needed)} beside `config`.",
            hint="Give it a default, or take it out of `config`.",
        )
    hint = hints.get("config")
    model = hint if isinstance(hint, type) and issubclass(hint, BaseModel) else JobConfig
    return [config.replace(annotation=model, default=inspect.Parameter.empty)], {"config": model}


def _is_named(parameter: inspect.Parameter) -> bool:
    return parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)


def _snake(name: str) -> str:
    """``MyCustomJob`` is ``my_custom_job``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
