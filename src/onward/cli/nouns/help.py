"""``onward help``: topics that are no command."""

from __future__ import annotations

import difflib
import textwrap
from typing import Annotated, Any

import typer

from onward.cli.command import noun, verb
from onward.cli.commands import COMMANDS, OLD_WORDS
from onward.cli.exits import MEANINGS
from onward.cli.here import Here
from onward.cli.show.tables import terminal_width
from onward.cli.tree import WrongUsage, root

verbs = noun("help", "Help on a topic.")
_INDENT: dict[str, Any] = {"initial_indent": " " * 17, "subsequent_indent": " " * 17}


def _commands() -> str:
    lines = []
    for name, branch in COMMANDS.items():
        lines.append(f"  {name:<12} {branch.summary}")
        if branch.verbs:
            lines.append(textwrap.fill(" ".join(branch.verbs), min(100, terminal_width()), **_INDENT))
    return "Commands:\n" + "\n".join(lines) + f"\n\nTopics: {', '.join(TOPICS)}     (onward help TOPIC)"


def _exit_codes() -> str:
    return "Exit codes:\n" + "\n".join(f"  {code:>3}  {meaning}" for code, meaning in MEANINGS.items())


def _words() -> str:
    return "Words of other tools, and what is meant here:\n" + "\n".join(
        f"  {old:<12} onward {new}" for old, new in sorted(OLD_WORDS.items())
    )


_NAMES = """\
A job is named by
  its id                job_01K6Z7M3Q8W2R5T9V0X4Y6A8B1, or the same as a UUID
  an ending of the id   7K2M9Q      6 characters or more; the beginnings are times, and all alike
  @last                 the newest job
  @last:index_offline   the newest of a type
  -                     ids from stdin, one a line: onward job list -q | onward job resume -"""
_FILTERS = """\
--filter takes KEY=VALUE words; all must fit. A value may be a list (state=failed,interrupted) or have * in it
(job_type=index*); -KEY=VALUE means all others.
  state      scheduled queued blocked running input paused retrying interrupted succeeded failed cancelled
  status     pending running pending_hitl completed failed cancelled, as they are stored
  job_type   source   user   queue   tag   resource
  error      the class of the error, such as TimeoutError
  parent     none: only jobs that are no phase of a chain; or the chain's id
  created    2026-09-01..   ..30d ago   2026-09-01..2026-10-01   (quote it: 'created=..30d\\ ago')
state=failed leaves out jobs with a checkpoint, which are interrupted; status=failed has both."""
_TIMES = """\
Times are 2026-09-01T14:30, 14:30, `in 10m`, `2 hrs ago`; lengths are 30s, 10m, 1h30m, 3d.
Times without a zone are this machine's. --tz local|utc|NAME says in which zone times are shown."""
TOPICS = {
    "exit-codes": _exit_codes,
    "names": lambda: _NAMES,
    "filters": lambda: _FILTERS,
    "times": lambda: _TIMES,
    "words": _words,
}


@verb(verbs, "help", "onward help", "onward help exit-codes", "onward help job list")
def help_on(
    here: Here,
    topic: Annotated[list[str] | None, typer.Argument(metavar="[TOPIC]", help="A topic or a command.")] = None,
) -> int | None:
    """List all commands, or explain one of them or a topic."""
    words = topic or []
    if not words:
        here.out.write(_commands())
    elif words[0] in TOPICS:
        here.out.write(TOPICS[words[0]]())
    elif words[0] in COMMANDS:
        returned = root().main(args=[*words, "--help"], prog_name="onward", standalone_mode=False)
        return returned if isinstance(returned, int) else None
    else:
        near = difflib.get_close_matches(words[0], [*TOPICS, *COMMANDS], n=1)
        raise WrongUsage(
            f"There is no topic {words[0]!r}.{f' Did you mean {near[0]}?' if near else ''}", hint="onward help"
        )
    return None
