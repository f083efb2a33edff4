from __future__ import annotations

import math
from collections import OrderedDict, defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onward.errors import InvalidValue
from onward.model.codec import SAFE_INTEGER, decode, digest, encode

SIZE = 1 << 20
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=30)
plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-SAFE_INTEGER + 1, SAFE_INTEGER - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(texts, inner, max_size=5),
    max_leaves=30,
)


def same(one: Any, other: Any) -> bool:
    """Equal in value, type and sign: ``1 == True == 1.0`` would hide a change."""
    if isinstance(one, dict) and isinstance(other, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return one == other and math.copysign(1, one) == math.copysign(1, other)
    return type(one) is type(other) and one == other


@given(plain)
def test_what_is_read_is_what_was_written(value: Any) -> None:
    assert same(decode(encode(value, "It", SIZE)), value)


def test_tuples_become_lists() -> None:
    assert decode(encode({"a": (1, (2,))}, "It", SIZE)) == {"a": [1, [2]]}


class Mood(StrEnum):
    BAD = "a\x00b"


class Number(IntEnum):
    HUGE = 2**60


class Text(str):
    __slots__ = ()


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        -float("inf"),
        2**53 + 1,
        -(2**53) - 1,
        2**63,
        2**200,
        "a\x00b",
        "é\x00",
        "\ud800",
        "é\udfff",
        {1: "a"},
        {"a\x00": 1},
        {"\ud800": 1},
        {"a": {"b": [float("nan")]}},
        {None: 1},
        b"bytes",
        {1, 2},
        pytest.param(object(), id="object"),
        datetime(2026, 1, 1, tzinfo=UTC),
        Decimal("1.5"),
        1 + 2j,
    ],
    ids=repr,
)
def test_what_json_cannot_keep_is_refused(value: Any) -> None:
    for held in (value, [value], {"a": value}):
        with pytest.raises(InvalidValue, match="The result"):
            encode(held, "The result", SIZE)


@pytest.mark.parametrize(
    "value",
    [
        defaultdict(float, a=float("nan")),
        OrderedDict(a=[float("inf")]),
        defaultdict(str, a="x\x00"),
        Mood.BAD,
        Number.HUGE,
        Text("\x00"),
        OrderedDict({1: 2}),
    ],
    ids=repr,
)
def test_subclasses_hide_nothing_that_is_refused(value: Any) -> None:
    with pytest.raises(InvalidValue):
        encode({"held": value}, "It", SIZE)


@pytest.mark.parametrize("value", [OrderedDict(b=1, a=2), defaultdict(list, a=[1]), Text("x"), Number(2**60)][:3])
def test_subclasses_of_plain_values_are_kept(value: Any) -> None:
    assert decode(encode(value, "It", SIZE)) == value


def test_depth_is_bounded_and_64_levels_are_kept() -> None:
    def nested(levels: int) -> Any:
        value: Any = 1
        for _ in range(levels):
            value = [value]
        return value

    assert decode(encode(nested(64), "It", SIZE)) == nested(64)
    for levels in (65, 500, 100_000):
        with pytest.raises(InvalidValue, match="nested"):
            encode(nested(levels), "It", SIZE)


def test_size_is_counted_in_bytes_of_the_text() -> None:
    assert encode("é" * 10, "It", 22) == '"' + "é" * 10 + '"'
    with pytest.raises(InvalidValue, match="22 bytes; 21 are allowed"):
        encode("é" * 10, "It", 21)


def test_circle_is_refused() -> None:
    circle: list[Any] = []
    circle.append(circle)
    with pytest.raises(InvalidValue):
        encode(circle, "It", SIZE)


@given(texts, st.data())
def test_digest_notices_any_change_of_one_character(text: str, data: st.DataObject) -> None:
    changed = data.draw(texts)
    assert (digest(text) == digest(changed)) == (text == changed)
