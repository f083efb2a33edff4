"""The gate before every request: host, origin, size, who it is; and the headers of every answer."""

from __future__ import annotations

import ipaddress
import logging
import re
from asyncio import to_thread
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from onward.app import Onward
from onward.errors import OnwardError
from onward.model.limits import Limits
from onward.server.access import Caller, NotLetIn, NotSignedIn, Role
from onward.server.pace import Pace
from onward.server.problems import Problem, problem, status_of

_log = logging.getLogger("onward.server")
COOKIE = "onward_key"
HEADER = "x-requested-with"
"""A header that only our own pages and programs send; other sites cannot without being asked first."""

SESSION = "/api/v1/session"
LINKS = "/api/v1/answer-links/"
"""Whoever comes by a link to a question signs in with that."""
EVENTS = "/api/v1/events"
TICKET = "ticket"
"""What a client of live events sends in the address when it can send neither header nor cookie."""
PUBLIC = ("/healthz", "/readyz")
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_TEXTS = re.compile(rb'"(?:[^"\\]|\\.)*"')
_BRACKETS = re.compile(rb"[\[\]{}]")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

Authorize = Callable[[Scope], "str | tuple[str, str] | tuple[str, str, Limits] | None"]
"""An embedding application's own login: who sent a request, as role, (name, role) or (name, role, limits); or None."""


