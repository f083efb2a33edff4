"""Several dimensions to do, in the order in which they are free."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import NoReturn, Protocol

from onward.errors import ResourceBusy
from onward.model.job import Json


class Holder(Protocol):
    """The part of a context that is needed here."""

    def hold(self, resource: str, *, capacity: int = 1, wait: bool = False) -> AbstractContextManager[None]:
        """Occupy one more resource."""

    def wait_for_any(self, resources: Sequence[str]) -> NoReturn:
        """Leave until one of these is free."""

    def dimension(self, dimension: int | None, operation: str | None = None, *, pending: list[int]) -> None:
        """What the board shows."""

    def cursor(self, name: str) -> dict[str, Json] | None:
        """Where the iteration of this name was."""

    def enter(self, name: str, cursor: Json) -> None:
        """An item begins."""

    def move(self, name: str, cursor: dict[str, Json], done: int, total: int | None, items: int) -> None:
        """An item is finished."""


def free_first(ctx: Holder, name: str, dimensions: Sequence[int], operation: str) -> Iterator[int]:
    """The dimensions that are not done yet, each held while it is worked on."""
    done: list[int] = (ctx.cursor(name) or {}).get("done", [])
    while left := [dimension for dimension in dimensions if dimension not in done]:
        chosen, held = _take(ctx, left)
        with held:
            ctx.enter(name, chosen)
            ctx.dimension(chosen, operation, pending=[other for other in left if other != chosen])
            try:
                yield chosen
            finally:
                ctx.dimension(None, pending=[other for other in left if other != chosen])
        done = [*done, chosen]
        ctx.move(name, {"done": done}, len(done), len(dimensions), 1)


def _take(ctx: Holder, left: Sequence[int]) -> tuple[int, AbstractContextManager[None]]:
    """The first that is free, held; else the job waits, for the only one or for any."""
    for dimension in left:
        entered = _Entered(ctx.hold(f"vectors:{dimension}"))
        try:
            entered.begin()
        except ResourceBusy:
            continue
        return dimension, entered
    if len(left) > 1:
        ctx.wait_for_any([f"vectors:{dimension}" for dimension in left])
    entered = _Entered(ctx.hold(f"vectors:{left[0]}", wait=True))
    entered.begin()
    return left[0], entered


class _Entered(AbstractContextManager[None]):
    """A hold that was entered before its ``with``."""

    def __init__(self, held: AbstractContextManager[None]) -> None:
        self._held = held

    def begin(self) -> None:
        self._held.__enter__()

    def __exit__(self, *error: object) -> None:
        self._held.__exit__(*error)  # type: ignore[arg-type]  # handed on as it came
