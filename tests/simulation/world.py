"""The engine without its threads: every move is a call, and time stands still until it is moved.

Each move is made in the database and in the model; what the database then says must be what the model says.
The file is long because each move stands here twice, for the engine and for the model.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from onward import Onward
from onward.authoring.port import Point
from onward.clock import ManualClock
from onward.engine.adopter import Adopter
from onward.engine.expirer import Expirer
from onward.engine.rescuer import Rescuer
from onward.engine.writer import Change
from onward.errors import (
    AlreadyAnswered,
    IdempotencyConflict,
    IllegalTransition,
    IncompleteJobFound,
    JobLost,
    JobNotFound,
    QuestionNotFound,
    ResourceBusy,
)
from onward.model.question import Asking
from onward.settings import Settings
from onward.store import Store, checkpoints, claims, ready, resources
from onward.store.tables import metadata
from tests.simulation.hands import ASKING, CALLS, ENDINGS, KINDS, Hand, Hands, outcome_of, register
from tests.simulation.model import JobModel, Kind, Model, Question, backoff, is_legal

_LEFT_OUT = ("onward_meta", "workers", "job_tags", "job_logs", "job_tallies")
_EVERYTHING = {name: f"SELECT * FROM {name}" for name in sorted(metadata.tables) if name not in _LEFT_OUT}


class World:
    """One database, some workers, and the model."""

    def __init__(self, store_of: Callable[[Onward], None], settings: Settings) -> None:
        self.clock = ManualClock()
        self.app = app = Onward(settings=settings, clock=self.clock)
        store_of(app)
        self.store: Store = app._store
        register(app)
        # Nobody is on the way to a question here: the hands ask when they are told to.
        app.questions.parking_seconds = 0.0
        self.ids = app._ids
        self.model = Model()
        self.model.kinds = KINDS
        self.hands: list[Hand] = []
        self.workers: list[Hands] = []
        adopter = Adopter(self.store, self.ids, lambda _ended: None, lambda _entry: None)
        self.rescuer = Rescuer(self.store, self.clock, self.ids, app.events, lambda: "rescuer", None, adopter)
        self.expirer = Expirer(self.store, self.clock, self.ids)
        self.asked: list[tuple[str, str]] = []
        self._texts = itertools.count(1)
        self.fences: dict[str, int] = {}

    # ---- workers --------------------------------------------------------------------------------------------

    def worker(self, index: int) -> Hands:
        """One of three workers that live; each is replaced when it is taken for dead."""
        while len([each for each in self.workers if not each.is_dead]) < 3:
            self.workers.append(self._new_worker())
        return [each for each in self.workers if not each.is_dead][index % 3]

    def _new_worker(self) -> Hands:
        worker = self.app.worker()
        return Hands(worker.id, worker._writer, worker._executor)

    def is_mine(self, hand: Hand) -> bool:
        """Whether the run may still write, as the model sees it."""
        job = self.model.jobs.get(hand.job_id)
        return job is not None and job.owner == hand.worker.id and job.fence == hand.fence

    def is_ghost(self, hand: Hand) -> bool:
        """Whether the run's job was started afresh while its code was still there."""
        job = self.model.jobs.get(hand.job_id)
        return (
            job is not None and job.owner == hand.worker.id and job.run_fence == hand.fence and not self.is_mine(hand)
        )

    # ---- submitting -----------------------------------------------------------------------------------------

    def submit(self, name: str, **given: Any) -> None:
        model, kind = self.model, KINDS[name]
        model.now = self.clock.now()
        params = {} if kind.phases else {"n": given.pop("n")}
        given.pop("n", None)
        source, key, job_id = given["source_id"], given["idempotency_key"], given["id"]
        payload = (name, source, tuple(params.items()))
        needs = tuple(sorted([*kind.needs, *([(f"source:{source}", 1)] if source else [])]))
        expected = self._expected(kind, payload, needs, **given)
        try:
            job = self.app.submit(name, params, **given)
        except (ResourceBusy, IncompleteJobFound, IdempotencyConflict, IllegalTransition) as error:
            if expected is not type(error):
                raise AssertionError(f"expected {expected}, was refused") from error
            return
        assert not isinstance(expected, type), f"{expected} was expected, but {job} was taken"
        if isinstance(expected, str):
            assert job.id == expected, "another job than the known one"
            return
        if given["on_conflict"] == "replace":
            for other in self._to_replace(needs):
                model.cancel(model.jobs[other])
        if source is not None:
            found = model.incomplete(kind, source)
            if found is not None and given["resume"]:
                assert job.id == found.id
                model.resume(found)
                return
            if found is not None:
                found.is_superseded = True
                model.forget(found)
        assert job.id not in model.jobs, "an id was given out twice"
        late = given["delay"] or 0
        model.jobs[job.id] = JobModel(
            job.id,
            kind,
            needs,
            source,
            payload,
            model.now + timedelta(seconds=late),
            priority=given["priority"] or 0,
            key=key,
            has_digest=bool(key or job_id),
            why="time" if late else "",
            phases=[None] * len(kind.phases),
            fence=model.fence_floor if job_id else 0,
        )
        assert (job.id == job_id) or not job_id

    def _expected(self, kind: Kind, payload: object, needs: Sequence[tuple[str, int]], **given: Any) -> Any:
        """The error that must come, or the id of the job that is known already, or None."""
        model = self.model
        by_key = [
            job for job in model.jobs.values() if given["idempotency_key"] and job.key == given["idempotency_key"]
        ]
        known = by_key[0] if by_key else model.jobs.get(given["id"] or "")
        if known is not None:
            same = known.payload == payload and known.has_digest
            return known.id if same else IdempotencyConflict
        if given["on_conflict"] != "wait" and any(self._is_full(need) for need in needs):
            if given["on_conflict"] == "reject":
                return ResourceBusy
            if any(model.jobs[other].status in ("completed", "failed") for other in self._to_replace(needs)):
                return IllegalTransition
        if given["source_id"] is None:
            return None
        replaced = self._to_replace(needs) if given["on_conflict"] == "replace" else []
        found = [model.incomplete(kind, given["source_id"])]
        found += [
            job
            for job in (model.jobs[other] for other in replaced)
            if job.kind is kind and job.source == given["source_id"] and job.parent is None
            and (job.is_marked or any(c.is_marked and not c.is_superseded for c in model.family(job)))
            and not job.is_superseded
        ]  # fmt: skip
        return IncompleteJobFound if any(found) and given["resume"] is None else None

    def _is_full(self, need: tuple[str, int]) -> bool:
        return len(self.model.in_the_way(need[0])) >= need[1]

    def _to_replace(self, needs: Sequence[tuple[str, int]]) -> list[str]:
        full = [need for need in needs if self._is_full(need)]
        return [job_id for name, _ in full for job_id in self.model.in_the_way(name)]

    # ---- a worker's calls -----------------------------------------------------------------------------------

    def claim(self, worker: Hands, limit: int) -> list[Hand]:
        model = self.model
        model.now = now = self.clock.now()
        able = {job.id for job in model.jobs.values() if model.is_claimable(job)}

        def work(conn: Any) -> list[claims.Claim]:
            ready.promote_due(conn, self.store.dialect, now)
            return claims.claim_jobs(
                conn, self.store.dialect, worker_id=worker.id, queues=(), job_types=self.app.job_types.names(),
                limit=limit, now=now, run_ids=self.ids.many(limit),
            )  # fmt: skip

        found = self.store.write(work)
        assert len(found) <= limit
        assert {claim.job_id for claim in found} <= able, "a job was given out that was not ready"
        best = sorted((model.jobs[c] for c in able), key=lambda job: (-job.priority, job.run_at, job.id))
        free = [job.id for job in best if not job.needs]
        if len(found) < limit:
            taken = {claim.job_id for claim in found}
            others = [job for job in able - taken if not model.jobs[job].needs]
            assert not others or len(able) > limit, "a job was ready and nobody got it"
        assert [c.job_id for c in found if c.job_id in free] == free[: len([c for c in found if c.job_id in free])]
        return [self._take(worker, claim) for claim in found]

    def _take(self, worker: Hands, claim: claims.Claim) -> Hand:
        job = self.model.jobs[claim.job_id]
        self.model.claim(job, worker.id)
        assert (claim.fence, claim.generation) == (job.fence, job.generation)
        hand = Hand(worker, worker.executor.desk(claim))
        self.hands.append(hand)
        if not job.phases:
            worker.executor._facts(hand.desk)
            assert hand.desk.facts.saved == job.saved, "the run is not offered the newest checkpoint"
            for name, result in job.steps.items():
                assert hand.desk.load_step("", name) == result, "a kept step is not offered"
            for name, response in job.answers.items():
                assert hand.desk.load_answer(Asking("", name, "confirm")) == response, "an answer is not offered"
            hand.appended = len(job.partial)
            with self.store.read() as conn:
                found = checkpoints.read_partial(conn, self.store.dialect, job.id, "work", len(job.partial))
                kept = list(found)
            assert kept == job.partial, "partial work was lost"
        return hand

    def put(self, hand: Hand, verb: str) -> None:
        """Have the run hand something to its writer; it is written at the worker's next ``tick``."""
        if verb in ENDINGS:
            outcome = outcome_of(hand, verb, self.clock)
            hand.worker.executor.conclude(hand.desk, outcome)
            [*_, change] = hand.worker.writer._changes
            # A run that was cancelled and is late is concluded as what it was told to be.
            hand.worker.queue.append((hand, verb, None, change))
            hand.is_closed = True
            return
        number = next(self._texts)
        text = f'{{"state":{{"n":{number}}},"cursors":{{}}}}'
        point = Point(text) if verb in ("save", "both") else None
        step = ("", f"s{number % 3}", str(number)) if verb in ("step", "both") else None
        columns = {"current_dimension": number} if verb == "columns" else None
        records: list[str] = []
        if verb == "append":
            records = [str(number), str(number + 1)]
            point = Point(text, None, {"work": (hand.appended, records)})
            hand.appended += len(records)
        change = Change(hand.desk, point=point, step=step, columns=columns)
        hand.worker.writer.put(change)
        hand.worker.queue.append((hand, verb, (text, step, records), change))

    def tick(self, worker: Hands) -> None:
        """Let the worker's writer write."""
        model = self.model
        model.now = self.clock.now()
        queue, worker.queue = worker.queue, []
        mine = [self.is_mine(hand) for hand, *_ in queue]
        stale = [hand for (hand, *_), is_mine in zip(queue, mine, strict=True) if not is_mine]
        before = self.dump() if len(stale) == len(queue) and not any(map(self.is_ghost, stale)) else None
        worker.writer.tick()
        if before is not None:
            assert self.dump() == before, "a stale call has changed something"
        for (hand, verb, given, change), is_mine in zip(queue, mine, strict=True):
            assert change.is_refused is not is_mine, f"{verb} of {'the owner' if is_mine else 'a stale run'}"
            if is_mine:
                self._applied(hand, verb, given)
            elif verb in ENDINGS and self.is_ghost(hand):
                model.leave(model.jobs[hand.job_id])
            if not is_mine:
                assert isinstance(hand.desk.interrupt, JobLost), "a stale run was not told"

    def _applied(self, hand: Hand, verb: str, given: Any) -> None:
        model, job = self.model, self.model.jobs[hand.job_id]
        if verb in ENDINGS:
            self._ended(hand, verb, job)
            return
        text, step, records = given
        if step is not None:
            model.keep(job, step[1], step[2])
        if verb in ("save", "both", "append"):
            model.save(job, text)
        job.partial += records

    def _ended(self, hand: Hand, verb: str, job: JobModel) -> None:
        model = self.model
        if job.status != "running":
            model.leave(job)
            return
        if verb in ("succeed", "tell"):
            model.complete(job)
        elif verb == "quit":
            job.status, job.why, job.owner = "cancelled", "", None
        elif verb == "stop":
            model.wait(job, "")
        elif verb == "park":
            model.wait(job, "time", hand.desk.wait.until if hand.desk.wait else None)
            job.keeps = job.kind.holds_while_parked
        elif verb in ASKING:
            job.keeps = job.kind.holds_while_parked
            [(question_id, name)] = self.rows(
                f"SELECT question_id, name FROM questions WHERE state = 'open' AND job_id = '{job.id}'"
            )
            model.ask(job, Question(question_id, name, ASKING[verb], model.now + timedelta(seconds=20)))
            self.asked.append((job.id, question_id))
        else:
            job.failures = hand.desk.claim.failures + 1
            if verb == "fail" and job.failures < job.kind.max_attempts:
                model.wait(job, "time", model.now + backoff(job.failures))
            else:
                model.fail(job)
        if job.has_ended:
            model.end_phase(job)

    def begin(self, hand: Hand) -> None:
        """A chain's run: it starts its phase and ends."""
        self.model.now = self.clock.now()
        is_mine, is_ghost = self.is_mine(hand), self.is_ghost(hand)
        before = None if is_mine or is_ghost else self.dump()
        hand.worker.executor.run(hand.desk)
        hand.is_closed = True
        if is_mine:
            self.model.begin(self.model.jobs[hand.job_id])
        elif before is not None:
            assert self.dump() == before, "a stale run has begun a phase"
        changes = hand.worker.writer._changes
        if changes and changes[-1].owner is hand.desk:
            assert not is_mine, f"a chain could not begin its phase: {changes[-1].ending}"
            hand.worker.queue.append((hand, "quit", None, changes[-1]))

    def call(self, hand: Hand, verb: str) -> None:
        """A call that does not go through the writer: hand_back, release, forget, transaction, progress."""
        model, mine, ghost = self.model, self.is_mine(hand), self.is_ghost(hand)
        model.now = self.clock.now()
        leaving = verb in ("hand_back", "release")
        before = None if mine or (ghost and leaving) else self.dump()
        is_refused = False
        try:
            CALLS[verb](self.store, hand, self.clock)
        except JobLost:
            is_refused = True
        if before is not None:
            assert self.dump() == before, f"a stale {verb} has changed something"
        assert not (is_refused and mine), f"{verb} of the owner was refused"
        if verb in ("forget", "transaction"):
            assert is_refused is not mine, f"a stale {verb} was taken"
        job = model.jobs.get(hand.job_id)
        if job is None:
            return
        if leaving:
            hand.is_closed = True
            if mine:
                if verb == "release":
                    job.fence += 1
                if job.status == "running":
                    model.wait(job, "")
                else:
                    model.leave(job)
            elif ghost:
                model.leave(job)
        elif mine and verb == "forget":
            model.forget(job)
            job.answers = {}
            hand.appended = 0

    def take_over(self, worker: Hands) -> None:
        model = self.model
        model.now = self.clock.now()
        worker.is_dead = True
        count = self.rescuer.take_over(worker.id)
        owned = [job for job in model.jobs.values() if job.owner == worker.id]
        assert count == len(owned)
        for job in sorted(owned, key=lambda job: job.id):
            model.lose(job)

    # ---- a person's calls -----------------------------------------------------------------------------------

    def move(self, verb: str, index: int) -> None:
        """cancel, resume, restart, discard, pause, unpause or delete."""
        model = self.model
        if not model.jobs:
            return
        model.now = self.clock.now()
        job = sorted(model.jobs.values(), key=lambda job: job.id)[index % len(model.jobs)]
        may = is_legal(model, verb, job)
        before = None if may else self.dump()
        try:
            getattr(self.app, verb)(job.id)
        except IllegalTransition:
            assert not may, f"{verb} of {job} was refused"
            assert self.dump() == before, f"an illegal {verb} has changed something"
            return
        assert may, f"{verb} of {job} was taken"
        if verb == "resume" and job.parent is not None:
            job = model.jobs[job.parent]
        getattr(model, verb)(job)

    def answer(self, which: int, by_id: bool) -> None:
        """An answer to any question that was ever asked, or to whatever its job asks now."""
        if not self.asked:
            return
        model = self.model
        model.now = self.clock.now()
        job_id, question_id = self.asked[which % len(self.asked)]
        job = model.jobs.get(job_id)
        is_open = job is not None and job.question is not None and (not by_id or job.question.id == question_id)
        is_late = is_open and job is not None and job.question is not None and job.question.expires_at <= model.now
        before = None if is_open else self.dump()
        text = f"answer {next(self._texts)}"
        try:
            self.app.answer(job_id, text, question_id=question_id if by_id else None)
        except (AlreadyAnswered, IllegalTransition, JobNotFound, QuestionNotFound) as error:
            if is_open and not is_late:
                raise AssertionError(f"an answer to {job} was refused") from error
            assert before is None or self.dump() == before, "a refused answer has changed something"
            if is_late and job is not None:
                model.expire(job)
            return
        assert is_open, f"an answer to {job} was taken"
        assert not is_late, f"an answer to {job} came too late and was taken"
        if job is not None:
            model.answer(job, f'"{text}"')

    def keep_time(self) -> None:
        """End what nobody has answered in time."""
        model = self.model
        model.now = self.clock.now()
        self.expirer.tick()
        for job in list(model.jobs.values()):
            if job.question is not None and job.question.expires_at <= model.now:
                model.expire(job)

    def move_on(self, seconds: float) -> None:
        self.clock.advance(seconds)

    def sweep(self) -> None:
        self.store.write(lambda conn: resources.wake_for_free(conn, self.store.dialect))

    # ---- looking --------------------------------------------------------------------------------------------

    def rows(self, sql: str) -> list[Any]:
        with self.store.read() as conn:
            return [tuple(row) for row in self.store.dialect.query(conn, sql, [])]

    def dump(self) -> dict[str, list[Any]]:
        """Everything that is in the database."""
        with self.store.read() as conn:
            return {
                name: sorted(tuple(map(str, row)) for row in self.store.dialect.query(conn, _EVERYTHING[name], []))
                for name in _EVERYTHING
            }
