"""What does it cost that work on a source is durable, what does resuming cost, and how is a source best deleted?

``python -m benchmarks.sources [--quick] [deletion] [durable]`` measures and prints; ``--out`` writes SOURCES.md.
Times are seconds of the processor where it says so, since a shared machine makes the others mean little.
"""

from __future__ import annotations

import argparse
import contextlib
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import chromadb
import numpy
from chromadb.config import Settings as ChromaSettings

from benchmarks.workload import ROOT

OUT = Path(__file__).parent / "SOURCES.md"
CONFIGURATION = {
    "hnsw": {"space": "cosine", "sync_threshold": 2_000_000_000, "ef_construction": 64, "max_neighbors": 12}
}
BATCH, LARGE_BATCH = 250, 1000
Rows = list[tuple[str, ...]]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("questions", nargs="*", default=["deletion", "durable"])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--out", action="store_true")
    options = parser.parse_args()
    parts = [f"# Sources\n\n{(__doc__ or '').splitlines()[0]}\n"]
    for question in options.questions:
        with tempfile.TemporaryDirectory(prefix="onward-sources-") as folder:
            parts.append(QUESTIONS[question](Path(folder), options.quick))
            print(parts[-1], flush=True)
    if options.out:
        OUT.write_text("\n".join(parts), encoding="utf-8")


def table(title: str, words: str, head: tuple[str, ...], rows: Rows) -> str:
    lines = [f"| {' | '.join(row)} |" for row in (head, ("---",) * len(head), *rows)]
    return f"## {title}\n\n{words}\n\n" + "\n".join(lines) + "\n"


# ---- deletion -----------------------------------------------------------------------------------------------


def deletion(folder: Path, quick: bool) -> str:
    """Six ways to take one source out of a database of several, while a thread lives and another one asks."""
    sizes = [(2000, 500)] if quick else [(4000, 1000), (12_000, 1000), (12_000, 4000)]
    ways: dict[str, Callable[[Path], None]] = {
        "batches of 250 ids": by_batches,
        "batches of 1,000 ids": by_large_batches,
        "one call by filter": by_filter,
        "the same in another process": by_process,
        "a collection for each source": by_collection,
        "copy the rest and swap": by_copy,
    }
    rows: Rows = []
    for total, gone in sizes:
        for name, way in ways.items():
            place = folder / f"{total}-{gone}-{name.replace(' ', '-')}"
            fill(place, total, gone, is_split=way is by_collection)
            seconds, cpu, stall, wait = watched(place, way)
            print(f"{name}: {seconds:.2f} s", file=sys.stderr, flush=True)
            rows.append((f"{gone:,} of {total:,}", name, f"{seconds:.2f}", f"{cpu:.2f}", f"{stall:.3f}", f"{wait:.3f}"))
    words = (
        "*Stall*: the longest time in which another thread of the process had no turn (it asks for one every 2 ms). "
        "*Wait*: the longest search by somebody else meanwhile. Both contain what the machine was doing besides."
    )
    return table("Deletion", words, ("passages", "way", "seconds", "cpu", "stall", "wait"), rows)


def opened(place: Path) -> Any:
    return chromadb.PersistentClient(str(place), settings=ChromaSettings(anonymized_telemetry=False))


def collection(client: Any, name: str) -> Any:
    return client.get_or_create_collection(name, embedding_function=None, configuration=CONFIGURATION)


def fill(place: Path, total: int, gone: int, *, is_split: bool) -> None:
    client = opened(place)
    chance = numpy.random.default_rng(1)
    for start in range(0, total, 500):
        numbers = range(start, min(start + 500, total))
        source = "gone" if start < gone else f"source-{start // 2000}"
        collection(client, source if is_split else "passages").add(
            ids=[f"{source}:{number}" for number in numbers],
            embeddings=chance.normal(size=(len(numbers), 384)).astype(numpy.float32),
            metadatas=[{"source": source, "document": f"d{number}", "number": 0} for number in numbers],
            documents=["text " * 60 for _ in numbers],
        )
    client.close()


def by_large_batches(place: Path) -> None:
    by_batches(place, LARGE_BATCH)