class Gate:
    """ASGI middleware around the whole application."""

    def __init__(
        self, inner: ASGIApp, onward: Onward, *, authorize: Authorize | None = None, is_strict_host: bool = False
    ) -> None:
        self._inner, self._onward, self._authorize, self._is_strict = inner, onward, authorize, is_strict_host
        self._pace = Pace(onward.settings.server.requests_per_second, onward.clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
                return
            await self._inner(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else self._onward.clock.random_bytes(8).hex()
        scope["onward.request_id"] = request_id
        told = self._dressed(send, request_id)
        try:
            self._check_host(scope, headers)
            self._check_origin(scope, headers)
            if _path(scope) not in PUBLIC:
                scope["onward.caller"] = await self._known(scope, headers)
                self._check_pace(scope)
            receive = await self._checked_body(scope, headers, receive)
        except Problem as error:
            answer = problem(error.status, error.code, error.detail, request_id, hint=error.hint, **error.facts)
            await answer(scope, receive, told)
        except OnwardError as error:
            answer = problem(status_of(error), error.code, error.message, request_id, hint=error.hint)
            await answer(scope, receive, told)
        else:
            await self._pass_on(scope, receive, told, request_id)

    async def _pass_on(self, scope: Scope, receive: Receive, told: Send, request_id: str) -> None:
        """The application's own turn; what it cannot answer is said without a trace."""
        try:
            await self._inner(scope, receive, told)
        except Exception:  # noqa: BLE001 - the outermost door: every error becomes an answer, and a line in the log
            _log.exception("An error in %s %s, request %s.", scope["method"], scope["path"], request_id)
            detail = "Something went wrong here; the log has it under the request id."
            await problem(500, "unexpected", detail, request_id)(scope, receive, told)

    def _dressed(self, send: Send, request_id: str) -> Send:
        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
                headers["X-Request-Id"] = request_id
            await send(message)

        return tell

    # ---- host and origin ------------------------------------------------------------------------------------

    def _check_host(self, scope: Scope, headers: Headers) -> None:
        """A name that is not ours may be somebody else's that points here (DNS rebinding)."""
        allowed = self._onward.settings.server.allowed_hosts
        if _path(scope) in PUBLIC or not (self._is_strict or allowed) or "*" in allowed:
            return
        host = host_of(headers)
        if not is_loopback(host) and host not in allowed and host != self._onward.settings.server.host:
            raise Problem(
                400, "host-unknown", f"This server is not called {host[:100]!r}.",
                hint="Add the name to server.allowed_hosts.",
            )  # fmt: skip

    def _check_origin(self, scope: Scope, headers: Headers) -> None:
        """Another site's page may not have a browser change anything here."""
        if scope["method"] in _SAFE or headers.get("authorization", "").startswith("Bearer "):
            return
        site, origin = headers.get("sec-fetch-site"), headers.get("origin")
        foreign = site not in (None, "same-origin", "none")
        if site is None and origin is not None:
            foreign = urlsplit(origin).netloc != headers.get("host", "")
        if foreign or (COOKIE in headers.get("cookie", "") and site is None and HEADER not in headers):
            raise Problem(403, "cross-site", "A page of another site may not do this.")

    # ---- who ------------------------------------------------------------------------------------------------

    async def _known(self, scope: Scope, headers: Headers) -> Caller:
        """Who it is. Whoever is nobody yet gets the pages, in which to sign in, and may do that."""
        try:
            return await self._caller(scope, headers)
        except NotSignedIn:
            path = _path(scope)
            is_sign_in = path.startswith(LINKS) or (path == SESSION and scope["method"] in ("POST", "DELETE"))
            if is_sign_in or not path.startswith(("/api/", "/metrics")):
                return Caller("nobody", Role.NOBODY)
            raise

    async def _caller(self, scope: Scope, headers: Headers) -> Caller:
        ticket = ticket_of(scope)
        if ticket is not None:
            holder = await to_thread(self._onward.tickets.redeem, ticket)
            if holder is None:
                raise NotSignedIn("This ticket is not known, was used or is over.", hint="POST /api/v1/events/ticket")
            return self._limited(Caller(holder.name, Role.named(holder.role), holder.key_id, holder.limits))
        if self._authorize is not None:
            found = self._authorize(scope)
            if found is None:
                raise NotLetIn("The application does not let you in here.", hint="Sign in to it.")
            name, role, *limits = found if isinstance(found, tuple) else ("somebody", found)
            return self._limited(Caller(name, Role.named(role), None, *limits))
        secret = secret_of(headers)
        if secret is not None:
            key = await to_thread(self._onward.keys.check, secret)
            if key is not None:
                return self._limited(Caller(key.name, Role.named(key.role), key.id, key.limits))
            # A cookie of long ago does not lock out who needs no key.
            if headers.get("authorization") or not self._needs_none(scope, headers):
                raise NotSignedIn("This key is not known, has expired or was revoked.", hint="onward key create")
        if self._needs_none(scope, headers):
            return self._limited(Caller("local", Role.ADMIN))
        settings = self._onward.settings
        if settings.ui.read_only and not await to_thread(self._onward.keys.any):
            return Caller("anonymous", Role.VIEWER)
        raise NotSignedIn("A key is needed.", hint="Authorization: Bearer onw_…; make one: onward key create")

    def _needs_none(self, scope: Scope, headers: Headers) -> bool:
        return self._onward.settings.server.login != "always" and is_local(scope, headers)

    def _limited(self, caller: Caller) -> Caller:
        """Where the pages are read-only, everybody is a viewer."""
        if self._onward.settings.ui.read_only:
            return replace(caller, role=Role.VIEWER)
        return caller

    def _check_pace(self, scope: Scope) -> None:
        """One key, or one address without a key, may ask only so fast."""
        caller: Caller = scope["onward.caller"]
        client = scope.get("client")
        who = caller.key_id or (str(client[0]) if client else caller.name)
        if not self._pace.take(who):
            raise Problem(
                429, "too-many-requests", "Too many requests in a short time. Nothing was done.",
                hint="Wait a moment, or raise server.requests_per_second.",
            )  # fmt: skip

    # ---- what is sent ---------------------------------------------------------------------------------------

    async def _checked_body(self, scope: Scope, headers: Headers, receive: Receive) -> Receive:
        """The body, if it is JSON, neither too long nor too deep; read before anything is parsed."""
        if scope["method"] in _SAFE:
            return receive
        most = self._onward.settings.server.body_bytes
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > most:
            raise Problem(413, "too-large", f"A request may have {most:,} bytes.")
        body = b""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                break
            body += message.get("body", b"")
            if len(body) > most:
                raise Problem(413, "too-large", f"A request may have {most:,} bytes.")
            if not message.get("more_body", False):
                break
        if body:
            kind = headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind != "application/json" and not kind.endswith("+json"):
                raise Problem(415, "not-json", "Only JSON is taken.", hint="Content-Type: application/json")
            if depth_of(body) > self._onward.settings.server.body_depth:
                raise Problem(400, "too-deep", "The JSON is nested too deep.")
        return _again(body, receive)


def _again(body: bytes, receive: Receive) -> Receive:
    given: Iterator[Message] = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def once() -> Message:
        return next(given, None) or await receive()

    return once


def depth_of(body: bytes) -> int:
    """How deep the brackets of a JSON text are nested."""
    depth = deepest = 0
    for found in _BRACKETS.finditer(_TEXTS.sub(b"", body)):
        depth += 1 if found[0] in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest


def secret_of(headers: Headers) -> str | None:
    """The key that a request carries, in its header or cookie."""
    given = headers.get("authorization", "")
    if given:
        scheme, _, secret = given.partition(" ")
        return secret.strip() if scheme.lower() == "bearer" else ""
    try:
        cookie = SimpleCookie(headers.get("cookie", ""))
    except CookieError:
        return None
    return cookie[COOKIE].value if COOKIE in cookie else None


def ticket_of(scope: Scope) -> str | None:
    """The ticket in the address of live events."""
    if _path(scope) != EVENTS or scope["method"] != "GET":
        return None
    return QueryParams(scope["query_string"]).get(TICKET)


def is_local(scope: Scope, headers: Headers) -> bool:
    """Whether a request comes from this very machine, and not through a proxy."""
    if any(name in headers for name in ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")):
        return False
    client, server = scope.get("client"), scope.get("server")
    ends: Iterable[Any] = [end[0] for end in (client, server) if end]
    return all(is_loopback(str(end)) for end in ends) and is_loopback(host_of(headers))


def host_of(headers: Headers) -> str:
    """The name in the Host header, without its port."""
    host = headers.get("host", "")
    return (host.partition("]")[0].lstrip("[") if host.startswith("[") else host.partition(":")[0]).lower()


def is_loopback(host: str) -> bool:
    """Whether a name or address is this machine's own."""
    if host in ("localhost", "") or host.endswith(".localhost"):
        return host != ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _path(scope: Scope) -> str:
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    is_below = path.startswith(root) and path[len(root) : len(root) + 1] in ("", "/")
    return path[len(root) :] if is_below else path
