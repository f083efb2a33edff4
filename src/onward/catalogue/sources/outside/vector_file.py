"""Vectors of a source as a file: JSON with a passage a line, so that it is read and written a line at a time."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from onward.catalogue.extras import load
from onward.catalogue.sources.outside.source_folder import SourceFolder
from onward.catalogue.sources.outside.vector_store import Passage, VectorStore
from onward.errors import OnwardError

_PAGE = 1000
_LONGEST_LINE = 4 * 1024 * 1024


def name_of(dimension: int) -> str:
    """The file's name in the source's folder."""
    return f"_vectors_{dimension}.json"


def write_vectors(folder: SourceFolder, dimension: int, store: VectorStore) -> int:
    """Write the source's vectors, sorted, so that the same vectors make the same file; returns how many."""
    head = {"version": 1, "source_id": folder.source_id, "dimension": dimension}
    count = 0
    with folder.replacing(name_of(dimension)) as file:
        file.write(orjson.dumps(head)[:-1] + b',"passages":[')
        for passage, vector in store.passages(folder.source_id, _PAGE):
            text = base64.b64encode(vector.tobytes()).decode()
            file.write((b",\n" if count else b"\n") + orjson.dumps(dataclasses.asdict(passage) | {"vector": text}))
            count += 1
        file.write(b"\n]}\n")
    return count


def read_vectors(path: Path, source_id: str, dimension: int) -> Iterator[tuple[Passage, Any]]:
    """The passages of such a file, as passages of ``source_id``. Raises ``OnwardError`` for what is none."""
    numpy = load("numpy")
    with path.open("rb") as file:
        if not file.readline(_LONGEST_LINE).startswith(b'{"version":1,'):
            raise OnwardError(f"{path.name} is no file of vectors that this version reads.")
        while (line := file.readline(_LONGEST_LINE).strip()) and line != b"]}":
            try:
                record = orjson.loads(line.removesuffix(b","))
                vector = numpy.frombuffer(base64.b64decode(record.pop("vector")), dtype=numpy.float32)
                number, count = int(record["number"]), int(record["count"])
                texts = {name: str(record[name]) for name in ("document", "recipe", "title", "url", "text")}
            except (KeyError, TypeError, ValueError) as error:
                raise OnwardError(f"{path.name} is damaged: {error!r}.") from None
            if vector.shape != (dimension,) or not numpy.isfinite(vector).all():
                raise OnwardError(f"{path.name} holds vectors that are not of {dimension} numbers.")
            key = f"{source_id}:{texts['document']}:{number}"
            yield Passage(id=key, source=source_id, number=number, count=count, **texts), vector
