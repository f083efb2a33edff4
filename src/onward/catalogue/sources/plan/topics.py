"""Tags for a source: frequent words of its documents, and near neighbours in a small vocabulary."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from onward.catalogue.sources.plan.language import ALL_STOPWORDS
from onward.catalogue.sources.plan.vocabulary import GENERIC

_WORD = re.compile(r"[^\W\d_]{3,30}")


def keywords(documents: Iterable[Mapping[str, Any]], count: int) -> list[str]:
    """The words that tell most about the documents together, best first.

    A word counts once for each document, more in a title than in a text; one that stands in nearly every
    document of many says little.
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
    least = 2 if number > 3 else 1
    weighed = {
        word: score * (0.3 if number > 10 and seen[word] > number * 0.7 else 1.0)
        for word, score in scores.items()
        if seen[word] >= least and word not in GENERIC and word not in ALL_STOPWORDS
    }
    return [word for word, _ in sorted(weighed.items(), key=lambda item: (-item[1], item[0]))[:count]]


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def sample(documents: Sequence[Mapping[str, Any]], count: int) -> list[str]:
    """Titles with descriptions of some documents, spread evenly over all."""
    step = max(1, len(documents) // count)
    chosen = documents[::step][:count]
    return [f"{item.get('title', '')}. {item.get('description', '')}"[:500] for item in chosen]


def nearest_tags(similarity: Mapping[str, float], count: int, least: float) -> list[str]:
    """The tags of the vocabulary that stand out: near enough, and near to the best."""
    ranked = sorted(similarity.items(), key=lambda item: -item[1])[:count]
    best = ranked[0][1] if ranked else 0.0
    return [name for name, value in ranked if value >= least and value >= best * 0.6]
