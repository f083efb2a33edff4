"""The interface of a hand-made job manager: durable, legal moves only, and the same for every process."""

from __future__ import annotations

import logging
from pathlib import Path
from types import SimpleNamespace

import pytest

from onward import (
    Context,
    IdempotencyConflict,
    IllegalTransition,
    InvalidValue,
    JobNotFound,
    ManualClock,
    manager,
)
from onward.manager import EmptyMemoryStore, JobManager, JobMemoryStore, JobRepository, JobState
from onward.model.states import LEGAL_MOVES, Status
from tests.app_fixtures import Apps, Gate, ended, rows, run_all, until

# ---- jobs without a function ----------------------------------------------------------------------------------------


def test_created_job_is_seen_by_another_process_and_never_claimed(jobs: JobManager, apps: Apps) -> None:
    made = jobs.create_job(JobState(job_id="job-1", status=Status.PENDING, user_id="ada", task_description="Tidy"))
    other = JobManager()
    other.set_db_repo(apps())
    assert other.get_job("job-1") == made
    assert (made.status, made["status"], dict(made)["user_id"], made.id) == ("pending", "pending", "ada", "job-1")

    @jobs.app.job()
    def task() -> None:
        """Of the same name as the job's type."""

    run_all(jobs.app)
    assert jobs.get_job("job-1").status == "pending"
    shown = jobs.app.get("job-1")
    assert shown.waiting_reason is not None
    assert shown.waiting_reason.code == "outside"


def test_whole_life_is_moved_by_hand(jobs: JobManager) -> None:
    jobs.create_job("job-1")
    jobs.update_job("job-1", {"status": "running", "progress_percent": 65.7, "progress_message": "Reading"})
    asked = jobs.update_job(
        "job-1", {"status": "pending_hitl", "hitl_type": "confirm", "hitl_data": {"question": "Go on?"}}
    )
    assert (asked.progress_percent, asked.progress_message) == (65, "Reading")
    assert (asked.hitl_type, asked.hitl_data, asked.hitl_response) == ("confirm", {"question": "Go on?"}, None)
    jobs.update_job("job-1", status="pending", hitl_response={"answer": True})
    jobs.update_job("job-1", status="running")
    done = jobs.update_job("job-1", {"status": "completed", "result": {"pages": 3}})
    assert (done.status, done.progress_percent, done.result) == ("completed", 100, {"pages": 3})
    assert done.hitl_response == {"answer": True}
    assert done.started_at is not None
    assert done.completed_at is not None
    kinds = [event.kind for event in jobs.app.history("job-1")]
    assert kinds == ["started", "asked", "answered", "started", "completed"]
    assert jobs.app.database.check() == []


@pytest.mark.parametrize("old", list(Status))
def test_only_legal_moves_are_taken(jobs: JobManager, old: Status) -> None:
    for new in Status:
        job_id = f"{old}-{new}"
        jobs.create_job(job_id=job_id, status=old)
        if new is old:
            assert jobs.update_job(job_id, status=new).status == old
        elif new in LEGAL_MOVES[old]:
            assert jobs.update_job(job_id, status=new, progress_message="moved").status == new
        else:
            before = rows(jobs.app, "SELECT * FROM jobs WHERE job_id = '{}'", job_id)
            with pytest.raises(IllegalTransition, match=f"is {old} and cannot become {new}"):
                jobs.update_job(job_id, status=new, progress_message="moved")
            assert rows(jobs.app, "SELECT * FROM jobs WHERE job_id = '{}'", job_id) == before
    assert jobs.app.database.check() == []


def test_failed_job_begins_a_new_generation_when_it_goes_on(jobs: JobManager) -> None:
    jobs.create_job("job-1", status="running")
    failed = jobs.update_job("job-1", status="failed", error="no room")
    assert failed.error is not None
    assert failed.error.message == "no room"
    again = jobs.update_job("job-1", status="pending")
    assert (again.error, again.completed_at) == (None, None)
    jobs.update_job("job-1", status="running")
    jobs.update_job("job-1", status="failed", error={"type": "OSError", "message": "no room"})
    assert jobs.app.get("job-1").generation == 2
    for verb in (jobs.app.resume, jobs.app.restart):
        with pytest.raises(IllegalTransition, match="has no function"):
            verb("job-1")
    jobs.app.delete("job-1")
    with pytest.raises(JobNotFound, match="in memory, the database"):
        jobs.get_job("job-1")


