"""The checker: what must never be in the evidence, each with the name that the report gives it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from chaos.evidence import Evidence, Row
from chaos.jobs import PHASES, POISON_LOSSES, REPLAYS, expected
from chaos.notes import Act, Line

_SECOND = 1_000_000_000
_KILL_GRACE = 5 * _SECOND
_ENDED = ("completed", "failed", "cancelled")
_PARTITIONS = ("proxy hold", "proxy hole", "proxy one_way", "proxy reset", "proxy cut", "proxy delay")
_MOVES = {
    "completed": (("running",), "completed"),
    "failed": (("running", "lost"), "failed"),
    "cancelled": (("pending", "running", "lost"), "cancelled"),
    "interrupted": (("running", "lost"), "pending"),
    "parked": (("running",), "pending"),
    "retrying": (("running",), "pending"),
    "handed_back": (("running", "lost"), "pending"),
}
MEASURES = (
    "lost", "phantom", "double verdict", "illegal move", "unexplained duplicate", "unexplained takeover", "replay",
    "stale write", "stale verdict", "unexplained overlap", "out of order", "regress", "mutex", "wrong result",
    "wrong failure", "poison", "effects", "cancel undone", "orphan", "contradiction", "error in the log", "slow exit",
    "client died",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong; ``job`` where it concerns one."""

    measure: str
    text: str
    job: str = ""


def check(evidence: Evidence) -> list[Finding]:
    """Everything that is wrong."""
    checks = (
        _check_submissions, _check_verdicts, _check_steps, _check_cursors, _check_writes, _check_overlaps, _check_mutex,
        _check_results, _check_chains, _check_cancels, _check_takeovers,
    )  # fmt: skip
    found = [finding for act in checks for finding in act(evidence)]
    found += [Finding("contradiction", problem) for problem in evidence.problems]
    found += [Finding("error in the log", line) for line in evidence.logs]
    return found


# ---- jobs and verdicts --------------------------------------------------------------------------------------


def _check_submissions(evidence: Evidence) -> Iterator[Finding]:
    invoked = {act.key for act in evidence.acts if act.verb == "submit"}
    by_key: dict[str, Row] = {}
    for row in evidence.rows.values():
        if row.parent is not None:
            continue
        if row.key not in invoked:
            yield Finding("phantom", f"nobody submitted {row.key!r}", row.id)
        if row.key in by_key:
            yield Finding("phantom", f"the key {row.key!r} has two jobs", row.id)
        by_key[row.key or ""] = row
    for act in evidence.acts:
        if act.verb != "submit" or act.what != "ok":
            continue
        found = by_key.get(act.key)
        if found is None or found.id != act.job:
            yield Finding(
                "lost", f"{act.key} was taken as {act.job} and is {found.id if found else 'not there'}", act.job
            )
    for row in evidence.rows.values():
        waits_for_person = row.status == "pending_hitl" or row.waiting_on in ("person", "children")
        if (
            row.status not in _ENDED
            and row.paused_by is None
            and not ((waits_for_person and _waits_below(evidence, row)) or _waits_by_a_wrong_clock(evidence, row))
        ):
            yield Finding("lost", f"{row.job_type} is {row.status}, waits on {row.waiting_on}", row.id)
        elif row.status in _ENDED and row.owner is not None:
            yield Finding("lost", f"{row.job_type} is {row.status} and still owned", row.id)


def _waits_by_a_wrong_clock(evidence: Evidence, row: Row) -> bool:
    """On SQLite the clock of the worker's machine is the only one there is: a job that naps then naps by it."""
    lines = evidence.of_job.get(row.id, [])
    was_wrong = any(
        fault.kind == "clock" and fault.begin - _SECOND <= line.at <= fault.end + _SECOND
        for fault in evidence.faults
        for line in lines
    )
    return row.job_type in ("naps", "flaky") and row.waiting_on == "time" and evidence.is_sqlite and was_wrong


def _waits_below(evidence: Evidence, row: Row) -> bool:
    """Whether it waits for a person, or for a part of itself that is told of by itself or paused."""
    if row.waiting_on != "children":
        return True
    return any(part.parent == row.id and part.status not in _ENDED for part in evidence.rows.values())