def by_batches(place: Path, size: int = BATCH) -> None:
    found = collection(CLIENTS[place], "passages")
    while ids := found.get(where={"source": "gone"}, include=[], limit=size)["ids"]:
        with LOCK:
            found.delete(ids=ids)


def by_filter(place: Path) -> None:
    with LOCK:
        collection(CLIENTS[place], "passages").delete(where={"source": "gone"})


def by_process(place: Path) -> None:
    with LOCK:
        # Two writers at a time lose data: this process lets go first, and reads everything again afterwards.
        CLIENTS.pop(place).close()
        code = f"from benchmarks.sources import *; c = opened({str(place)!r}); "
        code += "collection(c, 'passages').delete(where={'source': 'gone'}); c.close()"
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
        CLIENTS[place] = opened(place)
        ask(place)


def by_collection(place: Path) -> None:
    with LOCK:
        CLIENTS[place].delete_collection("gone")


def by_copy(place: Path) -> None:
    client = CLIENTS[place]
    old, new = collection(client, "passages"), collection(client, "copied")
    offset = 0
    while (page := old.get(include=["embeddings", "metadatas", "documents"], limit=LARGE_BATCH, offset=offset))["ids"]:
        offset += len(page["ids"])
        kept = [at for at, data in enumerate(page["metadatas"]) if data["source"] != "gone"]
        if kept:
            with LOCK:
                new.add(
                    ids=[page["ids"][at] for at in kept],
                    embeddings=page["embeddings"][kept],
                    metadatas=[page["metadatas"][at] for at in kept],
                    documents=[page["documents"][at] for at in kept],
                )
    with LOCK:
        client.delete_collection("passages")
        new.modify(name="passages")


CLIENTS: dict[Path, Any] = {}
LOCK = threading.Lock()


def ask(place: Path) -> None:
    """A search as somebody else makes it: over everything that there is."""
    client = CLIENTS[place]
    for found in client.list_collections():
        # It may be dropped at this moment, and then there is nothing to ask.
        with contextlib.suppress(Exception):
            collection(client, found.name).query(query_embeddings=[[0.1] * 384], n_results=5)


def watched(place: Path, way: Callable[[Path], None]) -> tuple[float, float, float, float]:
    CLIENTS[place] = opened(place)
    ask(place)
    done = threading.Event()
    stalls, waits = [0.0], [0.0]

    def live() -> None:
        last = time.monotonic()
        while not done.wait(0.002):
            now = time.monotonic()
            stalls.append(now - last)
            last = now

    def search() -> None:
        while not done.wait(0.01):
            begun = time.monotonic()
            with LOCK:
                ask(place)
            waits.append(time.monotonic() - begun)

    threads = [threading.Thread(target=live), threading.Thread(target=search)]
    for thread in threads:
        thread.start()
    begun, cpu = time.monotonic(), time.process_time()
    way(place)
    seconds, spent = time.monotonic() - begun, time.process_time() - cpu
    done.set()
    for thread in threads:
        thread.join()
    CLIENTS.pop(place).close()
    return seconds, spent, max(stalls), max(waits)


# ---- durable ------------------------------------------------------------------------------------------------


def durable(folder: Path, quick: bool) -> str:
    """The jobs beside a plain script with the same libraries; and doing it again when all is there."""
    from onward.catalogue.models.embedder import choose
    from onward.settings import Models
    from tests.catalogue.real_corpus import write_real_zim

    documents = 100 if quick else 2000
    passages = 40 if quick else 300
    write_real_zim(folder / "docs.zim", documents)
    write_real_zim(folder / "few.zim", passages)
    choose(Models(), 384).embed(["the model is loaded before"])
    rounds = 1 if quick else 3
    rows: Rows = []
    for name, plain, job, zim, count in (
        ("metadata", plain_metadata, "metadata", "docs.zim", documents),
        ("index, one passage each", plain_index, "index_offline", "few.zim", passages),
    ):
        plainly, with_job = [], []
        for at in range(rounds):
            # In turn, so that what else the machine does is in both.
            plainly.append(spent(plain, folder / zim, folder / f"{name}-{at}"))
            with_job.append(run_job(folder / f"{job}-{at}", folder / zim, job))
        alone = min(plainly)
        best, again = min(first for first, _ in with_job), min(second for _, second in with_job)
        rows.append(
            (
                name,
                f"{count:,}",
                f"{count / alone:.0f}",
                f"{count / best:.0f}",
                f"{(best / alone - 1) * 100:+.1f} %",
                f"{again:.2f}",
            )
        )
    words = (
        "Documents for each second of the processor, the best of the rounds: a plain script, and the job on a worker "
        "with checkpoints, progress and a SQLite database. *Again*: what a second run costs that has nothing to do, "
        "in seconds of the processor, which is what resuming costs beside the rest of the work."
    )
    return table("Durable work", words, ("work", "documents", "plain", "job", "overhead", "again"), rows)


