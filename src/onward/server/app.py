"""The web application: routes, gate, problems and pages put together around an ``Onward``."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
from fastapi import APIRouter, FastAPI
from starlette.responses import Response
from starlette.routing import Route

from onward.app import Onward
from onward.server.api import (
    answer_links,
    builder,
    chains,
    events,
    health,
    house,
    inputs,
    interrupted,
    jobs,
    keeping,
    operations,
    overview,
    resources,
    schedules,
    session,
    types,
    verbs,
    workers,
)
from onward.server.gate import Authorize, Gate
from onward.server.pages import pages
from onward.server.problems import install
from onward.server.stream import Stream
from onward.version import __version__

_log = logging.getLogger("onward.server")
API = "/api/v1"
NOUNS: tuple[APIRouter, ...] = (
    session.routes, overview.routes, interrupted.routes, jobs.routes, jobs.ids, verbs.routes, types.routes,
    chains.routes, inputs.routes,
    answer_links.making, answer_links.routes, resources.routes, workers.workers, workers.queues, keeping.checkpoints,
    keeping.retention, operations.routes, house.views, house.keys, house.settings, house.health, house.audit,
    events.routes, schedules.routes,
)  # fmt: skip


def create_app(
    onward: Onward, *, authorize: Authorize | None = None, is_strict_host: bool = False, serves_alone: bool = True
) -> FastAPI:
    """The interface and the pages of an application, to be served or mounted under any prefix.

    ``authorize``: who somebody is, where an application around it knows. ``is_strict_host``: only names of this
    machine, and those in the settings, are answered to. ``serves_alone``: it is started and ended by a server itself;
    a mounted one is not, and begins at once what runs in the background.
    """

    @asynccontextmanager
    async def life(_app: FastAPI) -> AsyncIterator[None]:
        onward.operations.attend()
        onward.rollups.attend()
        yield
        stream.close()

    app = FastAPI(
        title="onward",
        version=__version__,
        description="Jobs, schedules, chains and what they need; everything the pages can do.",
        lifespan=life,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    if not serves_alone:
        onward.operations.attend()
        onward.rollups.attend()
    app.state.onward = onward
    app.state.stream = stream = Stream(onward)
    for routes in NOUNS:
        app.include_router(routes, prefix=API)
    app.include_router(builder.routes, prefix="/api/job-builder")
    app.router.routes += health.plain_routes(onward)
    install(app, onward.job_types)
    app.router.routes.append(Route(f"{API}/openapi.json", _openapi(app), methods=["GET"]))
    app.router.routes.append(Route("/{path:path}", pages(), methods=["GET", "HEAD"]))
    app.add_middleware(Gate, onward=onward, authorize=authorize, is_strict_host=is_strict_host)
    return app


def _openapi(app: FastAPI) -> Any:
    async def answer(_request: Any) -> Response:
        return Response(orjson.dumps(app.openapi()), media_type="application/json")

    return answer