def _check_verdicts(evidence: Evidence) -> Iterator[Finding]:
    for job, events in evidence.events.items():
        verdicts = Counter((generation) for _, generation, kind, _ in events if kind in _ENDED)
        for generation, count in verdicts.items():
            if count > 1:
                yield Finding("double verdict", f"{count} verdicts in generation {generation}", job)
        yield from _check_moves(job, events)
        row = evidence.rows.get(job)
        if row is not None and row.status in _ENDED and verdicts.get(row.generation, 0) != 1:
            yield Finding("double verdict", f"{row.status} with {verdicts.get(row.generation, 0)} verdicts", job)
    for job, row in evidence.rows.items():
        taken = [(fence, status) for fence, status, _ in evidence.runs.get(job, []) if status == "success"]
        if row.status == "completed" and row.job_type != "chain3" and taken and taken[-1][0] != row.fence:
            yield Finding("stale verdict", f"completed under {taken[-1][0]} with fence {row.fence}", job)
        if any(status == "running" for _, status, _ in evidence.runs.get(job, [])) and row.status in _ENDED:
            yield Finding("contradiction", "a run of an ended job goes on", job)


def _check_moves(job: str, events: list[tuple[int, int, str, int]]) -> Iterator[Finding]:
    state, generation = "pending", 0
    for _, now, kind, _ in events:
        if now < generation:
            yield Finding("illegal move", f"the generation went from {generation} to {now}", job)
        if now > generation or kind in ("resumed", "restarted"):
            state, generation = "pending", now
        # That a run has begun is no event: what is pending may be running.
        legal, after = _MOVES.get(kind, ((state, "pending"), state))
        if state not in legal and not (state == "pending" and "running" in legal):
            yield Finding("illegal move", f"{kind} came when it was {state}", job)
        state = after


# ---- steps --------------------------------------------------------------------------------------------------


def _explains(evidence: Evidence, earlier: Line, until: int) -> bool:
    """Whether something was done to the worker of a line by which its job could be taken from it.

    That the whole database was away is no reason: an outage costs time, and nothing else. That the machine had no room
    for a process, longer than its lease bears, is one: it is as if it had been stopped.
    """
    if earlier.kind == "poison":
        # It is about to end its worker by itself.
        return True
    pid = evidence.pids.get(earlier.pid, earlier.pid)
    for fault in (*evidence.faults_of(pid), *evidence.starved):
        is_reason = fault.kind in ("died", "kill", "stop", "stop inside", "starved") or fault.kind in _PARTITIONS
        # A death is noted from when the worker was last seen alive until it was found dead.
        if is_reason and fault.begin - _SECOND <= until and fault.end >= earlier.at - _SECOND:
            return True
    return False


def _check_steps(evidence: Evidence) -> Iterator[Finding]:
    again: Counter[tuple[str, int, int]] = Counter()
    for job, lines in evidence.of_job.items():
        seen: dict[tuple[int, str], Line] = {}
        for line in lines:
            if line.kind != "step":
                continue
            before = seen.get((line.generation, line.step))
            seen[line.generation, line.step] = line
            if before is None:
                continue
            if before.fence == line.fence:
                yield Finding("unexplained duplicate", f"{line.step} was done twice under fence {line.fence}", job)
                continue
            older, newer = sorted((before, line), key=lambda each: each.fence)
            if not _explains(evidence, older, max(older.at, newer.at)):
                yield Finding(
                    "unexplained duplicate",
                    f"{line.step} was done under {older.fence} and under {newer.fence}, and nothing was done to "
                    f"process {older.pid}",
                    job,
                )
            if not _was_cut_off(evidence, older):
                again[job, line.generation, older.fence] += 1
    for (job, _, fence), count in again.items():
        row = evidence.rows.get(job)
        most = REPLAYS.get(row.job_type if row else "", 1)
        if count > most:
            yield Finding("replay", f"{count} steps of fence {fence} were done again, at most {most}", job)


def _was_cut_off(evidence: Evidence, line: Line) -> bool:
    """Whether the worker of a line was without the database then: it goes on by itself, and nobody knows."""
    pid = evidence.pids.get(line.pid, line.pid)
    return any(
        fault.kind in _PARTITIONS and fault.begin <= line.at <= fault.end + evidence.lease_seconds * _SECOND
        for fault in evidence.faults_of(pid)
    ) or any(
        fault.actor == "*" and fault.begin <= line.at <= fault.end + evidence.lease_seconds * _SECOND
        for fault in evidence.by_pid.get(0, [])
    )


