"""``python -m chaos``: see the package."""

from __future__ import annotations

import argparse
import sys

from chaos import planted
from chaos.run import Options, run


def main() -> int:
    """Run as asked; 0 when nothing was found and everything was done."""
    default = Options()
    parser = argparse.ArgumentParser(prog="python -m chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=default.seed)
    parser.add_argument("--minutes", type=float, default=default.seconds / 60)
    parser.add_argument("--store", choices=("sqlite", "pg"), default=default.store)
    parser.add_argument("--fault", choices=planted.names(), default="", help="a fault of the product to plant")
    parser.add_argument("--workers", type=int, default=default.workers)
    parser.add_argument("--clients", type=int, default=default.clients)
    parser.add_argument("--lease", type=float, default=default.lease_seconds, help="the lease in seconds")
    parser.add_argument("--rate", type=float, default=default.rate, help="faults a second")
    parser.add_argument("--asks", type=float, default=default.asks, help="calls a second of each client")
    parser.add_argument("--jobs", type=_names, default=(), help="only these job types, with commas between")
    parser.add_argument("--faults", type=_names, default=(), help="only these kinds of faults, with commas between")
    parser.add_argument("--folder", default="", help="where what is written down stays")
    given = parser.parse_args()
    report = run(
        Options(
            given.seed, given.minutes * 60, given.store, given.fault, given.workers, given.clients, given.lease,
            given.rate, given.asks, given.folder, given.jobs, given.faults,
        )
    )  # fmt: skip
    print(report.text())
    return 0 if report.is_good else 1


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


if __name__ == "__main__":
    sys.exit(main())
