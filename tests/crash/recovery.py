"""A worker that recovers, and dies at its k-th statement: ``python -m tests.crash.recovery URL FOLDER K``."""

from __future__ import annotations

import sys

from tests.crash.life import application, die_at

if __name__ == "__main__":
    die_at(int(sys.argv[3]))
    application(sys.argv[1]).worker(concurrency=2).run(until_idle=True)
