"""Job types that work in ranges, for tests of what becomes of them."""

from __future__ import annotations

from typing import Any

from onward import Context, Onward


def add_squares(app: Onward, **policy: Any) -> None:
    """A job type that squares the numbers of its range, and one that merges them."""

    @app.job(name="square", **policy)
    def square(ctx: Context) -> dict[str, int]:
        for item in ctx.each(ctx.range.items):
            ctx.partial().append(item * item)
        return {"number": ctx.range.worker_id, "of": ctx.range.total_workers, "items": ctx.range.size}

    @app.job(name="squares")
    def squares(ctx: Context, total: int, parts: int) -> dict[str, Any]:
        results = ctx.fan_out(square, total, parts)
        return {"results": results, "records": list(ctx.range_partials("square"))}
