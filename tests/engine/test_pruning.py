"""What is over is taken out of the way, and nothing else. The file is long because each rule has its own case."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from onward import Context, InvalidConfig, InvalidValue, Job, JobNotFound, JobPhase, ManualClock, Onward
from onward.engine import archive_files, pruner
from onward.model.ids import id_floor
from onward.store import retention
from onward.store.jobs import BELONGINGS
from tests.app_fixtures import Apps, rows, run_all, until

AT_ONCE = timedelta(0)


def with_jobs(app: Onward) -> Onward:
    """An application whose jobs succeed, fail with something saved, and wait."""

    @app.job()
    def good(ctx: Context, number: int = 0) -> int:
        ctx.log.info("a line", number=number)
        return number

    @app.job()
    def bad(ctx: Context) -> None:
        ctx.state["far"] = 1
        ctx.partial("texts").append("text")
        ctx.step("paid", lambda: 1)
        ctx.checkpoint(flush=True)
        raise ValueError("no luck")

    app.chain("both", [JobPhase("good", params={"number": 1}), JobPhase("bad")])
    return app


@pytest.fixture
def app(apps: Apps) -> Onward:
    return with_jobs(apps(retention={"checkpoint_days": 0}))


def left(app: Onward) -> dict[str, int]:
    """Rows that are there of jobs."""
    return {name: count for name, count in app.database.status()["rows"].items() if count and name in TABLES}


TABLES = {*BELONGINGS, "jobs"}


def test_finished_jobs_go_with_all_that_belongs_to_them(app: Onward) -> None:
    app.submit("good", {"number": 1}, tags=["a", "b"], user_id="ana")
    app.submit("bad", source_id="wiki")
    app.submit("both")
    run_all(app)
    report = app.prune(AT_ONCE)
    assert (report.jobs, report.complete, left(app)) == (5, True, {})
    assert report.by_status == {"completed": 2, "failed": 3}
    assert report.by_type == {"good": 2, "bad": 2, "both": 1}
    assert app.database.check() == []


def test_every_table_with_jobs_in_it_is_known_to_the_pruner() -> None:
    assert {"job_runs", "job_events", "job_logs", "questions", "conflicts", "chain_phases", "job_tags"} <= {*BELONGINGS}


def test_document_tells_what_the_job_was(app: Onward) -> None:
    job = app.submit("good", {"number": 7}, tags=["a"], user_id="ana")
    failed = app.submit("bad")
    run_all(app)
    before = app.get(job.id), app.runs(job.id), app.logs(job.id)
    app.prune(AT_ONCE)
    kept = app.archive.get(job.id)
    assert kept.job is not None
    assert (kept.job.result, kept.job.params, kept.job.tags) == (7, {"number": 7}, ("a",))
    assert kept.job.completed_at == before[0].completed_at
    assert list(kept.runs) == before[1]
    assert list(kept.logs) == before[2]
    assert [event.kind for event in kept.events] == ["completed"]
    other = app.archive.get(failed.id).job
    assert other is not None
    assert other.error is not None
    assert other.error.message == "no luck"


def test_archived_job_is_not_found_and_the_error_says_why(app: Onward) -> None:
    job = app.submit("good")
    run_all(app)
    app.prune(AT_ONCE)
    today = f"{datetime.now(UTC):%Y-%m}"  # noqa: DTZ005, RUF100 - the day may change, the month hardly
    for look in (app.get, app.resume, app.cancel, app.wait):
        with pytest.raises(JobNotFound, match=f"archived by retention on {today}"):
            look(job.id)
    with pytest.raises(JobNotFound, match="There is no job nobody"):
        app.get("nobody")


def test_what_is_not_over_stays(app: Onward) -> None:
    waiting = app.submit("good", delay=3600)
    paused = app.submit("good")
    app.pause(paused.id)
    owned = app.submit("good")
    app.cancel(owned.id)
    rows(app, "UPDATE jobs SET worker_id = 'w1' WHERE job_id = '{}'", owned.id)
    report = app.prune(AT_ONCE)
    assert report.jobs == 0
    assert {job.id for job in app.find()} == {waiting.id, paused.id, owned.id}


def test_young_jobs_stay(apps: Apps) -> None:
    clock = ManualClock()
    app = with_jobs(apps(clock=clock))
    for _ in range(2):
        app.cancel(app.submit("good").id)
        clock.advance(days=20)
    assert app.prune().jobs == 1
    clock.advance(days=20)
    assert app.prune().jobs == 1


def family(app: Onward) -> list[Job]:
    """A chain whose second phase has failed, with its phases."""
    chain = app.submit("both")
    run_all(app)
    return [app.get(chain.id), *app.children(chain.id)]


def test_family_goes_as_a_whole_or_not_at_all(app: Onward) -> None:
    chain, _, second = family(app)
    app.resume(chain.id)
    report = app.prune(AT_ONCE)
    assert (report.jobs, len(app.find())) == (0, 3), "a chain that goes on stays with all its phases"
    run_all(app)
    rows(app, "UPDATE jobs SET worker_id = 'w1' WHERE job_id = '{}'", second.id)
    assert app.prune(AT_ONCE).kept == {"its family has not ended": 3}
    rows(app, "UPDATE jobs SET worker_id = NULL WHERE job_id = '{}'", second.id)
    assert app.prune(AT_ONCE).jobs == 3
    assert {job.id for job in app.archive.list(parent_id=chain.id)} == {job.id for job in (second, _)}


def test_large_family_goes_in_several_batches(app: Onward, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruner, "_MOST_ROWS", 4)
    parent = app.submit("good")
    for number in range(9):
        app.submit("good", {"number": number}, parent_id=parent.id)
    run_all(app)
    report = app.prune(AT_ONCE)
    assert (report.jobs, left(app)) == (10, {})
    assert report.batches > 3


def test_family_whose_head_is_gone_is_taken_too(app: Onward) -> None:
    chain, *phases = family(app)
    rows(app, "DELETE FROM jobs WHERE job_id = '{}'", chain.id)
    assert app.prune(AT_ONCE).jobs == len(phases)


def test_pinned_checkpoint_keeps_its_job(app: Onward) -> None:
    job = app.submit("bad")
    run_all(app)
    assert app.checkpoints.pin(job.id) == 2
    assert app.checkpoints.list(job.id)[0]["pinned"]
    assert app.prune(AT_ONCE).kept == {"a checkpoint is pinned": 1}
    assert app.checkpoints.prune(AT_ONCE).jobs == 0
    app.checkpoints.unpin(job.id)
    assert app.prune(AT_ONCE).jobs == 1


def test_pin_of_a_chain_holds_for_its_phases(app: Onward) -> None:
    chain, _, second = family(app)
    assert app.checkpoints.pin(chain.id) == 2
    assert app.checkpoints.list(second.id)[0]["pinned"]
    assert app.prune(AT_ONCE).kept == {"a checkpoint is pinned": 3}


def test_checkpoint_that_is_still_kept_keeps_its_job(apps: Apps) -> None:
    app = with_jobs(apps())
    app.submit("bad")
    run_all(app)
    assert app.prune(AT_ONCE).kept == {"its checkpoint is still kept": 1}
    assert app.prune(AT_ONCE, archive=False).jobs == 0


def test_checkpoints_of_failed_jobs_go_and_the_jobs_stay(app: Onward) -> None:
    job = app.submit("bad")
    run_all(app)
    dry = app.checkpoints.prune(AT_ONCE, dry_run=True)
    assert app.get(job.id).is_interrupted
    report = app.checkpoints.prune(AT_ONCE)
    assert (report.jobs, report.by_status, report.bytes > 0) == (1, {"failed": 1}, True)
    assert (dry.jobs, dry.bytes) == (report.jobs, report.bytes)
    assert not {"checkpoints", "job_steps", "job_partials"} & {*left(app)}
    assert not app.get(job.id).is_interrupted
    assert app.history(job.id)[-1].kind == "discarded"
    assert app.history(job.id)[-1].actor == "retention"
    assert app.checkpoints.prune(AT_ONCE).jobs == 0
    app.resume(job.id)


def test_checkpoints_are_kept_for_their_days_and_while_a_job_waits(apps: Apps) -> None:
    clock = ManualClock()
    app = with_jobs(apps(clock=clock))
    job = app.submit("bad")
    run_all(app)
    clock.advance(days=6)
    assert app.checkpoints.prune().kept == {"it was saved later": 1}
    app.resume(job.id)
    clock.advance(days=2)
    assert app.checkpoints.prune().jobs == 0, "it is pending: nothing of it is taken"
    app.cancel(job.id)
    assert app.checkpoints.prune().jobs == 1


def test_checkpoint_of_a_phase_stays_as_long_as_its_chain_goes_on(app: Onward) -> None:
    chain, *_ = family(app)
    app.resume(chain.id)
    assert app.checkpoints.prune(AT_ONCE).jobs == 0
    run_all(app)
    assert app.checkpoints.prune(AT_ONCE).jobs == 2
    assert not app.interrupted()


def test_dry_run_changes_nothing_and_counts_the_same(app: Onward) -> None:
    for job_type in ("good", "good", "bad"):
        app.submit(job_type)
    run_all(app)
    before = left(app)
    dry = app.prune(AT_ONCE, dry_run=True)
    assert left(app) == before
    real = app.prune(AT_ONCE)
    assert (dry.jobs, dry.by_status, dry.by_type) == (real.jobs, real.by_status, real.by_type)


def test_without_archive_the_fact_is_known_for_a_while(apps: Apps) -> None:
    clock = ManualClock()
    app = with_jobs(apps(clock=clock, retention={"archive": "none"}))
    job = app.submit("good")
    run_all(app)
    clock.advance(days=31)
    app.prune()
    assert app.archive.get(job.id).job is None
    with pytest.raises(JobNotFound, match="deleted by retention on 2026-02-01"):
        app.get(job.id)
    clock.advance(days=31)
    assert app.prune().tombstones == 1
    with pytest.raises(JobNotFound, match="There is no job"):
        app.get(job.id)


def test_documents_stay_until_the_archive_is_pruned(apps: Apps) -> None:
    clock = ManualClock()
    app = with_jobs(apps(clock=clock))
    job = app.submit("good")
    run_all(app)
    clock.advance(days=31)
    app.prune()
    clock.advance(days=100)
    assert app.prune().tombstones == 0
    assert app.archive.get(job.id).job is not None
    assert app.archive.prune(timedelta(days=99)) == 1
    with pytest.raises(JobNotFound):
        app.archive.get(job.id)


def test_archive_is_listed_in_pages(app: Onward) -> None:
    for _ in range(5):
        app.submit("good")
    app.submit("bad")
    run_all(app)
    app.prune(AT_ONCE)
    found, after = [], None
    while True:
        page = app.archive.list(job_type="good", limit=2, after=after)
        found += [job.id for job in page]
        after = page.next
        if after is None:
            break
    assert len(set(found)) == len(found) == 5
    assert [job.job_type for job in app.archive.list(status="failed")] == ["bad"]
    with pytest.raises(InvalidValue):
        app.archive.list(after="nonsense")


def test_key_lives_as_long_as_its_job(app: Onward) -> None:
    first = app.submit("good", idempotency_key="k")
    run_all(app)
    assert app.submit("good", idempotency_key="k").id == first.id
    app.prune(AT_ONCE)
    assert app.submit("good", idempotency_key="k").id != first.id


def test_fence_of_a_pruned_id_is_never_used_again(app: Onward) -> None:
    app.submit("good", id="daily-1")
    run_all(app)
    rows(app, "UPDATE jobs SET fence = 12 WHERE job_id = 'daily-1'")
    app.prune(AT_ONCE)
    app.submit("good", id="daily-1")
    run_all(app)
    assert app.get("daily-1").fence == 13
    app.prune(AT_ONCE)
    kept = app.archive.get("daily-1").job
    assert kept is not None
    assert kept.fence == 13, "the newer one replaces the older"


def test_job_that_changes_between_look_and_batch_stays(app: Onward, monkeypatch: pytest.MonkeyPatch) -> None:
    job = app.submit("bad")
    run_all(app)
    look = retention.count_belongings

    def resumed_meanwhile(*given: Any) -> dict[str, int]:
        app.resume(job.id)
        return look(*given)

    monkeypatch.setattr(retention, "count_belongings", resumed_meanwhile)
    report = app.prune(AT_ONCE)
    assert (report.jobs, report.kept) == (0, {"changed meanwhile": 1})
    assert app.get(job.id).status == "pending"


def test_stopped_pruning_is_gone_on_with(app: Onward, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruner, "_MOST_ROWS", 4)
    for _ in range(6):
        app.submit("good")
    run_all(app)
    told: list[int] = []
    report = app.prune(AT_ONCE, should_stop=lambda: bool(told), on_batch=lambda report: told.append(report.jobs))
    assert not report.complete
    assert 0 < report.jobs < 6
    assert app.prune(AT_ONCE).jobs == 6 - report.jobs


def test_length_must_be_a_length(app: Onward) -> None:
    for wrong in (30, "30d", timedelta(days=-1)):
        with pytest.raises(InvalidValue, match="not a length of time"):
            app.prune(wrong)  # type: ignore[arg-type]  # what callers may give


def test_oldest_are_found_without_a_scan(app: Onward) -> None:
    app.submit("good")
    run_all(app)
    if not app.settings.database.url.startswith("sqlite"):
        pytest.skip("PostgreSQL chooses by statistics, which a small table does not have")
    plan = "EXPLAIN QUERY PLAN "
    below = id_floor(datetime.now(UTC))
    for sql in (
        f"SELECT job_id FROM jobs WHERE job_id > '' AND job_id < '{below}' ORDER BY job_id LIMIT 10",
        f"SELECT * FROM jobs j WHERE job_id > '' AND job_id <= '{below}' AND status IN ('completed', 'failed') "
        f"AND worker_id IS NULL AND {retention._NO_PARENT} ORDER BY job_id",
        "SELECT * FROM jobs WHERE parent_id IN (SELECT value FROM json_each('[]'))",
        "DELETE FROM job_tags WHERE (tag, job_id) IN (SELECT 1, 2 FROM json_each('[]'))",
    ):
        steps = " | ".join(str(row[-1]) for row in app.database.query(plan + sql)[1])
        assert "SCAN jobs" not in steps, steps
        assert "SCAN job_tags" not in steps, steps
        assert "TEMP B-TREE" not in steps, steps


# ---- the folder form ------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "archive"


@pytest.fixture
def filed(apps: Apps, folder: Path) -> Onward:
    return with_jobs(apps(retention={"checkpoint_days": 0, "archive": str(folder)}))


def lines(folder: Path) -> list[dict[str, Any]]:
    return [line for path in sorted(folder.iterdir()) for line in archive_files.read_lines(path)]


def test_folder_has_a_line_for_each_job(filed: Onward, folder: Path) -> None:
    job = filed.submit("good", {"number": 3})
    filed.submit("bad")
    run_all(filed)
    filed.prune(AT_ONCE)
    assert {line["job"]["job_type"] for line in lines(folder)} == {"good", "bad"}
    (path,) = folder.iterdir()
    assert len(gzip.decompress(path.read_bytes()).splitlines()) == 2, "zcat reads it too"
    kept = filed.archive.get(job.id)
    assert kept.job is not None
    assert kept.job.result == 3
    assert not kept.has_document
    with pytest.raises(JobNotFound, match="archived by retention"):
        filed.get(job.id)
    rows(filed, "DELETE FROM archived_jobs")
    assert filed.archive.get(job.id).job == kept.job, "the files alone are enough"


def test_torn_end_of_a_file_costs_nothing(filed: Onward, folder: Path) -> None:
    first = filed.submit("good")
    run_all(filed)
    filed.prune(AT_ONCE)
    (path,) = folder.iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole + whole[: len(whole) // 2])
    assert len(lines(folder)) >= 1
    second = filed.submit("good")
    run_all(filed)
    filed.prune(AT_ONCE)
    assert filed.archive.get(first.id).job is not None
    assert filed.archive.get(second.id).job is not None


def test_job_that_stands_in_the_files_twice_is_read_once(filed: Onward, folder: Path) -> None:
    job = filed.submit("good", id="again")
    run_all(filed)
    filed.prune(AT_ONCE)
    filed.submit("good", {"number": 5}, id="again")
    run_all(filed)
    filed.prune(AT_ONCE)
    kept = filed.archive.get(job.id).job
    assert kept is not None
    assert kept.result == 5
    assert len(filed.archive.list()) == 1


def test_folder_that_cannot_be_is_refused_before_anything_is_deleted(apps: Apps, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    app = with_jobs(apps(retention={"archive": str(tmp_path / "file" / "archive")}))
    job = app.submit("good")
    run_all(app)
    with pytest.raises(InvalidConfig, match="cannot be used"):
        app.prune(AT_ONCE)
    assert app.get(job.id).status == "completed"


# ---- as jobs --------------------------------------------------------------------------------------------------


def test_pruning_is_a_job_type_that_ships(app: Onward) -> None:
    app.include_catalogue()
    app.submit("good")
    app.submit("bad")
    run_all(app)
    saved = app.submit("prune_checkpoints", {"older_than_days": 0})
    run_all(app)
    assert app.get(saved.id).result["jobs"] == 1
    finished = app.submit("prune_jobs", {"older_than_days": 0})
    run_all(app)
    done = app.get(finished.id)
    assert done.result["by_type"] == {"good": 1, "bad": 1, "prune_checkpoints": 1}
    assert done.progress.message == "3 jobs"


def test_pruning_job_leaves_when_it_is_cancelled(app: Onward, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruner, "_MOST_ROWS", 4)
    monkeypatch.setattr(pruner, "_SHARE_IDLE", 0.01)
    app.include_catalogue()
    for _ in range(30):
        app.submit("good")
    run_all(app)
    with app.worker(concurrency=1):
        job = app.submit("prune_jobs", {"older_than_days": 0})
        until(lambda: app.counts()["completed"] < 30, "the first batch")
        app.cancel(job.id)
        assert app.wait(job.id, timeout=20, until="left").status == "cancelled"
    assert app.counts()["completed"] > 0
