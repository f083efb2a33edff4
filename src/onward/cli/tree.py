"""The tree of commands, loaded branch by branch; wrong and old words are answered with the right one."""

from __future__ import annotations

import difflib
import importlib
from typing import Any

import typer
from typer.core import TyperGroup

from onward.cli.commands import COMMANDS, OLD_WORDS, TOP, paths
from onward.cli.help_page import write_group
from onward.errors import OnwardError
from onward.version import __version__


class WrongUsage(OnwardError):
    """The command line cannot be understood."""

    code = "usage"
    exit_code = 2


class Group(TyperGroup):
    """Commands by name; an unknown one is answered with the nearest."""

    path = "onward"

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command of the first word. Raises ``WrongUsage``."""
        word = args[0]
        command = self.get_command(ctx, word)
        if command is None:
            raise unknown(self.path, word, args[1:])
        return word, command, args[1:]


class Noun(Group):
    """A noun, with its verbs."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Its verbs, a line each."""
        names = self.list_commands(ctx)
        listed = {name: self.commands[name].get_short_help_str(200) for name in names if not self.commands[name].hidden}
        write_group(self, self.path, listed, formatter)


class Root(Group):
    """The whole command; a branch is loaded when it is used."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - asked so by the library
        """The names, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - asked so by the library
        """The command, loaded."""
        return load(cmd_name) if cmd_name in COMMANDS else None

    def format_help(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - asked so by the library
        """Examples, then groups."""
        formatter.write(TOP)


def load(name: str) -> Any:
    """The command or noun of this name, its verbs in the order of the table."""
    branch = COMMANDS[name]
    module = importlib.import_module(f"onward.cli.{branch.module}")
    group: Any = typer.main.get_group(module.verbs)
    if not branch.verbs:
        return group.commands[name]
    made = Noun(
        name=name,
        help=branch.summary,
        commands={verb: group.commands[verb] for verb in branch.verbs},
        no_args_is_help=True,
    )
    made.path = f"onward {name}"
    return made


def root() -> Any:
    """The whole command."""
    app = typer.Typer(name="onward", cls=Root, add_completion=False, rich_markup_mode=None, invoke_without_command=True)
    app.callback()(_top)
    return typer.main.get_group(app)


def _top(
    ctx: typer.Context,
    version: bool = typer.Option(False, "--version", help="Print the version."),
) -> None:
    """Background jobs that go on where they stopped."""
    if version:
        print(__version__)
    elif ctx.invoked_subcommand is None:
        print(TOP, end="")


def unknown(path: str, word: str, rest: list[str]) -> WrongUsage:
    """The answer to a word that is no command."""
    typed = f"{path.removeprefix('onward')} {word}".strip()
    after = " ".join(["", *rest])
    if word in OLD_WORDS:
        right = OLD_WORDS[word]
        return WrongUsage(f"`{word}` is called `{right}` here.", hint=f"onward {right}{after}")
    near = _near(typed, word)
    if near:
        return WrongUsage(f"`{typed}` is not a command. Did you mean `{near}`?", hint=f"onward {near}{after}")
    return WrongUsage(f"`{typed}` is not a command.", hint=f"{path} --help")


def _near(typed: str, word: str) -> str | None:
    known = [*paths(), *COMMANDS]
    by_verb = {path.rpartition(" ")[2]: path for path in reversed(list(paths()))}
    plain = word.removesuffix("s")
    if plain in COMMANDS and COMMANDS[plain].verbs:
        return f"{plain} list"
    if word in by_verb:
        return by_verb[word]
    found = difflib.get_close_matches(typed, known, n=1, cutoff=0.6)
    if found:
        return found[0]
    verbs = difflib.get_close_matches(word, list(by_verb), n=1, cutoff=0.75)
    return by_verb[verbs[0]] if verbs else None
