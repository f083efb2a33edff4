"""Requests that are sent twice are done once: what the first was answered is given to the second."""

from __future__ import annotations

import hashlib
from asyncio import to_thread
from collections.abc import Callable, Coroutine
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from onward.app import Onward
from onward.engine.keys import Answer
from onward.server.access import caller_of
from onward.server.problems import Problem

Handle = Callable[[Request], Coroutine[Any, Any, Response]]
_MOST = 255
_KEPT = ("content-type", "location", "etag")


async def once(request: Request, key: str, inner: Handle) -> Response:
    """The answer of ``inner``, or what it answered to the same request with this key before."""
    if not 0 < len(key) <= _MOST:
        raise Problem(400, "idempotency-key-invalid", f"An Idempotency-Key has 1 to {_MOST} characters.")
    onward: Onward = request.scope["app"].state.onward
    caller = caller_of(request)
    owner = caller.key_id or caller.name
    body = await request.body()
    digest = hashlib.sha256(f"{request.method} {request.url.path}?{request.url.query}\n".encode() + body).hexdigest()
    found = await to_thread(onward.answers.begin, owner, key, digest)
    if isinstance(found, Answer):
        headers = found.headers | {"Idempotency-Replayed": "true"}
        return Response(found.body, found.status, headers)
    if found == "other":
        raise Problem(422, "idempotency-conflict", "This Idempotency-Key was used for another request.")
    if found == "running":
        raise Problem(409, "idempotency-running", "The request with this Idempotency-Key is still being done.")
    answer: Response | None = None
    try:
        answer = await inner(request)
        return answer
    finally:
        if answer is None or answer.status_code >= 500:
            # It was refused or failed: the same request may be tried again.
            await to_thread(onward.answers.drop, owner, key)
        else:
            headers = {name: answer.headers[name] for name in _KEPT if name in answer.headers}
            kept = Answer(answer.status_code, headers, bytes(answer.body).decode())
            await to_thread(onward.answers.keep, owner, key, kept)
