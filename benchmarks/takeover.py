"""After ``kill -9`` of a worker, how soon does its job go on elsewhere, or in the same worker started again?"""

from __future__ import annotations

import time

from benchmarks.figure import Figure, Target
from benchmarks.workload import NAP_SECONDS, kill, make_app, settle, start_worker, walked, workers

STEPS = 100


def measure(target: Target) -> list[Figure]:
    """From the kill to the end of the first step of whoever goes on, less the step itself; and what was done twice."""
    other, other_again = _lose(target, restart=False)
    same, same_again = _lose(target, restart=True)
    return [
        Figure("another worker goes on", other, "s", 3, "lower"),
        Figure("another worker: steps done twice", other_again, "steps", 0, "lower"),
        Figure("the same worker, started again", same, "s", 1.5, "lower"),
        Figure("the same worker: steps done twice", same_again, "steps", 0, "lower"),
    ]


def _lose(target: Target, *, restart: bool) -> tuple[float, int]:
    app = make_app(target.url, target.folder)
    file = target.folder / f"walked-{restart}"
    with workers(target, 1 if restart else 2) as started:
        settle(app)
        job = app.submit("walk", {"count": STEPS, "name": file.name})
        while len(walked(file)) < STEPS // 3:
            time.sleep(0.005)
        pid = walked(file)[-1][1]
        busy = next(process for process in started if process.pid == pid)
        # In the middle of a step: those before it are kept.
        time.sleep(NAP_SECONDS / 2)
        kill(busy)
        killed_at = time.time()
        before = walked(file)
        if restart:
            started.append(start_worker(target))
        while len(walked(file)) < len(before) + 5:
            time.sleep(0.005)
            if time.time() - killed_at > 120:
                raise TimeoutError("nobody took the job over within 120 s")
        after = walked(file)[len(before) :]
        app.cancel(job.id)
        app.close()
    done = {number for number, _, _ in before}
    again = sum(1 for number, _, _ in after if number in done)
    return after[0][2] - NAP_SECONDS - killed_at, again
