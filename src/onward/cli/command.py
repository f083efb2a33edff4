"""How a command is declared: its own parameters, and the shared options that it is given besides."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

import typer
from typer.core import TyperCommand

from onward.cli.help_page import write_command
from onward.cli.here import Here
from onward.cli.told import Told

F = TypeVar("F", bound=Callable[..., Any])

_EVERYWHERE: dict[str, tuple[Any, Any]] = {
    "app": (
        Annotated[str | None, typer.Option("--app", metavar="MODULE:NAME", help="The application to use.")],
        None,
    ),
    "database": (Annotated[str | None, typer.Option("--database", metavar="URL", help="The database to use.")], None),
    "server": (
        Annotated[str | None, typer.Option("--server", metavar="URL", help="Ask this server, over HTTP.")],
        None,
    ),
    "profile": (Annotated[str | None, typer.Option("--profile", metavar="NAME", help="A profile of settings.")], None),
    "tz": (
        Annotated[str, typer.Option("--tz", metavar="ZONE", help="Show times in local, utc or a named zone.")],
        "local",
    ),
    "color": (Annotated[str, typer.Option("--color", metavar="WHEN", help="auto, always or never.")], "auto"),
    "verbose": (Annotated[bool, typer.Option("--verbose", help="Say which database or server is used.")], False),
    "debug": (Annotated[bool, typer.Option("--debug", help="Show the trace of an error.")], False),
}
_OF_DATA: dict[str, tuple[Any, Any]] = {
    "json": (Annotated[bool, typer.Option("--json", help="One JSON document.")], False),
    "jsonl": (Annotated[bool, typer.Option("--jsonl", help="One JSON object a line.")], False),
    "quiet": (Annotated[bool, typer.Option("-q", "--quiet", help="Ids only, one a line.")], False),
    "columns": (Annotated[str | None, typer.Option("--columns", metavar="A,B", help="Only these columns.")], None),
    "no_header": (Annotated[bool, typer.Option("--no-header", help="No line of titles.")], False),
    "wide": (Annotated[bool, typer.Option("--wide", help="Cut nothing to the width of the terminal.")], False),
}
SHARED = {"Output": tuple(_OF_DATA), "Everywhere": tuple(_EVERYWHERE)}


class Verb(TyperCommand):
    """A command whose help starts with examples."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """What it does, examples, usage, options."""
        write_command(self, ctx, formatter, SHARED)


def noun(name: str, summary: str) -> typer.Typer:
    """A group of commands."""
    return typer.Typer(name=name, help=summary, add_completion=False, rich_markup_mode=None)


def verb(
    group: typer.Typer, name: str, *examples: str, data: bool = False, passes_on: bool = False
) -> Callable[[F], F]:
    """Declare a command. The function's first parameter is ``here``; the others are the command's own.

    ``data``: it prints data, and so has all options of output. ``passes_on``: what it does not know is kept.
    """

    def register(func: F) -> F:
        shared = {**(_OF_DATA if data else {}), **_EVERYWHERE}

        def call(**given: Any) -> Any:
            told = Told(**{key: given.pop(key) for key in shared})
            with Here(told) as here:
                return func(here, **given)

        own = list(inspect.signature(func, eval_str=True).parameters.values())[1:]
        parameters = [*(parameter.replace(kind=parameter.KEYWORD_ONLY) for parameter in own), *_parameters(shared)]
        call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # Typer reads it
        call.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        call.__doc__ = func.__doc__
        call.__name__ = func.__name__
        settings = {"max_content_width": 120, "ignore_unknown_options": passes_on}
        group.command(name, cls=Verb, epilog="\n".join(examples), context_settings=settings)(call)
        return func

    return register


def _parameters(shared: dict[str, tuple[Any, Any]]) -> Sequence[inspect.Parameter]:
    return [
        inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)
        for key, (annotation, default) in shared.items()
    ]
