"""The vector database across processes: readers beside a writer, and a writer that is killed."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from onward.catalogue.sources.outside.vector_store import VectorStore, open_store

WRITER = """
import sys
from onward.catalogue.sources.outside.vector_store import Passage, open_store
from tests.catalogue.test_vector_store import vector
store = open_store(sys.argv[1], 384)
first = store.count()
for start in range(first, first + int(sys.argv[2]), 100):
    numbers = range(start, start + 100)
    passages = [Passage(f"s:d{n}:0", "s", f"d{n}", 0, 1, "r", f"T{n}", f"u{n}", f"text {n}") for n in numbers]
    store.add(passages, [vector(n) for n in numbers])
    print(start + 100, flush=True)
"""
READER = """
import sys
from onward.catalogue.sources.outside.vector_store import open_store
from tests.catalogue.test_vector_store import vector
store = open_store(sys.argv[1], 384)
for _ in range(int(sys.argv[2])):
    count = store.count()
    wrong = [n for n in (0, count // 2, count - 1) if store.nearest(vector(n), 3, "s")[0].document != f"d{n}"]
    print(count, wrong, flush=True)
"""


def vector(number: int) -> list[float]:
    """A direction of its own for each number, always the same."""
    import numpy

    found: list[float] = numpy.random.default_rng(number).normal(size=384).tolist()
    return found


def start(script: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", script, *map(str, arguments)]
    root = Path(__file__).parents[2]
    paths = f"{root}:{root / 'src'}"
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": paths}, cwd=root)


def lines(process: subprocess.Popen[str]) -> Iterator[str]:
    assert process.stdout is not None
    return iter(process.stdout)


@pytest.fixture
def store(backup: Path) -> Iterator[VectorStore]:
    found = open_store(backup, 384)
    yield found
    found.close()


def test_readers_in_other_processes_see_whole_batches_beside_a_writer(backup: Path, store: VectorStore) -> None:
    writer = start(WRITER, backup, 1200)
    assert next(lines(writer)) == "100\n"
    reader = start(READER, backup, 8)
    seen = []
    while writer.poll() is None:
        count = store.count()
        seen.append(count)
        assert store.nearest(vector(count - 1), 1)[0].document == f"d{count - 1}"
    told = [line.split(" ", 1) for line in lines(reader)]
    assert reader.wait() == 0
    assert writer.wait() == 0
    assert {wrong.strip() for _, wrong in told} == {"[]"}
    assert len(told) == 8
    assert all(count % 100 == 0 for count in seen + [int(count) for count, _ in told])
    assert seen == sorted(seen)
    assert store.count() == 1200


def test_a_killed_writer_leaves_a_database_that_opens_with_all_it_had(backup: Path) -> None:
    last = 0
    for batches in (3, 7):
        writer = start(WRITER, backup, 100_000)
        told = lines(writer)
        for _ in range(batches):
            last = int(next(told))
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        reader = start(READER, backup, 1)
        count, wrong = next(lines(reader)).split(" ", 1)
        assert reader.wait() == 0
        assert wrong.strip() == "[]"
        assert last <= int(count) <= last + 200
        assert int(count) % 100 == 0
        last = int(count)


def test_search_works_in_another_process_while_an_index_is_made(backup: Path, store: VectorStore) -> None:
    from onward.catalogue.sources import search
    from tests.catalogue.corpus import write_folder
    from tests.catalogue.desk import Desk

    write_folder(backup / "lib")
    Desk("metadata", backup, "lib").run()
    Desk("index_offline", backup, "lib").run()
    writer = start(WRITER, backup, 600)
    next(lines(writer))
    script = "import sys; from onward.catalogue.sources import search; print(search(sys.argv[1], 'planets')[0].title)"
    assert list(lines(start(script, backup))) == ["Planets\n"]
    assert search(backup, "cycling", source_id="lib", k=1)[0].title == "Bicycle"
    for _ in lines(writer):
        pass
    assert writer.wait() == 0
