"""``python -m onward`` is the ``onward`` command."""

from __future__ import annotations

import sys

from onward.cli.main import run

if __name__ == "__main__":
    sys.exit(run())
