"""The long proof: chaos on both databases, simulated hours, crash points, system calls; its figures go into a file.

``python -m chaos.proof --minutes 30`` is what ``make proof`` runs. ``docs/generate.py`` makes the published crash
matrix of the file, which says how much was run and when.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chaos.run import Options, run
from onward import Context
from onward.testing import simulate

RESULTS = Path(__file__).with_name("results.json")
_PIECE_SECONDS = 300.0
"""A run of chaos is no longer than this; more minutes are more seeds."""
_POINTS = re.compile(r"crash points: (\d+) / (\d+) run, (\d+) deaths")
_CALLS = re.compile(r"system calls of (\w+): (\d+) tried, (\d+) met")
_SUMMARY = re.compile(r"(\d+) (passed|failed|skipped|error)")


def steady(ctx: Context, n: int = 6) -> list[int]:
    """The job of the simulation: items, steps, partial work, a sleep and a last save."""
    for item in ctx.each(range(n), every=2):
        ctx.state["sum"] = ctx.state.get("sum", 0) + ctx.step("double", _double, item)
        ctx.partial().append(item)
    ctx.sleep(30)
    ctx.checkpoint(flush=True)
    return [ctx.state["sum"], len(list(ctx.partial()))]


def _double(item: int) -> int:
    return item * 2


def main() -> int:
    """Run all, print it, and write the file; 0 when nothing was found."""
    parser = argparse.ArgumentParser(prog="python -m chaos.proof", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0, help="of chaos, for each database")
    parser.add_argument("--hours", type=float, default=1000.0, help="of simulated time")
    parser.add_argument("--points", default="10000/2000", help="crash points: SQLite/PostgreSQL; 0 for none")
    parser.add_argument("--calls", choices=("all", "some", "none"), default="all", help="system calls to meet")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    found: dict[str, Any] = {
        "at": datetime.now(UTC).strftime("%Y-%m-%d"), "cores": os.cpu_count(), "python": sys.version.split()[0],
        "chaos": _chaos(given.seed, given.minutes * 60), "simulation": _simulation(given.seed, given.hours),
    }  # fmt: skip
    is_good = not any(run_["problems"] for run_ in found["chaos"]) and not found["simulation"]["problems"]
    if given.points != "0":
        found["points"], passed = _pytest("tests/crash/test_points.py", "-k", "every", "--points", given.points)
        is_good = is_good and passed
    if given.calls != "none":
        which = "every" if given.calls == "all" else "some"
        found["calls"], passed = _pytest("tests/crash/test_system_calls.py", "-k", which)
        is_good = is_good and passed
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")
    print(f"written to {RESULTS}; now: python docs/generate.py")
    return 0 if is_good else 1


def _chaos(seed: int, seconds: float) -> list[dict[str, Any]]:
    found = []
    for store in ("sqlite", "pg"):
        left, number = seconds, seed
        while left > 0:
            piece = min(_PIECE_SECONDS, left)
            report = run(Options(seed=number, seconds=piece, store=store))
            print(report.text(), flush=True)
            problems = [f"{each.measure}: {each.text}" for each in report.findings] + report.shortfalls
            found.append({**report.as_dict(), "problems": problems})
            left, number = left - piece, number + 1
    return found


def _simulation(seed: int, hours: float) -> dict[str, Any]:
    begun = time.monotonic()
    total: dict[str, Any] = {"planned_hours": hours, "hours": 0.0, "jobs": 0, "events": 0, "seeds": 0, "problems": []}
    faults: dict[str, int] = {}
    while total["hours"] < hours - 0.01:
        found = simulate(steady, {"n": 5}, seed=seed + total["seeds"], hours=min(4.0, hours - total["hours"]))
        total["hours"] += found.simulated_hours
        total["jobs"] += found.jobs
        total["events"] += found.events
        total["seeds"] += 1
        for kind, count in found.counts.items():
            faults[kind] = faults.get(kind, 0) + count
        if found.problems:
            total["problems"].append(found.text())
            print(found.text(), flush=True)
        if len(total["problems"]) >= 3:
            break
    total["faults"], total["seconds"] = faults, round(time.monotonic() - begun, 1)
    print(f"simulation: {total['hours']:.1f} / {hours:g} hours, {total['events']} events", flush=True)
    return total


def _pytest(*words: str) -> tuple[dict[str, Any], bool]:
    """What the tests print, as figures, and whether they have passed."""
    command = [sys.executable, "-m", "pytest", "-s", "-q", "--timeout=7200", "-m", "slow or not slow", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    print(done.stdout[-3000:], flush=True)
    points = [tuple(map(int, found)) for found in _POINTS.findall(done.stdout)]
    calls = _CALLS.findall(done.stdout)
    figures = {
        "run": sum(each[0] for each in points), "planned": sum(each[1] for each in points),
        "deaths": sum(each[2] for each in points), "tried": sum(int(call[1]) for call in calls),
        "met": sum(int(call[2]) for call in calls), "acts": [call[0] for call in calls],
        "tests": {word: int(count) for count, word in _SUMMARY.findall(done.stdout[-400:])},
    }  # fmt: skip
    return figures, done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
