"""JSON Schema: whether a schema is one, and what of a value does not fit it, field by field.

The library is loaded when a schema is met; nothing is ever fetched from elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from onward.errors import InvalidAnswer, InvalidValue
from onward.model.job import Json
from onward.model.pattern import TooMuchWork, compiled

_MESSAGE_CHARS = 200
_DATA_KEYWORDS = frozenset({"const", "default", "enum", "examples"})
"""What stands below these is data, not schema."""


def check_schema(schema: Json, what: str) -> None:
    """Raise ``InvalidValue`` unless ``schema`` is a JSON Schema that refers to nothing outside of itself."""
    from jsonschema import SchemaError, validators  # noqa: PLC0415 - costs a tenth of a second, and few need it
    from referencing import Registry  # noqa: PLC0415 - as above
    from referencing.exceptions import Unresolvable  # noqa: PLC0415 - as above
    from referencing.jsonschema import DRAFT202012  # noqa: PLC0415 - as above

    if not isinstance(schema, dict | bool):
        raise InvalidValue(f"{what} is not a JSON Schema.", hint='Use a dict such as {"type": "boolean"}.')
    try:
        validators.validator_for(schema, default=validators.Draft202012Validator).check_schema(schema)
    except SchemaError as error:
        place = _place(error.absolute_path)
        where = f" at {place}" if place else ""
        raise InvalidValue(f"{what} is not a JSON Schema{where}: {_short(error.message)}.") from None
    for pattern in _patterns(schema):
        compiled(pattern)
    resolver = Registry().resolver_with_root(DRAFT202012.create_resource(schema))
    for target in _references(schema):
        try:
            resolver.lookup(target)
        except Unresolvable:
            raise InvalidValue(
                f"{what} refers to {target!r}, which is not in it.", hint="Put the parts under $defs of the schema."
            ) from None


def misfits(schema: Json, value: Json) -> list[dict[str, str]]:
    """What of ``value`` does not fit, as ``{"field", "message"}``, in the order of the fields; empty when all fits."""
    try:
        found = sorted(_validator(schema).iter_errors(value), key=lambda error: [str(p) for p in error.absolute_path])
    except RecursionError:
        return [{"field": "", "message": "the schema has no end"}]
    return list({(item["field"], item["message"]): item for item in map(_misfit, found)}.values())


def check_answer(name: str, schema: Json, response: Json) -> None:
    """Raise ``InvalidAnswer``, field by field, unless the answer to the question ``name`` fits; None fits all."""
    found = misfits(schema, response) if schema is not None else []
    if found:
        raise InvalidAnswer(
            f"The answer to {name!r} does not fit: {sentence(found)}.",
            hint="Nothing was changed; the question is still open.",
            errors=tuple(found),
        )


def is_secret(schema: Mapping[str, Json]) -> bool:
    """Whether a value of this schema is not to be shown: ``writeOnly``, or of the format ``password``."""
    return schema.get("writeOnly") is True or schema.get("format") == "password"


def sentence(problems: Sequence[dict[str, str]]) -> str:
    """All that does not fit, on one line."""
    return "; ".join(f"{p['field']}: {p['message']}" if p["field"] else p["message"] for p in problems)


def _misfit(error: Any) -> dict[str, str]:
    path = list(error.absolute_path)
    if isinstance(error.schema, dict) and is_secret(error.schema):
        # The library's own words have the value in them.
        return {"field": _place(path), "message": "does not fit"}
    if error.validator == "required":
        missing = next((name for name in error.validator_value if f"'{name}' is" in error.message), None)
        if missing is not None:
            return {"field": _place([*path, missing]), "message": "is missing"}
    return {"field": _place(path), "message": _short(error.message)}


def _place(path: Any) -> str:
    return ".".join(str(part) for part in path)


def _short(message: str) -> str:
    line = " ".join(message.split())
    return line if len(line) <= _MESSAGE_CHARS else f"{line[: _MESSAGE_CHARS - 1]}…"


def _references(schema: Json) -> Iterator[str]:
    if isinstance(schema, dict):
        for key, value in schema.items():
            if key in ("$ref", "$dynamicRef") and isinstance(value, str):
                yield value
            elif key not in _DATA_KEYWORDS:
                yield from _references(value)
    elif isinstance(schema, list):
        for item in schema:
            yield from _references(item)


def _patterns(schema: Json) -> Iterator[str]:
    """All regular expressions of a schema."""
    if isinstance(schema, dict):
        if isinstance(pattern := schema.get("pattern"), str):
            yield pattern
        if isinstance(keys := schema.get("patternProperties"), dict):
            yield from keys
            if "unevaluatedProperties" in schema:
                raise InvalidValue(
                    "The schema has patternProperties beside unevaluatedProperties.", hint="Use additionalProperties."
                )
        for key, value in schema.items():
            if key not in _DATA_KEYWORDS:
                yield from _patterns(value)
    elif isinstance(schema, list):
        for item in schema:
            yield from _patterns(item)


def _check_pattern(validator: Any, pattern: str, instance: Any, _schema: Any) -> Iterator[Any]:
    from jsonschema import ValidationError  # noqa: PLC0415 - as above

    if not validator.is_type(instance, "string"):
        return
    try:
        if not compiled(pattern).search(instance):
            yield ValidationError(f"{instance!r} does not match {pattern!r}")
    except TooMuchWork:
        yield ValidationError(f"takes too long to compare with {pattern!r}")


def _check_pattern_properties(validator: Any, patterns: dict[str, Any], instance: Any, _schema: Any) -> Iterator[Any]:
    if validator.is_type(instance, "object"):
        for pattern, inner in patterns.items():
            for key, value in instance.items():
                if _fits(pattern, key):
                    yield from validator.descend(value, inner, path=key, schema_path=pattern)


def _check_additional_properties(plain: Any) -> Any:
    """The library's own, but for schemas with patterns: there it would search for them by itself."""

    def check(validator: Any, allowed: Any, instance: Any, schema: Any) -> Iterator[Any]:
        from jsonschema import ValidationError  # noqa: PLC0415 - as above

        patterns = schema.get("patternProperties")
        if not patterns or not validator.is_type(instance, "object"):
            yield from plain(validator, allowed, instance, schema)
            return
        known = schema.get("properties", {})
        more = [key for key in instance if key not in known and not any(_fits(one, key) for one in patterns)]
        if isinstance(allowed, dict):
            for key in more:
                yield from validator.descend(instance[key], allowed, path=key)
        elif more and not allowed:
            names = ", ".join(map(repr, sorted(more)))
            yield ValidationError(f"Additional properties are not allowed ({names} fit none of the patterns)")

    return check


def _fits(pattern: str, key: str) -> bool:
    try:
        return compiled(pattern).search(key)
    except TooMuchWork:
        return False


@cache
def _guarded(kind: Any) -> Any:
    """A class of validators whose patterns take no longer than a text is long."""
    from jsonschema import validators  # noqa: PLC0415 - as above

    additional = _check_additional_properties(kind.VALIDATORS["additionalProperties"])
    own = {"pattern": _check_pattern, "additionalProperties": additional}
    if "patternProperties" in kind.VALIDATORS:
        own["patternProperties"] = _check_pattern_properties
    return validators.extend(kind, own)


def _validator(schema: Json) -> Any:
    from jsonschema import FormatChecker, validators  # noqa: PLC0415 - as above
    from referencing import Registry  # noqa: PLC0415 - as above

    formats = FormatChecker()
    formats.checks("date-time", raises=ValueError)(_is_moment)
    kind: Any = _guarded(validators.validator_for(schema, default=validators.Draft202012Validator))
    # An empty registry: with none given, the library would fetch what a schema refers to.
    return kind(schema, registry=Registry(), format_checker=formats)


def _is_moment(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None
