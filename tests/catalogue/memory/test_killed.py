"""A worker is killed while a model answers: another one goes on, and no answer is paid for twice."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from onward import Onward
from onward.catalogue.memory import JOB_TYPES, AssistantMemory
from tests.app_fixtures import PATIENCE, ended, quick_settings
from tests.catalogue.memory.runs import chats
from tests.catalogue.model_server import Body, ModelServer

WORKER = """
from onward import Onward
from onward.catalogue.memory import JOB_TYPES
from tests.app_fixtures import quick_settings

app = Onward(settings=quick_settings({url!r}, models={models!r}))
app.include(JOB_TYPES)
app.worker(concurrency=1).run()
"""
ROOT = Path(__file__).parents[3]


class Killed:
    """A worker process that is killed when the model is asked for the third time."""

    def __init__(self, folder: Path, url: str, server: ModelServer) -> None:
        self.models = {"local_address": server.url, "attempts": 2}
        self.process: subprocess.Popen[bytes] | None = None
        self.fell = threading.Event()
        self._file = folder / "killed_worker.py"
        self._file.write_text(WORKER.format(url=url, models=self.models))
        self._seen = 0

    def start(self) -> None:
        path = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
        self.process = subprocess.Popen([sys.executable, str(self._file)], env={**os.environ, "PYTHONPATH": path})

    def strike(self) -> None:
        """Called for every question to the model."""
        self._seen += 1
        if self._seen == 3 and self.process is not None:
            os.kill(self.process.pid, signal.SIGKILL)
            self.process.wait(PATIENCE)
            self.fell.set()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(PATIENCE)


@pytest.fixture
def killed(tmp_path: Path, prepared_url: str, server: ModelServer) -> Iterator[Killed]:
    made = Killed(tmp_path, prepared_url, server)
    yield made
    made.stop()


@pytest.fixture
def app(killed: Killed, prepared_url: str) -> Iterator[Onward]:
    made = Onward(settings=quick_settings(prepared_url, models=killed.models))
    made.include(JOB_TYPES)
    yield made
    made.close()


def go_on(app: Onward, killed: Killed, job_id: str) -> dict[str, object]:
    """What the job comes to after its worker has died."""
    killed.start()
    assert killed.fell.wait(PATIENCE * 2), "the model was never asked for the third time"
    with app.worker(concurrency=1):
        job = ended(app, job_id, PATIENCE * 2)
    assert job.status == "completed", job.error
    result: dict[str, object] = job.result["bots"]["default"]
    return result


def test_profiles_are_made_once_each(app: Onward, killed: Killed, server: ModelServer) -> None:
    memory = AssistantMemory(app.connect)
    people = [f"person {name}" for name in "abcdef"]
    for person in people:
        memory.learn("user", person, "food", "likes", f"tea of {person}")

    def say(body: Body) -> str:
        killed.strike()
        found = re.search(r"tea of person \w", body["messages"][1]["content"])
        text = f"Likes {found[0]}." if found else "?"
        return json.dumps({"facts": [{"fact": text, "from": [1]}], "summary": text})

    server.say = say
    report = go_on(app, killed, app.submit("profile_maintenance", {}).id)
    assert report["updated"] == len(people)
    assert len(chats(server)) == len(people) + 1, "only the question under way is asked again"
    for person in people:
        assert memory.profile_summary("user", person) == f"Likes tea of {person}."
        assert len(memory.summaries("user", person)) == 1


def test_clusters_are_merged_once_each(app: Onward, killed: Killed, server: ModelServer) -> None:
    memory = AssistantMemory(app.connect, app.settings)
    subjects = ("green tea", "old trains", "chess", "the sea", "baroque music")
    for subject in subjects:
        for text in (f"Ana likes {subject}.", f"Ana likes {subject} very much.", f"What Ana likes is {subject}."):
            memory.add(text, tags=[subject], sources=[text])
    for one in memory.list(limit=100):
        memory.touch([one.id])

    def say(body: Body) -> str:
        killed.strike()
        subject = next(subject for subject in subjects if subject in body["messages"][1]["content"])
        return json.dumps({"content": f"Ana likes {subject} very much."})

    server.say = say
    report = go_on(app, killed, app.submit("memory_consolidation", {}).id)
    assert (report["merges"], report["merged"]) == (5, 15)
    assert len(chats(server)) == 6
    in_use = memory.list()
    assert sorted(one.content for one in in_use) == sorted(f"Ana likes {subject} very much." for subject in subjects)
    assert all((len(one.tags), len(one.sources), one.access_count) == (1, 3, 3) for one in in_use)
    for one in in_use:
        assert len(memory.unmerge(one.id)) == 3
    assert len(memory.list(limit=100)) == 15
