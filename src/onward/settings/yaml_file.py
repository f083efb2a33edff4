"""The YAML form of the project file; imported only where there is one, as the parser is not cheap."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from onward.settings.places import Keys, Tree, Unreadable


def read_yaml(text: str, label: str) -> Tree:
    """A YAML file, read without any of its tags for objects."""
    try:
        values = yaml.safe_load(text) or {}
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise Unreadable(f"{label}{line}: {getattr(error, 'problem', None) or 'not YAML'}") from None
    if not isinstance(values, Mapping):
        raise Unreadable(f"{label}: expected groups of settings")
    return Tree(label, values, dict(_yaml_lines(root, ())))


def _yaml_lines(node: Any, path: Keys) -> Iterator[tuple[Keys, int]]:
    if not isinstance(node, yaml.MappingNode):
        return
    for key, value in node.value:
        below = (*path, str(key.value))
        yield below, key.start_mark.line + 1
        yield from _yaml_lines(value, below)
