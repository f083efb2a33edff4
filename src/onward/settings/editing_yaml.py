"""Changing one value of a YAML file: everything else of it, comments too, stays as somebody wrote it."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import yaml

from onward.errors import InvalidConfig
from onward.settings.editing import by_hand, literal_of


def with_yaml_value(text: str, key: str, given: str) -> str:
    """The file with ``key`` set to what somebody typed. Raises ``InvalidConfig`` with what is wrong."""
    # A text, number, truth or list as TOML has them here is one in YAML, too.
    literal = literal_of(key, given)
    try:
        before = yaml.safe_load(text)
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise InvalidConfig(f"The file is not YAML: {error}.", hint="Mend it first. Nothing was changed.") from None
    group, _, name = key.rpartition(".")
    wanted: dict[str, Any] = copy.deepcopy(dict(before)) if isinstance(before, Mapping) else {}
    place: dict[str, Any] = wanted
    if group:
        kept = wanted.get(group) or {}
        place = wanted[group] = dict(kept) if isinstance(kept, Mapping) else {}
    place[name] = yaml.safe_load(literal)
    changed = _changed(text, root, group, name, literal)
    try:
        is_meant = yaml.safe_load(changed) == wanted
    except yaml.YAMLError:
        is_meant = False
    if not is_meant:
        raise by_hand(key)
    return changed


def _changed(text: str, root: Any, group: str, name: str, literal: str) -> str:
    inside = root if not group else _under(root, group)
    if not isinstance(inside, yaml.MappingNode) or not inside.value:
        found = _key(root, group) if group else None
        if found is not None:
            # The group is there and empty.
            return _put(text, found[0].end_mark.index + 1, f"\n  {name}: {literal}")
        body = text if not text or text.endswith("\n") else f"{text}\n"
        return f"{body}{group}:\n  {name}: {literal}\n" if group else f"{body}{name}: {literal}\n"
    known = _key(inside, name)
    if known is not None:
        start, end = known[1].start_mark, _end(known[1])
        if start.index == end or start.line != known[0].end_mark.line:
            return f"{text[: known[0].end_mark.index + 1]} {literal}{text[end:]}"
        return text[: start.index] + literal + text[end:]
    line_end = text.find("\n", _end(inside))
    indent = " " * inside.value[0][0].start_mark.column
    at = len(text) if line_end < 0 else line_end
    return _put(text, at, f"\n{indent}{name}: {literal}")


def _put(text: str, at: int, more: str) -> str:
    return text[:at] + more + text[at:]


def _end(node: Any) -> int:
    """Where a value ends; of one over several lines the parser says where the next thing begins."""
    is_block = isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value
    last = node.value[-1] if is_block else None
    if last is None:
        return int(node.end_mark.index)
    return _end(last[1] if isinstance(last, tuple) else last)


def _key(node: Any, name: str) -> tuple[Any, Any] | None:
    """The nodes of a key and its value."""
    if not isinstance(node, yaml.MappingNode):
        return None
    return next(((key, value) for key, value in node.value if key.value == name), None)


def _under(node: Any, name: str) -> Any:
    found = _key(node, name)
    return None if found is None else found[1]
