"""The noun ``job``: its verbs are declared in the modules ``job_look`` and ``job_steer``."""

from __future__ import annotations

from onward.cli.command import noun

verbs = noun("job", "Look at jobs and steer them.")
