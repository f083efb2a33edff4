"""Whether the server is well: for those who watch it."""

from __future__ import annotations

from typing import Any

from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from onward.app import Onward
from onward.errors import OnwardError
from onward.server.access import NotAllowed, caller_of
from onward.telemetry.metrics import CONTENT_TYPE


def plain_routes(onward: Onward) -> list[BaseRoute]:
    """The addresses that stand beside the interface."""

    async def healthz(_request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(_request: Request) -> Response:
        try:
            await run_sync(onward.database.ping)
        except OnwardError as error:
            facts: dict[str, Any] = {"status": "unavailable", "code": error.code}
            return JSONResponse(facts, 503, {"Retry-After": "5"})
        return JSONResponse({"status": "ready"})

    async def metrics(request: Request) -> Response:
        if caller_of(request).limits:
            raise NotAllowed("Metrics tell of all jobs; you may see only some.", hint="Use a key without limits.")
        return Response(await run_sync(counted.text), media_type=CONTENT_TYPE)

    counted = onward.metrics  # from now on
    return [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)]
