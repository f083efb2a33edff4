"""Texts as they are compared: the same words, whatever their case and punctuation."""

from __future__ import annotations

import re
import unicodedata

_WORD = re.compile(r"\w+", re.UNICODE)
_NUMBER = re.compile(r"\d+(?:[.,:/-]\d+)*")


def words(text: str) -> list[str]:
    """The words of a text in their order, lower case, in one form of Unicode."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def normalized(text: str) -> str:
    """What is equal for texts that differ by case, blanks and punctuation only; such texts are nearly identical."""
    return " ".join(words(text)) or text.strip()


def overlap(one: str, other: str) -> float:
    """How many of their words two texts share: 1 for the same words, 0 for none."""
    mine, theirs = set(words(one)), set(words(other))
    return len(mine & theirs) / len(mine | theirs) if mine or theirs else 1.0


def coverage(query: str, text: str) -> float:
    """How many of the query's words occur in a text, 0 to 1."""
    wanted = set(words(query))
    return len(wanted & set(words(text))) / len(wanted) if wanted else 0.0


def invented_numbers(text: str, *known: str) -> list[str]:
    """Numbers of a text that stand in none of the known ones: what a model has made up."""
    there = {number for source in known for number in _NUMBER.findall(source)}
    digits = {part for number in there for part in re.findall(r"\d+", number)}
    return [number for number in _NUMBER.findall(text) if number not in there and number not in digits]
