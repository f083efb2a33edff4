"""Changing one value of a TOML file: everything else of it, comments too, stays as somebody wrote it."""

from __future__ import annotations

import copy
import json
import re
import tomllib

from onward.errors import InvalidConfig
from onward.settings.load import near
from onward.settings.record import all_rules

_HEADER = re.compile(r"\s*\[")
_COMMENT = re.compile(r"(?P<value>.*?)(?P<comment>\s+#.*)?", re.DOTALL)


def with_value(text: str, key: str, given: str) -> str:
    """The file with ``key`` set to what somebody typed. Raises ``InvalidConfig`` with what is wrong."""
    literal = literal_of(key, given)
    try:
        before = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidConfig(f"The file is not TOML: {error}.", hint="Mend it first. Nothing was changed.") from None
    table, _, name = key.rpartition(".")
    wanted = copy.deepcopy(before)
    place = wanted.setdefault(table, {}) if table else wanted
    place[name] = tomllib.loads(f"x = {literal}")["x"]
    changed = _changed(text.splitlines(keepends=True), table, name, literal)
    try:
        is_meant = tomllib.loads(changed) == wanted
    except tomllib.TOMLDecodeError:
        is_meant = False
    if not is_meant:
        raise by_hand(key)
    return changed


def by_hand(key: str) -> InvalidConfig:
    """The error that says that this setting stands there in a form that is left alone."""
    return InvalidConfig(
        f"{key} is written in a way that cannot be changed here. Nothing was changed.", hint="Change it by hand."
    )


def literal_of(key: str, given: str) -> str:
    """What was typed, as TOML. Raises ``InvalidConfig`` where it is no value of this setting."""
    rules = all_rules()
    if key not in rules:
        raise InvalidConfig(f"{key[:100]} is not a setting.{near(key, rules)}", hint="onward config show --all")
    try:
        value = rules[key].read(given)
    except ValueError as error:
        raise InvalidConfig(f"{rules[key].complain(key, given, error)}. Nothing was changed.") from None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return "[" + ", ".join(_text(item) for item in value) + "]"
    is_number = not isinstance(value, str) and re.fullmatch(r"-?(0|[1-9]\d*)(\.\d+)?", given.strip())
    return given.strip() if is_number else _text(given)


def _text(value: str) -> str:
    """A text as TOML: a JSON text is one, but for one character that TOML wants written out, too."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _changed(lines: list[str], table: str, name: str, literal: str) -> str:
    start, end = _section(lines, table)
    line = f"{name} = {literal}\n"
    if start is None:
        gap = [] if not lines or not lines[-1].strip() else ["\n"]
        return "".join([*_closed(lines), *gap, f"[{table}]\n", line])
    begun = re.compile(rf"(\s*)[\"']?{re.escape(name)}[\"']?\s*=")
    for at in range(start, end):
        if begun.match(lines[at]):
            upto, comment = _value(lines, at, end)
            indent = lines[at][: len(lines[at]) - len(lines[at].lstrip())]
            return "".join([*lines[:at], f"{indent}{name} = {literal}{comment}\n", *lines[upto:]])
    while end > start and not lines[end - 1].strip():
        end -= 1
    return "".join([*_closed(lines[:end]), line, *lines[end:]])


def _section(lines: list[str], table: str) -> tuple[int | None, int]:
    """The first line within a table and the first behind it; the top of the file without a name."""
    heads = [at for at, line in enumerate(lines) if _HEADER.match(line)]
    if not table:
        return 0, heads[0] if heads else len(lines)
    header = re.compile(rf"\s*\[\s*[\"']?{re.escape(table)}[\"']?\s*\]\s*(#.*)?$")
    for at in heads:
        if header.match(lines[at]):
            return at + 1, next((other for other in heads if other > at), len(lines))
    return None, len(lines)


def _value(lines: list[str], at: int, end: int) -> tuple[int, str]:
    """The first line behind a value, which may be several lines long, and the comment behind it."""
    for upto in range(at + 1, end + 1):
        written = "".join(lines[at:upto]).partition("=")[2].rstrip("\n")
        if not _is_value(written):
            continue
        found = _COMMENT.fullmatch(written)
        comment = (found and found["comment"]) or ""
        return upto, comment if comment and _is_value(written[: -len(comment)]) else ""
    return at + 1, ""


def _is_value(text: str) -> bool:
    try:
        return "x" in tomllib.loads(f"x = {text}")
    except tomllib.TOMLDecodeError:
        return False


def _closed(lines: list[str]) -> list[str]:
    """The lines, the last one ended."""
    return [*lines[:-1], lines[-1].rstrip("\n") + "\n"] if lines else []
