"""The ``onward`` command: one call from arguments to exit code."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from onward.cli import exits
from onward.cli.commands import TOP


def run(argv: Sequence[str] | None = None) -> int:
    """Run one command line; what the process returns."""
    args = list(sys.argv[1:] if argv is None else argv)
    if args in ([], ["--help"], ["-h"]):
        print(TOP, end="")
        return exits.DONE
    try:
        from onward.cli import tree

        returned = tree.root().main(args=args, prog_name="onward", standalone_mode=False)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return exits.CTRL_C
    except BrokenPipeError:
        return _silenced()
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else exits.UNEXPECTED
    except Exception as error:  # noqa: BLE001 - the outermost door: every error becomes a message and a code
        from onward.cli import problems

        return problems.Reporter(args).report(error)
    return returned if isinstance(returned, int) else exits.DONE


def _silenced() -> int:
    """Whoever read our output has gone: nothing more is to be said, also not while Python ends."""
    sys.stdout = None
    return exits.DONE
