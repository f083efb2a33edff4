"""Embeddings by sentence-transformers, from what a model hub's own cache holds."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import Any

from onward.catalogue.extras import load
from onward.catalogue.models import names

INSTALL = "pip install sentence-transformers"
_TEXTS_A_CALL = 8


class TransformerEmbedder:
    """Any of the known models by sentence-transformers, from what was downloaded before."""

    at_once = 20

    def __init__(self, name: str, dimension: int) -> None:
        self.model = name
        self.dimension = dimension
        library = load("sentence_transformers", INSTALL)
        self._model: Any = library.SentenceTransformer(names.full(name), local_files_only=True)

    def embed(self, texts: Sequence[str]) -> Any:
        return self._model.encode(list(texts), batch_size=_TEXTS_A_CALL, normalize_embeddings=True)


def is_cached(name: str) -> bool:
    """Whether sentence-transformers is installed and the hub's cache has this model."""
    if importlib.util.find_spec("sentence_transformers") is None:
        return False
    return isinstance(load("huggingface_hub").try_to_load_from_cache(names.full(name), "config.json"), str)
