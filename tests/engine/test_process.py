"""``isolation="process"``: a child process for each run."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from onward import InvalidJobType, Onward
from onward.engine import proof
from onward.engine.children import _Talk
from tests.app_fixtures import Apps, ended, rows, run_all, until
from tests.engine import process_jobs


@pytest.fixture
def app(apps: Apps) -> Onward:
    made = apps()
    made.include(process_jobs.types)
    return made


def lives(pid: int) -> bool:
    return not proof.is_gone(proof.identity(pid), proof.identity()) and proof._started(pid) is not None


def test_child_has_the_whole_context_and_its_result_comes_back(app: Onward) -> None:
    job = app.submit("add", {"a": 1}, source_id="wiki")
    run_all(app)
    done = app.get(job.id)
    assert done.error is None
    assert (done.result["sum"], done.result["attempt"], done.result["source"]) == (3, 1, "wiki")
    assert done.result["pid"] != os.getpid()
    assert not lives(done.result["pid"])
    assert (done.progress.percent, done.progress.message) == (100, "adding")
    assert [(line.message, line.fields) for line in app.logs(job.id)] == [("adds", {"a": 1})]


@pytest.mark.parametrize("prepared_url", ["sqlite"], indirect=True)  # the database makes no difference
def test_error_of_a_child_is_kept_with_its_traceback_and_retried_by_class(app: Onward) -> None:
    wrong, key = app.submit("fail", {"kind": "value"}), app.submit("fail", {"kind": "key"})
    with app.worker(concurrency=2):
        error = ended(app, wrong).error
        assert ended(app, key).status == "failed"
    assert error is not None
    assert (error.type, error.message) == ("ValueError", "wrong")
    assert "process_jobs.py" in error.traceback
    assert [len(app.runs(job.id)) for job in (wrong, key)] == [1, 3]


@pytest.mark.parametrize("prepared_url", ["sqlite"], indirect=True)  # the database makes no difference
@pytest.mark.parametrize(("kind", "words"), [("exit", "exit code 7"), ("kill", "SIGKILL")])
def test_child_that_dies_fails_its_job_with_the_reason(app: Onward, kind: str, words: str) -> None:
    job = app.submit("fail", {"kind": kind})
    run_all(app)
    error = app.get(job.id).error
    assert error is not None
    assert error.type == "ProcessDied"
    assert words in error.message


def test_cancelled_child_leaves_at_its_next_check_and_goes_on_from_there(app: Onward, tmp_path: Path) -> None:
    job = app.submit("walk", {"folder": str(tmp_path), "stop_at": 2}, source_id="wiki")
    with app.worker(concurrency=1):
        until((tmp_path / "reached").exists)
        assert app.cancel(job.id).status == "cancelled"
        assert ended(app, job).has_checkpoint
        app.resume(job.id)
        done = ended(app, job)
    assert done.result == [10, 5]
    assert (tmp_path / "items").read_text().split() == ["0", "1", "2", "3", "4"]
    assert not app.get(job.id).has_checkpoint


def test_drained_worker_has_its_child_leave_and_another_goes_on(app: Onward, tmp_path: Path) -> None:
    job = app.submit("walk", {"folder": str(tmp_path), "stop_at": 3})
    with app.worker(concurrency=1):
        until((tmp_path / "reached").exists)
    left = app.get(job.id)
    assert (left.status, left.attempt, left.is_owned) == ("pending", 0, False)
    run_all(app)
    assert app.get(job.id).result == [10, 5]
    assert [run.status for run in app.runs(job.id)] == ["interrupted", "success"]


@pytest.mark.parametrize("prepared_url", ["sqlite"], indirect=True)  # the database makes no difference
def test_child_that_ignores_everything_is_killed_with_all_it_started(app: Onward, tmp_path: Path) -> None:
    job = app.submit("ignore", {"folder": str(tmp_path), "grandchild": True})
    with app.worker(concurrency=1):
        done = ended(app, job)
        pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
        until(lambda: not any(map(lives, pids)), "the end of the group", 5)
        after = app.submit("add", {"a": 1})
        assert ended(app, after).result["sum"] == 3
    assert done.status == "failed"
    assert done.error is not None
    assert done.error.type == "Timeout"


@pytest.mark.parametrize("prepared_url", ["sqlite"], indirect=True)  # the database makes no difference
def test_child_that_is_pressed_in_the_middle_of_a_line_ends_it_first(app: Onward, tmp_path: Path) -> None:
    for turn in range(3):
        folder = tmp_path / str(turn)
        folder.mkdir()
        job = app.submit("chatter", {"folder": str(folder)})
        with app.worker(concurrency=1):
            until((folder / "reached").exists)
            app.cancel(job.id)
            assert ended(app, job).status == "cancelled"
            until(lambda job=job: not app.get(job.id).is_owned)
        [run] = app.runs(job.id)
        assert (run.status, run.error) == ("cancelled", None)


@pytest.mark.parametrize("prepared_url", ["sqlite"], indirect=True)  # the database makes no difference
def test_child_that_dies_within_a_line_has_died_and_its_worker_goes_on(app: Onward) -> None:
    job = app.submit("torn")
    with app.worker(concurrency=1):
        error = ended(app, job).error
        assert error is not None
        assert (error.type, "exit code 3" in error.message) == ("ProcessDied", True)
        assert ended(app, app.submit("add", {"a": 1})).result["sum"] == 3


def test_transaction_of_a_child_commits_with_the_checkpoint(app: Onward) -> None:
    app.database.query("CREATE TABLE orders (number INTEGER)")
    good, bad = app.submit("write", {"number": 1}), app.submit("write", {"number": -1})
    run_all(app)
    assert app.get(good.id).error is None
    assert app.get(good.id).result == 1
    assert sorted(rows(app, "SELECT number FROM orders")) == [(-1,), (1,)]
    assert app.get(bad.id).has_checkpoint
    assert app.checkpoints.list(bad.id)[0]["is_valid"]


def test_child_holds_resources_and_shows_the_board(app: Onward) -> None:
    job = app.submit("occupy")
    run_all(app)
    done = app.get(job.id)
    assert done.error is None
    assert (done.result.startswith(job.id), done.current_dimension, done.current_operation) == (True, 768, "index")
    assert rows(app, "SELECT count(*) FROM job_resources") == [(0,)]


@pytest.mark.parametrize("prepared_url", ["sqlite"], indirect=True)  # the database makes no difference
def test_function_that_cannot_be_imported_is_refused(app: Onward) -> None:
    def inner() -> None:
        pass

    with pytest.raises(InvalidJobType, match="importable module"):
        app.job(inner, isolation="process")
    with pytest.raises(InvalidJobType):
        app.job(lambda: None, isolation="process", name="nothing")


def _pid(folder: Path) -> int:
    path = folder / "pid"
    until(lambda: path.exists() and path.read_text() != "")
    return int(path.read_text())


@pytest.mark.parametrize("prepared_url", ["sqlite"], indirect=True)  # here the whole database can be held up
def test_child_lives_on_while_the_database_is_held_up_for_longer_than_the_lease(apps: Apps, tmp_path: Path) -> None:
    app, other = apps(worker={"lease_seconds": 1}), apps()
    app.include(process_jobs.types)
    job = app.submit("linger", {"folder": str(tmp_path)})
    with app.worker(concurrency=1):
        pid = _pid(tmp_path)
        with other._store.transaction():
            begun = time.monotonic()
            until(lambda: time.monotonic() - begun > 2.5)
            assert lives(pid)
        (tmp_path / "go").touch()
        assert ended(app, job).status == "completed"


@pytest.mark.parametrize("prepared_url", ["sqlite"], indirect=True)  # the database makes no difference
def test_child_that_the_guard_has_ended_is_no_failure_of_its_job(apps: Apps, tmp_path: Path) -> None:
    app = apps(worker={"lease_seconds": 1})
    app.include(process_jobs.types)
    job = app.submit("linger", {"folder": str(tmp_path)})
    with app.worker(concurrency=1) as worker:
        pid = _pid(tmp_path)
        (tmp_path / "pid").unlink()
        # As in a stop that is longer than the lease: the guard hears nothing.
        with worker._children._lock:
            until(lambda: not lives(pid), "the guard's end of the child")
        (tmp_path / "go").touch()
        done = ended(app, job)
    assert (done.status, done.attempt) == ("completed", 1)
    assert [str(run.status) for run in app.runs(job.id)] == ["interrupted", "success"]


@pytest.mark.parametrize("prepared_url", ["sqlite"], indirect=True)  # the database makes no difference
def test_guard_that_somebody_has_killed_is_followed_by_another_that_knows_the_children(
    apps: Apps, tmp_path: Path
) -> None:
    app = apps(worker={"lease_seconds": 1})
    app.include(process_jobs.types)
    job = app.submit("linger", {"folder": str(tmp_path)})
    with app.worker(concurrency=1) as worker:
        pid = _pid(tmp_path)
        (tmp_path / "pid").unlink()
        first = worker._children._guard
        assert first is not None
        os.kill(first.pid, signal.SIGKILL)
        until(lambda: worker._children._guard is not first, "another guard")
        assert lives(pid)
        with worker._children._lock:
            until(lambda: not lives(pid), "the new guard's end of the child")
        (tmp_path / "go").touch()
        done = ended(app, job)
    assert (done.status, done.attempt) == ("completed", 1)


def test_child_that_died_before_it_was_told_anything_has_died_without_a_word() -> None:
    """As when the guard ends it while it starts: found by chaos as a failure of the job with BrokenPipeError."""
    process = subprocess.Popen(["true"])
    process.wait()
    to_read, told = os.pipe()
    heard, to_write = os.pipe()
    os.close(told)
    os.close(heard)
    with open(to_read, "rb") as reader, open(to_write, "wb", buffering=0) as writer:
        assert _Talk(SimpleNamespace(), process, reader, writer).run({"any": "thing"}) is None  # type: ignore[arg-type]


@pytest.mark.parametrize("prepared_url", ["sqlite"], indirect=True)  # the database makes no difference
def test_child_that_somebody_else_has_killed_is_a_failure_of_its_job(app: Onward, tmp_path: Path) -> None:
    job = app.submit("linger", {"folder": str(tmp_path)})
    with app.worker(concurrency=1):
        os.kill(_pid(tmp_path), signal.SIGKILL)
        error = ended(app, job).error
    assert error is not None
    assert error.type == "ProcessDied"
