"""Writes the parts of the reference that the code already says: ``python docs/generate.py``; a test compares them.

The file is long because every part has its writer here.
"""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Table

from onward import Onward, Settings, errors
from onward.authoring.registry import JobTypes
from onward.catalogue import include_in
from onward.catalogue.reference import reference as job_types_reference
from onward.errors import Interrupt, OnwardError
from onward.model.job import Job
from onward.model.states import LEGAL_MOVES, RunStatus, Status, Waiting
from onward.server.app import create_app
from onward.settings.table import reference as settings_reference
from onward.store import tables
from onward.telemetry.metrics import METRICS

REFERENCE = Path(__file__).parent / "reference"
REGION = re.compile(r"(<!-- generated: (?P<name>[\w ]+) -->\n).*?(<!-- end -->)", re.DOTALL)
WIDTH = 100

# ---- Python -------------------------------------------------------------------------------------------------

PYTHON_HEAD = """\
# Python

Written by `python docs/generate.py` from the docstrings. Everything on this page can be imported from the module
that stands in its heading; most names also from `onward` itself. Times are aware and in UTC; durations are seconds.

What a person may call with an id takes both forms of it: the stored one (`01a204a6-…`) and the one that people see
(`job_01M82…`).
"""

PARTS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("The application", "onward", ("Onward", "Submission", "Worker", "Backoff")),
    ("Options of a job type", "onward.authoring.registry", ("JobTypes",)),
    ("Inside a job", "onward.authoring.context", ("Context",)),
    ("Inside a job: logger", "onward.authoring.job_log", ("JobLog",)),
    ("Inside a job: partial work", "onward.authoring.partial", ("Partial",)),
    ("What you look at", "onward", ("Job", "Progress", "JobError", "Run", "Page")),
    ("More records", "onward.model.job", ("WaitingReason", "LogLine", "EventRecord", "Need", "WorkerRecord")),
    ("Questions to people", "onward", ("Question", "QuestionRecord")),
    ("Questions to people: their room", "onward.engine.questions", ("Questions",)),
    ("Chains", "onward", ("JobPhase", "ChainReport", "ChainTemplate", "run_combined_job")),
    ("Chains: what is wrong", "onward.model.chain", ("ChainIssue",)),
    ("Rooms of an application", "onward.engine.nouns", ("Workers",)),
    ("Resources of an application", "onward.engine.board", ("Resources",)),
    ("The dimension board", "onward.engine.dimensions", ("Dimensions",)),
    ("Rooms: what is kept", "onward.engine.keeping", ("Checkpoints", "Archive")),
    ("Rooms: saved chains", "onward.engine.templates", ("Templates",)),
    ("Rooms: the database", "onward.engine.database", ("Database",)),
    ("What pruning and moving report", "onward.model.archive", ("ArchivedJob", "PruneReport")),
    ("What exports, imports and moves report", "onward.model.transfer", ("TransferReport",)),
    ("Who did what", "onward.engine.steering", ("Audit",)),
    ("Jobs in memory", "onward.engine.memory", ("JobMemoryStore", "EmptyMemoryStore")),
    ("Metrics", "onward.telemetry.metrics", ("Metrics", "metrics_text")),
    ("The load", "onward.model.load", ("Load", "QueueDepth")),
    ("Cron", "onward.model.cron", ("Cron", "DueTime")),
    ("asyncio", "onward.aio", ("AsyncOnward", "AsyncSchedules")),
    (
        "The older interface",
        "onward.manager",
        (
            "JobManager",
            "JobRepository",
            "initialize_job_manager",
            "get_job_manager",
            "JobState",
            "Board",
        ),
    ),
    ("The older interface: verbs", "onward.engine.older", ("Jobs",)),
    ("An assistant's memory", "onward.catalogue.memory", ("AssistantMemory", "Memory", "Found", "Attribute")),
    ("An assistant's memory: profiles", "onward.catalogue.memory", ("Profile", "Summary", "profile_summary")),
    ("Testing", "onward.testing", ("JobBench", "Interrupted", "simulate", "Simulated")),
    ("Clocks", "onward", ("Clock", "SystemClock", "ManualClock")),
    ("Settings", "onward", ("Settings",)),
    (
        "Events that are told",
        "onward.events",
        ("Bus", "JobSubmitted", "RunEnded", "JobStalled", "WorkerStarted", "WorkerStopped", "WorkerLost"),
    ),
)

