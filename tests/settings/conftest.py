"""A place of its own for each test: working folder, home, system folder, environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from onward.errors import InvalidConfig
from onward.settings import Origin, Settings


@dataclass
class Place:
    root: Path
    environ: dict[str, str] = field(default_factory=dict)

    def write(self, name: str, text: str) -> Path:
        """A file under cwd/, home/ or system/."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def load(
        self, flags: Mapping[str, Any] | None = None, code: Mapping[str, Any] | None = None, **environ: str
    ) -> Settings:
        (self.root / "cwd").mkdir(exist_ok=True)
        given = {"HOME": str(self.root / "home"), **self.environ, **environ}
        return Settings.load(self.root / "cwd", given, flags, code, system_folder=self.root / "system")

    def problems(self, **given: Any) -> tuple[str, ...]:
        with pytest.raises(InvalidConfig) as caught:
            self.load(**given)
        return caught.value.problems

    def origin(self, key: str, **given: Any) -> Origin:
        return next(origin for origin in self.load(**given).origins() if origin.key == key)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)
