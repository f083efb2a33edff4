"""Vectors as points in space: three main directions, kept so that points stay where they were in later maps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from onward.catalogue.extras import load

VERSION = 1
_DIGITS = 4
_ROUNDS = 30


def fit(vectors: Any, clusters: int) -> dict[str, Any]:
    """The projection that shows most of the differences, and centres of clusters; the same for the same vectors."""
    numpy = load("numpy")
    mean = vectors.mean(axis=0)
    centred = vectors - mean
    _, _, directions = numpy.linalg.svd(centred, full_matrices=False)
    axes = numpy.zeros((3, vectors.shape[1]), dtype=numpy.float64)
    axes[: min(3, len(directions))] = directions[:3]
    # A direction is as good as its opposite: the largest part decides, else a map might be mirrored.
    largest = axes[range(3), numpy.abs(axes).argmax(axis=1)]
    axes *= numpy.where(largest < 0, -1.0, 1.0)[:, None]
    spread = float(numpy.abs(centred @ axes.T).max()) or 1.0
    return {
        "version": VERSION,
        "dimension": int(vectors.shape[1]),
        "mean": mean.round(6).tolist(),
        "axes": axes.round(6).tolist(),
        "scale": round(1 / spread, 6),
        "centres": _centres(numpy, vectors, clusters).round(6).tolist(),
    }


def is_usable(projection: Mapping[str, Any], dimension: int) -> bool:
    """Whether a kept projection is of this version and size."""
    return projection.get("version") == VERSION and projection.get("dimension") == dimension


def place(projection: Mapping[str, Any], vectors: Any) -> tuple[list[list[float]], list[int]]:
    """Coordinates from about -1 to 1, and the cluster of each vector."""
    numpy = load("numpy")
    centred = vectors - numpy.asarray(projection["mean"])
    points = centred @ numpy.asarray(projection["axes"]).T * projection["scale"]
    nearest = (vectors @ numpy.asarray(projection["centres"]).T).argmax(axis=1)
    return points.round(_DIGITS).tolist(), nearest.tolist()


def _centres(numpy: Any, vectors: Any, count: int) -> Any:
    """Centres by k-means on the sphere, begun with vectors far from each other: no chance in it."""
    mean = vectors.mean(axis=0)
    chosen = [int((vectors @ mean).argmax())]
    near = vectors @ vectors[chosen[0]]
    for _ in range(min(count, len(vectors)) - 1):
        chosen.append(int(near.argmin()))
        near = numpy.maximum(near, vectors @ vectors[chosen[-1]])
    centres = vectors[chosen].astype(numpy.float64)
    for _ in range(_ROUNDS):
        member = (vectors @ centres.T).argmax(axis=1)
        moved = centres.copy()
        for number in range(len(centres)):
            if (member == number).any():
                middle = vectors[member == number].mean(axis=0)
                moved[number] = middle / (numpy.linalg.norm(middle) or 1.0)
        if numpy.allclose(moved, centres):
            break
        centres = moved
    return centres
