"""Asking a person: what a job may ask, checked before anything is written."""

from __future__ import annotations

import functools
import math
from datetime import timedelta
from typing import get_args

from pydantic import BaseModel

from onward.errors import InvalidValue
from onward.model import codec
from onward.model.job import Json
from onward.model.question import Asking, OnTimeout
from onward.model.schema import check_schema, misfits, sentence
from onward.settings import Settings

_NAME_CHARS = 200
_PROMPT_BYTES = 65536
Schema = dict[str, Json] | bool | type[BaseModel] | None


def make_asking(
    settings: Settings,
    *,
    scope: str,
    name: str,
    kind: str,
    data: Json,
    prompt: str,
    schema: Schema,
    timeout: float | timedelta | None,
    on_timeout: OnTimeout,
    default: Json,
    hold: bool,
    assigned_to: str | None,
) -> Asking:
    """A question as it travels to the database. Raises ``InvalidValue``; nothing is asked then."""
    _check_word(kind, "The kind of a question")
    _check_word(name, "The name of a question")
    if assigned_to is not None:
        _check_word(assigned_to, "assigned_to")
    codec.encode(prompt, "The prompt", _PROMPT_BYTES)
    if on_timeout not in get_args(OnTimeout):
        raise InvalidValue(f"on_timeout={on_timeout!r} is not possible.", hint="Use 'fail', 'cancel' or 'default'.")
    size = settings.limits.payload_bytes
    plain = _plain_schema(schema)
    text = codec.encode(plain, "The schema of a question", size) if plain is not None else None
    if text is not None:
        _check_schema(text)
    if plain is not None and (default is not None or on_timeout == "default"):
        found = misfits(plain, default)
        if found:
            raise InvalidValue(
                f"The default of question {name!r} does not fit its schema: {sentence(found)}.",
                hint="Give a default= that would be a valid answer.",
            )
    has_default = default is not None or on_timeout == "default"
    return Asking(
        scope=scope,
        name=name,
        kind=kind,
        prompt=prompt,
        data=codec.encode(data, "The data of a question", size) if data is not None else None,
        schema=text,
        timeout_seconds=_seconds(timeout),
        on_timeout=on_timeout,
        default=codec.encode(default, "The default answer", size) if has_default else None,
        assigned_to=assigned_to,
        is_holding=hold,
    )


def _check_word(text: object, what: str) -> None:
    if not isinstance(text, str) or not 0 < len(text) <= _NAME_CHARS:
        raise InvalidValue(f"{what} is {str(text)[:50]!r}.", hint=f"Use 1 to {_NAME_CHARS} characters.")
    codec.encode(text, what, 4 * _NAME_CHARS)


@functools.lru_cache(maxsize=256)
def _check_schema(text: str) -> None:
    """A job that is called again asks the same again, and its schemas are still what they were."""
    check_schema(codec.decode(text), "The schema of a question")


def _plain_schema(schema: Schema) -> Json:
    if isinstance(schema, type) and issubclass(schema, BaseModel):
        return schema.model_json_schema()
    return schema


def _seconds(timeout: float | timedelta | None) -> float | None:
    if timeout is None:
        return None
    seconds = timeout.total_seconds() if isinstance(timeout, timedelta) else timeout
    if not 0 < seconds <= _LONGEST:
        raise InvalidValue(
            f"A timeout of {timeout!r} is not possible.", hint="Use seconds above 0, or None to wait without end."
        )
    return float(seconds)


_LONGEST = math.floor(timedelta(days=36525).total_seconds())
"""A century: what both databases can add to any time of today."""
