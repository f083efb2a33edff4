"""Embedding models by name: how many dimensions each has, and where it is published."""

from __future__ import annotations

from collections.abc import Sequence

from onward.errors import InvalidConfig, InvalidValue

DIMENSIONS = {"all-MiniLM-L6-v2": 384, "all-mpnet-base-v2": 768, "bge-large-en-v1.5": 1024}
ONLINE = 1536
EVERY = (*DIMENSIONS.values(), ONLINE)
"""The sizes for which there is a vector database."""
PACKAGED = "all-MiniLM-L6-v2"
PREFERRED = "all-mpnet-base-v2"
AUTO = "auto"


def short(model: str) -> str:
    """The name without its publisher: ``BAAI/bge-large-en-v1.5`` is ``bge-large-en-v1.5``."""
    return model.rpartition("/")[2]


def full(model: str) -> str:
    """The name with its publisher, as a model hub has it."""
    name = short(model)
    return f"BAAI/{name}" if name.startswith("bge") else f"sentence-transformers/{name}"


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


def by_dimension(pairs: Sequence[str]) -> dict[int, str]:
    """``768=nomic-embed-text`` and its kin as a table. Raises ``InvalidConfig`` for one that is none."""
    found: dict[int, str] = {}
    for pair in pairs:
        size, mark, model = pair.partition("=")
        if not mark or not size.strip().isdigit() or not model.strip():
            raise InvalidConfig(
                f"models.local_embeddings: {pair!r} is not DIMENSION=MODEL.", hint="Write 768=nomic-embed-text."
            )
        found[int(size)] = model.strip()
    return found