def spent(work: Callable[..., None], *arguments: Any) -> float:
    begun = time.process_time()
    work(*arguments)
    return time.process_time() - begun


def plain_metadata(zim: Path, place: Path) -> None:
    """What a script without onward would do: read, describe, write."""
    import orjson

    from onward.catalogue.sources.jobs.metadata import describe
    from onward.catalogue.sources.outside.zim import ZimDocuments

    documents = ZimDocuments(zim)
    found = [record for at in range(len(documents)) if (record := describe(documents, at, {}))]
    place.mkdir()
    (place / "_metadata.json").write_bytes(orjson.dumps({record["id"]: record for record in found}))


def plain_index(zim: Path, place: Path) -> None:
    """Read, cut, embed in batches of 100, add."""
    from onward.catalogue.models.embedder import choose
    from onward.settings import Models

    embedder = choose(Models(), 384)
    place.mkdir()
    client = opened(place)
    found = collection(client, "passages")
    texts = list(first_passages(zim))
    for start in range(0, len(texts), 100):
        batch = sorted(texts[start : start + 100], key=lambda item: len(item[1]))
        vectors = []
        for at in range(0, len(batch), embedder.at_once):
            vectors.extend(embedder.embed([text for _, text in batch[at : at + embedder.at_once]]))
        found.add(
            ids=[key for key, _ in batch],
            embeddings=vectors,
            documents=[text for _, text in batch],
            metadatas=[{"source": "docs", "document": key, "number": 0} for key, _ in batch],
        )
    client.close()


def first_passages(zim: Path) -> Iterator[tuple[str, str]]:
    from onward.catalogue.sources.outside.zim import ZimDocuments
    from onward.catalogue.sources.plan import page, passages

    documents = ZimDocuments(zim)
    for at in range(len(documents)):
        source = documents.at(at)
        if source is not None:
            content = page.read(documents.html(at), "http://source.invalid/")
            for text in passages.split(content.text, 120, 1):
                yield source.id, f"{content.title}. {text}"


def run_job(place: Path, zim: Path, job_type: str) -> tuple[float, float]:
    """Seconds of the processor of the job on a worker in this process, and of the same job again."""
    from onward import Onward, Settings

    (place / "backup" / "docs").mkdir(parents=True)
    (place / "backup" / "docs" / "docs.zim").hardlink_to(zim)
    settings = Settings(database={"url": f"sqlite:///{place}/onward.db"}, backup_path=str(place / "backup"))
    app = Onward(settings=settings)
    app.include_catalogue()
    params = {"max_passages": 1} if job_type == "index_offline" else {}
    if job_type == "index_offline":
        app.submit("metadata", source_id="docs")
        worker_run(app)
    times = []
    for _ in range(2):
        job = app.submit(job_type, params, source_id="docs")
        times.append(spent(worker_run, app))
        if app.get(job.id).error is not None:
            raise ValueError(str(app.get(job.id).error))
    app.close()
    return times[0], times[1]


def worker_run(app: Any) -> None:
    app.worker(concurrency=1).run(until_idle=True)


QUESTIONS: dict[str, Callable[[Path, bool], str]] = {"deletion": deletion, "durable": durable}

if __name__ == "__main__":
    main()
