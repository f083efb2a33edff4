"""Every move that people, workers and time can make, in any order, by Hypothesis."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.simulation import truth
from tests.simulation.hands import CALLS, ENDINGS, KINDS, WRITES
from tests.simulation.world import World

MOVES = ("cancel", "resume", "restart", "discard", "pause", "unpause", "delete")
ENDED_MOVES = ("delete", "resume", "restart", "discard")
SMALL = st.integers(0, 11)
SUBMISSIONS = st.fixed_dictionaries(
    {
        "n": st.integers(1, 2),
        "source_id": st.sampled_from([None, "a", "a", "b"]),
        "idempotency_key": st.sampled_from([None, None, None, "key"]),
        "id": st.sampled_from([None, None, None, "job-1", "job-2"]),
        "on_conflict": st.sampled_from(["reject", "wait", "replace"]),
        "resume": st.sampled_from([None, True, False]),
        "delay": st.sampled_from([None, None, None, 15]),
        "priority": st.sampled_from([None, None, 5]),
    }
)
LIMITS = {"deadline": None, "suppress_health_check": list(HealthCheck), "print_blob": False, "database": None}


class Machine(RuleBasedStateMachine):
    """One example: a life of a few jobs, each move checked, and at the end everything is brought to its end."""

    def __init__(self, new_world: Callable[[], World]) -> None:
        super().__init__()
        self.world = new_world()

    @initialize(
        first=st.tuples(st.sampled_from(sorted(KINDS)), SUBMISSIONS), second=SUBMISSIONS, claims=st.integers(0, 3)
    )
    def begin(self, first: tuple[str, dict[str, Any]], second: dict[str, Any], claims: int) -> None:
        """An empty world teaches little."""
        self.world.submit(first[0], **first[1])
        self.world.submit("plain", **second)
        if claims:
            self.world.claim(self.world.worker(0), claims)

    # ---- people ---------------------------------------------------------------------------------------------

    @rule(name=st.sampled_from(sorted(KINDS)), given=SUBMISSIONS)
    def submit(self, name: str, given: dict[str, Any]) -> None:
        self.world.submit(name, **given)

    @rule(verb=st.sampled_from(MOVES), which=SMALL)
    def move(self, verb: str, which: int) -> None:
        self.world.move(verb, which)

    @rule(verb=st.sampled_from(MOVES[:3]), which=SMALL)
    def move_what_runs(self, verb: str, which: int) -> None:
        """The moves in which code is still there are the hard ones."""
        self._hand(which)
        self._move_one(verb, which, [job.id for job in self.world.model.jobs.values() if job.owner is not None])

    @rule(which=SMALL, verb=st.sampled_from(ENDED_MOVES))
    def move_what_has_ended(self, verb: str, which: int) -> None:
        self._move_one(verb, which, [job.id for job in self.world.model.jobs.values() if job.has_ended])

    @rule(which=SMALL, verb=st.sampled_from(MOVES))
    def move_what_asks(self, verb: str, which: int) -> None:
        self._move_one(verb, which, [job.id for job in self.world.model.jobs.values() if job.question is not None])

    def _move_one(self, verb: str, which: int, among: list[str]) -> None:
        if among:
            self.world.move(verb, sorted(self.world.model.jobs).index(sorted(among)[which % len(among)]))

    # ---- workers --------------------------------------------------------------------------------------------

    @rule(which=SMALL, limit=st.integers(1, 4))
    def claim(self, which: int, limit: int) -> None:
        self.world.claim(self.world.worker(which), limit)

    @rule(which=SMALL, verbs=st.lists(st.sampled_from(WRITES), min_size=1, max_size=2), ticks=st.booleans())
    def write(self, which: int, verbs: list[str], ticks: bool) -> None:
        hand = self._hand(which)
        if hand is not None and not self._is_chain(hand):
            for verb in verbs:
                self.world.put(hand, verb)
            if ticks:
                self.world.tick(hand.worker)

    @rule(which=SMALL, verb=st.sampled_from(ENDINGS), ticks=st.booleans())
    def end(self, which: int, verb: str, ticks: bool) -> None:
        hand = self._hand(which)
        if hand is None:
            return
        if self._is_chain(hand):
            self.world.begin(hand)
        else:
            self.world.put(hand, verb)
        if ticks:
            self.world.tick(hand.worker)

    @rule(which=SMALL, verb=st.sampled_from(list(CALLS)))
    def call(self, which: int, verb: str) -> None:
        hand = self._hand(which)
        if hand is not None and not hand.worker.queue:
            self.world.call(hand, verb)

    @rule(which=SMALL, verb=st.sampled_from([*WRITES, *ENDINGS, *CALLS]))
    def stale(self, which: int, verb: str) -> None:
        """A call of a run that is over, whatever has become of its job."""
        world = self.world
        old = [hand for hand in world.hands if hand.is_closed or hand.worker.is_dead]
        if not old:
            return
        hand = old[which % len(old)]
        if world.is_mine(hand) or world.is_ghost(hand) or any(item[0] is hand for item in hand.worker.queue):
            return
        if verb in CALLS:
            world.call(hand, verb)
        elif self._is_chain(hand):
            world.begin(hand)
        else:
            world.tick(hand.worker)
            world.put(hand, verb)
            world.tick(hand.worker)

    @rule(which=SMALL)
    def tick(self, which: int) -> None:
        if self.world.workers:
            self.world.tick(self.world.workers[which % len(self.world.workers)])

    @rule(which=SMALL)
    def take_over(self, which: int) -> None:
        self.world.take_over(self.world.worker(which))

    # ---- time -----------------------------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([1, 6, 30]))
    def move_on(self, seconds: float) -> None:
        self.world.clock.advance(seconds)

    @rule(which=SMALL, by_id=st.booleans())
    def answer(self, which: int, by_id: bool) -> None:
        self.world.answer(which, by_id)

    @rule()
    def keep_time(self) -> None:
        self.world.keep_time()

    @rule()
    def sweep(self) -> None:
        self.world.sweep()

    # ---- what must hold -------------------------------------------------------------------------------------

    @invariant()
    def says_what_the_model_says(self) -> None:
        truth.check(self.world)

    def teardown(self) -> None:
        if sys.exception() is None:  # what went wrong before is what counts
            self.drain()

    def drain(self) -> None:
        """Nothing acked is lost: in the end every job has ended, or waits for a reason that can be told."""
        world = self.world
        for _ in range(60):
            world.clock.advance(3600)
            world.sweep()
            world.keep_time()
            found = world.claim(world.worker(0), 10)
            open_hands = [hand for hand in world.hands if not hand.is_closed and not hand.worker.is_dead]
            for hand in open_hands:
                self._finish(hand)
            queued = [worker for worker in world.workers if worker.queue]
            for worker in queued:
                world.tick(worker)
            truth.check(world)
            if not found and not open_hands and not queued:
                break
        else:
            raise AssertionError("the work has no end")
        for job in world.model.jobs.values():
            waits = job.why in ("pause", "hold", "children") or world.model.is_blocked(job)
            assert job.has_ended or waits, f"{job} is lost"
            if not job.has_ended:
                assert world.app.get(job.id).waiting_reason is not None, f"{job} waits and cannot say why"
        assert world.app.database.check() == []

    def _finish(self, hand: Any) -> None:
        if self._is_chain(hand):
            self.world.begin(hand)
        else:
            self.world.put(hand, "succeed")

    def _hand(self, which: int) -> Any:
        hands = self._open_hands()
        if not hands and any(self.world.model.is_claimable(job) for job in self.world.model.jobs.values()):
            self.world.claim(self.world.worker(which), 2)
            hands = self._open_hands()
        return hands[which % len(hands)] if hands else None

    def _open_hands(self) -> list[Any]:
        return [hand for hand in self.world.hands if not hand.is_closed]

    def _is_chain(self, hand: Any) -> bool:
        return hand.desk.job_type.is_chain


def budget(examples: int, steps: int, **more: Any) -> settings:
    """The same examples in every run, so that a change fails by what it does and not by chance."""
    return settings(max_examples=examples, stateful_step_count=steps, derandomize=True, **LIMITS, **more)
