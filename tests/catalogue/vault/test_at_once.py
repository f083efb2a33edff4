"""Workers that are killed in the middle of a sync, and two syncs of one vault, one behind the other."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

from onward import Onward
from onward.catalogue.vault import JOB_TYPES
from onward.model.states import ENDED
from tests.app_fixtures import ended, pause, quick_settings, until
from tests.catalogue.vault.graphs import Place, mark

WORKER = """
from onward import Onward
from onward.catalogue.vault import JOB_TYPES
from tests.app_fixtures import quick_settings

app = Onward(settings=quick_settings({url!r}, vault={vault!r}, worker={{"lease_seconds": 2}}))
app.include(JOB_TYPES)
app.worker(concurrency=2).run()
"""
ROOT = Path(__file__).parents[3]
NOTES = 700


def fill(place: Place, word: str) -> None:
    for number in range(NOTES):
        blocks = (f"{word} {number}.{each} {mark(f'b{number}x{each}')}\n" for each in range(3))
        place.write(f"tier{number % 3 + 1}/{number}.md", "\n".join(blocks))


def settings_of(place: Place, folder: Path) -> dict[str, str]:
    return {"path": str(place.folder), "graph_file": str(folder / "vault.graph")}


def test_a_sync_whose_workers_are_killed_ends_like_one_that_nobody_disturbs(tmp_path: Path) -> None:
    for name in ("whole", "killed"):
        (tmp_path / name).mkdir()
    whole = Place(tmp_path / "whole", graph_file=str(tmp_path / "whole" / "vault.graph"))
    place = Place(tmp_path / "killed", graph_file=str(tmp_path / "killed" / "vault.graph"))
    for each in (whole, place):
        fill(each, "first")
    whole.sync()
    url, vault = f"sqlite:///{tmp_path / 'jobs.db'}", settings_of(place, tmp_path / "killed")
    app = Onward(settings=quick_settings(url, vault=vault))
    app.include(JOB_TYPES)
    app.database.upgrade()
    (tmp_path / "worker.py").write_text(WORKER.format(url=url, vault=vault))
    job = app.submit("vault_sync")
    chance, kills = random.Random(7), 0
    while app.get(job.id).status not in ENDED:
        process = subprocess.Popen([sys.executable, str(tmp_path / "worker.py")], env=_environment(), cwd=tmp_path)
        seen = app.get(job.id)
        until(lambda: _is_further(app, job.id, seen.progress.done), "some progress", 120)
        if kills < 3:
            pause(chance.uniform(0, 0.3))
            process.kill()
            kills += 1
        else:
            ended(app, job)
            process.send_signal(signal.SIGTERM)
        process.wait(60)
    done = app.get(job.id)
    # On a starved machine it may be through before the third one comes.
    assert (done.status, kills > 0) == ("completed", True), done.error
    assert (done.result["files"], done.result["blocks"]) == (NOTES, 3 * NOTES)
    assert place.state() == whole.state()
    assert place.counts() == {}
    app.close()


def _is_further(app: Onward, job_id: str, done: int | None) -> bool:
    found = app.get(job_id)
    return found.status in ENDED or (found.progress.done or 0) > (done or 0)


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}


def test_two_syncs_of_an_embedded_graph_wait_for_each_other(tmp_path: Path) -> None:
    place = Place(tmp_path, graph_file=str(tmp_path / "vault.graph"))
    for number in range(150):
        place.write(f"tier1/{number}.md", f"text {number} {mark(f'b{number}')}\n")
    app = Onward(settings=quick_settings(f"sqlite:///{tmp_path / 'jobs.db'}", vault=settings_of(place, tmp_path)))
    app.include(JOB_TYPES)
    with app.worker(concurrency=2):
        jobs = [app.submit("vault_sync", {"assign_markers": each}) for each in (False, True)]
        first, second = sorted((ended(app, job) for job in jobs), key=lambda job: job.completed_at or job.created_at)
    assert [first.status, second.status] == ["completed", "completed"], [first.error, second.error]
    assert first.completed_at is not None
    assert second.started_at is not None
    assert first.completed_at <= second.started_at
    assert first.result["created"] + second.result["created"] == 150
    app.close()
