"""The vector database that a job works on: which one, and that nobody else writes there meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Annotated, Any, Literal

from pydantic import Field

from onward.authoring.context import Context
from onward.catalogue.models.embedder import default_dimension
from onward.settings import Models

Dimension = Literal[384, 768, 1024, 1536]
AnyDimension = Annotated[
    Dimension | None,
    Field(description="Which database; empty means that of the configured model on this machine."),
]
LocalDimension = Annotated[
    Literal[384, 768, 1024] | None,
    Field(description="Size of the vectors, and so the database; empty means that of the configured model."),
]


def resource(dimension: int) -> str:
    """What a job that writes to the database of this dimension occupies."""
    return f"vectors:{dimension}"


def occupied(params: Any, source_id: str | None) -> list[str]:  # noqa: ARG001 - asked of every job type
    """The resources of a job with a ``dimension`` parameter."""
    return [resource(params.dimension or default_dimension(Models()))]


@contextmanager
def working_on(ctx: Context, dimension: int | None, operation: str) -> Iterator[int]:
    """The dimension meant, occupied and shown on the board for the length of the block."""
    chosen = dimension or default_dimension(ctx.settings.models)
    with ExitStack() as stack:
        if dimension is None and chosen != default_dimension(Models()):
            stack.enter_context(ctx.hold(resource(chosen)))
        ctx.dimension(chosen, operation)
        stack.callback(ctx.dimension, None)
        yield chosen
