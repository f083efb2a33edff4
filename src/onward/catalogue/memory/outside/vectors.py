"""Vectors of memories: made by a model, kept as bytes, compared all with all a block at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from onward.catalogue.extras import load
from onward.catalogue.memory.plan.clustering import Neighbours
from onward.catalogue.memory.plan.records import Memory

_BLOCK = 512


def as_bytes(vectors: Any) -> list[bytes]:
    """Each vector, made one of length one, as it is kept."""
    numpy = load("numpy")
    rows = numpy.asarray(vectors, dtype="<f4")
    lengths = numpy.linalg.norm(rows, axis=1, keepdims=True)
    return [row.tobytes() for row in rows / numpy.maximum(lengths, 1e-12)]


def as_rows(kept: Sequence[bytes]) -> Any:
    """Vectors that were kept, as the rows of a matrix."""
    numpy = load("numpy")
    return numpy.frombuffer(b"".join(kept), dtype="<f4").reshape(len(kept), -1)


def cosines(kept: Sequence[bytes], vector: bytes) -> list[float]:
    """How near each of the kept vectors is to another one."""
    return [float(value) for value in as_rows(kept) @ as_rows([vector])[0]] if kept else []


def neighbours(memories: Sequence[Memory], least: float, check: Callable[[], None]) -> Neighbours:
    """Who is near whom, from ``least`` on, among memories whose vectors come from one model.

    All pairs are compared, a block of rows at a time; only the near ones are kept. ``check`` is called between.
    """
    near: dict[int, dict[int, float]] = {}
    by_model: dict[str, list[int]] = {}
    for place, memory in enumerate(memories):
        if memory.embedding is not None and memory.embedding_model is not None:
            by_model.setdefault(memory.embedding_model, []).append(place)
    for places in by_model.values():
        matrix = as_rows([memories[place].embedding or b"" for place in places])
        for start in range(0, len(places), _BLOCK):
            check()
            products = matrix[start : start + _BLOCK] @ matrix.T
            _keep(near, places, start, products, least)
    nobody: Mapping[int, float] = {}
    return lambda place: near.get(place, nobody)


def _keep(near: dict[int, dict[int, float]], places: Sequence[int], start: int, products: Any, least: float) -> None:
    rows, columns = (products >= least).nonzero()
    for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
        one, other = places[start + row], places[column]
        if one != other:
            # A product of two rounded vectors may come out above one, and differ in its last place by the order.
            near.setdefault(one, {})[other] = round(min(1.0, float(products[row, column])), 5)
