"""Help pages: what a command does, examples, usage, options; plain text that fits the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def write_command(command: Any, ctx: Any, formatter: Any, shared: Mapping[str, Sequence[str]]) -> None:
    """The page of one command."""
    for paragraph in (command.help or "").split("\n\n"):
        formatter.write_text(" ".join(paragraph.split()))
    _write_examples(command.epilog or "", formatter)
    formatter.write_paragraph()
    arguments = [_metavar(param) for param in command.params if param.param_type_name == "argument"]
    formatter.write_usage(ctx.command_path, " ".join(["[OPTIONS]", *arguments]))
    places = {name: title for title, names in shared.items() for name in names}
    sections: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
    for param in command.get_params(ctx):
        record = param.get_help_record(ctx)
        if param.param_type_name == "argument":
            record = (_metavar(param), getattr(param, "help", None) or "")
        if record is not None:
            title = "Arguments" if param.param_type_name == "argument" else places.get(param.name, "Options")
            sections.setdefault(title, []).append(record)
    for title, records in sections.items():
        if records:
            with formatter.section(title):
                formatter.write_dl(records)


def _metavar(param: Any) -> str:
    return str(param.metavar or param.name.upper())


def _write_examples(examples: str, formatter: Any) -> None:
    if examples:
        formatter.write("\nExamples:\n" + "".join(f"  {line}\n" for line in examples.splitlines()))


def write_group(group: Any, path: str, summaries: Mapping[str, str], formatter: Any) -> None:
    """The page of a noun: its verbs."""
    formatter.write(f"{group.help or ''}\n\nUsage: {path} VERB ...\n")
    with formatter.section("Verbs"):
        formatter.write_dl(list(summaries.items()))
    formatter.write(f"\nMore on one of them: {path} VERB --help\n")
