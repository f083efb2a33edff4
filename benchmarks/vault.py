"""How long does a sync of a large vault take: the first one, one without changes, and one after a few edits?

``python -m benchmarks.vault 100000`` makes a vault of so many marked blocks, ten to a note, and prints a table for the
embedded graph. Each sync is a job of its own process, run by a worker on SQLite.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
BLOCKS_IN_A_NOTE = 10
WORDS = "Knowledge grows where notes are kept in order, and where what was said can be found again. "


def make(folder: Path, blocks: int) -> int:
    """A vault of so many blocks in three tiers; returns how many notes it has."""
    notes = blocks // BLOCKS_IN_A_NOTE
    for number in range(notes):
        below = folder / f"tier{number % 3 + 1}" / f"{number // 1000:03}"
        below.mkdir(parents=True, exist_ok=True)
        (below / f"note{number}.md").write_text(_note(number, "first"))
    return notes


def edit(folder: Path, notes: int, every: int) -> None:
    """Change each block of every so-manieth note."""
    for number in range(0, notes, every):
        below = folder / f"tier{number % 3 + 1}" / f"{number // 1000:03}"
        (below / f"note{number}.md").write_text(_note(number, "another"))


def _note(number: int, word: str) -> str:
    first = number * BLOCKS_IN_A_NOTE
    blocks = [
        f"Block {at}, {word}. {WORDS * 3} <!-- aclarai:id=b{at} ver=1 --> ^b{at}\n"
        for at in range(first, first + BLOCKS_IN_A_NOTE)
    ]
    return f"# Note {number}\n\n" + "\n".join(blocks)


def sync(folder: str) -> None:
    """One sync as a job, in this process; prints what it did and what it took."""
    from onward import Onward, Settings

    place = Path(folder)
    settings = Settings(
        database={"url": f"sqlite:///{place / 'jobs.db'}"},
        vault={"path": str(place / "vault")},
        backup_path=str(place / "backups"),
    )
    app = Onward(settings=settings)
    app.include_catalogue()
    begun = time.monotonic()
    job = app.submit("vault_sync")
    app.worker(concurrency=1).run(until_idle=True)
    seconds = time.monotonic() - begun
    done = app.get(job.id)
    assert done.status == "completed", done.error
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    counts = {name: value for name, value in done.result.items() if isinstance(value, int)}
    print(json.dumps({**counts, "seconds": seconds, "megabytes": megabytes}))
    app.close()


def measure(what: str, folder: Path) -> None:
    said = subprocess.run(
        [sys.executable, "-m", "benchmarks.vault", "sync", str(folder)], cwd=ROOT, stdout=subprocess.PIPE, check=True
    ).stdout
    found = json.loads(said)
    cells = [what, *(f"{found[name]:,}" for name in ("files", "blocks", "created", "updated", "unchanged"))]
    print("|", " | ".join([*cells, f"{found['seconds']:.1f}", f"{found['megabytes']:.0f}"]), "|", flush=True)


def main(blocks: int) -> None:
    print("| sync | notes | blocks | created | updated | unchanged | seconds | memory MB |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="onward-vault-") as name:
        folder = Path(name)
        notes = make(folder / "vault", blocks)
        measure("the first", folder)
        measure("nothing has changed", folder)
        edit(folder / "vault", notes, 100)
        measure("one note in a hundred is another", folder)


if __name__ == "__main__":
    if sys.argv[1] == "sync":
        sync(sys.argv[2])
    else:
        main(int(sys.argv[1]))
