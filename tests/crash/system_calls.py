"""Programs that are watched by strace: each does one thing that must be done wholly or not at all.

``python -m tests.crash.system_calls WHAT FOLDER`` prints ``acked`` once it was done.
"""

from __future__ import annotations

import sys
from pathlib import Path

from onward import Onward
from onward.checkpoints import Checkpoint, FileCheckpointStore
from onward.settings import Settings
from onward.store import migrate
from onward.store.engines import open_engines
from onward.store.journal import Journal

OLD, NEW = 20, 30
RECORD = b"%d" + b" of a record" * 400


def save(folder: Path) -> None:
    """Save one more checkpoint into a file."""
    FileCheckpointStore(folder).save_checkpoint(Checkpoint("metadata", "wiki", progress=NEW))


def delete(folder: Path) -> None:
    """Delete a checkpoint file."""
    FileCheckpointStore(folder).delete_checkpoint("wiki", "metadata")


def append(folder: Path) -> None:
    """Append to partial work, and save the checkpoint that counts it."""
    store = FileCheckpointStore(folder)
    partial = store.partial("wiki", "metadata")
    partial.append({"number": NEW})
    store.save_checkpoint(Checkpoint("metadata", "wiki", progress=NEW))


def migration(folder: Path) -> None:
    """Make the schema in an empty database."""
    engines = open_engines(url(folder), Settings.load(code={"database.url": url(folder)}).database, 30)
    migrate.upgrade(engines)
    engines.close()


def submit(folder: Path) -> None:
    """Submit a job."""
    app = Onward(url(folder))
    app.job(name="work")(_work)
    app.submit("work", idempotency_key="one")
    app.close()


def journal(folder: Path) -> None:
    """Go on in the journal that somebody has left, with two records at once."""
    found = _left_journal(folder)
    found.begin_after(1)
    found.append([RECORD % NEW, RECORD % NEW])


def new_journal(folder: Path) -> None:
    """Make a journal, with a first record."""
    Journal.create(folder / "new", "one", 1 << 20).append([RECORD % NEW])


def clear_journal(folder: Path) -> None:
    """Empty a journal of which everything is written."""
    _left_journal(folder).clear()


def remove_journal(folder: Path) -> None:
    """Remove one."""
    _left_journal(folder).remove()


def _left_journal(folder: Path) -> Journal:
    found = Journal.adopt(folder / "left.journal")
    assert found is not None, "somebody has it"
    return found


def _work() -> None:
    """Only submitted."""


def url(folder: Path) -> str:
    """The database of a folder."""
    return f"sqlite:///{folder / 'onward.db'}"


JOURNALS = {act.__name__: act for act in (journal, new_journal, clear_journal, remove_journal)}
ACTS = {act.__name__: act for act in (save, delete, append, migration, submit)} | JOURNALS

if __name__ == "__main__":
    ACTS[sys.argv[1]](Path(sys.argv[2]))
    print("acked", flush=True)
