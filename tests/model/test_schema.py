from __future__ import annotations

from typing import Any

import pytest

from onward import InvalidAnswer, InvalidValue
from onward.model.schema import check_answer, check_schema, misfits

ADDRESS = {
    "type": "object",
    "required": ["name", "lines"],
    "properties": {
        "name": {"$ref": "#/$defs/word"},
        "lines": {"type": "array", "items": {"$ref": "#/$defs/word"}},
        "when": {"type": "string", "format": "date-time"},
    },
    "additionalProperties": False,
    "$defs": {"word": {"type": "string", "minLength": 2}},
}


def test_schema_with_references_into_itself_is_one() -> None:
    check_schema(ADDRESS, "The schema")
    check_schema(True, "The schema")
    check_schema({"enum": [{"$ref": "#/data, not a reference"}]}, "The schema")


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "bolean"}, "at type"),
        ({"properties": {"a": {"minimum": "x"}}}, "at properties.a.minimum"),
        ({"$ref": "https://example.org/schema.json"}, "refers to 'https://example.org/schema.json'"),
        ({"$ref": "file:///etc/passwd"}, "refers to 'file:///etc/passwd'"),
        ({"items": {"$ref": "#/$defs/none"}}, "refers to '#/$defs/none'"),
        ("boolean", "is not a JSON Schema"),
    ],
)
def test_what_is_no_schema_or_lies_elsewhere_is_refused(schema: Any, words: str) -> None:
    with pytest.raises(InvalidValue, match=r"^The schema") as refused:
        check_schema(schema, "The schema")
    assert words in refused.value.message


def test_misfits_name_their_fields() -> None:
    found = misfits(ADDRESS, {"lines": ["ab", "c"], "when": "2026-01-01T10:00:00", "more": 1})
    assert [item["field"] for item in found] == ["name", "", "lines.1", "when"]
    assert found[0]["message"] == "is missing"
    assert "'more' was unexpected" in found[1]["message"]
    assert misfits(ADDRESS, {"name": "ab", "lines": [], "when": "2026-01-01T10:00:00Z"}) == []


def test_message_about_a_large_value_is_cut() -> None:
    [found] = misfits({"type": "integer"}, "x" * 100_000)
    assert len(found["message"]) == 200


def test_value_that_is_secret_is_not_in_the_message() -> None:
    for secret in ({"writeOnly": True}, {"format": "password"}):
        [found] = misfits({"properties": {"pin": {"type": "string", "minLength": 9, **secret}}}, {"pin": "canary"})
        assert found == {"field": "pin", "message": "does not fit"}


def test_schema_that_never_ends_fits_nothing() -> None:
    with pytest.raises(InvalidAnswer, match="has no end"):
        check_answer("q", {"$ref": "#"}, 1)


def test_anything_fits_no_schema() -> None:
    check_answer("q", None, {"any": ["thing"]})
