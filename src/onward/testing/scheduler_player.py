"""The scheduler of a simulation: it looks at what is due again and again, beside others of its kind."""

from __future__ import annotations

from onward.app import Onward
from onward.engine.scheduler import Scheduler
from onward.engine.simulated import SimulatedScheduler
from onward.errors import StoreUnavailable
from onward.testing.player import Player, Scene

_AFTER_OUTAGE_SECONDS = 1.0


class SchedulerPlayer(Player):
    """One scheduler through its lives."""

    kind = "scheduler"

    def __init__(self, theatre: Scene, number: int) -> None:
        super().__init__(theatre, number, theatre.seed * 1000 + 500 + number)

    def live(self, app: Onward) -> None:
        # Schedules that ship with job types are not of this play.
        scheduler = SimulatedScheduler(Scheduler(app._store, app.clock, app._decider, lambda: None), self)
        while True:
            try:
                seconds = scheduler.look()
            except StoreUnavailable:
                seconds = _AFTER_OUTAGE_SECONDS
            for job in scheduler.made():
                self.theatre.note(self.name, f"starts {self.theatre.named(job.id)} due at {job.due_at}")
            self.pause(seconds)