HIDDEN = {
    "Context": {"cursor", "enter", "move", "latest_point", "mark_end", "on_point"},  # between context and engine
    "Bus": {"tell", "is_heard"},
    "Settings": {"origins"},
    "JobTypes": {"add", "as_mapping"},
    "Partial": {"mark", "pending", "saved", "clear"},
}


def python_page() -> str:
    """The public names with their signatures and docstrings."""
    lines = [PYTHON_HEAD]
    for title, module_name, names in PARTS:
        module = importlib.import_module(module_name)
        lines.append(f"## {title}\n")
        for name in names:
            lines += _described(module_name, name, getattr(module, name))
    return "\n".join(lines).rstrip() + "\n"


def _described(module: str, name: str, value: Any) -> Iterator[str]:
    yield f"### {name}\n"
    yield f"`{module}.{name}`\n"
    if not inspect.isclass(value):
        yield _signature(name, value)
        yield _markdown(value)
        return
    if not dataclasses.is_dataclass(value) and "__init__" in vars(value):
        yield _signature(name, value.__init__)
    yield _markdown(value)
    if dataclasses.is_dataclass(value):
        yield _fields(value)
    for member, found in vars(value).items():
        if not member.startswith("_") and member not in HIDDEN.get(name, ()):
            yield from _member(name, member, found)


def _member(owner: str, name: str, found: Any) -> Iterator[str]:
    if isinstance(found, property):
        yield f"#### {owner}.{name}\n"
        yield _markdown(found)
    elif isinstance(found, classmethod | staticmethod) or inspect.isfunction(found):
        func = found.__func__ if isinstance(found, classmethod | staticmethod) else found
        yield f"#### {owner}.{name}()\n"
        yield _signature(name, func)
        yield _markdown(func)


def _signature(name: str, func: Any) -> str:
    signature = inspect.signature(func)
    given = [p for p in signature.parameters.values() if p.name not in ("self", "cls")]
    whole = str(signature.replace(parameters=given))
    # The annotations are texts already; the quotes around them are not wanted.
    whole = re.sub(r"'([^']*)'(?=[,)=]| =|$)", r"\1", whole) if "'" in whole else whole
    text = name + whole
    if len(text) > WIDTH:
        inside, arrow, returns = whole.rpartition(" -> ") if " -> " in whole else (whole, "", "")
        parts = _split(inside[1:-1])
        text = f"{name}(\n" + "".join(f"    {part},\n" for part in parts) + f"){arrow}{returns}"
    return f"```text\n{text}\n```\n"


def _split(text: str) -> list[str]:
    """Split at commas outside of brackets."""
    parts, depth, start = [], 0, 0
    for at, char in enumerate(text):
        depth += (char in "([{") - (char in ")]}")
        if char == "," and depth == 0:
            parts.append(text[start:at].strip())
            start = at + 1
    return [*parts, text[start:].strip()]


def _markdown(value: Any) -> str:
    doc = inspect.getdoc(value) or ""
    found = re.sub(r"``([^`]+)``", r"`\1`", doc)
    return f"{found}\n" if found else ""


