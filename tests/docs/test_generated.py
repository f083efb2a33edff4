from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from onward.store.tables import metadata
from tests.docs.page import DOCS


def _generate() -> Any:
    spec = importlib.util.spec_from_file_location("onward_docs_generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


generate = _generate()


@pytest.mark.parametrize("path", generate.pages(), ids=lambda path: path.name)
def test_generated_parts_are_up_to_date(path: Path) -> None:
    assert path.read_text("utf-8") == generate.page(path), "run: python docs/generate.py"


def test_every_table_is_described() -> None:
    text = (DOCS / "reference" / "database.md").read_text("utf-8")
    missing = [name for name in metadata.tables if f"<!-- generated: table {name} -->" not in text]
    assert not missing
