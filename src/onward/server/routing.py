"""Routes as all of ours are: each asks for a role, and knows the names of everything that it may be asked."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Generic, TypeVar

from fastapi import APIRouter, Depends, Query, Request
from fastapi import Header as HeaderOf
from fastapi.dependencies.utils import get_flat_params
from fastapi.params import Cookie, Header, Path
from fastapi.routing import APIRoute
from starlette.responses import Response
from typing_extensions import TypedDict

from onward.app import Onward
from onward.server.access import Role, caller_of, role_of
from onward.server.hiding import hidden, hider
from onward.server.idempotency import once
from onward.server.problems import Problem, documented

T = TypeVar("T")
MOST = 200
"""Items of a page, at most."""

Limit = Annotated[int, Query(ge=1, le=MOST, description="Items of a page.")]
After = Annotated[str | None, Query(max_length=2000, description="The `next` or `prev` of a page before.")]


class CountRecord(TypedDict):
    """How many there are; not exact where counting stopped."""

    value: int
    exact: bool


class Listed(TypedDict, Generic[T]):
    """One page of a list: ``next`` and ``prev`` are cursors for ``after``."""

    items: list[T]
    next: str | None
    prev: str | None
    count: CountRecord | None


def listed(
    items: list[T], after: str | None = None, before: str | None = None, count: CountRecord | None = None
) -> Listed[T]:
    """A page."""
    return {"items": items, "next": after, "prev": before, "count": count}


class Route(APIRoute):
    """A route that refuses what it does not know instead of ignoring it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if role_of(self) is None:
            raise AssertionError(f"{self.path} asks for no role")
        self.known = {
            field.alias
            for field in get_flat_params(self.dependant)
            if not isinstance(field.field_info, Cookie | Header | Path)
        }
        self.takes_more: Callable[[str], bool] = (self.openapi_extra or {}).pop("takes_more", _no_more)
        self._hide = hider(self.response_model) if self.methods == {"GET"} else None

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        inner = super().get_route_handler()

        async def handle(request: Request) -> Response:
            for name in request.query_params:
                if name not in self.known and not self.takes_more(name):
                    near = difflib.get_close_matches(name, self.known, n=1)
                    raise Problem(
                        400, "unknown-parameter", f"{name[:100]!r} is not a parameter here.",
                        hint=f"Did you mean {near[0]}?" if near else f"Parameters: {', '.join(sorted(self.known))}.",
                        errors=[{"pointer": f"/query/{name[:100]}", "message": "not known"}],
                    )  # fmt: skip
            key = request.headers.get("idempotency-key")
            if key is not None and request.method == "POST":
                return await once(request, key, inner)
            answer = await inner(request)
            if self._hide is not None and caller_of(request).role < Role.OPERATOR:
                return hidden(answer, self._hide)
            return answer

        return handle


def _no_more(_name: str) -> bool:
    return False


def noun(name: str, tag: str | None = None) -> APIRouter:
    """The routes of a noun."""
    return APIRouter(
        prefix=f"/{name}" if name else "",
        tags=[tag or name],
        route_class=Route,
        responses=documented(400, 401, 403, 422),
    )


async def _application(request: Request) -> Onward:
    found: Onward = request.scope["app"].state.onward
    return found


App = Annotated[Onward, Depends(_application)]


async def _match(if_match: Annotated[str | None, HeaderOf(max_length=200)] = None) -> str | None:
    """The version that somebody has seen, or None where they do not say or take any."""
    if if_match is None or if_match.strip() == "*":
        return None
    found = re.fullmatch(r'\s*"([^"]*)"\s*', if_match)
    if found is None:
        raise Problem(
            400, "if-match-invalid", "If-Match is not one strong entity tag.", hint="Send the ETag as it was answered."
        )
    return found[1]


Match = Annotated[str | None, Depends(_match)]
"""What ``If-Match`` asks for; what has changed since is answered with 412, and as it is now."""
