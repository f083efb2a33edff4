"""The whole way with real articles: a ZIM file becomes a searchable source while workers are killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from onward import Job, Onward, Settings
from onward.catalogue.sources import search
from onward.catalogue.sources.outside.vector_store import open_store
from tests.catalogue.real_corpus import write_real_zim

APP = """
from onward import Onward, Settings
app = Onward(settings=Settings(
    database={{"url": "sqlite:///{folder}/onward.db"}}, backup_path="{folder}/backup",
    worker={{"reap_seconds": 0.2, "progress_seconds": 0.2}}, checkpoint={{"every_items": {every}, "every_seconds": 5}},
))
app.include_catalogue()
"""
EXPECTED = {
    "how do I undo the last commit": "git",
    "rebase a branch onto another": "git",
    "sort a list in place": "python",
    "open a file and read its lines": "python",
    "regular expressions": "python",
    "vacuum a table to reclaim storage": "postgresql",
    "create an index on a column": "postgresql",
    "replication slots and standby servers": "postgresql",
    "install packages with apt": "debian-handbook",
    "configure a firewall with netfilter": "debian-handbook",
}
"""Questions that a person would ask, and the package in whose pages the answer stands."""


class House:
    """An application in a folder and worker processes on it."""

    def __init__(self, folder: Path, every: int) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        self.backup = folder / "backup"
        (folder / "made_app.py").write_text(APP.format(folder=folder, every=every))
        settings = Settings(database={"url": f"sqlite:///{folder}/onward.db"}, backup_path=str(self.backup))
        self.app = Onward(settings=settings)
        self.app.include_catalogue()
        self.app.database.upgrade()
        self.process: subprocess.Popen[bytes] | None = None

    def run(self, *arguments: str) -> str:
        paths = os.pathsep.join([str(self.folder), *(path for path in sys.path if path)])
        done = subprocess.run(
            [sys.executable, "-m", "onward", *arguments],
            env={**os.environ, "PYTHONPATH": paths, "ONWARD_APP": "made_app:app"},
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    def start(self) -> None:
        code = "import sys; from made_app import app; sys.exit(app.worker(concurrency=2).run())"
        paths = os.pathsep.join([str(self.folder), *(path for path in sys.path if path)])
        self.process = subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": paths})

    def kill(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def phase(self, chain: Job, job_type: str) -> Job | None:
        return next((child for child in self.app.children(chain.id) if child.job_type == job_type), None)

    def close(self) -> None:
        self.kill()
        self.app.close()


@pytest.fixture
def houses(tmp_path: Path) -> Iterator[list[House]]:
    made: list[House] = []
    yield made
    for house in made:
        house.close()


def until(fact: Any, what: str, seconds: float) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = fact()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"{what} has not come within {seconds} s")


def contents(backup: Path) -> dict[str, Any]:
    """All passages with their vectors, but for the last digits, which depend on what stood beside them."""
    with open_store(backup, 384)._open() as collection:
        found = collection.get(include=["embeddings", "metadatas", "documents"])
    rows = zip(found["ids"], found["embeddings"], found["metadatas"], found["documents"], strict=True)
    return {key: ([round(float(x), 2) for x in vector[:16]], data, text) for key, vector, data, text in rows}


def generate(house: House, zim: Path, kills: list[tuple[str, float]], patience: float) -> Job:
    """Run ``generate_source`` with a worker that is killed when a phase is so far; the chain's job."""
    (house.backup / "docs").mkdir(parents=True)
    (house.backup / "docs" / "docs.zim").hardlink_to(zim)
    arguments = ["run", "generate_source", "--source", "docs", "-a", "index_offline.max_passages=1", "--json"]
    chain = house.app.get(json.loads(house.run(*arguments))["id"])
    house.start()
    for job_type, share in kills:

        def is_so_far(job_type: str = job_type, share: float = share) -> bool:
            phase = house.phase(chain, job_type)
            done, total = (phase.progress.done, phase.progress.total) if phase else (None, None)
            return bool(done and total and done >= total * share)

        until(is_so_far, f"{share:.0%} of {job_type}", patience)
        house.kill()
        house.start()
    return until(lambda: _ended(house.app.get(chain.id)), "the end", patience)


def _ended(job: Job) -> Job | None:
    return job if job.status in ("completed", "failed", "cancelled") else None


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_a_source_is_made_though_its_workers_are_killed(tmp_path: Path, houses: list[House]) -> None:
    count = 2000
    zim = tmp_path / "docs.zim"
    addresses = write_real_zim(zim, count)
    patience = 300 + count * 3.0
    every = max(5, count // 20)
    killed = House(tmp_path / "killed", every)
    houses.append(killed)
    kills = [("metadata", 0.3), ("index_offline", 0.1), ("index_offline", 0.6)]
    job = generate(killed, zim, kills, patience)
    assert job.error is None
    results = {child.job_type: child.result for child in killed.app.children(job.id)}
    assert results["metadata"]["documents"] == len(addresses)
    assert results["index_online"]["skipped"]
    assert results["suggest_tags"]["tags"]
    attempts = [run.status for child in killed.app.children(job.id) for run in killed.app.runs(child.id)]
    assert sum(str(status) == "lost" for status in attempts) == 3
    killed.kill()
    whole = House(tmp_path / "whole", every)
    houses.append(whole)
    assert generate(whole, zim, [], patience).error is None
    assert contents(killed.backup) == contents(whole.backup)
    metadata = "docs/_metadata.json"
    assert (killed.backup / metadata).read_bytes() == (whole.backup / metadata).read_bytes()
    hits = {asked: [hit.url for hit in search(killed.backup, asked, k=5)] for asked in EXPECTED}
    wrong = {asked: hits[asked] for asked, place in EXPECTED.items() if not any(place in url for url in hits[asked])}
    assert len(wrong) <= 1, wrong
