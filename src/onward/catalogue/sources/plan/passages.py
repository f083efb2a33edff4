"""Documents cut into passages of about the same length for a model."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

_ENDS = (".", "!", "?", "。", ":", ";")
_PIECES = re.compile(r"[^\W_]+|[^\w\s]|_")
_LONGEST_WORD = 60
_PART = 30
_PIECES_A_WORD = 1.4
_LONG = 9


def split(text: str, words: int, limit: int = 0) -> list[str]:
    """Passages of at most ``words`` words, fewer where they are code, since models read pieces of words.

    They end at the end of a sentence where one is near. ``limit`` bounds how many; 0 is all.
    """
    tokens = list(_words(text))
    passages: list[str] = []
    start = 0
    while start < len(tokens) and (not limit or len(passages) < limit):
        end = _end(tokens, start, words)
        passages.append(" ".join(tokens[start:end]))
        start = end
    return passages


def _words(text: str) -> Iterator[str]:
    for word in text.split():
        if len(word) <= _LONGEST_WORD:
            yield word
        else:
            # Languages without spaces, and what is no language at all.
            yield from (word[place : place + _PART] for place in range(0, len(word), _PART))


def _end(tokens: list[str], start: int, words: int) -> int:
    room = words * _PIECES_A_WORD
    full = start
    while full < len(tokens) and full < start + words and room > 0:
        room -= _pieces(tokens[full])
        full += 1
    if full == len(tokens):
        return full
    for end in range(full, start + (full - start) * 3 // 4, -1):
        if tokens[end - 1].endswith(_ENDS):
            return end
    return full


def _pieces(word: str) -> int:
    if word.isascii():
        parts = (word,) if word.isalnum() else _PIECES.findall(word)
        return sum(1 + len(part) // _LONG for part in parts)
    return max(1, len(word) // 2)


def recipe(content_hash: str, model: str, words: int, limit: int) -> str:
    """Names what a document's vectors were made of: when it changes, they are made anew."""
    return hashlib.sha256(f"{content_hash} {model} {words} {limit}".encode()).hexdigest()[:24]