def _was_overtaken(evidence: Evidence, acked: Line, begin: Line) -> bool:
    """Whether what was acked is in the journal of a worker that stood still until another one had its job.

    A journal is left to others by the death of its owner; one that lives, and is overtaken, finds its records refused.
    """
    return _was_cut_off(evidence, acked) and any(
        fault.kind in ("stop", "stop inside", "starved") and acked.at <= fault.end and fault.begin <= begin.at
        for fault in (*evidence.faults_of(evidence.pids.get(acked.pid, acked.pid)), *evidence.starved)
    )


def _check_cursors(evidence: Evidence) -> Iterator[Finding]:
    for job, lines in evidence.of_job.items():
        acked: dict[int, list[Line]] = defaultdict(list)
        fences: dict[str, int] = {}
        for line in lines:
            if line.kind == "acked" and (evidence.is_sqlite or not _was_cut_off(evidence, line)):
                # What is in the journal of a machine is there for its own workers; another one may come before them.
                acked[line.generation].append(line)
            elif line.kind == "begin" and line.step.isdigit():
                for before in acked[line.generation]:
                    if int(before.step) > int(line.step) and not _was_overtaken(evidence, before, line):
                        yield Finding("regress", f"began at {line.step}, {before.step} was acked", job)
                        break
            elif line.kind == "begin" and line.fence <= 0:
                yield Finding("illegal move", f"a fence of {line.fence}", job)
            fences[line.kind] = line.fence


def _check_writes(evidence: Evidence) -> Iterator[Finding]:
    for what, job, fence, job_fence, owner in evidence.audit:
        kind = "stale verdict" if what == "verdict" else "stale write"
        yield Finding(kind, f"{what} under fence {fence}, the job's is {job_fence}, owner {owner}", job)


def _check_takeovers(evidence: Evidence) -> Iterator[Finding]:
    """A live worker to whom nothing was done has lost no job."""
    for job, lines in evidence.of_job.items():
        lost = {fence for fence, status, _ in evidence.runs.get(job, []) if status == "lost"}
        last: dict[int, Line] = {}
        begun: dict[int, int] = {}
        for line in lines:
            last[line.fence] = line
            begun.setdefault(line.fence, line.at)
        for fence in lost & last.keys():
            later = [at for other, at in begun.items() if other > fence]
            if not _explains(evidence, last[fence], min(later, default=last[fence].at + 60 * _SECOND)):
                hog = [line for line in lines if line.fence == fence and line.kind == "hog"]
                text = f"fence {fence} was taken from a live worker, process {last[fence].pid}"
                yield Finding("unexplained takeover", text + (", whose interpreter was held" if hog else ""), job)


def _check_overlaps(evidence: Evidence) -> Iterator[Finding]:
    """The older run of a job writes no longer than the grace after the newer one has begun."""
    for job, lines in evidence.of_job.items():
        begun: dict[int, int] = {}
        for line in lines:
            begun.setdefault(line.fence, line.at)
        for line in lines:
            newer = [at for fence, at in begun.items() if fence > line.fence and at < line.at]
            if not newer or line.kind != "step":
                continue
            pid = evidence.pids.get(line.pid, line.pid)
            healed = [fault.end for fault in evidence.faults_of(pid) if fault.begin < line.at]
            if line.at - max(min(newer), *healed, 0) > _KILL_GRACE:
                yield Finding(
                    "unexplained overlap", f"{line.step} under fence {line.fence}, long after a newer one", job
                )


def _check_mutex(evidence: Evidence) -> Iterator[Finding]:
    """Two hold a resource only when the older one's worker was taken for dead."""
    open_: dict[str, list[Line]] = defaultdict(list)
    for line in evidence.lines:
        if line.kind == "leave":
            for name in _names(line):
                open_[name] = [other for other in open_[name] if (other.job, other.fence) != (line.job, line.fence)]
        elif line.kind == "enter":
            for name in _names(line):
                for other in open_[name]:
                    if other.job != line.job and not _has_lost(evidence, other, line.at):
                        yield Finding("mutex", f"{name} is held by {other.job} (fence {other.fence}) too", line.job)
                open_[name].append(line)


