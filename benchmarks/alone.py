"""One question, answered once, in a process of its own: ``python -m benchmarks.alone QUESTION KIND ADDRESS FOLDER``."""

from __future__ import annotations

import dataclasses
import importlib
import json
import sys
from pathlib import Path
from typing import Literal, cast

from benchmarks.figure import Target


def main() -> None:
    question, kind, address, folder, *rest = sys.argv[1:]
    target = Target(cast("Literal['sqlite', 'postgresql']", kind), address, Path(folder), "--quick" in rest)
    figures = importlib.import_module(f"benchmarks.{question}").measure(target)
    print(json.dumps([dataclasses.asdict(figure) for figure in figures]))


if __name__ == "__main__":
    main()
