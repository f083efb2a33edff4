"""Embeddings by a service that speaks the OpenAI interface."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from onward.catalogue.extras import load
from onward.catalogue.models.service import ModelRefused, Service

_TEXTS_A_CALL = 100
_CHARACTERS_A_CALL = 400_000
_CHARACTERS = 24_000
"""Of one text: models of such services read 8,192 pieces of words, and refuse longer texts instead of cutting them."""


class RemoteEmbedder:
    """Vectors of ``dimension`` numbers by ``model``; with ``shortens`` the service is asked for that size."""

    at_once = _TEXTS_A_CALL

    def __init__(self, service: Service, model: str, dimension: int, *, shortens: bool = True) -> None:
        self.model = model
        self.dimension = dimension
        self._service = service
        self._asked = {"dimensions": dimension} if shortens else {}
        self._numpy = load("numpy")

    def embed(self, texts: Sequence[str]) -> Any:
        numpy = self._numpy
        rows: list[Any] = []
        for group in _groups(texts):
            body = {"model": self.model, "input": group, "encoding_format": "float", **self._asked}
            rows.extend(self._vectors(self._service.post("/embeddings", body), len(group)))
        found = numpy.asarray(rows, dtype=numpy.float32).reshape(len(rows), self.dimension)
        return found / numpy.linalg.norm(found, axis=1, keepdims=True).clip(min=1e-12)

    def _vectors(self, answer: dict[str, Any], count: int) -> list[Any]:
        try:
            found = [item["embedding"] for item in sorted(answer["data"], key=lambda item: item["index"])]
        except (KeyError, TypeError) as error:
            raise ModelRefused(f"{self._service.address} gave no vectors: {error!r} is missing.") from None
        sizes = {len(vector) for vector in found}
        if len(found) != count or sizes != {self.dimension}:
            raise ModelRefused(
                f"{self.model} gave {len(found)} vectors of {sorted(sizes)} numbers for {count} texts, "
                f"not of {self.dimension}.",
                hint="Choose a model of that size, or one that can shorten its vectors.",
            )
        return found


def _groups(texts: Sequence[str]) -> list[list[str]]:
    groups: list[list[str]] = []
    room = 0
    for text in texts:
        # A service refuses an empty text.
        kept = text[:_CHARACTERS] or " "
        if not groups or len(groups[-1]) == _TEXTS_A_CALL or len(kept) > room:
            groups.append([])
            room = _CHARACTERS_A_CALL
        groups[-1].append(kept)
        room -= len(kept)
    return groups