def _names(line: Line) -> list[str]:
    return line.step.split()


def _has_lost(evidence: Evidence, line: Line, at: int) -> bool:
    """Whether the run of this line had ended or was taken over before that time, as far as can be told."""
    row = evidence.rows.get(line.job)
    runs = {fence: status for fence, status, _ in evidence.runs.get(line.job, [])}
    if runs.get(line.fence) in ("success", "running"):
        # A run that ended well has written that it leaves before it ended.
        return _explains(evidence, line, at) and row is not None and row.status != "completed"
    return runs.get(line.fence) in ("lost", "interrupted", "cancelled", "failed", "parked", None)


# ---- results ------------------------------------------------------------------------------------------------


def _check_results(evidence: Evidence) -> Iterator[Finding]:
    for row in evidence.rows.values():
        lost = sum(status == "lost" for _, status, _ in evidence.runs.get(row.id, []))
        if row.job_type == "poison":
            ended = sum(line.kind == "poison" for line in evidence.of_job.get(row.id, []))
            generations = {generation for _, _, generation in evidence.runs.get(row.id, [])}
            if ended > POISON_LOSSES * max(1, len(generations)):
                yield Finding("poison", f"it has ended {ended} workers, at most {POISON_LOSSES} a generation", row.id)
            if row.status == "completed":
                yield Finding("wrong result", "poison has completed", row.id)
            continue
        if row.job_type == "hang":
            continue
        wanted = expected(row.job_type, row.params)
        if row.status == "completed" and wanted is not ... and row.result != wanted:
            yield Finding("wrong result", f"{row.job_type} has returned {row.result!r}, not {wanted!r}", row.id)
        if row.status == "failed" and not (row.job_type == "chain3" and "hang" in row.error):
            yield Finding("wrong failure", f"{row.job_type} has failed after {lost} losses: {row.error[:600]}", row.id)
        count = evidence.effects.get(row.id, 0)
        if row.job_type == "pays" and row.status == "completed" and count != 1:
            restarts = any(act.job == row.id and act.verb == "restart" for act in evidence.acts)
            if not restarts:
                yield Finding("effects", f"{count} effects of one transaction", row.id)


def _check_chains(evidence: Evidence) -> Iterator[Finding]:
    completed: dict[str, int] = {}
    for job, events in evidence.events.items():
        done = [seq for seq, _, kind, _ in events if kind == "completed"]
        if done:
            completed[job] = done[-1]
    children: dict[str, dict[int, str | None]] = defaultdict(dict)
    for parent, position, child in evidence.phases:
        children[parent][position] = child
    for parent, phases in children.items():
        made = sum(row.parent == parent for row in evidence.rows.values())
        known = [child for child in phases.values() if child is not None]
        if made != len(known):
            yield Finding("out of order", f"{made} children, {len(known)} phases that have begun", parent)
        for position, child in phases.items():
            before = phases.get(position - 1)
            if position == 0 or child is None:
                continue
            if before is None or before not in completed:
                yield Finding(
                    "out of order", f"phase {position} was made before the one before it had completed", parent
                )
                continue
            ends = [line.at for line in evidence.of_job.get(before, []) if line.kind == "end"]
            begins = [line.at for line in evidence.of_job.get(child, []) if line.kind == "begin"]
            if ends and begins and min(begins) < min(ends):
                yield Finding("out of order", f"phase {position} began before the end of the one before it", parent)
        row = evidence.rows.get(parent)
        if row is not None and row.status == "completed" and len(known) != len(PHASES):
            yield Finding("out of order", f"completed with {len(known)} phases", parent)


def _check_cancels(evidence: Evidence) -> Iterator[Finding]:
    """What was cancelled, and not resumed since, is cancelled."""
    last: dict[str, Act] = {}
    for act in evidence.acts:
        if act.job and act.verb in ("cancel", "resume", "restart") and act.what in ("ok", "info"):
            last[act.job] = act
    for job, act in last.items():
        row = evidence.rows.get(job)
        if act.verb == "cancel" and act.what == "ok" and row is not None and row.status != "cancelled":
            yield Finding("cancel undone", f"a cancelled job is {row.status}", job)
