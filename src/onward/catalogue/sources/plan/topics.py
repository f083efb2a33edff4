"""Tags for a source: frequent words of its documents, and near neighbours in a small vocabulary."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from onward.catalogue.sources.plan.language import ALL_STOPWORDS
from onward.catalogue.sources.plan.vocabulary import GENERIC

_NEAR = 0.25
"""Below this similarity a text is not about a subject."""
_SHARE = 0.15
"""A subject of fewer documents than this is not the source's."""
_WORD = re.compile(r"[^\W\d_]{3,30}")


def keywords(documents: Iterable[Mapping[str, Any]], count: int) -> list[str]:
    """The words that tell most about the documents together, best first.

    A word counts once for each document, more in a title than in a text. Of many documents, a word says the less
    the more of them it stands in.
    """
    scores: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    number = 0
    for document in documents:
        number += 1
        title = set(_words(str(document.get("title", ""))))
        body = set(_words(str(document.get("description", "")))) | set(document.get("terms", ()))
        for word in title | body:
            scores[word] += 3 if word in title else 1
            seen[word] += 1
    least = 2 if number > 10 else 1
    weighed = {
        word: score * (1 - seen[word] / number if number > 10 else 1.0)
        for word, score in scores.items()
        if seen[word] >= least and word not in GENERIC and word not in ALL_STOPWORDS
    }
    return [word for word, _ in sorted(weighed.items(), key=lambda item: (-item[1], item[0]))[:count]]


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def as_tag(text: str) -> str:
    """A suggestion as a tag: lower case, words joined by hyphens, nothing else; empty when little is left."""
    tag = "-".join(re.findall(r"[^\W_]+", text.lower()))[:40].strip("-")
    return tag if len(tag) > 1 else ""


def sample(documents: Sequence[Mapping[str, Any]], count: int) -> list[str]:
    """Titles with descriptions of some documents, spread evenly over all."""
    step = max(1, len(documents) // count)
    chosen = documents[::step][:count]
    return [f"{item.get('title', '')}. {item.get('description', '')}"[:500] for item in chosen]


def vote(similarities: Iterable[Sequence[float]], names: Sequence[str], count: int) -> list[str]:
    """The subjects of the vocabulary that the documents name most: each votes for those it is near to."""
    votes: dict[str, float] = dict.fromkeys(names, 0.0)
    number = 0
    for row in similarities:
        number += 1
        least = max(_NEAR, max(row) * 0.85)
        for name, value in zip(names, row, strict=True):
            if value >= least:
                votes[name] += value
    ranked = sorted(votes.items(), key=lambda item: (-item[1], item[0]))[:count]
    return [name for name, weight in ranked if weight > number * _NEAR * _SHARE]
