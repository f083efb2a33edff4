"""Answers to questions as people give them: in options, from a file, or field by field on a terminal."""

from __future__ import annotations

import getpass
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from onward.cli.input.params import read_json, read_params, read_value
from onward.cli.input.prompts import NotConfirmed
from onward.cli.told import say
from onward.errors import InvalidAnswer, InvalidParams
from onward.model.question import QuestionRecord
from onward.model.schema import is_secret, misfits

Check = Callable[[Any], list[dict[str, str]]]
_YES = {"y": True, "yes": True, "n": False, "no": False}


def read_answer(question: QuestionRecord, pairs: Sequence[str], value: str | None, file: str | None) -> Any:
    """What was given in options. Raises ``InvalidAnswer`` and ``InvalidValue``."""
    schema = question.schema if isinstance(question.schema, Mapping) else {}
    try:
        if value is not None:
            return read_value("answer", value, _around(schema))
        if file is not None and not pairs:
            return read_json(file)
        return read_params(pairs, file, schema, option="--set")
    except InvalidParams as error:
        raise InvalidAnswer(error.message, errors=error.errors) from None


def ask_answer(question: QuestionRecord) -> Any:
    """What a person types, asked until each field fits."""
    schema = question.schema if isinstance(question.schema, Mapping) else {}
    fields = schema.get("properties")
    if not isinstance(fields, Mapping) or not fields:
        return _ask("Answer", schema, schema, lambda value: misfits(schema, value), is_required=True)
    answer = {}
    for name, field in fields.items():
        fits = partial(_misfits_of, schema, name)
        value = _ask(name, field, schema, fits, is_required=name in schema.get("required", ()))
        if value is not _LEFT_OUT:
            answer[name] = value
    return answer


_LEFT_OUT = object()


def _misfits_of(schema: Mapping[str, Any], name: str, value: Any) -> list[dict[str, str]]:
    """What is wrong with one field, whatever the others will be."""
    return [item for item in misfits(schema, {name: value}) if item["field"].partition(".")[0] == name]


def _ask(name: str, field: Any, schema: Mapping[str, Any], wrongs: Check, *, is_required: bool) -> Any:
    """One value; an empty line takes the default, or leaves out what need not be given."""
    spec = _resolved(field, schema)
    if spec.get("description"):
        say(f"  {spec['description']}")
    question = _question(name, spec, is_required=is_required)
    while True:
        text = _read(question, is_secret(spec))
        if not text and "default" in spec:
            return spec["default"]
        if not text and not is_required:
            return _LEFT_OUT
        try:
            value = _value(name, text, spec, schema)
        except InvalidParams as error:
            say(f"  {error.message}")
            continue
        wrong = wrongs(value)
        if not wrong:
            return value
        for item in wrong:
            say(f"  {item['field'] + ': ' if item['field'] else ''}{item['message']}")


def _value(name: str, text: str, spec: Mapping[str, Any], schema: Mapping[str, Any]) -> Any:
    choices = spec.get("enum")
    if choices and text.isdigit() and 1 <= int(text) <= len(choices) and text not in map(str, choices):
        return choices[int(text) - 1]
    if spec.get("type") == "boolean" and text.lower() in _YES:
        return _YES[text.lower()]
    return read_value(name, text, {"properties": {name: spec}, "$defs": schema.get("$defs", {})})


def _question(name: str, spec: Mapping[str, Any], *, is_required: bool) -> str:
    choices = spec.get("enum")
    if choices:
        for number, choice in enumerate(choices, 1):
            say(f"  {number}) {choice}")
    kind = " [y/n]" if spec.get("type") == "boolean" else ""
    if "default" in spec:
        kind += f" ({json.dumps(spec['default'], ensure_ascii=False)})"
    elif not is_required:
        kind += " (may be left out)"
    return f"{spec.get('title') or name}{kind}:"


def _read(question: str, is_hidden: bool) -> str:
    if is_hidden:
        return getpass.getpass(f"{question} ")
    print(question, end=" ", file=sys.stderr, flush=True)
    line = sys.stdin.readline()
    if not line:
        raise NotConfirmed("Nothing was answered.")
    return line.strip()


def _resolved(field: Any, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The field's schema, out of ``$defs`` if it stands there."""
    spec = field if isinstance(field, Mapping) else {}
    name = str(spec.get("$ref", "")).removeprefix("#/$defs/")
    found = schema.get("$defs", {}).get(name)
    return {**found, **{k: v for k, v in spec.items() if k != "$ref"}} if isinstance(found, Mapping) else spec


def _around(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"properties": {"answer": schema}, "$defs": schema.get("$defs", {})}
