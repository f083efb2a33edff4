"""``onward scheduler``: start what is due, and nothing else."""

from __future__ import annotations

from onward.cli.command import noun, verb
from onward.cli.here import Here
from onward.cli.target import database_line
from onward.cli.told import say

verbs = noun("scheduler", "Start jobs by schedule.")


@verb(verbs, "scheduler", "onward scheduler", "onward scheduler --app jobs.py:app")
def scheduler(here: Here) -> int:
    """Start what is due until told to stop; workers run it. Any number may run, on any machines."""
    from onward.cli.telling import telling

    app = here.local
    if not app.settings.scheduler.enabled:
        say("scheduler.enabled is false (ONWARD_SCHEDULER_ENABLED): nothing is started by schedule.")
        return 0
    with telling(app, "onward-scheduler"):
        made = app.scheduler()
        app.database.version()
        say(f"Database: {database_line(app, here.told)}")
        say(f"Scheduler: looks at least every {app.settings.scheduler.check_interval_seconds:g} s.")
        paused = app.schedules.paused_reason()
        if paused is not None:
            say(paused)
        made.run()
        say("The scheduler has stopped.")
    return 0
