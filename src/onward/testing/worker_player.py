"""The worker of a simulation: it claims jobs and runs them, and its services have turns beside them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from onward.app import Onward
from onward.engine.desk import Desk
from onward.engine.simulated import SimulatedWorker
from onward.errors import StoreUnavailable
from onward.testing.player import Player, Scene

_IDLE_SECONDS = 15.0
_RETURN_SECONDS = 5.0
"""How often a worker tries to write its journal back."""


class WorkerPlayer(Player):
    """One worker through its lives."""

    kind = "worker"

    def __init__(self, theatre: Scene, number: int) -> None:
        super().__init__(theatre, number, theatre.seed * 1000 + number)
        self._worker: SimulatedWorker | None = None

    def begin_services(self, life: int) -> None:
        settings = self.theatre.settings.worker
        self.every(settings.lease_seconds / 4, life, lambda: self._serve(lambda worker: worker.beat()))
        self.every(settings.reap_seconds, life, lambda: self._serve(self._rescue))
        self.every(_RETURN_SECONDS, life, lambda: self._serve(lambda worker: worker.write_back()))

    def fall(self) -> None:
        if self._worker is not None:
            self._worker.die()

    def live(self, app: Onward) -> None:
        self._worker = worker = SimulatedWorker(
            app.worker(concurrency=1), f"host-{self._life}", self, self.pause,
            lambda: self.chance.fraction() < 0.5, self.theatre.was_written,
        )  # fmt: skip
        self.patiently(worker.enter)
        while True:
            found: list[Desk | None] = []
            self.patiently(lambda: found.append(worker.claim()))  # noqa: B023 - called at once
            desk = found[-1]
            if desk is None:
                self.pause(_IDLE_SECONDS)
                continue
            self.is_busy = True
            claim = desk.claim
            self.theatre.was_claimed(desk)
            self.theatre.note(self.name, f"runs {self.theatre.named(claim.job_id)} fence {claim.fence}")
            worker.run(desk)
            self.theatre.note(self.name, f"has left {self.theatre.named(claim.job_id)}")
            self.is_busy = False

    def _serve(self, act: Callable[[SimulatedWorker], None]) -> None:
        """A turn of a service, which does not wait for the job."""
        if self._worker is not None and self._worker.is_there:
            with contextlib.suppress(StoreUnavailable):
                act(self._worker)

    def _rescue(self, worker: SimulatedWorker) -> None:
        count = worker.rescue()
        if count:
            self.theatre.note(self.name, f"takes over {count}")
