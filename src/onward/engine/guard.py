"""The guard: a small process beside a worker that ends the worker's child processes when the worker cannot.

It reads lines from its standard input: ``+ID`` and ``-ID`` for process groups, ``.`` as a sign of life. When the
worker dies (end of input), is stopped or starved (no line for the lease), every group that is left is killed, and said
on its standard output before. It is run as a file of its own and imports only what it needs, so that it is small and
starts fast.
"""

import contextlib
import os
import select
import signal
import sys


def main(lease_seconds: float) -> None:
    """Watch until the input ends."""
    groups: set[int] = set()
    rest = b""
    while True:
        ready, _, _ = select.select([0], [], [], lease_seconds)
        data = os.read(0, 65536) if ready else b""
        if not data:
            _kill(groups)
            if ready:
                return
            groups.clear()
            continue
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            if line[:1] == b"+":
                groups.add(int(line[1:]))
            elif line[:1] == b"-":
                groups.discard(int(line[1:]))


def _kill(groups: set[int]) -> None:
    for group in groups:
        with contextlib.suppress(OSError):
            os.write(1, b"%d\n" % group)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    main(float(sys.argv[1]))