def _fields(kind: Any) -> str:
    rows = ["| field | type | default |", "|---|---|---|"]
    for field in dataclasses.fields(kind):
        if field.name.startswith("_"):
            continue
        default = "required"
        if field.default is not dataclasses.MISSING:
            default = f"`{field.default!r}`" if len(repr(field.default)) < 40 else "see below"
        elif field.default_factory is not dataclasses.MISSING:
            default = f"`{field.default_factory()!r}`" if len(repr(field.default_factory())) < 20 else "empty"
        shown = str(field.type).replace("|", "\\|")
        rows.append(f"| `{field.name}` | `{shown}` | {default} |")
    return "\n".join(rows) + "\n"


# ---- errors -------------------------------------------------------------------------------------------------

ERRORS_HEAD = """\
# Errors

Written by `python docs/generate.py` from `onward.errors`. All can be imported from `onward`.

Every error derives from `OnwardError` and has `message` (what happened), `hint` (what to do), `code` (stable, for
programs) and `exit_code` (what a command returns). `str(error)` is message and hint. When a verb raises, it has
written nothing.
"""
INTERRUPTS_HEAD = """\
## How a job is told to leave

These are not errors. They derive from `BaseException`, so that `except Exception` in a job does not swallow them. Let
them pass; `finally` blocks run as usual.

| interrupt | meaning |
|---|---|
"""


def errors_page() -> str:
    """Every error with its code and meaning, as a tree and as a table."""
    tree = re.search(r"::\n\n(.*)", errors.__doc__ or "", re.DOTALL)
    rows = ["| error | code | exit code | meaning |", "|---|---|---|---|"]
    for name, kind in vars(errors).items():
        if inspect.isclass(kind) and issubclass(kind, OnwardError) and not name.startswith("_"):
            rows.append(f"| `{name}` | `{kind.code}` | {kind.exit_code} | {_cell(kind)} |")
    interrupts = [
        f"| `{name}` | {_cell(kind)} |"
        for name, kind in vars(errors).items()
        if inspect.isclass(kind) and issubclass(kind, Interrupt)
    ]
    drawn = inspect.cleandoc(tree[1]) if tree else ""
    drawn = drawn.replace("``", "`")
    parts = [ERRORS_HEAD, "## The tree\n", f"```text\n{drawn}\n```\n", "## The table\n"]
    return "\n".join([*parts, *rows, "", INTERRUPTS_HEAD.rstrip(), *interrupts, ""])


def _cell(kind: Any) -> str:
    return " ".join(_markdown(kind).split()).replace("|", "\\|")


# ---- states -------------------------------------------------------------------------------------------------


def moves() -> str:
    """Which status may follow which."""
    names = list(Status)
    head = "| from \\ to | " + " | ".join(f"`{name}`" for name in names) + " |"
    rows = [head, "|---" * (len(names) + 1) + "|"]
    for old in names:
        cells = ("yes" if new in LEGAL_MOVES[old] else "" for new in names)
        rows.append(f"| `{old}` | " + " | ".join(cells) + " |")
    return "\n".join(rows) + "\n"


STATES = (
    ("completed", {"status": Status.COMPLETED}),
    ("failed, no checkpoint", {"status": Status.FAILED}),
    ("cancelled, no checkpoint", {"status": Status.CANCELLED}),
    ("failed, with a checkpoint", {"status": Status.FAILED, "has_checkpoint": True}),
    ("cancelled, with a checkpoint", {"status": Status.CANCELLED, "has_checkpoint": True}),
    ("running", {"status": Status.RUNNING}),
    ("waits for an answer", {"status": Status.PENDING_HITL, "waiting_on": Waiting.PERSON}),
    ("pending, ready", {"status": Status.PENDING}),
    ("pending, first start is later", {"status": Status.PENDING, "waiting_on": Waiting.TIME}),
    ("pending, waits after a failure", {"status": Status.PENDING, "waiting_on": Waiting.TIME, "attempt": 1}),
    ("pending, something it needs is taken", {"status": Status.PENDING, "waiting_on": Waiting.RESOURCE}),
    ("pending, its old run has not left yet", {"status": Status.PENDING, "waiting_on": Waiting.OWNER}),
    ("pending, paused", {"status": Status.PENDING, "waiting_on": Waiting.PAUSE}),
    (
        "pending, held after a lost worker, with a checkpoint",
        {"status": Status.PENDING, "waiting_on": Waiting.HOLD, "has_checkpoint": True},
    ),
)


