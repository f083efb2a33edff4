"""Parameters as people type them: ``-a name=value``, read by the job type's schema, or a file of JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from onward.errors import InvalidParams, InvalidValue


def read_params(
    pairs: Sequence[str], file: str | None, schema: Mapping[str, Any], *, option: str = "-a"
) -> dict[str, Any]:
    """The parameters of ``-a`` above those of the file. Raises ``InvalidValue`` and ``InvalidParams``."""
    params = read_json_file(file) if file is not None else {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise InvalidValue(f"{option} {pair!r} is not name=value.", hint=f"{option} folder=texts")
        params[name] = read_value(name, text, schema)
    return params


def read_json_file(name: str) -> dict[str, Any]:
    """A JSON object from a file, or from stdin for ``-``."""
    value = read_json(name)
    if not isinstance(value, dict):
        raise InvalidValue(f"{name} holds no JSON object.", hint='{"name": "value"}')
    return value


def read_json(name: str) -> Any:
    """A JSON value from a file, or from stdin for ``-``."""
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
        return json.loads(text)
    except OSError as error:
        raise InvalidValue(f"{name} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise InvalidValue(f"{name} is not JSON: {error}.") from None


def read_value(name: str, text: str, schema: Mapping[str, Any]) -> Any:
    """One typed value, as the schema's property of this name wants it. Raises ``InvalidParams``."""
    kinds = _kinds(schema.get("properties", {}).get(name, {}), schema)
    if "string" in kinds and not ("null" in kinds and text == "null"):
        return text
    try:
        return json.loads(text)
    except ValueError:
        pass
    if "array" in kinds:
        return [part.strip() for part in text.split(",") if part.strip()]
    if "boolean" in kinds and text.lower() in ("yes", "no", "on", "off"):
        return text.lower() in ("yes", "on")
    if kinds and not kinds & {"object"}:
        expected = " or ".join(sorted(kinds))
        message = f"{text!r} is no {expected}"
        raise InvalidParams(f"{name}: {message}.", errors=({"field": name, "message": message},))
    return text


def _kinds(of: Mapping[str, Any], schema: Mapping[str, Any]) -> set[str]:
    """The JSON types that a property may have; none known means any."""
    if "$ref" in of:
        return _kinds(schema.get("$defs", {}).get(of["$ref"].rpartition("/")[2], {}), schema)
    found: set[str] = set()
    given = of.get("type")
    found.update([given] if isinstance(given, str) else given or [])
    for option in (*of.get("anyOf", ()), *of.get("oneOf", ()), *of.get("allOf", ())):
        found |= _kinds(option, schema)
    values = [*of.get("enum", ()), *([of["const"]] if "const" in of else [])]
    if values and not found:
        found.update("string" if isinstance(value, str) else "number" for value in values)
    return found
