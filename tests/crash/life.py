"""A life: everything is submitted and worked off in one thread, so that its n-th statement is always the same one.

``live`` ends where the trap is; ``recover`` is another process that finds what is left, brings it to its end, and
compares the database with the ledger.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from typing import Any

from sqlalchemy import text

from onward import Job, Onward
from onward.engine.worker import Worker
from onward.errors import StoreUnavailable
from onward.store import claims, counting, ready
from tests.crash.jobs import ITEMS, Ledger

_ROUNDS = 50


def live(app: Onward, ledger: Ledger, seed: int) -> None:
    """Submit what the seed says, in the order that it says, and work it off."""
    chance = random.Random(seed)
    given = [("work", {}), ("work", {"source_id": "s"}), ("flaky", {}), ("quits", {}), ("pair", {"source_id": "t"})]
    given.append(("asks", {}))
    chance.shuffle(given)
    for number, (name, more) in enumerate(given[: chance.randint(2, 5)]):
        submit(app, ledger, f"key-{number}", name, more)
    if chance.random() < 0.5:
        job = submit(app, ledger, "key-late", "work", {"delay": 3600})
        app.cancel(job.id)
        ledger.say("cancelled", job.id)
    worker = Solo(app)
    worker.enter()
    work(app, ledger, worker)
    worker.leave()


def work(app: Onward, ledger: Ledger, worker: Solo) -> None:
    """Until nothing can be done, and nothing is asked."""
    worker.work()
    while answer_all(app, ledger):
        worker.work()


def answer_all(app: Onward, ledger: Ledger) -> int:
    """Answer what is asked, each with its name; how many there were."""
    asked = app.questions.list()
    for question in asked:
        app.answer(question.job_id, question.name, question_id=question.id)
        ledger.say("answered", question.job_id, question.id)
    return len(asked)


def submit(app: Onward, ledger: Ledger, key: str, name: str, more: dict[str, Any]) -> Job:
    ledger.say("invoke", key, name, json.dumps(more, separators=(",", ":")))
    job = app.submit(name, idempotency_key=key, on_conflict="wait", **more)
    ledger.say("submitted", key, job.id, name)
    return job


class Solo:
    """A worker without threads: the same claims, runs and writes, one after the other."""

    def __init__(self, app: Onward) -> None:
        self._app = app
        self._worker: Worker = app.worker(concurrency=2)
        self._store = app._store
        self._writer = self._worker._writer
        put = self._writer.put

        def put_and_write(change: Any) -> None:
            put(change)
            self._writer.tick()

        self._writer.put = put_and_write  # type: ignore[method-assign]

    def enter(self) -> None:
        self._store.prepare()
        self._worker._enter()

    def rescue(self) -> None:
        self._worker._rescuer.rescue()

    def work(self) -> None:
        """Until nothing can be claimed."""
        for _ in range(_ROUNDS):
            if not self._claim():
                return
        raise AssertionError("the work has no end")

    def leave(self) -> None:
        self._writer.tick()
        self._worker._leave()

    def _claim(self) -> int:
        store, now = self._store, self._store.now()

        def work(conn: Any) -> list[claims.Claim]:
            ready.promote_due(conn, store.dialect, now)
            return claims.claim_jobs(
                conn, store.dialect, worker_id=self._worker.id, queues=(), job_types=self._app.job_types.names(),
                limit=2, now=now, run_ids=self._app._ids.many(2),
            )  # fmt: skip

        found = store.write(work)
        for claim in found:
            self._worker._executor.run(self._worker._executor.desk(claim))
        return len(found)


def recover(app: Onward, ledger: Ledger, *, threads: bool) -> None:
    """Bring everything to its end: with a real worker, or in one thread; what a worker's database refuses, again."""
    ledger.say("recovery")
    while True:
        try:
            return _recover(app, ledger, threads=threads)
        except StoreUnavailable:
            if not threads:
                raise


def _recover(app: Onward, ledger: Ledger, *, threads: bool) -> None:
    # A client that had no answer asks again with the same key.
    for _, key, name, more in [line for line in ledger.lines() if line[0] == "invoke"]:
        if not any(line[:2] == ["submitted", key] for line in ledger.lines()):
            submit(app, ledger, key, name, json.loads(more))
    if threads:
        with app.worker(concurrency=2):
            for job in app.find(limit=100):
                while not is_far(app, job) and not app.wait(job.id, 20, until="left").status.is_ended:
                    answer_all(app, ledger)
    else:
        worker = Solo(app)
        worker.enter()
        worker.rescue()
        work(app, ledger, worker)
        worker.leave()


