"""Speaking to a server: one request, one answer; what it refuses is raised as the error that it was there."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

from onward import errors
from onward.errors import InvalidConfig, OnwardError, ServerUnreachable
from onward.model.chain import ChainIssue, ChainReport
from onward.records.moments import rfc3339
from onward.records.reading import read_job

PAGE = 200
"""Items of a page, at most."""
_EXIT_CODES = {401: 4, 403: 4, 404: 3, 409: 5, 412: 5, 400: 6, 413: 6, 415: 6, 422: 6}
_UNREACHABLE = 7


class Refused(OnwardError):
    """What a server refused with a code that has no class of its own here."""

    def __init__(self, message: str, *, hint: str = "", code: str = "error", exit_code: int = 1) -> None:
        super().__init__(message, hint=hint)
        self.code, self.exit_code = code, exit_code


class Wire:
    """The way to one server, with a key."""

    def __init__(self, address: str, key: str | None, timeout: float) -> None:
        """``address`` may have a path, where the server stands below a prefix. Raises ``InvalidConfig``."""
        parts = urllib.parse.urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InvalidConfig(
                f"{address!r} is not the address of a server.", hint="--server https://jobs.example.org"
            )
        if parts.username is not None or parts.password is not None:
            raise InvalidConfig("The address of the server has a name or password in it.", hint="Set ONWARD_KEY.")
        self.address = address.rstrip("/")
        self._key, self._timeout = key, timeout
        self._opener = urllib.request.build_opener(_StaysHere())

    def get(self, *path: str, **asked: Any) -> Any:
        """What an address answers; what is None is not asked."""
        return self._answer("GET", path, asked)

    def post(self, *path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Have something done."""
        return self._answer("POST", path, {}, {} if body is None else body)

    def patch(self, *path: str, body: Mapping[str, Any]) -> Any:
        """Have something changed."""
        return self._answer("PATCH", path, {}, body)

    def put(self, *path: str, body: Mapping[str, Any]) -> Any:
        """Have something kept."""
        return self._answer("PUT", path, {}, body)

    def delete(self, *path: str, **asked: Any) -> None:
        """Have something deleted."""
        self._answer("DELETE", path, asked)

    def items(self, *path: str, limit: int | None = None, after: str | None = None, **asked: Any) -> Iterator[Any]:
        """The items of a list, page by page, at most ``limit``."""
        left = limit
        while left is None or left > 0:
            page = self.get(*path, **asked, limit=PAGE if left is None else min(PAGE, left), after=after)
            yield from page["items"]
            after = page["next"]
            if after is None:
                return
            left = None if left is None else left - len(page["items"])

    def listen(self, topics: str) -> AbstractContextManager[Iterator[bytes]]:
        """The lines of the server's live events."""
        request = self._request("GET", ("events",), {"topics": topics}, None)
        answer: AbstractContextManager[Iterator[bytes]] = self._opener.open(request, timeout=self._timeout)
        return answer

    # ---- one request ----------------------------------------------------------------------------------------

    def _answer(
        self, method: str, path: tuple[str, ...], asked: Mapping[str, Any], body: Mapping[str, Any] | None = None
    ) -> Any:
        request = self._request(method, path, asked, body)
        try:
            with self._opener.open(request, timeout=self._timeout) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            with error:
                raise self._refusal(error.code, error.read()) from None
        except (OSError, http.client.HTTPException) as error:
            why = getattr(error, "reason", None) or error
            raise ServerUnreachable(
                f"The server {self.address} does not answer: {why}.", hint="Check the address, and that it runs."
            ) from None
        try:
            return json.loads(text) if text else None
        except ValueError:
            raise self._no_server() from None

    def _request(
        self, method: str, path: tuple[str, ...], asked: Mapping[str, Any], body: Mapping[str, Any] | None
    ) -> urllib.request.Request:
        where = "/".join(urllib.parse.quote(part, safe="") for part in path)
        query = urllib.parse.urlencode({name: _text(value) for name, value in asked.items() if value is not None})
        data = None if body is None else json.dumps(body, default=_text).encode()
        headers = {"Accept": "application/json", "User-Agent": "onward"}
        if data is not None:
            headers["Content-Type"] = "application/json"
        if self._key is not None:
            headers["Authorization"] = f"Bearer {self._key}"
        address = f"{self.address}/api/v1/{where}{'?' if query else ''}{query}"
        return urllib.request.Request(address, data, headers, method=method)  # noqa: S310 - http and https only, above

    def _refusal(self, status: int, text: bytes) -> OnwardError:
        try:
            told = json.loads(text)
            code, detail = str(told["code"]), str(told["detail"])
        except (ValueError, KeyError, TypeError):
            return self._no_server(status)
        return error_of(status, code, detail, told)

    def _no_server(self, status: int = 200) -> OnwardError:
        return ServerUnreachable(
            f"{self.address} answers {status}, and not as a server of onward does.", hint="Check the address."
        )


class _StaysHere(urllib.request.HTTPRedirectHandler):
    """A key is shown to nobody but the server that it is for."""

    def redirect_request(self, *_args: Any, **_more: Any) -> None:
        """No address but the one that was given is asked."""
        return


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


# ---- what was refused ---------------------------------------------------------------------------------------


def error_of(status: int, code: str, detail: str, told: Mapping[str, Any]) -> OnwardError:
    """The error that a problem tells of, of its own class where it has one."""
    hint = str(told.get("hint", ""))
    kind = _kinds().get(code)
    if kind is None:
        exit_code = _EXIT_CODES.get(status, _UNREACHABLE)
        return Refused(detail, hint=hint, code=code, exit_code=exit_code)
    more: dict[str, Any] = {}
    if "job" in told and "job" in _takes(kind):
        more["job"] = read_job(told["job"])
    for name in ("percent", "age_seconds", "resource", "version"):
        if name in told and name in _takes(kind):
            more[name] = told[name]
    wrong = told.get("errors") or []
    if "errors" in _takes(kind):
        more["errors"] = tuple({"field": _field(item["pointer"]), "message": item["message"]} for item in wrong)
    if "report" in _takes(kind) and wrong:
        more["report"] = ChainReport([_issue(item) for item in wrong])
    error = kind(detail, hint=hint, **more)
    if "resume" in told and isinstance(error, errors.IncompleteJobFound):
        error.resume = told["resume"]
    return error


def _takes(kind: Callable[..., OnwardError]) -> tuple[str, ...]:
    names: tuple[str, ...] = kind.__init__.__code__.co_varnames
    return names


def _kinds() -> dict[str, type[OnwardError]]:
    found = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, OnwardError)]
    return {kind.code: kind for kind in found if kind is not OnwardError and not kind.__name__.startswith("_")}


def _field(pointer: str) -> str:
    return pointer.removeprefix("/").replace("/", ".")


def _issue(item: Mapping[str, Any]) -> ChainIssue:
    phase = item["pointer"].rpartition("/")[2]
    return ChainIssue(int(phase) if phase.isdecimal() else None, item["message"], item.get("hint", ""))