def states() -> str:
    """What the code derives from a status and its circumstances."""
    rows = ["| status and circumstances | `job.state` |", "|---|---|"]
    for text, values in STATES:
        rows.append(f"| {text} | `{Job(id='', job_type='', **values).state}` |")  # type: ignore[arg-type]
    return "\n".join(rows) + "\n"


RUN_MEANINGS = {
    RunStatus.PENDING: "reserved; not written in this release",
    RunStatus.RUNNING: "a worker has it now",
    RunStatus.SUCCESS: "the function returned",
    RunStatus.FAILED: "the function raised, or ran out of time",
    RunStatus.SKIPPED: "reserved; not written in this release",
    RunStatus.CANCELLED: "it left because somebody cancelled the job",
    RunStatus.LOST: "its worker died or fell silent",
    RunStatus.INTERRUPTED: "it left at a safe point because the worker was shutting down, or the job was paused",
    RunStatus.PARKED: "it left by itself to wait (`ctx.sleep`, `ctx.ask`, `ctx.fan_out`)",
}


def runs() -> str:
    """The statuses of a run."""
    rows = ["| run status | meaning |", "|---|---|"]
    return "\n".join(rows + [f"| `{status}` | {RUN_MEANINGS[status]} |" for status in RunStatus]) + "\n"


# ---- tables -------------------------------------------------------------------------------------------------


def columns(table: Table) -> str:
    """The columns of a table."""
    rows = ["| column | type | empty allowed | default |", "|---|---|---|---|"]
    for column in table.columns:
        default: Any = column.server_default
        text = "" if default is None else str(getattr(default.arg, "text", default.arg))
        key = " (key)" if column.primary_key else ""
        empty = "yes" if column.nullable else ""
        rows.append(f"| `{column.name}`{key} | {_kind(column.type)} | {empty} | {f'`{text}`' if text else ''} |")
    return "\n".join(rows) + "\n"


def _kind(kind: Any) -> str:
    if isinstance(kind, tables.UtcTime):
        return "time"
    name = type(kind).__name__
    return {"Text": "text", "Integer": "integer", "BigInteger": "big integer", "Float": "float"}.get(name, name.lower())


# ---- the tree -----------------------------------------------------------------------------------------------

SOURCE = Path(__file__).parent.parent / "src" / "onward"
BRIEFLY = {"catalogue", "cli"}
"""Folders whose own folders are listed, and not each module."""


def tree() -> str:
    """Every module with the first sentence of its docstring."""
    lines = ["**Root: what a user may import**\n", *_modules(SOURCE)]
    for folder in sorted(path.parent for path in SOURCE.glob("*/__init__.py")):
        lines += [f"\n**`{folder.name}/`** {_sentence(folder / '__init__.py')}\n"]
        if folder.name in BRIEFLY:
            inner = sorted(path.parent for path in folder.rglob("*/__init__.py"))
            lines += [f"- `{path.relative_to(SOURCE)}/`: {_sentence(path / '__init__.py')}" for path in inner]
        else:
            lines += _modules(folder)
    return "\n".join(lines) + "\n"


def _modules(folder: Path) -> list[str]:
    found = sorted(path for path in folder.glob("*.py") if path.name != "__init__.py")
    return [f"- `{path.name}`: {_sentence(path)}" for path in found]


def _sentence(path: Path) -> str:
    doc = inspect.cleandoc(ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "")
    first = " ".join(doc.partition("\n\n")[0].split()).removesuffix("::").strip()
    return re.sub(r"``([^`]+)``", r"`\1`", first)


# ---- the crash matrix ---------------------------------------------------------------------------------------

