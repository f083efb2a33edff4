"""One run of the chaos program from its options to its report."""

from __future__ import annotations

import itertools
import json
import shlex
import shutil
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chaos import checks, plan
from chaos.checks import Finding
from chaos.evidence import Evidence, gather
from chaos.show import Show
from chaos.stage import Stage
from chaos.worker import WITHOUT_DATABASE


@dataclass(frozen=True, slots=True)
class Options:
    """What is asked of a run."""

    seed: int = 1
    seconds: float = 60.0
    store: str = "sqlite"
    plant: str = ""
    workers: int = 5
    clients: int = 3
    lease_seconds: float = 3.0
    rate: float = 1.0
    asks: float = 3.0
    folder: str = ""
    jobs: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()

    @property
    def command(self) -> str:
        """The command that does the same again."""
        words = f"python -m chaos --seed {self.seed} --minutes {self.seconds / 60:g} --store {self.store}"
        default = Options()
        for name, flag in (
            ("workers", "workers"),
            ("clients", "clients"),
            ("rate", "rate"),
            ("asks", "asks"),
            ("plant", "fault"),
        ):
            if getattr(self, name) != getattr(default, name):
                words += f" --{flag} {getattr(self, name)}"
        for flag, names in (("jobs", self.jobs), ("faults", self.faults)):
            if names:
                words += f" --{flag} {shlex.quote(','.join(names))}"
        return words


@dataclass
class Report:
    """What came of it."""

    options: Options
    planned: dict[str, int]
    done: dict[str, int]
    counts: dict[str, int]
    figures: dict[str, float]
    findings: list[Finding]
    said: list[str]
    exits: dict[str, int]
    stories: dict[str, str] = field(default_factory=dict)
    took_seconds: float = 0.0

    @property
    def shortfalls(self) -> list[str]:
        """Of what fewer was done than was planned."""
        return [
            f"{kind}: {self.done.get(kind, 0)} of {count}"
            for kind, count in self.planned.items()
            if self.done.get(kind, 0) < count
        ]

    @property
    def is_good(self) -> bool:
        """Whether nothing was found, and everything was done that was planned."""
        return not self.findings and not self.shortfalls

    def as_dict(self) -> dict[str, Any]:
        """For the file of results."""
        found = Counter(finding.measure for finding in self.findings)
        return {
            "seed": self.options.seed, "store": self.options.store, "seconds": self.options.seconds,
            "workers": self.options.workers, "clients": self.options.clients,
            "lease_seconds": self.options.lease_seconds,
            "planned": self.planned, "done": self.done, "counts": self.counts, "figures": self.figures,
            "found": {measure: found.get(measure, 0) for measure in checks.MEASURES},
            "left_out": self.said, "exits": self.exits, "took_seconds": round(self.took_seconds, 1),
        }  # fmt: skip

    def text(self) -> str:
        """The report for people: each count as measured / target."""
        found = Counter(finding.measure for finding in self.findings)
        lines = [f"chaos on {self.options.store}, seed {self.options.seed}: {self.options.command}"]
        lines += [f"  left out: {text}" for text in self.said]
        lines.append("  done / planned")
        lines += [f"    {kind:28} {self.done.get(kind, 0):6} / {count}" for kind, count in self.planned.items()]
        lines.append("  measured")
        lines += [f"    {name:28} {count:6}" for name, count in self.counts.items()]
        lines += [f"    {name:28} {value:6.2f}" for name, value in self.figures.items()]
        lines.append(f"    {'exits of workers':28} {self.exits}")
        lines.append("  measured / target")
        lines += [f"    {measure:28} {found.get(measure, 0):6} / 0" for measure in checks.MEASURES]
        for measure in dict.fromkeys(finding.measure for finding in self.findings):
            some = [finding for finding in self.findings if finding.measure == measure]
            lines += [f"  {measure}: {finding.text} {finding.job}" for finding in some[:5]]
            story = self.stories.get(some[0].job)
            if story:
                lines += [f"  the first one, job {some[0].job}:", story]
        lines += [f"  FEWER THAN PLANNED {text}" for text in self.shortfalls]
        lines.append("  good" if self.is_good else f"  NOT GOOD; again with: {self.options.command}")
        return "\n".join(lines)


