"""Regular expressions that take time in proportion to the text: for patterns and texts that come from people.

The usual engine tries one way after the other, and for some patterns there are more ways than can ever be tried:
``(a+)+$`` holds a process for hours. Here all ways are gone at once, a character at a time. What would have to know by
which way it came cannot be had: references to groups, looking behind, atomic groups.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from onward.errors import InvalidValue

# The parser of Python's own expressions, the same in all versions from 3.11 on.
_parser: Any = re._parser  # type: ignore[attr-defined]  # typeshed does not know it
_MOST_CODE = 10_000
"""Places of a compiled pattern; each repetition with a number takes as many as it says."""
_MOST_WORK = 3_000_000
"""Places looked at for one text; looking ahead from each of its characters is all that ever comes near."""
_MOST_REMEMBERED = 2000
_WORD = re.compile(r"\w").match
_CATEGORIES: dict[str, Callable[[str], object]] = {
    "CATEGORY_DIGIT": re.compile(r"\d").match,
    "CATEGORY_NOT_DIGIT": re.compile(r"\D").match,
    "CATEGORY_SPACE": re.compile(r"\s").match,
    "CATEGORY_NOT_SPACE": re.compile(r"\S").match,
    "CATEGORY_WORD": _WORD,
    "CATEGORY_NOT_WORD": re.compile(r"\W").match,
}

_Test = Callable[[str], object]
_End = frozenset[int] | None


class TooMuchWork(Exception):
    """Comparing a text with a pattern would take too long."""


@dataclass(frozen=True, slots=True)
class _Place:
    """One place of a compiled pattern: a character to take, or ways to other places under a condition."""

    test: _Test | None = None
    ways: tuple[int, ...] = ()
    at: str = ""
    ahead: Pattern | None = None
    is_not: bool = False


@dataclass(slots=True)
class Pattern:
    """A compiled pattern; the last place is the one at which it has matched."""

    code: list[_Place] = field(default_factory=list)
    looks_ahead: bool = False
    _steps: dict[tuple[frozenset[int], str, str, bool], _End] = field(default_factory=dict)

    def search(self, text: str) -> bool:
        """Whether it matches anywhere in the text. Raises ``TooMuchWork``."""
        return self._run(text, 0, [_MOST_WORK], anywhere=True)

    def _run(self, text: str, begin: int, left: list[int], *, anywhere: bool) -> bool:
        here: frozenset[int] = frozenset((0,))
        for at in range(begin, len(text) + 1):
            before, after = text[at - 1 : at], text[at : at + 1]
            key = (here, "w" if before and _WORD(before) else before and "-", after, at >= len(text) - 1)
            if key in self._steps:
                found = self._steps[key]
                left[0] -= 1
            else:
                found = self._step(here, text, at, left)
                if not self.looks_ahead:
                    if len(self._steps) >= _MOST_REMEMBERED:
                        self._steps.clear()
                    self._steps[key] = found
            if left[0] < 0:
                raise TooMuchWork
            if found is None:
                return True
            here = found | {0} if anywhere else found
            if not here:
                return False
        return False

    def _step(self, here: Iterable[int], text: str, at: int, left: list[int]) -> _End:
        """The places after the next character; None when it has matched."""
        todo, seen, after = list(here), set(here), set()
        while todo:
            number = todo.pop()
            left[0] -= 1
            if number == len(self.code) - 1:
                return None
            place = self.code[number]
            if place.test is not None:
                if at < len(text) and place.test(text[at]):
                    after.add(number + 1)
                continue
            if self._may_pass(place, text, at, left):
                fresh = [way for way in place.ways if way not in seen]
                seen.update(fresh)
                todo += fresh
        return frozenset(after)

    def _may_pass(self, place: _Place, text: str, at: int, left: list[int]) -> bool:
        if place.ahead is not None:
            return place.ahead._run(text, at, left, anywhere=False) != place.is_not
        match place.at:
            case "":
                return True
            case "AT_BEGINNING" | "AT_BEGINNING_STRING":
                return at == 0
            case "AT_END":
                return text[at:] in ("", "\n") if at >= len(text) - 1 else False
            case "AT_END_STRING":
                return at == len(text)
        is_edge = bool(at and _WORD(text[at - 1])) != bool(at < len(text) and _WORD(text[at]))
        return is_edge if place.at == "AT_BOUNDARY" else not is_edge


@lru_cache(maxsize=256)
def compiled(text: str) -> Pattern:
    """The pattern of a text. Raises ``InvalidValue`` for one that is none, or that needs what cannot be had."""
    try:
        tree = _parser.parse(text)
    except (re.error, RecursionError, OverflowError) as error:
        raise InvalidValue(f"The pattern {text[:200]!r} is no regular expression: {error}.") from None
    if tree.state.flags & ~re.UNICODE.value:
        raise _not_here(text, "flags")
    made = _Maker(text, Pattern())
    made.put_all(tree)
    made.put(_Place())
    return made.into


@dataclass(slots=True)
class _Maker:
    """Puts a parsed pattern into places."""

    text: str
    into: Pattern

    def put(self, place: _Place) -> int:
        code = self.into.code
        if len(code) >= _MOST_CODE:
            raise InvalidValue(f"The pattern {self.text[:200]!r} is too large.", hint="Repeat less often.")
        code.append(place)
        return len(code) - 1

    def put_all(self, nodes: Iterable[tuple[Any, Any]]) -> None:
        for kind, value in nodes:
            self._put_node(str(kind), value)

    def _put_node(self, kind: str, value: Any) -> None:
        match kind:
            case "LITERAL" | "NOT_LITERAL" | "ANY" | "IN":
                self.put(_Place(test=_test_of(kind, value)))
            case "AT":
                self.put(_Place(at=str(value), ways=(len(self.into.code) + 1,)))
            case "SUBPATTERN" if not (value[1] or value[2]):
                self.put_all(value[3])
            case "BRANCH":
                self._put_branches(value[1])
            case "MAX_REPEAT" | "MIN_REPEAT":
                self._put_repeat(*value)
            case "ASSERT" | "ASSERT_NOT" if value[0] == 1:
                self._put_ahead(value[1], is_not=kind == "ASSERT_NOT")
            case _:
                raise _not_here(self.text, kind.lower().replace("_", " "))

    def _put_branches(self, branches: list[Any]) -> None:
        fork = self.put(_Place())
        starts, ends = [], []
        for branch in branches:
            starts.append(len(self.into.code))
            self.put_all(branch)
            ends.append(self.put(_Place()))
        self.into.code[fork] = _Place(ways=tuple(starts))
        for end in ends:
            self.into.code[end] = _Place(ways=(len(self.into.code),))

    def _put_repeat(self, least: int, most: Any, nodes: Any) -> None:
        for _ in range(least):
            self.put_all(nodes)
        if str(most) == "MAXREPEAT":
            fork = self.put(_Place())
            self.put_all(nodes)
            self.put(_Place(ways=(fork,)))
            self.into.code[fork] = _Place(ways=(fork + 1, len(self.into.code)))
            return
        forks = []
        for _ in range(int(most) - least):
            forks.append(self.put(_Place()))
            self.put_all(nodes)
        for fork in forks:
            self.into.code[fork] = _Place(ways=(fork + 1, len(self.into.code)))

    def _put_ahead(self, nodes: Any, *, is_not: bool) -> None:
        inner = _Maker(self.text, Pattern())
        inner.put_all(nodes)
        inner.put(_Place())
        self.into.looks_ahead = True
        self.put(_Place(ahead=inner.into, is_not=is_not, ways=(len(self.into.code) + 1,)))


def _test_of(kind: str, value: Any) -> _Test:
    """Whether a character is one of those that are meant."""
    match kind:
        case "LITERAL":
            return chr(value).__eq__
        case "NOT_LITERAL":
            return chr(value).__ne__
        case "ANY":
            return "\n".__ne__
    items = [(str(name), item) for name, item in value]
    is_not = items[0][0] == "NEGATE"
    tests = [_item_test(name, item) for name, item in items if name != "NEGATE"]
    return lambda char: any(test(char) for test in tests) != is_not


def _item_test(name: str, item: Any) -> _Test:
    match name:
        case "RANGE":
            first, last = chr(item[0]), chr(item[1])
            return lambda char: first <= char <= last
        case "CATEGORY":
            return _CATEGORIES[str(item)]
    return chr(item).__eq__


def _not_here(text: str, what: str) -> InvalidValue:
    return InvalidValue(
        f"The pattern {text[:200]!r} uses {what}, which takes more time than a text is long.",
        hint="Write it without, or check the answer in the job.",
    )