def is_far(app: Onward, job: Job) -> bool:
    """Whether the job is to begin in an hour only."""
    return job.run_at is not None and (job.run_at - app.clock.now()).total_seconds() > 60


def check(app: Onward, ledger: Ledger, *, wholly: bool) -> None:
    """Raise ``AssertionError`` with what is wrong."""
    lines = ledger.lines()
    jobs = {job.id: job for job in app.find(limit=200)}
    _check_jobs(app, jobs, lines)
    _check_order(lines)
    with app._store.read() as conn:
        effects = Counter(row[0] for row in conn.execute(text("SELECT job_id FROM effects")))
        events = app._store.dialect.query(conn, "SELECT job_id, generation, kind FROM job_events", [])
        wrong = [what for sql, what in counting._CONTRADICTIONS if app._store.dialect.query(conn, sql, [])[0][0]]
    done = {job.id for job in jobs.values() if job.job_type == "work" and job.status == "completed"}
    assert effects == dict.fromkeys(done, 1), f"effects: {effects}, completed: {done}"
    verdicts = Counter((row[0], row[1]) for row in events if row[2] in ("completed", "failed", "cancelled"))
    assert all(count == 1 for count in verdicts.values()), verdicts
    assert not wrong, wrong
    if wholly:
        assert app.database.check() == []


def _check_jobs(app: Onward, jobs: dict[str, Job], lines: list[list[str]]) -> None:
    submitted = {line[2]: line for line in lines if line[0] == "submitted"}
    parents = {job.id for job in jobs.values() if job.parent_id is None}
    assert parents == set(submitted), f"lost {set(submitted) - parents}, from nowhere {parents - set(submitted)}"
    assert len({line[1] for line in submitted.values()}) == len(submitted), "one key has two jobs"
    cancelled = {line[1] for line in lines if line[0] == "cancelled"}
    for job in jobs.values():
        name = job.job_type
        if name == "quits" or job.id in cancelled:
            assert job.status == "cancelled", f"{name} is {job.status}"
        elif not is_far(app, job):
            assert job.status == "completed", f"{name} is {job.status}: {job.error} {app.runs(job.id)}"
        assert not job.is_owned
        if name == "work" and job.status == "completed":
            assert job.result == {"lines": list(range(ITEMS))}, f"partial work: {job.result}"
        if name == "asks":
            assert job.result == ["confirm", "confirm 2", True]
            asked = app.questions.list(None, job_id=job.id)
            assert [question.state for question in asked] == ["answered"] * 2, f"asked: {asked}"
            acked = {line[2] for line in lines if line[:2] == ["answered", job.id]}
            assert acked <= {question.id for question in asked}
        if name == "pair":
            children = app.children(job.id)
            assert [child.job_type for child in children] == ["work", "flaky"]
            assert job.result["phases_completed"] == 2


def _check_order(lines: list[list[str]]) -> None:
    acked: dict[str, int] = {}
    kept: set[str] = set()
    done: Counter[tuple[str, str]] = Counter()
    fences: dict[str, int] = {}
    deaths = 0
    for word, *rest in lines:
        job = rest[0] if rest else ""
        match word:
            case "recovery":
                deaths += 1
            case "begin":
                assert int(rest[2]) >= acked.get(job, 0), f"begun at {rest[2]}, acked was {acked.get(job, 0)}"
                assert int(rest[1]) > fences.get(job, 0), "a fence was used twice"
                fences[job] = int(rest[1])
            case "do":
                done[job, rest[1]] += 1
                assert int(rest[1]) >= acked.get(job, 0), "an acked item was done again"
                assert done[job, rest[1]] <= 1 + deaths, "an item was done again without a crash"
            case "acked":
                acked[job] = int(rest[1])
            case "step":
                assert job not in kept, "a kept step was done again"
            case "kept":
                kept.add(job)
    for job in {job for job, _ in done}:
        again = sum(count - 1 for (other, _), count in done.items() if other == job)
        assert again <= deaths, f"{again} items were done again after {deaths} crashes"


def clean(app: Onward) -> None:
    """An empty database for the next life."""
    app._store.prepare()
    with app._store.transaction() as conn:
        app._store.dialect.execute(conn, "CREATE TABLE IF NOT EXISTS effects (job_id TEXT NOT NULL)", [])
        for statement in EMPTY.split(";"):
            app._store.dialect.execute(conn, statement, [])


_TABLES = (
    "jobs", "job_tags", "job_runs", "job_events", "checkpoints", "job_steps", "job_partials", "job_logs", "resources",
    "job_resources", "chain_phases", "questions", "workers", "effects",
)  # fmt: skip
EMPTY = ";".join(f"DELETE FROM {name}" for name in _TABLES)