def run(options: Options) -> Report:
    """Do it, and clean up."""
    begun = time.monotonic()
    folder = Path(options.folder) if options.folder else Path(tempfile.mkdtemp(prefix="onward-chaos-"))
    stage = Stage(folder, options.store, options.seed, options.lease_seconds, options.plant, options.jobs)
    try:
        stage.build(options.workers, options.clients, options.asks)
        without = [] if stage.preload else ["clock"]
        if options.store == "sqlite" and stage.mount is None:
            without.append("disk full")
        without += [kind for kind in plan.WEIGHTS[options.store] if options.faults and kind not in options.faults]
        faults = plan.draw(options.seed, options.seconds, options.store, options.lease_seconds, options.rate, without)
        show = Show(stage, faults, options.seconds)
        show.run()
        evidence = gather(stage.app, folder, options.lease_seconds)
        report = _report(options, show, evidence, stage)
    finally:
        stage.close()
    report.took_seconds = time.monotonic() - begun
    (folder / "report.json").write_text(json.dumps(report.as_dict(), indent=1))
    if report.is_good and not options.folder:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        report.said.append(f"what was written down lies in {folder}")
    return report


def _report(options: Options, show: Show, evidence: Evidence, stage: Stage) -> Report:
    findings = checks.check(evidence)
    findings += [Finding("orphan", text) for text in show.orphans]
    findings += [Finding("slow exit", text) for text in show.slow_exits]
    findings += [
        Finding("slow exit", f"{count} workers ended with {exit_}")
        for exit_, count in show.exits.items()
        if exit_.split()[0] in ("last", "terminate", "unasked")
        and exit_.split()[1] not in ("0", "75", "-9", str(WITHOUT_DATABASE))
    ]  # fmt: skip
    findings += [
        Finding("client died", f"{client.part.name} ended with {client.process.returncode}")
        for client in stage.clients
        if client.process is not None and client.process.poll() != 0
    ]
    steps = [line for line in evidence.lines if line.kind == "step"]
    statuses = Counter(row.status for row in evidence.rows.values())
    counts = {
        "jobs": len(evidence.rows),
        **{f"jobs {status}": count for status, count in sorted(statuses.items())},
        "steps": len(steps),
        "steps done again": len(steps) - len({(line.job, line.generation, line.phase, line.step) for line in steps}),
        "runs lost": sum(status == "lost" for runs in evidence.runs.values() for _, status, _ in runs),
        "stale writes refused outside": sum(refused for _, refused in evidence.sink.values()),
        "calls of clients": sum(act.what == "invoke" for act in evidence.acts),
        "calls with unknown end": sum(act.what == "info" for act in evidence.acts),
        "children looked for": show.children_checked,
    }
    figures = {"drained after seconds": show.drained_after, **_recovery(evidence)}
    stories = {}
    for measure in dict.fromkeys(finding.measure for finding in findings):
        job = next(finding.job for finding in findings if finding.measure == measure)
        if job:
            stories[job] = evidence.story(job)
    return Report(
        options,
        plan.counts(show.plan),
        dict(show.done),
        counts,
        figures,
        findings,
        stage.said,
        dict(show.exits),
        stories,
    )


def _is_held_up(evidence: Evidence, begin: int, end: int) -> bool:
    """Whether something else kept all workers from the database meanwhile, or may have."""
    kinds = ("stop inside", "stop")
    return any(
        (fault.actor == "*" or fault.kind in kinds) and fault.begin < end and fault.end > begin
        for fault in evidence.faults
    )


def _recovery(evidence: Evidence) -> dict[str, float]:
    """How long after a kill its jobs went on elsewhere."""
    found = []
    for lines in evidence.of_job.values():
        first: dict[int, int] = {}
        last: dict[int, int] = {}
        for line in lines:
            first.setdefault(line.fence, line.at)
            last[line.fence] = line.pid
        fences = sorted(first)
        for older, newer in itertools.pairwise(fences):
            pid = evidence.pids.get(last[older], last[older])
            kill = next((fault.begin for fault in evidence.by_pid.get(pid, []) if fault.kind == "kill"), None)
            if (
                kill is not None
                and first[older] < kill < first[newer]
                and not _is_held_up(evidence, kill, first[newer])
            ):
                found.append((first[newer] - kill) / 1e9)
    found.sort()
    if not found:
        return {}
    return {
        "recovery p50 seconds": found[len(found) // 2],
        "recovery p99 seconds": found[min(len(found) - 1, int(len(found) * 0.99))],
        "recoveries measured": float(len(found)),
    }
