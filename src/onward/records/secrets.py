"""What nobody is shown: texts under names that mean a secret, wherever they stand."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

HIDDEN = "***"
_SECRET = re.compile(
    r"(?i)(?:^|[_\-.])(?:password|passwd|secret|token|api_?key|apikey|authorization|credentials?|private_?key|dsn|answer_link)$"
)


def without_secrets(value: Any) -> Any:
    """The value with ``***`` for texts under secret names, however deep; numbers under them are no secrets."""
    if isinstance(value, Mapping):
        return {name: _shown(name, item) for name, item in value.items()}
    return [without_secrets(item) for item in value] if isinstance(value, list) else value


def _shown(name: str, value: Any) -> Any:
    if isinstance(value, str) and value and _SECRET.search(name):
        return HIDDEN
    return without_secrets(value)
