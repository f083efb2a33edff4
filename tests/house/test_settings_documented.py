from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from onward.settings import variables
from onward.settings.load import OTHER_VARIABLES
from onward.settings.table import reference
from tests.house.conftest import ROOT, text_of
from tests.house.test_files import named

PAGE = ROOT / "docs" / "reference" / "settings.md"
NAME = re.compile(r"\bONWARD_[A-Z][A-Z0-9_]*[A-Z0-9]\b(?!_)")


@cache
def known() -> set[str]:
    names = {name for row in variables() for name in (row.name, *row.also)}
    return names | {f"{row.name}_FILE" for row in variables() if row.secret} | set(OTHER_VARIABLES)


def test_every_variable_is_in_the_reference() -> None:
    if not PAGE.exists():
        pytest.skip("the reference is not written yet: python -m onward.settings.table > docs/reference/settings.md")
    assert text_of(PAGE) == reference()


def test_every_variable_that_is_named_exists(files: tuple[Path, ...]) -> None:
    """In code, pages and deployment files; the tests of settings name wrong ones on purpose."""
    problems = []
    for path in files:
        if path.is_relative_to(ROOT / "tests"):
            continue
        for number, line in enumerate(text_of(path).splitlines(), 1):
            unknown = set(NAME.findall(line)) - known()
            problems += [f"{path.relative_to(ROOT)}:{number}: {name}" for name in sorted(unknown)]
    assert not problems, named(problems)
