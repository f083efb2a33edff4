"""Embedding models by name, and the number of dimensions of each."""

from __future__ import annotations

from onward.errors import InvalidValue

DIMENSIONS = {"all-MiniLM-L6-v2": 384, "all-mpnet-base-v2": 768, "bge-large-en-v1.5": 1024}
PACKAGED = "all-MiniLM-L6-v2"
PREFERRED = "all-mpnet-base-v2"
AUTO = "auto"


def short(model: str) -> str:
    """The name without its publisher: ``BAAI/bge-large-en-v1.5`` is ``bge-large-en-v1.5``."""
    return model.rpartition("/")[2]


def dimension_of(model: str) -> int:
    """How many dimensions a model's vectors have. Raises ``InvalidValue`` for an unknown model."""
    if short(model) not in DIMENSIONS:
        raise InvalidValue(
            f"The embedding model {model!r} is not known.", hint=f"Known: {', '.join(DIMENSIONS)} and auto."
        )
    return DIMENSIONS[short(model)]


def model_for(dimension: int) -> str:
    """The model that makes vectors of this size. Raises ``InvalidValue`` when there is none."""
    for model, size in DIMENSIONS.items():
        if size == dimension:
            return model
    raise InvalidValue(
        f"No local model makes vectors of {dimension} dimensions.",
        hint=f"Use one of {', '.join(str(size) for size in DIMENSIONS.values())}.",
    )
