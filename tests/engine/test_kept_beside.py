"""Started fresh as a new job: the old one stays with what it saved, until it is resumed or retention takes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from onward import (
    ChangedMeanwhile,
    Context,
    IllegalTransition,
    IncompleteJobFound,
    InvalidValue,
    JobPhase,
    Onward,
    ResourceBusy,
)
from tests.app_fixtures import run_all


@dataclass
class Count:
    """A job type that fails at an item until it is mended, and notes what it has done."""

    app: Onward
    is_broken: bool = True
    done: list[tuple[str, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.app.job(name="count")(self.run)
        self.app.job(name="other")(self.other)
        self.app.chain("both", [JobPhase("other"), JobPhase("count")])

    def run(self, ctx: Context, n: int = 5) -> int:
        for item in ctx.each(range(n), every=1):
            if item == 3 and self.is_broken:
                raise RuntimeError("no room")
            self.done.append((ctx.job_id, item))
        return n

    def other(self) -> str:
        return "other"

    def failed(self, job_type: str = "count", **options: Any) -> str:
        """A job that has failed at the fourth item; the type is mended then."""
        self.is_broken = True
        job = self.app.submit(job_type, **options)
        run_all(self.app)
        assert self.app.get(job.id).status == "failed"
        self.is_broken = False
        return job.id


@pytest.fixture
def count(app: Onward) -> Count:
    return Count(app)


def test_the_new_job_begins_at_nothing_and_the_old_one_can_still_be_resumed(app: Onward, count: Count) -> None:
    old = count.failed(tags=["t"], priority=3, queue="slow", user_id="ana", idempotency_key="monday")
    new = app.restart(old, keep=True, actor="ada")
    assert new.id != old
    assert (new.status, new.has_checkpoint, new.params, new.tags) == ("pending", False, {"n": 5}, ("t",))
    assert (new.priority, new.queue, new.user_id, new.idempotency_key) == (3, "slow", "ana", "monday")
    left = app.get(old)
    assert (left.status, left.has_checkpoint, left.superseded_by) == ("failed", True, new.id)
    assert not left.is_interrupted
    assert (app.history(old)[-1].kind, app.history(old)[-1].actor) == ("restarted", "ada")
    assert app.submit("count", idempotency_key="monday").id == new.id, "the key means the new job"
    run_all(app)
    app.resume(old)
    run_all(app)
    assert [app.get(each).status for each in (old, new.id)] == ["completed", "completed"]
    assert [item for job_id, item in count.done if job_id == new.id] == [0, 1, 2, 3, 4]
    assert [item for job_id, item in count.done if job_id == old] == [0, 1, 2, 3, 4], "it went on where it was"
    assert app.database.check() == []


def test_work_on_a_source_is_not_asked_about_again(app: Onward, count: Count) -> None:
    old = count.failed(source_id="wiki")
    with pytest.raises(IncompleteJobFound):
        app.submit("count", source_id="wiki")
    new = app.restart(old, keep=True)
    run_all(app)
    assert app.get(new.id).status == "completed"
    assert app.submit("count", source_id="wiki").id != old
    assert app.checkpoints.list(old)


def test_a_held_job_ends_and_a_chain_is_made_anew(app: Onward, count: Count) -> None:
    held = app.submit("count", delay=60)
    app.database.query("UPDATE jobs SET waiting_on = 'hold', checkpoint_at = created_at, checkpoint_number = 1")
    assert app.restart(held.id, keep=True).status == "pending"
    assert app.get(held.id).status == "cancelled"
    run_all(app)
    chain = count.failed("both")
    again = app.restart(chain, keep=True)
    run_all(app)
    assert app.get(again.id).status == "completed"
    assert [child.status for child in app.children(chain)] == ["completed", "failed"]
    app.resume(chain)
    run_all(app)
    assert app.get(chain).status == "completed"


def test_retention_takes_what_was_kept(app: Onward, count: Count) -> None:
    old = count.failed()
    app.restart(old, keep=True)
    assert app.checkpoints.prune(timedelta(days=1)).jobs == 0
    assert app.checkpoints.list(old)
    assert app.checkpoints.prune(timedelta(0)).jobs == 1
    assert app.checkpoints.list(old) == []


def test_it_is_begun_beside_once(app: Onward, count: Count) -> None:
    old = count.failed(idempotency_key="k")
    new = app.restart(old, keep=True)
    with pytest.raises(IllegalTransition, match="has its work already"):
        app.restart(old, keep=True)
    assert app.get(old).superseded_by == new.id
    assert app.count(job_type="count") == 2


def test_the_new_job_is_what_the_first_one_was_when_it_was_submitted(app: Onward, count: Count) -> None:
    app.job(name="heavy", queue="gpu", priority=7)(count.run)
    app.chain("apart", [JobPhase("other"), JobPhase("heavy")])
    chain = count.failed("apart")
    again = app.restart(chain, keep=True)
    run_all(app)
    assert [(child.queue, child.priority, child.status) for child in app.children(again.id)] == [
        ("default", 0, "completed"),
        ("gpu", 7, "completed"),
    ]
    app.schedules.add("nightly", "count", cron="0 3 * * *")
    count.is_broken = True
    job = app.schedules.run_now("nightly")
    run_all(app)
    count.is_broken = False
    again = app.restart(job.id, keep=True)
    assert (again.scheduled_job_id, again.due_at) == (job.scheduled_job_id, job.due_at)
    assert again.scheduled_job_id is not None
    with pytest.raises(ResourceBusy):
        app.schedules.run_now("nightly")
    run_all(app)
    assert app.get(again.id).status == "completed"


def test_older_parameters_are_read_as_they_are_upgraded(app: Onward, count: Count) -> None:
    @app.job(name="renamed")
    def first(ctx: Context, path: str) -> str:
        raise RuntimeError("no room")

    old = app.submit("renamed", {"path": "notes"})
    run_all(app)
    other = Onward(settings=app.settings)

    @other.job(name="renamed", version=2, upgrade=lambda _old, params, state: ({"folder": params["path"]}, state))
    def second(ctx: Context, folder: str = "elsewhere") -> str:
        return folder

    for make in (lambda: other.restart(old.id, keep=True), lambda: other.run_again(old.id)):
        new = make()
        run_all(other)
        assert other.get(new.id).result == "notes"
    other.close()


def test_who_may_not_is_told_and_nothing_is_made(app: Onward, count: Count) -> None:
    waiting = app.submit("count", delay=60)
    with pytest.raises(IllegalTransition, match="started fresh"):
        app.restart(waiting.id, keep=True)
    old = count.failed()
    with pytest.raises(ChangedMeanwhile):
        app.restart(old, keep=True, expect_version="another")
    assert app.count(job_type="count") == 2


def test_new_submission_may_leave_the_old_work_where_it_is(app: Onward, count: Count) -> None:
    older = count.failed(source_id="wiki")
    app.database.query(f"UPDATE jobs SET source_id = 'moved' WHERE job_id = '{older}'")
    old = count.failed(source_id="wiki")
    app.database.query(f"UPDATE jobs SET source_id = 'wiki' WHERE job_id = '{older}'")
    with pytest.raises(InvalidValue, match="started fresh"):
        app.submit("count", source_id="wiki", keep=True)
    new = app.submit("count", {"n": 4}, source_id="wiki", resume=False, keep=True)
    run_all(app)
    assert (app.get(new.id).status, app.get(new.id).result) == ("completed", 4)
    assert {app.get(each).superseded_by for each in (old, older)} == {new.id}, "neither is asked about again"
    app.submit("count", source_id="wiki")
    run_all(app)
    app.resume(old)
    run_all(app)
    assert app.get(old).result == 5
    assert [item for job_id, item in count.done if job_id == old] == [0, 1, 2, 3, 4], "it went on where it was"
    assert app.database.check() == []


def test_new_submission_ends_what_is_held(app: Onward, count: Count) -> None:
    count.is_broken = False
    held = app.submit("count", delay=60, source_id="wiki")
    app.database.query("UPDATE jobs SET waiting_on = 'hold', checkpoint_at = created_at, checkpoint_number = 1")
    new = app.submit("count", source_id="wiki", resume=False, keep=True, on_conflict="wait")
    run_all(app)
    assert [app.get(each).status for each in (held.id, new.id)] == ["cancelled", "completed"]
    assert app.database.check() == []


def test_chain_is_submitted_anew_beside_what_is_kept(app: Onward, count: Count) -> None:
    phases = [JobPhase("other"), JobPhase("count")]
    count.is_broken = True
    old = app.submit_chain(phases, source_id="wiki")
    run_all(app)
    count.is_broken = False
    new = app.submit_chain(phases, source_id="wiki", resume=False, keep=True)
    run_all(app)
    assert app.get(new.id).status == "completed"
    app.resume(old.id)
    run_all(app)
    assert app.get(old.id).status == "completed"
