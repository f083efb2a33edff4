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
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chaos import planted
from chaos.run import Options, run
from onward import Context
from onward.testing import simulate

RESULTS = Path(__file__).with_name("results.json")
STORES = ("sqlite", "pg")
PLANTED_SECONDS = 300.0
"""A planted fault must be found within this time, with start, healing and waiting for the last job."""
_PLANTED_PIECE_SECONDS = 45.0
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


PARTS = ("chaos", "planted", "simulation", "points", "calls")


def main() -> int:
    """Run all or some parts, print them, and write each into the file when it is done; 0 when nothing was found."""
    parser = argparse.ArgumentParser(prog="python -m chaos.proof", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0, help="of chaos, for each database")
    parser.add_argument("--hours", type=float, default=1000.0, help="of simulated time")
    parser.add_argument("--points", default="10000/2000", help="crash points: SQLite/PostgreSQL")
    parser.add_argument("--calls", choices=("all", "some"), default="all", help="system calls to meet")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--asks", type=float, default=Options().asks, help="calls a second of each client in chaos")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="what to run; the rest stays as it is")
    parser.add_argument(
        "--stores", nargs="+", choices=STORES, default=STORES, help="databases for chaos and planted faults"
    )
    parser.add_argument("--plant", nargs="+", choices=planted.names(), default=planted.names(), help="faults to plant")
    given = parser.parse_args()
    is_good = True
    for part in given.parts:
        match part:
            case "chaos":
                passed = [_chaos(store, given.seed, given.minutes * 60, given.asks) for store in given.stores]
                is_good = is_good and all(passed)
            case "planted":
                is_good = _planted(given.plant, given.stores, given.seed) and is_good
            case "simulation":
                is_good = _simulation(given.seed, given.hours) and is_good
            case "points":
                is_good = (
                    _pytest(part, "tests/crash/test_points.py", "-k", "every", "--points", given.points) and is_good
                )
            case "calls":
                which = "every" if given.calls == "all" else "some"
                is_good = _pytest(part, "tests/crash/test_system_calls.py", "-k", which) and is_good
    print(f"written to {RESULTS}; now: python docs/generate.py")
    return 0 if is_good else 1


def _keep(**parts: Any) -> None:
    """Put parts into the file beside those that are there."""
    found = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    today = {"at": datetime.now(UTC).strftime("%Y-%m-%d"), "cores": os.cpu_count(), "python": sys.version.split()[0]}
    RESULTS.write_text(json.dumps({**found, **today, **parts}, indent=1) + "\n")


def _kept(part: str) -> Any:
    return json.loads(RESULTS.read_text()).get(part) if RESULTS.exists() else None


def _chaos(store: str, seed: int, seconds: float, asks: float) -> bool:
    """Chaos on one database, in pieces of one seed each; the file has all pieces that are done."""
    others = [run_ for run_ in _kept("chaos") or [] if run_["store"] != store]
    found: list[dict[str, Any]] = []
    left, number = seconds, seed
    while left > 0:
        piece = min(_PIECE_SECONDS, left)
        report = run(Options(seed=number, seconds=piece, store=store, asks=asks))
        print(report.text(), flush=True)
        problems = [f"{each.measure}: {each.text}" for each in report.findings] + report.shortfalls
        found.append({**report.as_dict(), "problems": problems})
        _keep(chaos=sorted([*others, *found], key=lambda run_: STORES.index(run_["store"])))
        left, number = left - piece, number + 1
    return not any(run_["problems"] for run_ in found)


def _planted(names: Sequence[str], stores: Sequence[str], seed: int) -> bool:
    """Planted faults on both databases, and the seconds of chaos in which each was found."""
    is_good = True
    for name in names:
        for store in [store for store in planted.stores(name) if store in stores]:
            found = planted_run(name, store, seed)
            print(json.dumps(found), flush=True)
            others = [one for one in _kept("planted") or [] if (one["fault"], one["store"]) != (name, store)]
            order = planted.names()
            _keep(planted=sorted([*others, found], key=lambda one: (order.index(one["fault"]), one["store"] == "pg")))
            is_good = is_good and found["seconds"] is not None
    return is_good


def planted_run(name: str, store: str, seed: int) -> dict[str, Any]:
    """Chaos with a planted fault, for at most five minutes: under what it was found, and after how many seconds."""
    wanted, seconds = planted.found_as(name), 0.0
    while seconds < PLANTED_SECONDS:
        report = run(Options(seed=seed, seconds=_PLANTED_PIECE_SECONDS, store=store, plant=name, **planted.how(name)))
        seconds, seed = seconds + report.took_seconds, seed + 1
        measures = sorted({each.measure for each in report.findings})
        if wanted & set(measures):
            return {"fault": name, "store": store, "seconds": round(seconds), "as": sorted(wanted & set(measures))}
    return {"fault": name, "store": store, "seconds": None, "as": []}


def _simulation(seed: int, hours: float) -> bool:
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
    _keep(simulation=total)
    return not total["problems"]


def _pytest(part: str, *words: str) -> bool:
    """What the tests print, as figures in the file, and whether they have passed."""
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
    _keep(**{part: figures})
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