def test_outside_job_can_be_cancelled_and_not_paused(jobs: JobManager) -> None:
    jobs.create_job("job-1", status="running")
    with pytest.raises(IllegalTransition):
        jobs.app.pause("job-1")
    assert jobs.cancel("job-1").status == "cancelled"
    with pytest.raises(IllegalTransition):
        jobs.update_job("job-1", status="completed")


def test_records_of_the_caller_are_understood(jobs: JobManager) -> None:
    jobs.create_job(SimpleNamespace(job_id="a", status=SimpleNamespace(value="running"), other=1))
    jobs.create_job({"job_id": "b", "job_type": "import", "source_id": "wiki"})
    new = jobs.create_job(job_type="import")
    assert (jobs.get_job("a").status, jobs.get_job("b").source_id) == ("running", "wiki")
    assert jobs.app.get(new.job_id).job_type == "import"
    with pytest.raises(InvalidValue, match="is not a job"):
        jobs.create_job(7)
    with pytest.raises(InvalidValue, match="'progres_percent' cannot be set"):
        jobs.create_job("c", progres_percent=3)
    with pytest.raises(InvalidValue, match="is not a status"):
        jobs.create_job("c", status="done")
    with pytest.raises(InvalidValue, match="not a name"):
        jobs.create_job("../c")
    with pytest.raises(JobNotFound):
        jobs.get_job("c")


def test_same_id_is_the_same_job_or_a_conflict(jobs: JobManager) -> None:
    jobs.create_job("job-1", user_id="ada")
    jobs.update_job("job-1", status="running")
    assert jobs.create_job("job-1", user_id="ada").status == "running"
    with pytest.raises(IdempotencyConflict):
        jobs.create_job("job-1", user_id="bob")


def test_what_workers_run_is_not_moved_by_hand(jobs: JobManager) -> None:
    gate = Gate()

    @jobs.app.job()
    def work() -> None:
        gate.pass_through()

    job_id = jobs.submit("work")
    for changes in ({"status": "running"}, {"result": 1}, {"status": "completed"}):
        with pytest.raises(IllegalTransition, match="run by"):
            jobs.update_job(job_id, changes)
    with jobs.app.worker(concurrency=1):
        gate.await_job()
        state = jobs.update_job(job_id, {"progress_message": "Still running...", "progress_percent": 5})
        assert (state.progress_message, state.progress_percent) == ("Still running...", 5)
        gate.open()
        ended(jobs.app, job_id)
    with pytest.raises(IllegalTransition):
        jobs.update_job(job_id, {"progress_percent": 5})
    other = jobs.submit("work")
    assert jobs.update_job(other, status="cancelled").status == "cancelled"


# ---- looking, memory, dimensions ------------------------------------------------------------------------------------


def test_repository_finds_by_status_and_user(jobs: JobManager) -> None:
    repository = JobRepository(jobs.app)
    for number, status in enumerate(Status):
        jobs.create_job(f"job-{number}", status=status, user_id="user@example.com" if number % 2 else "other")
    for number, status in enumerate(Status):
        assert [job.job_id for job in repository.get_by_status(status)] == [f"job-{number}"]
    assert [job.job_id for job in repository.get_multi(user_id="user@example.com")] == ["job-5", "job-3", "job-1"]
    assert len(repository.get_multi(limit=2)) == 2
    assert [job.job_id for job in jobs.get_active_jobs()] == ["job-2", "job-1", "job-0"]
    with pytest.raises(InvalidValue):
        repository.get_by_status("done")


