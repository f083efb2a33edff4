"""What viewers are not shown: fields that records mark as payload, hidden in every answer, at one place."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import orjson
from starlette.responses import Response
from typing_extensions import get_original_bases, is_typeddict

from onward.records.payload import PAYLOAD
from onward.records.secrets import HIDDEN

Hide = Callable[[Any], Any]


def hidden(response: Response, hide: Hide) -> Response:
    """The answer without what is payload."""
    body = orjson.dumps(hide(orjson.loads(response.body)))
    response.body = body
    response.headers["content-length"] = str(len(body))
    return response


def hider(kind: Any, given: dict[Any, Any] | None = None) -> Hide | None:
    """What hides the payload in plain values of this type; None where there is none in it."""
    given = given or {}
    kind = given.get(kind, kind)
    origin, args = get_origin(kind), get_args(kind)
    if origin is Annotated and PAYLOAD in kind.__metadata__:
        return _names_only if get_origin(args[0]) is dict else _nothing
    if origin is list:
        return _each(hider(args[0], given))
    if origin is dict:
        return _values(hider(args[1], given))
    if origin in (Annotated, Union, types.UnionType):
        found = [hide for hide in (hider(one, given) for one in args) if hide is not None]
        assert len(found) < 2, f"{kind}: which of them it is cannot be told"  # noqa: S101 - a record of ours
        return found[0] if found else None
    return _record(origin or kind, kind, given) if is_typeddict(origin or kind) else None


def _record(record: Any, kind: Any, given: dict[Any, Any]) -> Hide | None:
    for generic in (kind, *get_original_bases(record)):
        known = getattr(get_origin(generic), "__parameters__", ())
        given = given | dict(zip(known, get_args(generic), strict=False))
    fields = {name: hider(hint, given) for name, hint in get_type_hints(record, include_extras=True).items()}
    return _fields({name: hide for name, hide in fields.items() if hide is not None})


def _nothing(value: Any) -> Any:
    return None if value is None else HIDDEN


def _names_only(value: Any) -> Any:
    return dict.fromkeys(value, HIDDEN)


def _each(hide: Hide | None) -> Hide | None:
    return hide and (lambda value: value and [hide(item) for item in value])


def _values(hide: Hide | None) -> Hide | None:
    return hide and (lambda value: value and {name: hide(item) for name, item in value.items()})


def _fields(hides: dict[str, Hide]) -> Hide | None:
    def hide(value: Any) -> Any:
        return value and value | {name: one(value[name]) for name, one in hides.items() if name in value}

    return hide if hides else None
