"""YAML for configuration: plain values with their lines, nothing repeated, nothing that stands for something else.

Aliases, tags, keys that occur twice and deep nesting are refused. ``12:30`` and ``2026-01-01`` are texts here, not the
number 750 and a date.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

MOST_BYTES = 1 << 20
_MOST_DEPTH = 32
_QUOTE = "Put the value in quotes if that is what it is."

Path = tuple[str, ...]


class YamlProblem(Exception):
    """The text is not taken; ``problems`` are lines and sentences."""

    def __init__(self, problems: list[tuple[int, str]]) -> None:
        super().__init__(problems[0][1])
        self.problems = problems


class _Loader(yaml.SafeLoader):
    """Without the words of YAML 1.1 for dates and for numbers with colons."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if not tag.endswith((":timestamp", ":int", ":float"))]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _tag, _pattern in (
    ("int", r"[-+]?(0|[1-9][0-9]*)|0x[0-9a-fA-F]+|0o[0-7]+"),
    ("float", r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), list("-+.0123456789"))


def read(text: str) -> tuple[Any, dict[Path, int]]:
    """The values, and the line of each key by its path. Raises ``YamlProblem`` with all that is wrong."""
    if len(text.encode("utf-8", "surrogatepass")) > MOST_BYTES:
        raise YamlProblem([(1, f"The file is longer than {MOST_BYTES:,} bytes")])
    try:
        _refuse_repetition(text)
        loader = _Loader(text)
        root = loader.get_single_node()
        if root is None:
            return None, {}
        lines: dict[Path, int] = {}
        problems = list(_look(root, (), lines))
        if problems:
            raise YamlProblem(problems)
        return loader.construct_document(root), lines
    except yaml.YAMLError as error:
        raise YamlProblem([_said(error)]) from None
    except RecursionError:
        raise YamlProblem([(1, f"It is nested deeper than {_MOST_DEPTH} levels")]) from None
    except (ValueError, TypeError) as error:
        raise YamlProblem([(1, f"A value cannot be read: {error}")]) from None


def _refuse_repetition(text: str) -> None:
    problems, depth = [], 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _MOST_DEPTH:
                problems.append((_line(event), f"It is nested deeper than {_MOST_DEPTH} levels"))
                break
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent):
            said = f"`*{event.anchor}` stands for something elsewhere, which is not taken here. {_QUOTE}"
            problems.append((_line(event), said))
    if problems:
        raise YamlProblem(problems)


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


def _look(node: Any, path: Path, lines: dict[Path, int]) -> Iterator[tuple[int, str]]:
    """The lines of all keys; what is wrong with them."""
    if isinstance(node, yaml.SequenceNode):
        for at, item in enumerate(node.value):
            yield from _look(item, (*path, str(at)), lines)
    if not isinstance(node, yaml.MappingNode):
        return
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            yield line, "A key is a list or a mapping"
            continue
        if key.tag != "tag:yaml.org,2002:str":
            yield line, f"The key {key.value[:40]!r} is not a text. Put it in quotes"
        below = (*path, key.value)
        if below in lines:
            yield line, f"{'.'.join(below)} is there twice, first in line {lines[below]}. Keep one of them"
            continue
        lines[below] = line
        yield from _look(value, below, lines)


def _said(error: yaml.YAMLError) -> tuple[int, str]:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = str(getattr(error, "problem", None) or getattr(error, "reason", None) or "This is not YAML")
    line = mark.line + 1 if mark else 1
    if "alias" in str(getattr(error, "context", "")) or problem.startswith("found character '@'"):
        return line, 'A value that begins with `*` or `@` needs quotes, as in `cron: "*/30 * * * *"`'
    return line, problem[:1].upper() + problem[1:]
