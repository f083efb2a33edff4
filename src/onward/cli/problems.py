"""Errors as people read them: what happened, why, what is unchanged, and a command that mends it."""

from __future__ import annotations

import json
import re
import shlex
import sys
import tempfile
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from onward.cli import exits
from onward.errors import (
    IllegalTransition,
    IncompleteJobFound,
    InvalidAnswer,
    InvalidChain,
    InvalidConfig,
    InvalidParams,
    OnwardError,
    ResourceBusy,
    UnknownJobType,
)
from onward.model.ids import shown

_ID_AGAIN = re.compile(r" Its id is \S+\.?$")
_SHOWN = re.compile(r"\bjob_[0-9A-Z]{26}\b")

_WITH_VALUE = frozenset({"--app", "--database", "--server", "--profile", "--tz", "--color", "--columns"})
_OF_VERBS = _WITH_VALUE | {"--json", "--jsonl", "-q", "--quiet", "--no-header", "--wide", "--verbose", "--debug"}


@dataclass(slots=True)
class Problem:
    """One error, taken apart."""

    code: str
    message: str
    exit_code: int
    lines: list[str] = field(default_factory=list)
    fix: str = ""
    errors: list[dict[str, Any]] = field(default_factory=list)

    def text(self) -> str:
        """As people read it."""
        indented = [*self.lines, *([f"fix: {self.fix}"] if self.fix else [])]
        return "\n".join([f"error[{self.code}]: {self.message}", *(f"    {line}" for line in indented)])

    def as_json(self) -> str:
        """As programs read it, after RFC 9457."""
        document = {
            "type": "about:blank",
            "title": self.code.replace("-", " ").capitalize(),
            "detail": self.message,
            "code": self.code,
            "exit_code": self.exit_code,
            "notes": self.lines,
            "hint": self.fix,
            "errors": self.errors,
        }
        return json.dumps({key: value for key, value in document.items() if value not in ("", [])}, ensure_ascii=False)


class Reporter:
    """Tells an error in the form that the command line asked for."""

    def __init__(self, args: Sequence[str]) -> None:
        before = args[: args.index("--")] if "--" in args else args
        self._args = list(args)
        self._is_json = bool({"--json", "--jsonl"} & set(before))
        self._is_debug = "--debug" in before

    def report(self, error: Exception) -> int:
        """Print it on stderr; the exit code."""
        if type(error).__name__ == "NoArgsIsHelpError":
            print(str(error), file=sys.stderr)
            return exits.USAGE
        problem = problem_of(error)
        _place(error, problem, self._args)
        if isinstance(error, IncompleteJobFound) and self._args:
            problem.fix = f"onward {shlex.join(self._args)} --resume     (or --fresh to begin again)"
        if self._is_debug:
            problem.lines.append(f"The trace was written to {_write_trace(error)}")
            traceback.print_exception(error, file=sys.stderr)
        elif problem.exit_code == exits.UNEXPECTED:
            problem.lines.append("--debug shows where.")
        print(problem.as_json() if self._is_json else problem.text(), file=sys.stderr)
        return problem.exit_code


def problem_of(error: Exception) -> Problem:
    """What is said of an error."""
    if hasattr(error, "format_message"):  # a complaint of the parser
        return _usage(error)
    if type(error).__name__ == "Abort":
        return Problem("stopped", "Stopped.", exits.CTRL_C)
    if not isinstance(error, OnwardError):
        return Problem("unexpected", f"{type(error).__name__}: {error}", exits.UNEXPECTED)
    problem = Problem(error.code, error.message.rstrip(), error.exit_code, fix=error.hint)
    for kind, tell in _TELL.items():
        if isinstance(error, kind):
            tell(error, problem)
    return problem


def _usage(error: Any) -> Problem:
    problem = Problem("usage", error.format_message().strip().rstrip("."), exits.USAGE)
    near = getattr(error, "possibilities", None)
    if near and "Did you mean" not in problem.message:
        problem.lines.append(f"Did you mean {min(near)}?")
    context = getattr(error, "ctx", None)
    problem.fix = f"{context.command_path if context else 'onward'} --help"
    return problem


