"""What is left of a run: the rows of the database, the ledger, the sink, the histories, and what was done to whom."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from chaos.notes import Act, Fault, Ledger, Line, Sink, read_faults, read_histories
from onward import Onward


@dataclass(frozen=True, slots=True)
class Row:
    """A job as the database has it at the end."""

    id: str
    job_type: str
    status: str
    waiting_on: str | None
    paused_by: str | None
    owner: str | None
    fence: int
    generation: int
    key: str | None
    parent: str | None
    position: int | None
    result: Any
    error: str
    params: dict[str, Any]


@dataclass
class Evidence:
    """All that the checks look at."""

    rows: dict[str, Row]
    runs: dict[str, list[tuple[int, str, int]]]
    events: dict[str, list[tuple[int, int, str, int]]]
    audit: list[tuple[str, str, int, int, str | None]]
    effects: dict[str, int]
    phases: list[tuple[str, int, str | None]]
    problems: list[str]
    lines: list[Line]
    acts: list[Act]
    faults: list[Fault]
    sink: dict[str, tuple[int, int]]
    logs: list[str]
    lease_seconds: float
    is_sqlite: bool = True
    of_job: dict[str, list[Line]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        for line in self.lines:
            self.of_job[line.job].append(line)

    @cached_property
    def by_pid(self) -> dict[int, list[Fault]]:
        """What was done to each process of a worker."""
        found: dict[int, list[Fault]] = defaultdict(list)
        for fault in self.faults:
            found[fault.pid].append(fault)
        return found

    @cached_property
    def starved(self) -> list[Fault]:
        """When there was no room for anybody."""
        return [fault for fault in self.faults if fault.kind == "starved" and fault.actor == "*"]

    @cached_property
    def actors(self) -> dict[int, str]:
        """The actor that each process was."""
        return {fault.pid: fault.actor for fault in self.faults if fault.kind == "began"}

    def faults_of(self, pid: int) -> list[Fault]:
        """What was done to a process of a worker, or to the network before it."""
        actor = self.actors.get(pid)
        net = [fault for fault in self.faults if fault.kind.startswith("proxy") and fault.actor == actor]
        return [*self.by_pid.get(pid, []), *net]

    @cached_property
    def pids(self) -> dict[int, int]:
        """The worker of each child process that ran a job."""
        return {int(pid): int(line.step) for line in self.lines if line.kind == "pids" for pid in line.more.split()}

    def story(self, job: str, limit: int = 60) -> str:
        """Everything that is known of one job, for people."""
        row = self.rows.get(job)
        told = [
            (act.at, f"client  {act.client} {act.what} {act.verb} {act.error}") for act in self.acts if act.job == job
        ]
        told += [
            (line.at, f"ledger  {line.kind} {line.step} fence {line.fence} pid {line.pid} {line.more}")
            for line in self.of_job.get(job, [])
        ]
        pids = {self.pids.get(line.pid, line.pid) for line in self.of_job.get(job, [])}
        for fault in self.faults:
            if fault.pid in pids or fault.actor == "*":
                told.append((fault.begin, f"fault   {fault.kind} {fault.actor} pid {fault.pid} {fault.more}"))
                if fault.end > fault.begin:
                    told.append((fault.end, f"healed  {fault.kind} {fault.actor} pid {fault.pid}"))
        told.sort()
        moments = [line.at for line in self.of_job.get(job, [])] + [act.at for act in self.acts if act.job == job]
        first, last = min(moments, default=0) - 3_000_000_000, max(moments, default=0) + 3_000_000_000
        shown = [f"  {at / 1e9:12.3f}  {text}" for at, text in told if first <= at <= last]
        shown = [*shown[: limit // 2], "  …", *shown[-limit // 2 :]] if len(shown) > limit else shown
        head = f"  row     {row}\n  runs    {self.runs.get(job)}\n  events  {self.events.get(job)}"
        return "\n".join((head, *shown))


def gather(app: Onward, folder: Path, lease_seconds: float) -> Evidence:
    """Read it all, once everybody has ended."""
    store = app._store
    with store.read() as conn:

        def rows(sql: str) -> list[Any]:
            return list(store.dialect.query(conn, sql, []))

        jobs = rows(
            "SELECT job_id, job_type, status, waiting_on, paused_by, worker_id, fence, generation, idempotency_key, "
            "parent_id, position, result, error, params FROM jobs"
        )
        runs = rows("SELECT job_id, fence, status, generation FROM job_runs ORDER BY job_id, fence")
        events = rows("SELECT job_id, seq, generation, kind, fence FROM job_events ORDER BY seq")
        audit = rows("SELECT what, job_id, fence, job_fence, owner FROM chaos_audit")
        effects = rows("SELECT job_id, count(*) FROM effects GROUP BY job_id")
        phases = rows("SELECT job_id, position, child_id FROM chain_phases ORDER BY job_id, position")
    problems = [problem for problem in app.database.check() if "chaos" not in problem and "effects" not in problem]
    found_runs: dict[str, list[tuple[int, str, int]]] = defaultdict(list)
    for job_id, fence, status, generation in runs:
        found_runs[job_id].append((fence, status, generation))
    found_events: dict[str, list[tuple[int, int, str, int]]] = defaultdict(list)
    for job_id, seq, generation, kind, fence in events:
        found_events[job_id].append((seq, generation, kind, fence))
    return Evidence(
        rows={row[0]: _row(row) for row in jobs},
        runs=found_runs,
        events=found_events,
        audit=[tuple(row) for row in audit],
        effects=dict(map(tuple, effects)),
        phases=[tuple(row) for row in phases],
        problems=problems,
        lines=Ledger(folder / "ledger").lines(),
        acts=read_histories(folder),
        faults=read_faults(folder / "faults.jsonl") if (folder / "faults.jsonl").exists() else [],
        sink=Sink(folder / "sink.db").rows(),
        logs=_errors(folder),
        lease_seconds=lease_seconds,
        is_sqlite=store.is_sqlite,
    )


def _row(row: Any) -> Row:
    facts = tuple(row)
    return Row(*(*facts[:11], _read(facts[11]), facts[12] or "", _read(facts[13]) or {}))


def _read(text: str | None) -> Any:
    return json.loads(text) if text else None


def _errors(folder: Path) -> list[str]:
    """Lines of the logs of onward that tell of a mistake of its own, and not of a fault that was made."""
    words = (
        "An error in the",
        "changes failed; each is tried alone",
        "cannot be written",
        "could not be handed over",
        "Fatal Python error",
        "Exception in thread",
    )
    found = []
    for path in sorted(folder.glob("*.log")):
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        for number, line in enumerate(lines):
            if any(word in line for word in words):
                rest = [
                    text for text in lines[number + 1 : number + 80] if text and not text.startswith((" ", "Traceback"))
                ]
                found.append(f"{path.name}: {line[:200]} | {rest[0][:300] if rest else ''}")
    return found