RESULTS = Path(__file__).parent.parent / "chaos" / "results.json"
STORES = {"sqlite": "SQLite", "pg": "PostgreSQL"}


def crash_matrix() -> str:
    """What the last long run has done and found: measure, what was run, result, target."""
    found = json.loads(RESULTS.read_text("utf-8"))
    rows: list[tuple[object, ...]] = []
    for store, name in STORES.items():
        runs = [run for run in found["chaos"] if run["store"] == store]
        rows += _chaos_rows(name, runs)
    rows += _planted_rows(found.get("planted", []))
    simulated = found["simulation"]
    faults = sum(simulated["faults"].values())
    rows.append(
        ("simulated hours", f"{simulated['seeds']} seeds, {simulated['jobs']} jobs, {faults} faults",
         f"{simulated['hours']:.0f} of {simulated['planned_hours']:.0f} planned", "1,000")
    )  # fmt: skip
    rows.append(("broken promises in them", f"{simulated['events']:,} events", len(simulated["problems"]), 0))
    if "points" in found:
        points = found["points"]
        failed = points["tests"].get("failed", 0)
        rows.append(
            ("crash points", f"{points['deaths']:,} processes died at a statement", f"{points['run']:,}", "12,000")
        )
        rows.append(("tests of them that failed", "", failed, 0))
    if "calls" in found:
        calls = found["calls"]
        met = f"{calls['met']} of {calls['tried']}"
        rows.append(("system calls met by a fault", ", ".join(calls["acts"]), met, "all"))
    head = f"Run on {found['at']}, {found['cores']} cores, Python {found['python']}.\n\n"
    lines = ["| measure | what was run | result | target |", "|---|---|---|---|"]
    lines += [f"| {' | '.join(map(str, row))} |" for row in rows]
    return head + "\n".join(lines) + "\n"


def _planted_rows(found: list[dict[str, Any]]) -> Iterator[tuple[object, ...]]:
    sys.path.insert(0, str(RESULTS.parent.parent))
    planted = importlib.import_module("chaos.planted")
    for store, name in STORES.items():
        here = {one["fault"]: one["seconds"] for one in found if one["store"] == store}
        wanted = [fault for fault in planted.names() if store in planted.stores(fault)]
        times = [seconds for seconds in here.values() if seconds is not None]
        told = [f"at the longest after {max(times)} s, with start and drain"] if times else []
        for what, faults in (
            ("not found", [fault for fault in wanted if fault in here and here[fault] is None]),
            ("not measured", [fault for fault in wanted if fault not in here]),
        ):
            told += [f"{what}: {', '.join(faults)}"] if faults else []
        yield f"{name}: planted faults found", "; ".join(told), f"{len(times)} of {len(wanted)}", "all, within 300 s"


def _chaos_rows(name: str, runs: list[dict[str, Any]]) -> Iterator[tuple[object, ...]]:
    minutes = sum(run["seconds"] for run in runs) / 60
    seeds = f"{minutes:.0f} minutes, seeds {', '.join(str(run['seed']) for run in runs)}"
    done: dict[str, int] = {}
    for run in runs:
        for kind, count in run["done"].items():
            done[kind] = done.get(kind, 0) + count
    jobs = sum(run["counts"]["jobs"] for run in runs)
    steps = sum(run["counts"]["steps"] for run in runs)
    again = sum(run["counts"]["steps done again"] for run in runs)
    restarts = sum(done.get(kind, 0) for kind in ("pg kill", "pg restart", "pg outage"))
    yield f"{name}: jobs through chaos", seeds, f"{jobs:,}", "20,000"
    yield f"{name}: steps", f"{again} done again, each after a fault", f"{steps:,}", "200,000"
    yield f"{name}: workers killed", "", done.get("kill", 0), "1,000"
    yield f"{name}: workers stopped for longer than the lease", "", done.get("stop longer than the lease", 0), 300
    yield f"{name}: jumps of a clock by an hour", "", done.get("clock", 0), 200
    if restarts:
        yield f"{name}: the server stopped or killed", "", restarts, 60
    others = {kind: count for kind, count in sorted(done.items()) if kind not in _TOLD}
    told = ", ".join(f"{kind} {count}" for kind, count in others.items())
    yield f"{name}: other faults", told, sum(others.values()), ""
    found: dict[str, int] = {}
    for run in runs:
        for measure, count in run["found"].items():
            found[measure] = found.get(measure, 0) + count
    for measures in _TOGETHER:
        result = " / ".join(str(found.get(measure, 0)) for measure in measures)
        yield f"{name}: {' / '.join(measures)}", "", result, " / ".join("0" for _ in measures)
    known = {measure for measures in _TOGETHER for measure in measures}
    rest = {measure: count for measure, count in found.items() if measure not in known and count}
    yield f"{name}: all other measures", ", ".join(rest), sum(rest.values()), 0
    left_out = {text for run in runs for text in run["left_out"] if "lies in" not in text}
    if left_out:
        yield f"{name}: left out", "; ".join(sorted(left_out)), "", ""


