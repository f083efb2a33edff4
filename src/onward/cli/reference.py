"""The reference page of the command line: ``python -m onward.cli.reference > docs/reference/cli.md``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from onward.cli.command import SHARED, Verb
from onward.cli.commands import COMMANDS, OLD_WORDS
from onward.cli.exits import MEANINGS
from onward.cli.tree import load, root


def verbs() -> Iterator[tuple[str, Any]]:
    """Every command with the path that is typed."""
    for name, branch in COMMANDS.items():
        command = load(name)
        if isinstance(command, Verb):
            yield name, command
        else:
            yield from ((f"{name} {verb}", command.commands[verb]) for verb in branch.verbs)


def reference() -> str:
    """The page, in Markdown."""
    lines = ["# Command line", "", "Written by `python -m onward.cli.reference`.", ""]
    lines += ["## Options that every command has", "", *_options("watch", {"Everywhere"}), ""]
    lines += ["## Options of every command that prints data", "", *_options("version", {"Output"}), ""]
    lines += _rules()
    lines += ["## Commands", ""]
    for path, command in verbs():
        lines += _command(path, command)
    return "\n".join(lines).rstrip() + "\n"


def _rules() -> list[str]:
    return [
        "stdout has data only; progress, notes, questions and errors go to stderr. Where stdout is no terminal there",
        "are no colours, nothing is cut and nobody is asked. Ids are never cut. `NO_COLOR` and `TERM=dumb` are obeyed.",
        "",
        "## Exit codes",
        "",
        "| code | meaning |",
        "|---|---|",
        *(f"| {code} | {meaning} |" for code, meaning in MEANINGS.items()),
        "",
        "## Words of other tools",
        "",
        "| word | command |",
        "|---|---|",
        *(f"| {old} | `onward {new}` |" for old, new in sorted(OLD_WORDS.items())),
        "",
    ]


def _context(path: str, command: Any) -> Any:
    ctx = root().make_context("onward", [], resilient_parsing=True)
    for name in path.split():
        ctx = type(ctx)(command, info_name=name, parent=ctx)
    return ctx


def _options(path: str, titles: set[str]) -> list[str]:
    names = {name for title in titles for name in SHARED[title]}
    command = dict(verbs())[path]
    return _table(path, command, lambda param: param.name in names)


def _command(path: str, command: Any) -> list[str]:
    shared = {name for names in SHARED.values() for name in names} | {"help"}
    lines = [f"### onward {path}", "", " ".join((command.help or "").split()), ""]
    lines += ["```", *(command.epilog or "").splitlines(), "```", ""]
    table = _table(path, command, lambda param: param.name not in shared)
    return [*lines, *table, ""] if table else lines


def _table(path: str, command: Any, is_wanted: Any) -> list[str]:
    ctx = _context(path, command)
    rows = []
    for param in command.get_params(ctx):
        if not is_wanted(param) or getattr(param, "hidden", False):
            continue
        if param.param_type_name == "argument":
            rows.append((param.metavar or param.name.upper(), getattr(param, "help", None) or ""))
        else:
            rows.append(param.get_help_record(ctx))
    if not rows:
        return []
    cells = [(name.replace("|", "\\|"), text.replace("|", "\\|")) for name, text in rows]
    return ["| | |", "|---|---|", *(f"| `{name}` | {text} |" for name, text in cells)]


if __name__ == "__main__":
    sys.stdout.write(reference())