def _place(error: Any, problem: Problem, args: Sequence[str]) -> None:
    """An option of every verb that stands before it."""
    option = getattr(error, "option_name", None)
    at = next((at for at, arg in enumerate(args) if arg.partition("=")[0] == option), None)
    if option not in _OF_VERBS or at is None:
        return
    end = at + (2 if option in _WITH_VALUE and args[at] == option else 1)
    rest = [*args[:at], *args[end:]]
    if rest and not rest[0].startswith("-"):
        problem.message = f"{option} comes after the command"
        problem.lines.clear()
        problem.fix = f"onward {shlex.join([*rest, *args[at:end]])}"


def _incomplete(error: Any, problem: Problem) -> None:
    job = error.job
    problem.message = problem.message.replace(job.id, shown(job.id)).rstrip(".")
    problem.lines.append("Nothing was started.")
    problem.fix = f"the same command with --resume, or --fresh to begin again; or: onward job resume {shown(job.id)}"


def _busy(error: Any, problem: Problem) -> None:
    if error.job is not None and error.job.scheduled_job_id is not None and " of this schedule " in problem.message:
        problem.message = problem.message.replace(" Nothing was started.", "").rstrip(".")
        problem.lines.append("Nothing was started.")
        problem.fix = f"onward job show {shown(error.job.id)}"
        return
    problem.message = problem.message.replace(f" Its id is {error.job.id}.", "").rstrip(".")
    problem.lines.append("Nothing was queued.")
    problem.fix = f"--wait queues behind it; or look: onward job show {shown(error.job.id)}"


def _illegal(_error: Any, problem: Problem) -> None:
    problem.message = _ID_AGAIN.sub("", problem.message).rstrip(".")
    found = _SHOWN.search(problem.message)
    job = found[0] if found else "JOB"
    if "run_again()" in problem.fix:
        problem.fix = f"onward job again {job}     (a new job with the same parameters)"
    else:
        problem.lines.append(problem.fix)
        problem.fix = f"onward job show {job}"


def _params(error: Any, problem: Problem) -> None:
    problem.errors = list(error.errors)
    if len(error.errors) > 1:
        problem.message = problem.message.partition(": ")[0]
        problem.lines += [f"{item['field']}: {item['message']}" for item in error.errors]


def _config(error: Any, problem: Problem) -> None:
    problem.errors = [{"message": text} for text in error.problems]
    if len(error.problems) > 1:
        problem.message = f"{len(error.problems)} settings are wrong"
        problem.lines += list(error.problems)
    if not problem.fix or problem.fix == "Nothing was started.":
        problem.fix = "onward config validate     (all settings: onward config schema)"


def _chain(error: Any, problem: Problem) -> None:
    report = error.report
    if report is not None:
        problem.errors = [{"phase": item.phase, "message": item.message, "code": item.code} for item in report.errors]
        problem.lines += [_issue(item) for item in report.errors] if len(report.errors) > 1 else []


def _issue(issue: Any) -> str:
    place = "" if issue.phase is None else f"phase {issue.phase + 1}: "
    return f"{place}{issue.message} {issue.hint}".strip()


def _unknown_type(_error: Any, problem: Problem) -> None:
    if "--app" not in problem.fix:
        problem.lines.append(problem.fix)
        problem.fix = "onward job types     (your own application: --app module:attribute)"


_TELL: dict[type[OnwardError], Any] = {
    IncompleteJobFound: _incomplete,
    ResourceBusy: _busy,
    IllegalTransition: _illegal,
    InvalidParams: _params,
    InvalidAnswer: _params,
    InvalidConfig: _config,
    InvalidChain: _chain,
    UnknownJobType: _unknown_type,
}


def _write_trace(error: Exception) -> str:
    with tempfile.NamedTemporaryFile("w", prefix="onward-trace-", suffix=".txt", delete=False) as file:
        file.writelines(traceback.format_exception(error))
    return file.name
