"""Running inside another application: its pages under a prefix, and a worker for as long as it lives."""

from __future__ import annotations

from asyncio import to_thread
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from onward.app import Onward
from onward.server.app import create_app
from onward.server.gate import Authorize


def ui(app: Onward | None = None, *, authorize: Authorize | None = None) -> Any:
    """The pages and the interface, to be mounted: ``web.mount("/jobs", onward.ui(app))``.

    ``app``: without one, an application with the built-in catalogue, from the settings. ``authorize``: called with the
    ASGI scope of each request; it returns a role, or a name and a role, or None for whoever may not come in. Without
    it the keys of ``onward key create`` hold, and whoever sits at this machine needs none.
    """
    return create_app(app or _own(), authorize=authorize, serves_alone=False)


def lifespan(
    app: Onward, *, worker: bool = True, concurrency: int | None = None
) -> Callable[[Any], AbstractAsyncContextManager[None]]:
    """For ``FastAPI(lifespan=onward.lifespan(app))``: a worker runs as long as the application, and is drained then."""

    @asynccontextmanager
    async def life(_web: Any) -> AsyncIterator[None]:
        running = app.worker(concurrency) if worker else None
        if running is not None:
            await to_thread(running.start)
        try:
            yield
        finally:
            if running is not None:
                await to_thread(running.stop)
            await to_thread(app.close)

    return life


def _own() -> Onward:
    made = Onward()
    made.include_catalogue()
    return made
