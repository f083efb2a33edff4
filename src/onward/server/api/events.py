"""Live events over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from sse_starlette import EventSourceResponse
from starlette.responses import Response
from typing_extensions import TypedDict

from onward.engine.keys import Holder
from onward.errors import StoreUnavailable
from onward.model.ids import parsed, shown
from onward.records.moments import rfc3339
from onward.server.access import Viewer, Within
from onward.server.gate import TICKET
from onward.server.problems import Problem, documented
from onward.server.routing import App, noun
from onward.server.stream import TOPICS, Stream

routes: APIRouter = noun("events")
_PING_SECONDS = 15


class Ticket(TypedDict):
    """What lets one client listen, once, until a time."""

    ticket: str
    expires_at: str


@routes.post("/ticket", status_code=201, responses=documented(503))
def issue_ticket(caller: Viewer, app: App, limits: Within) -> Ticket:
    """A ticket for ``?ticket=``, where neither header nor cookie can be sent: for one use within 60 seconds."""
    ticket, until = app.tickets.issue(Holder(caller.name, caller.role.word, caller.key_id, limits))
    return {"ticket": ticket, "expires_at": rfc3339(until)}


@routes.get("", response_class=Response, responses={200: {"content": {"text/event-stream": {}}}, **documented(429)})
async def listen(
    request: Request,
    caller: Viewer,
    app: App,
    limits: Within,
    topics: Annotated[str, Query(max_length=200, description=f"Of {', '.join(TOPICS)}; with commas.")] = "",
    job: Annotated[str | None, Query(max_length=200, description="Only what is about this job.")] = None,
    last_event_id: Annotated[str, Header(max_length=40)] = "",
    last: Annotated[str, Query(alias="last_event_id", max_length=40)] = "",
    _ticket: Annotated[str, Query(alias=TICKET, max_length=100, description="Of `POST /events/ticket`.")] = "",
) -> Response:
    """Server-sent events, from now on or from ``Last-Event-ID``; ``reset`` asks to fetch everything anew."""
    chosen = frozenset(topics.split(",")) if topics else frozenset(TOPICS)
    unknown = sorted(chosen - set(TOPICS))
    if unknown:
        raise Problem(
            400, "topic-unknown", f"{unknown[0][:100]!r} is not a topic.", hint=f"Topics: {', '.join(TOPICS)}."
        )
    stream: Stream = request.scope["app"].state.stream
    if stream.listeners >= app.settings.server.streams:
        raise Problem(429, "too-many-streams", "Too many clients listen already.", hint="See server.streams.")
    place = last_event_id or last
    known = int(place) if place.isdecimal() else 0 if place else None
    about = shown(parsed(job)) if job else None

    def is_let_in() -> bool:
        try:
            return caller.key_id is None or app.keys.is_good(caller.key_id)
        except StoreUnavailable:
            return True  # nothing is told meanwhile, and it is asked again

    found = stream.events(chosen, about, known, limits, is_let_in)
    return EventSourceResponse(found, ping=_PING_SECONDS, sep="\n")
