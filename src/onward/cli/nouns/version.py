"""``onward version``."""

from __future__ import annotations

import platform

from onward.cli.command import noun, verb
from onward.cli.here import Here
from onward.version import __version__

verbs = noun("version", "The version.")


@verb(verbs, "version", "onward version", "onward version --json", data=True)
def version(here: Here) -> None:
    """Print the version."""
    record = {"version": __version__, "python": platform.python_version(), "platform": platform.platform()}
    here.out.record(record, f"onward {__version__} (Python {record['python']})")
