"""Do 450,000 items in 8 ranges, whose workers are killed at random, come out as one undisturbed run, and at what cost?

``python -m benchmarks.ranges`` measures on a SQLite file, prints what was saved for how many items, and draws it in
``benchmarks/ranges.svg``; ``python -m benchmarks.ranges ADDRESS FOLDER`` is a worker process.
"""

# ruff: noqa: S608 - the id is our own
from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.figure import Figure, Target
from benchmarks.workload import ROOT, WAIT_SECONDS, kill, wait_until
from onward import Context, Onward

PARTS = 8
WORKERS = 2
KILLS = 6
STEPS = 4
"""Sizes of the work at which the cost is taken, up to the full one."""


def make_app(address: str) -> Onward:
    """An application with the ranges and their merge."""
    app = Onward(address)

    @app.job(max_losses=1000)
    def extract(ctx: Context) -> int:
        for item in ctx.each(ctx.range.items):
            ctx.partial().append({"id": item, "text": f"document {item}"})
        return ctx.range.size

    @app.job(max_losses=1000)
    def merge(ctx: Context, total: int) -> dict[str, Any]:
        sizes = ctx.fan_out(extract, total, PARTS)
        found = hashlib.sha256()
        for record in ctx.range_partials(extract):
            found.update(f"{record['id']} {record['text']}\n".encode())
        with ctx.transaction() as connection:
            saved = connection.exec_driver_sql("SELECT count(*), sum(length(records)) FROM job_partials").fetchone()
            points = connection.exec_driver_sql(
                f"SELECT sum(checkpoint_number) FROM jobs WHERE family IS NOT NULL AND parent_id = '{ctx.job_id}'"
            ).fetchone()
        return {"items": sum(sizes), "digest": found.hexdigest(), "bytes": int(saved[1]), "points": int(points[0])}

    return app


def expected(total: int) -> str:
    """The digest of one run that nothing disturbs."""
    found = hashlib.sha256()
    for item in range(total):
        found.update(f"{item} document {item}\n".encode())
    return found.hexdigest()


def start(target: Target) -> subprocess.Popen[bytes]:
    """A worker process in a session of its own."""
    command = [sys.executable, "-m", "benchmarks.ranges", target.url, str(target.folder)]
    return subprocess.Popen(command, cwd=ROOT, start_new_session=True)


def run(target: Target, total: int, kills: int) -> dict[str, Any]:
    """One fan-out with worker processes, of which so many are killed; what it gave and how long it took."""
    app, chance = make_app(target.url), random.Random(total)
    started = [start(target) for _ in range(WORKERS)]
    try:
        pids = {process.pid for process in started}
        wait_until(lambda: pids <= {worker.pid for worker in app.workers.list(alive=True)})
        begun = time.perf_counter()
        job = app.submit("merge", {"total": total})
        wait_until(lambda: app.children(job.id) or app.get(job.id).status.is_ended)
        done = 0
        while done < kills and not app.get(job.id).status.is_ended:
            time.sleep(chance.uniform(0.3, 1.0))
            victim = chance.randrange(len(started))
            kill(started[victim])
            started[victim] = start(target)
            done += 1
        ended = app.wait(job.id, timeout=WAIT_SECONDS)
        assert isinstance(ended.result, dict), ended.error
        lost = sum(run.status == "lost" for child in app.children(job.id) for run in app.runs(child.id))
        return ended.result | {"seconds": time.perf_counter() - begun, "kills": done, "lost": lost}
    finally:
        for process in started:
            kill(process)
        app.close()


def measure(target: Target) -> list[Figure]:
    """The full size undisturbed and with kills; both must give the digest of a plain loop."""
    total = target.size(450_000, 40_000)
    calm, killed = run(target, total, 0), run(target, total, KILLS)
    assert calm["digest"] == killed["digest"] == expected(total)
    return [
        Figure("undisturbed, items in ranges and merged", total / calm["seconds"], "items/s"),
        Figure("with workers killed, items", total / killed["seconds"], "items/s"),
        Figure("runs of ranges that were lost", killed["lost"], "runs", None, "lower"),
        Figure("saved for an item, checkpoints and partial work", calm["bytes"] / total, "bytes", None, "lower"),
        Figure("checkpoints", calm["points"], "points", None, "lower"),
    ]


def curve(target: Target, full: int) -> list[dict[str, Any]]:
    """The cost at several sizes."""
    return [run(target, full * n // STEPS, 0) for n in range(1, STEPS + 1)]


def draw(points: list[dict[str, Any]], killed: dict[str, Any]) -> str:
    """Seconds and saved bytes over items, as SVG."""
    width, height, edge = 560, 300, 50
    most = {key: max(point[key] for point in [*points, killed]) for key in ("items", "seconds", "bytes")}

    def place(point: dict[str, Any], key: str) -> str:
        x = edge + (width - 2 * edge) * point["items"] / most["items"]
        return f"{x:.0f},{height - edge - (height - 2 * edge) * point[key] / most[key]:.0f}"

    zero = {"items": 0, "seconds": 0, "bytes": 0}
    lines = [
        f'<polyline fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}" '
        f'points="{" ".join(place(point, key) for point in [zero, *points])}"/>'
        for key, colour, dash in (("bytes", "#1f6feb", "none"), ("seconds", "#c2410c", "6 4"))
    ]
    x, y = place(killed, "seconds").split(",")
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
            'font-size="12">',
            f'<rect width="{width}" height="{height}" fill="white"/>',
            f'<path d="M{edge},{edge}V{height - edge}H{width - edge}" stroke="#555" fill="none"/>',
            *lines,
            f'<circle cx="{x}" cy="{y}" r="5" fill="none" stroke="#c2410c"/>',
            f'<text x="{edge}" y="20">Work in {PARTS} ranges: cost over items (to {most["items"]:,})</text>',
            f'<text x="{edge}" y="36" fill="#1f6feb">saved bytes, up to {most["bytes"]:,} (solid)</text>',
            f'<text x="{edge + 230}" y="36" fill="#c2410c">seconds, up to {most["seconds"]:.1f} (dashed); '
            f"circle: {killed['kills']} kills</text>",
            "</svg>",
            "",
        ]
    )


def main() -> None:
    """A worker process, or the whole measurement on a SQLite file."""
    if len(sys.argv) > 1:
        make_app(sys.argv[1]).worker(concurrency=2).run()
        return
    with tempfile.TemporaryDirectory() as folder:
        target = Target("sqlite", f"sqlite:///{folder}/jobs.db", Path(folder))
        full = int(os.environ.get("ITEMS", "450000"))
        points = curve(target, full)
        killed = run(target, full, KILLS)
        assert killed["digest"] == points[-1]["digest"] == expected(full)
    for point in [*points, killed]:
        print(
            f"{point['items']:>8,} items  {point['bytes']:>12,} bytes saved  {point['bytes'] / point['items']:5.1f} "
            f"bytes/item  {point['points']:>5} checkpoints  {point['seconds']:6.1f} s  {point['kills']} kills, "
            f"{point['lost']} runs lost"
        )
    print("The killed run's records are those of an undisturbed one.")
    (Path(__file__).parent / "ranges.svg").write_text(draw(points, killed))


if __name__ == "__main__":
    main()