def test_history_is_bounded_in_number_and_age(apps: Apps) -> None:
    clock = ManualClock()
    app = apps(clock=clock)
    old = app.jobs.create_job("old")
    clock.advance(days=8)
    new = [app.jobs.create_job(f"new-{n}").job_id for n in range(3)]
    assert [job.job_id for job in app.jobs.get_job_history()] == new[::-1]
    assert [job.job_id for job in app.jobs.get_job_history(limit=2)] == new[:0:-1]
    assert old.job_id in [job.job_id for job in app.jobs.get_job_history(max_age_days=9)]


def test_memory_of_the_manager(apps: Apps, caplog: pytest.LogCaptureFixture) -> None:
    clock = ManualClock()
    jobs = JobManager(ttl_minutes=5)
    assert (jobs.memory.ttl_minutes, len(jobs.memory)) == (5, 0)
    jobs.set_db_repo(JobRepository(apps(clock=clock)))
    jobs.create_job("job-1")
    assert (len(jobs.memory), len(jobs.memory.store)) == (1, 1)
    clock.advance(minutes=6)
    with caplog.at_level(logging.INFO, "onward.memory"):
        assert jobs.cleanup_expired() == 1
    assert "Cleaned 1 expired jobs" in caplog.messages
    assert jobs.get_job("job-1").status == "pending"
    jobs.memory.clear()
    assert len(jobs.memory) == 0
    jobs.memory = JobMemoryStore(ttl_minutes=120)
    assert jobs.app.memory.ttl_minutes == 120
    blank = JobManager(memory_store=EmptyMemoryStore())
    blank.set_db_repo(jobs.app)
    assert blank.get_job("job-1").status == "pending"
    assert len(blank.memory) == 0


def test_memory_is_that_of_the_settings_unless_said_otherwise(apps: Apps) -> None:
    jobs = JobManager()
    jobs.set_db_repo(apps(cache={"ttl_minutes": 3}))
    assert jobs.memory.ttl_minutes == 3
    assert JobManager(ttl_minutes=60).memory.ttl_minutes == 60


def test_dimensions_are_shown_while_jobs_work_on_them(jobs: JobManager) -> None:
    gate = Gate()

    @jobs.app.job()
    def index(ctx: Context) -> None:
        ctx.dimension(768, "index")
        gate.pass_through()

    job_id = jobs.submit("index", "wiki", index)
    jobs.create_job("job-1", status="running", source_id="bitcoin")
    jobs.update_job_dimension("job-1", 1536, "delete")
    assert set(jobs.get_dimension_status()) == {"384", "768", "1024", "1536"}
    with jobs.app.worker(concurrency=1):
        gate.await_job()
        until(lambda: jobs.is_dimension_busy(768), "the dimension")
        board = jobs.get_dimension_status()
        assert board["768"] == {"busy": True, "job_id": job_id, "operation": "index", "source_id": "wiki"}
        assert board[1536] == {"busy": True, "job_id": "job-1", "operation": "delete", "source_id": "bitcoin"}
        assert board["384"] == {"busy": False, "job_id": None, "operation": None, "source_id": None}
        assert jobs.get_available_dimensions() == [384, 1024]
        gate.open()
        ended(jobs.app, job_id)
    jobs.update_job_dimension("job-1", None)
    assert jobs.get_available_dimensions() == [384, 768, 1024, 1536]
    with pytest.raises(InvalidValue, match="not a dimension"):
        jobs.is_dimension_busy(100)
    with pytest.raises(InvalidValue):
        jobs.update_job_dimension("job-1", 5, "index")


def test_one_manager_a_process(apps: Apps, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(manager, "_manager", None)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ONWARD_DATABASE_URL", f"sqlite:///{tmp_path / 'own.db'}")
    by_default = manager.get_job_manager()
    assert manager.get_job_manager() is by_default
    by_default.create_job("job-1")
    assert (tmp_path / "own.db").exists()
    by_default.app.close()
    made = manager.initialize_job_manager(JobRepository(apps()))
    assert manager.get_job_manager() is made
    assert made.get_active_jobs() == []
