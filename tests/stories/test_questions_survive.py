"""Workers die right after they have asked; each question is asked once, and waits for its answer without them."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app_fixtures import rows
from tests.stories.processes import Site, tell, wait_until

COUNT = 4


@pytest.fixture
def site(tmp_path: Path, prepared_url: str) -> Iterator[Site]:
    made = Site(tmp_path / "site", prepared_url)
    yield made
    made.close()


def test_worker_killed_right_after_asking_asks_once(site: Site) -> None:
    chance, app = random.Random(11), site.app
    job = app.submit("questions", {"name": "asked", "count": COUNT})
    for number in range(COUNT):
        worker = site.start(concurrency=1)
        wait_until(lambda: any(line.startswith(f"left {number} {worker.pid}") for line in site.lines("asked")), "it")
        time.sleep(chance.choice([0, 0.001, 0.005, 0.05]))
        site.kill(worker)
        # Killed before the question was written it is asked by the next worker; after that it stands.
        if app.get(job.id).status != "pending_hitl":
            tell(f"killed before question {number} was written")
            spare = site.start(concurrency=1)
            wait_until(lambda: app.get(job.id).status == "pending_hitl", "the question")
            site.kill(spare)
        found = app.questions.list(None, job_id=job.id)
        assert [(question.data, question.state) for question in found] == [
            (number, "open"), *[(earlier, "answered") for earlier in reversed(range(number))],
        ]  # fmt: skip
        app.answer(job.id, f"answer {number}", question_id=found[0].id)
    site.start(concurrency=1)
    done = app.wait(job.id, timeout=20)
    assert (done.status, done.result) == ("completed", [f"answer {number}" for number in range(COUNT)])
    assert rows(app, "SELECT count(*) FROM questions") == [(COUNT,)]
    asked = [event for event in app.history(job.id) if event.kind == "asked"]
    assert len(asked) == COUNT
    assert app.database.check() == []
