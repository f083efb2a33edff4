"""One vector database a dimension, by Chroma, kept safe against killed processes and readers elsewhere.

Two faults of Chroma's local index make this necessary. It writes its index files in place, and a process
killed meanwhile leaves files that crash every later reader: so the index stays in memory (``sync_threshold``
is never reached), and what lasts is the SQLite file with its log, from which the index is built anew when the
database is opened: about a quarter of a second for 1,000 passages. And a reader in another process sees half
of what is being written: so every access is taken under a lock on a file beside the database, which also
counts the writes, and whoever sees that somebody else has written opens the database anew.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from onward.catalogue.extras import load
from onward.catalogue.sources.plan.changes import Kept
from onward.errors import OnwardError

_COLLECTION = "passages"
_NEVER = 2_000_000_000
_PAGE = 5000
_stores: dict[Path, VectorStore] = {}
_stores_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a document, as it is kept beside its vector."""

    id: str
    source: str
    document: str
    number: int
    count: int
    recipe: str
    title: str
    url: str
    text: str


@dataclass(frozen=True, slots=True)
class Match:
    """A passage near to what was asked; ``distance`` 0 is the same direction."""

    source: str
    document: str
    title: str
    url: str
    text: str
    distance: float


def folder_of(backup_path: str | Path, dimension: int) -> Path:
    """Where the database of this dimension lies."""
    return Path(backup_path).resolve() / f"chroma_db_{dimension}"


def open_store(backup_path: str | Path, dimension: int) -> VectorStore:
    """The database of this dimension; one object a process."""
    path = folder_of(backup_path, dimension)
    with _stores_lock:
        if path not in _stores:
            _stores[path] = VectorStore(path)
        return _stores[path]


class VectorStore:
    """Passages and their vectors. May be shared by threads; only one process at a time should write."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._client: Any = None
        self._collection: Any = None
        self._seen = -1

    def exists(self) -> bool:
        """Whether anything was ever written here."""
        return (self._path / "chroma.sqlite3").is_file()

    def add(self, passages: Sequence[Passage], vectors: Any) -> None:
        """Add new passages; on disk when this returns."""
        with self._open(write=True) as collection:
            collection.add(
                ids=[item.id for item in passages],
                embeddings=vectors,
                documents=[item.text for item in passages],
                metadatas=[_metadata(item) for item in passages],
            )

    def delete(self, ids: list[str]) -> None:
        """Remove passages; those that are not there are passed over."""
        with self._open(write=True) as collection:
            collection.delete(ids=ids)

    def kept(self, source_id: str) -> dict[str, Kept]:
        """What is there of a source, by passage id."""
        found: dict[str, Kept] = {}
        with self._open() as collection:
            while True:
                page = collection.get(
                    where={"source": source_id}, include=["metadatas"], limit=_PAGE, offset=len(found)
                )
                for key, data in zip(page["ids"], page["metadatas"], strict=True):
                    found[key] = Kept(data["document"], data["recipe"], data["number"], data["count"])
                if len(page["ids"]) < _PAGE:
                    return found

    def passages(self, source_id: str | None, page: int) -> Iterator[tuple[Passage, Any]]:
        """All passages of a source (of all sources, without one) with their vectors, by id; ``page`` in memory."""
        where = {"source": source_id} if source_id is not None else None
        with self._open() as collection:
            ids = sorted(collection.get(where=where, include=[])["ids"])
        return self.passages_of(ids, page)

    def passages_of(self, ids: Sequence[str], page: int) -> Iterator[tuple[Passage, Any]]:
        """The passages with these ids, which are sorted, and their vectors; those that are gone are passed over."""
        numpy = load("numpy")
        for start in range(0, len(ids), page):
            wanted = list(ids[start : start + page])
            with self._open() as collection:
                found = collection.get(ids=wanted, include=["metadatas", "documents", "embeddings"])
            rows = zip(found["ids"], found["metadatas"], found["documents"], found["embeddings"], strict=True)
            for key, data, text, vector in sorted(rows, key=lambda row: row[0]):
                yield Passage(id=key, text=text or "", **data), numpy.asarray(vector, dtype=numpy.float32)

    def ids(self, source_id: str, most: int) -> list[str]:
        """Some ids of a source."""
        with self._open() as collection:
            return list(collection.get(where={"source": source_id}, include=[], limit=most)["ids"])

    def count(self, source_id: str | None = None) -> int:
        """How many passages there are."""
        if source_id is not None:
            with self._open() as collection:
                return len(collection.get(where={"source": source_id}, include=[])["ids"])
        with self._open() as collection:
            return int(collection.count())

    def nearest(self, vector: Any, count: int, source_id: str | None = None) -> list[Match]:
        """The passages nearest to a vector, nearest first."""
        where = {"source": source_id} if source_id else None
        with self._open() as collection:
            found = collection.query(query_embeddings=[vector], n_results=count, where=where)
        rows = zip(found["metadatas"][0], found["documents"][0], found["distances"][0], strict=True)
        return [_match(data, text, distance) for data, text, distance in rows]

    def empty_out(self) -> bool:
        """Begin anew if nothing is in it, since its log keeps all that ever was; true if so."""
        with self._open(write=True) as collection:
            if collection.count():
                return False
            self._drop()
            for path in self._path.iterdir():
                if path.is_dir():
                    shutil.rmtree(path)
                elif path.name != "lock":
                    path.unlink()
        return True

    def close(self) -> None:
        """Let go of the database; the next use opens it again."""
        with self._lock:
            self._drop()

    @contextmanager
    def _open(self, write: bool = False) -> Iterator[Any]:
        # Making the database is a write too, whatever it is made for.
        write = write or not self.exists()
        with self._lock, self._locked(write) as lock_file:
            count = int(lock_file.read() or 0)
            if self._collection is None or self._seen != count:
                self._connect()
            if write:
                # Counted before it is done: a process that dies in between costs the others one opening more.
                count += 1
                lock_file.seek(0)
                lock_file.write(str(count))
                lock_file.flush()
            self._seen = count
            yield self._collection

    @contextmanager
    def _locked(self, write: bool) -> Iterator[IO[str]]:
        fcntl = load("fcntl")
        self._path.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        with os.fdopen(descriptor, "r+", encoding="ascii") as lock_file:
            fcntl.flock(lock_file, fcntl.LOCK_EX if write else fcntl.LOCK_SH)
            yield lock_file

    def _connect(self) -> None:
        self._drop()
        chroma = load("chromadb")
        options = load("chromadb.config").Settings(anonymized_telemetry=False)
        try:
            self._client = chroma.PersistentClient(str(self._path), settings=options)
            self._collection = self._client.get_or_create_collection(
                _COLLECTION,
                embedding_function=None,
                configuration={
                    "hnsw": {
                        "space": "cosine",
                        "sync_threshold": _NEVER,
                        "ef_construction": 64,
                        "max_neighbors": 12,
                    }
                },
            )
        except Exception as error:
            self._drop()
            raise OnwardError(f"The vector database {self._path} cannot be opened: {error}.") from error

    def _drop(self) -> None:
        if self._client is not None:
            self._client.close()
        self._client = self._collection = None


def _metadata(item: Passage) -> Mapping[str, str | int]:
    return {
        "source": item.source,
        "document": item.document,
        "number": item.number,
        "count": item.count,
        "recipe": item.recipe,
        "title": item.title,
        "url": item.url,
    }


def _match(data: Mapping[str, Any], text: str, distance: float) -> Match:
    return Match(data["source"], data["document"], data["title"], data["url"], text or "", float(distance))