_TOLD = {"kill", "stop", "stop longer than the lease", "clock", "pg kill", "pg restart", "pg outage"}
_TOGETHER = (
    ("lost", "phantom", "double verdict"),
    ("unexplained duplicate", "replay"),
    ("stale write", "stale verdict", "regress"),
    ("mutex", "unexplained overlap", "unexplained takeover"),
    ("wrong result", "wrong failure", "out of order"),
)


# ---- metrics ------------------------------------------------------------------------------------------------

METRICS_HEAD = """\
# Metrics

Written by `python docs/generate.py` from the code. Names, types and labels are stable. Counters and histograms are of
the process that is asked; gauges without `job_type` are read from the database. How to use them:
[monitor](../how-to/monitor.md).

| name | type | labels | what |
|---|---|---|---|
"""


def metrics_page() -> str:
    """Every metric."""
    rows = (
        f"| `{one.name}` | {one.kind} | {', '.join(f'`{label}`' for label in one.labels)} | {one.meaning} |\n"
        for one in METRICS
    )
    return METRICS_HEAD + "".join(rows)


# ---- writing ------------------------------------------------------------------------------------------------


def openapi_page() -> str:
    """The description of the HTTP interface, as the server gives it."""
    app = Onward(settings=Settings())
    return json.dumps(create_app(app).openapi(), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def job_types_page() -> str:
    """The job types that ship."""
    shipped = JobTypes()
    include_in(shipped, prune=dict, prune_checkpoints=dict)
    return job_types_reference(shipped)


WHOLE: dict[str, Callable[[], str]] = {
    "openapi.json": openapi_page,
    "job-types.md": job_types_page,
    "python.md": python_page,
    "errors.md": errors_page,
    "settings.md": settings_reference,
    "metrics.md": metrics_page,
}
REGIONS: dict[str, Callable[[], str]] = {
    "moves": moves,
    "states": states,
    "runs": runs,
    "tree": tree,
    "crash matrix": crash_matrix,
    **{f"table {name}": (lambda table=table: columns(table)) for name, table in tables.metadata.tables.items()},
}


def page(path: Path) -> str:
    """The page as it ought to be."""
    if path.name in WHOLE:
        return WHOLE[path.name]()
    return REGION.sub(lambda match: f"{match[1]}\n{REGIONS[match['name']]()}\n{match[3]}", path.read_text("utf-8"))


def pages() -> list[Path]:
    """Every page of which a part is written here."""
    made = {REFERENCE / name for name in WHOLE}
    written = REFERENCE.parent.rglob("*.md")
    return sorted(made | {path for path in written if REGION.search(path.read_text("utf-8"))})


if __name__ == "__main__":
    for each in pages():
        each.write_text(page(each), "utf-8")
        sys.stdout.write(f"{each.relative_to(REFERENCE.parent.parent)}\n")
