"""Patterns say the same as Python's own, and no text holds them up."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onward import InvalidValue
from onward.model.pattern import TooMuchWork, compiled
from onward.model.schema import check_schema, misfits

SLOW = ["(a+)+$", "^(a|a)*$", "(a|aa)+$", "^(([a-z])+.)+[A-Z]([a-z])+$", "(.*a){12}x", "a*a*a*a*a*a*b"]

_atoms = st.sampled_from(
    ["a", "b", ".", "[ab]", "[^a]", r"\d", r"\w", r"\W", r"\s", "é", r"\.", "", "^", "$", r"\b", r"\B"]
)


def _more(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda pair: f"(?:{pair[0]}|{pair[1]})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,3}", "{2,}", "*?"])).map(
            lambda p: f"(?:{p[0]}){p[1]}"
        ),
        st.tuples(st.sampled_from(["?=", "?!"]), inner).map(lambda p: f"({p[0]}{p[1]})"),
    )


@settings(max_examples=300, deadline=None)
@given(st.recursive(_atoms, _more, max_leaves=6), st.text("ab1 .é\n_", min_size=1, max_size=7))
def test_pattern_says_what_pythons_own_says(pattern: str, text: str) -> None:
    # An empty text is left out: whether it has no edge of a word differs between versions of Python.
    assert compiled(pattern).search(text) == bool(re.search(pattern, text)), (pattern, text)


@pytest.mark.parametrize("pattern", SLOW)
def test_text_that_holds_up_pythons_own_does_not_hold_this_up(pattern: str) -> None:
    begun = time.process_time()
    assert not compiled(pattern).search("a" * 5000 + "!")
    assert time.process_time() - begun < 2


def test_looking_ahead_from_everywhere_in_a_long_text_is_given_up() -> None:
    assert compiled("^(?=.*[0-9])(?=.*[a-z]).{8,}$").search("x" * 500 + "1")
    with pytest.raises(TooMuchWork):
        compiled("(?=.*b)c").search("a" * 20_000)


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        (r"(a)\1", "uses groupref"),
        ("(?<=a)b", "uses assert"),
        ("(?i)a", "uses flags"),
        ("(a", "is not a JSON Schema at properties.code.pattern"),
        ("((a{99}){99}){99}", "is too large"),
    ],
)
def test_what_cannot_be_had_is_refused_where_the_schema_is_made(pattern: str, words: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        check_schema({"properties": {"code": {"type": "string", "pattern": pattern}}}, "The schema")
    assert words in refused.value.message


def test_what_is_no_pattern_at_all_is_refused() -> None:
    with pytest.raises(InvalidValue, match="is no regular expression"):
        compiled("(a")


def test_schema_uses_these_patterns_for_values_and_for_names() -> None:
    schema: Any = {
        "properties": {"code": {"type": "string", "pattern": "^(a+)+$"}},
        "patternProperties": {"^(x+)+$": {"type": "integer"}},
        "additionalProperties": False,
    }
    check_schema(schema, "The schema")
    assert misfits(schema, {"code": "aaa", "xx": 1}) == []
    found = misfits(schema, {"code": "a" * 4000 + "!", "x" * 4000 + "y": 1, "xx": "no"})
    assert [item["field"] for item in found] == ["", "code", "xx"]
    assert "fit none of the patterns" in found[0]["message"] or "are not allowed" in found[0]["message"]
    loose: Any = {**schema, "additionalProperties": {"type": "boolean"}}
    assert misfits(loose, {"xx": 1, "other": True}) == []
    assert [item["field"] for item in misfits(loose, {"other": 1})] == ["other"]
    with pytest.raises(InvalidValue, match="unevaluatedProperties"):
        check_schema({"patternProperties": {"a": True}, "unevaluatedProperties": False}, "The schema")
