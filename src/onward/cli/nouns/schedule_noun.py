"""The noun ``schedule``: its verbs are declared in the modules ``schedule_look``, ``_change`` and ``_steer``."""

from __future__ import annotations

from typing import Annotated

import typer

from onward.cli.command import noun

verbs = noun("schedule", "When job types become jobs.")
Name = Annotated[str, typer.Argument(metavar="NAME", help="The name of a schedule.")]
