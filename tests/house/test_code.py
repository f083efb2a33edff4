from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.house.conftest import ROOT, text_of
from tests.house.test_files import named

LONG = 400
VAGUE = {"base", "common", "core", "helper", "helpers", "misc", "util", "utils"}
IGNORE = re.compile(r"#\s*(?:noqa|type:\s*ignore|mypy:|pragma:\s*no cover|ruff:\s*noqa)(?P<rest>[^\n]*)")
REASON = re.compile(r"(?:\[[\w, -]+\]|:\s*[A-Z]+\d+(?:,\s*[A-Z]+\d+)*)?\s*(?:#|-|:)?\s*(?P<words>\w+[^#]*\w)")


def test_module_names_say_what_is_inside(files: tuple[Path, ...]) -> None:
    problems = [str(path.relative_to(ROOT)) for path in files if path.suffix == ".py" and path.stem in VAGUE]
    assert not problems, named(problems)


def test_long_file_states_its_reason(files: tuple[Path, ...]) -> None:
    """Over 400 lines the docstring holds the words "one file" or "long" and why."""
    problems = []
    for path in files:
        lines = text_of(path).count("\n")
        if path.suffix == ".py" and lines > LONG:
            docstring = ast.get_docstring(ast.parse(text_of(path))) or ""
            if not re.search(r"\b(one file|long)\b", docstring, re.IGNORECASE):
                problems.append(f"{path.relative_to(ROOT)}: {lines} lines")
    assert not problems, named(problems)


def test_no_import_hides_a_circle_from_the_program(modules: tuple[Path, ...]) -> None:
    name = "TYPE_" + "CHECKING"
    problems = [str(path.relative_to(ROOT)) for path in modules if name in text_of(path)]
    assert not problems, named(problems)


def test_every_ignore_has_its_reason(files: tuple[Path, ...]) -> None:
    problems = []
    for path in files:
        if path.suffix != ".py" or path == Path(__file__):
            continue
        for number, line in enumerate(text_of(path).splitlines(), 1):
            found = IGNORE.search(line)
            if found and "noqa" not in found[0] and not path.is_relative_to(ROOT / "src"):
                continue  # only the package's types are checked
            reason = REASON.match(found["rest"]) if found else None
            if found and (reason is None or " " not in reason["words"].strip()):
                problems.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:90]}")
    assert not problems, named(problems)


def test_nothing_is_left_for_later(modules: tuple[Path, ...]) -> None:
    words = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
    problems = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in modules
        for number, line in enumerate(text_of(path).splitlines(), 1)
        if words.search(line)
    ]
    assert not problems, named(problems)
