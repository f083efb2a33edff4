"""Workers that are no more: who is found dead, by what, and what becomes of their jobs."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest

from onward import Job
from onward.engine import proof
from onward.events import WorkerLost
from onward.store import checkpoints
from tests.app_fixtures import Apps, rows, run_all
from tests.engine.ward import LEASE, Ward


def test_silent_worker_elsewhere_is_dead_after_its_lease_and_not_before(ward: Ward) -> None:
    worker = ward.worker()
    job = ward.app.submit("work", source_id="wiki")
    (claim,) = ward.claim(worker)
    assert ward.pass_time(LEASE) == 0
    assert ward.pass_time(3) == 1
    taken = ward.get(job)
    assert (taken.status, taken.is_owned, taken.fence, taken.losses) == ("pending", False, claim.fence + 1, 1)
    assert [run.status for run in ward.app.runs(job.id)] == ["lost"]
    assert any(isinstance(event, WorkerLost) and event.jobs == 1 for event in ward.told)
    assert not ward.beat(worker)
    run_all(ward.app)
    assert ward.get(job).status == "completed"


def test_worker_that_beats_is_left_alone(ward: Ward) -> None:
    worker = ward.worker()
    job = ward.app.submit("work")
    ward.claim(worker)
    for _ in range(20):
        ward.beat(worker)
        assert ward.pass_time(LEASE / 4) == 0
    assert ward.get(job).worker_id == worker


def test_wall_clock_decides_nothing(ward: Ward) -> None:
    worker = ward.worker()
    ward.app.submit("work")
    ward.claim(worker)
    ward.rescuer.rescue()
    for seconds in (3600, -7200, 86400):
        ward.clock.jump(seconds)
        assert ward.rescuer.rescue() == 0


def test_who_has_not_watched_for_the_whole_lease_takes_nothing(ward: Ward) -> None:
    """After a suspended laptop or an outage of the database everybody looks silent, and most are alive."""
    worker = ward.worker()
    ward.app.submit("work")
    ward.claim(worker)
    assert ward.pass_time(5) == 0
    ward.clock.advance(3600)
    assert ward.rescuer.rescue() == 0
    assert ward.pass_time(LEASE - 5) == 0
    assert ward.pass_time(10) == 1


def test_open_session_speaks_for_a_silent_worker_up_to_two_leases(ward: Ward) -> None:
    worker = ward.worker()
    ward.app.submit("work")
    ward.claim(worker)
    ward.rescuer._locks = lambda conn: ("server", {worker: True})  # type: ignore[method-assign]
    assert ward.pass_time(2 * LEASE) == 0
    assert ward.pass_time(3) == 1


def test_lock_that_has_gone_is_a_death_after_three_seconds(ward: Ward) -> None:
    worker = ward.worker()
    ward.app.submit("work")
    ward.claim(worker)
    held = {worker: True}
    ward.rescuer._locks = lambda conn: ("server", held)  # type: ignore[method-assign]
    ward.pass_time(2)
    held[worker] = False
    assert ward.pass_time(3) == 0
    assert ward.pass_time(2) == 1


def test_lock_that_has_gone_with_a_restart_of_the_server_is_no_death(ward: Ward) -> None:
    worker = ward.worker()
    ward.app.submit("work")
    ward.claim(worker)
    locks = {"found": ("server", {worker: True})}
    ward.rescuer._locks = lambda conn: locks["found"]  # type: ignore[method-assign]
    ward.pass_time(2)
    locks["found"] = ("server restarted", {worker: False})
    ward.beat(worker)
    assert ward.pass_time(LEASE - 3) == 0


def test_process_of_this_machine_that_is_gone_is_dead_at_once(ward: Ward) -> None:
    here = proof.identity()
    facts = {"boot_id": here.boot_id, "pid_namespace": here.pid_namespace}
    gone = ward.worker(host=here.host, pid=2**22 + 1, **facts)
    reused = ward.worker(host=here.host, pid=here.pid, **facts, pid_started=here.pid_started - 100)
    alive = ward.worker(host=here.host, pid=here.pid, **facts, pid_started=here.pid_started)
    jobs = {}
    for worker in (gone, reused, alive):
        job = ward.app.submit("work")
        ward.claim(worker)
        jobs[worker] = job
    assert ward.rescuer.rescue() == 2
    assert [ward.get(jobs[worker]).is_owned for worker in (gone, reused, alive)] == [False, False, True]


@pytest.mark.parametrize("fact", ["boot_id", "pid_namespace"])
def test_process_table_decides_nothing_for_another_boot_or_namespace(ward: Ward, fact: str) -> None:
    here = proof.identity()
    facts = {"boot_id": here.boot_id, "pid_namespace": here.pid_namespace, fact: "other"}
    worker = ward.worker(host=here.host, pid=2**22 + 1, **facts)
    ward.app.submit("work")
    ward.claim(worker)
    assert ward.rescuer.rescue() == 0


@pytest.mark.parametrize("state", ["stopped", "lost", "missing"])
def test_job_of_a_worker_that_is_not_there_is_found_by_state(ward: Ward, state: str) -> None:
    worker = ward.worker()
    job = ward.app.submit("work")
    ward.claim(worker)
    change = "DELETE FROM workers" if state == "missing" else f"UPDATE workers SET state = '{state}'"
    rows(ward.app, change + " WHERE worker_id = '{}'", worker)
    assert ward.rescuer.rescue() == 1
    assert ward.get(job).status == "pending"


# ---- what becomes of the jobs ---------------------------------------------------------------------------------


def lose(ward: Ward, job: Job) -> Job:
    """The job's worker is lost once."""
    ward.claim(ward.worker())
    ward.app.database.query("DELETE FROM workers")
    assert ward.rescuer.rescue() == 1
    return ward.get(job)


def test_job_that_kills_its_worker_again_and_again_is_set_aside(ward: Ward) -> None:
    job = ward.app.submit("work", source_id="wiki")
    for losses in range(1, 5):
        assert (lose(ward, job).status, ward.get(job).losses) == ("pending", losses)
    failed = lose(ward, job)
    assert failed.error is not None
    assert (failed.status, failed.error.type, failed.max_attempts) == ("failed", "WorkerLost", 1)
    assert [event.kind for event in ward.app.history(job.id)][-1] == "failed"
    assert ward.app.submit("work", source_id="wiki").status == "pending"
    assert ward.app.resume(job.id).losses == 0


def test_losses_count_anew_after_a_newer_checkpoint(ward: Ward) -> None:
    job = ward.app.submit("work")
    lose(ward, job)
    lose(ward, job)
    (claim,) = ward.claim(ward.worker())
    ward.store.write(
        lambda conn: checkpoints.save_checkpoint(
            conn, ward.store.dialect, job.id, number=1, state='{"state":{}}', type_version=1, percent=1,
            fence=claim.fence, now=ward.clock.now(),
        )
    )  # fmt: skip
    assert ward.get(job).losses == 0
    ward.app.database.query("DELETE FROM workers")
    ward.rescuer.rescue()
    assert (ward.get(job).losses, ward.get(job).status) == (1, "pending")
    run_all(ward.app)
    assert ward.get(job).result is True


def test_type_may_limit_losses_and_have_a_person_decide(ward: Ward) -> None:
    ward.app.job(name="once", max_losses=1)(lambda: None)
    ward.app.job(name="careful", on_worker_lost="hold")(lambda: None)
    ward.app.job_types._types["work"] = ward.app.job_types.get("once")
    once = ward.app.submit("once")
    ward.app.database.query("UPDATE jobs SET job_type = 'work'")
    assert lose(ward, once).status == "failed"
    careful = ward.app.submit("careful", source_id="wiki")
    rows(ward.app, "UPDATE jobs SET job_type = 'work' WHERE job_id = '{}'", careful.id)
    held = lose(ward, careful)
    assert (held.status, held.waiting_on) == ("pending", "hold")
    reason = ward.get(careful).waiting_reason
    assert reason is not None
    assert reason.code == "held"
    assert ward.claim(ward.worker()) == []
    assert ward.app.resume(careful.id).waiting_on is None
    assert len(ward.claim(ward.worker())) == 1


def test_schedule_has_its_slot_free_each_time_its_job_died_with_the_worker(ward: Ward) -> None:
    ward.app.schedules.add("often", "work", interval_seconds=3600, max_instances=1)
    for _ in range(20):
        ward.clock.advance(3600)
        [job] = ward.app.schedules.tick()
        while ward.get(job).status != "failed":
            job = lose(ward, job)
        assert ward.get(job).error.type == "WorkerLost"
    outcomes = [str(run.status) for run in ward.app.schedules.runs("often")]
    assert "skipped" not in outcomes
    assert outcomes.count("lost") >= 20


def test_cancelled_job_of_a_dead_worker_stays_cancelled_and_frees_its_source(ward: Ward) -> None:
    job = ward.app.submit("work", source_id="wiki")
    ward.claim(ward.worker())
    ward.app.cancel(job.id)
    ward.app.database.query("DELETE FROM workers")
    ward.rescuer.rescue()
    assert (ward.get(job).status, ward.get(job).is_owned) == ("cancelled", False)
    assert rows(ward.app, "SELECT count(*) FROM job_resources") == [(0,)]


@pytest.mark.parametrize("verb", ["resume", "restart"])
def test_job_that_waited_for_its_old_code_goes_on_when_that_died(ward: Ward, verb: str) -> None:
    job = ward.app.submit("work", source_id="wiki")
    ward.claim(ward.worker())
    ward.app.cancel(job.id)
    getattr(ward.app, verb)(job.id)
    ward.app.database.query("DELETE FROM workers")
    ward.rescuer.rescue()
    assert [claim.job_id for claim in ward.claim(ward.worker())] == [job.id]


def test_paused_job_of_a_dead_worker_stays_paused(ward: Ward) -> None:
    job = ward.app.submit("work")
    ward.claim(ward.worker())
    ward.app.pause(job.id, actor="ada")
    ward.app.database.query("DELETE FROM workers")
    ward.rescuer.rescue()
    assert (ward.get(job).state, ward.claim(ward.worker())) == ("paused", [])


def test_resource_held_for_a_while_is_free_when_its_holder_died(ward: Ward) -> None:
    job = ward.app.submit("work")
    ward.claim(ward.worker())
    ward.app.database.query("INSERT INTO resources (name, capacity) VALUES ('gpu', 1)")
    rows(ward.app, "INSERT INTO job_resources (resource, job_id, slot) VALUES ('gpu', '{}', 0)", job.id)
    ward.app.database.query("DELETE FROM workers")
    ward.rescuer.rescue()
    assert rows(ward.app, "SELECT count(*) FROM job_resources") == [(0,)]


def test_waiting_job_is_woken_by_state_when_a_wake_up_was_lost(ward: Ward) -> None:
    job = ward.app.submit("work", source_id="wiki")
    ward.app.database.query(
        f"UPDATE jobs SET waiting_on = 'resource', blocked_by = 'source:wiki' WHERE job_id = '{job.id}'"
    )
    ward.clock.advance(10)
    ward.rescuer.tick()
    assert [claim.job_id for claim in ward.claim(ward.worker())] == [job.id]


def test_error_in_one_pass_is_mended_by_the_next(ward: Ward) -> None:
    ward.app.submit("work")
    ward.claim(ward.worker())
    ward.app.database.query("DELETE FROM workers")
    write, calls = ward.store.write, []

    def fail_once(work: Any) -> Any:
        calls.append(1)
        if len(calls) == 1:
            raise RuntimeError("broken")
        return write(work)

    ward.store.write = fail_once  # type: ignore[method-assign]
    with pytest.raises(RuntimeError):
        ward.rescuer.rescue()
    assert ward.rescuer.rescue() == 1


def test_durations_of_leases_are_settings(apps: Apps) -> None:
    assert apps(worker={"lease_seconds": "7s"}).settings.worker.lease_seconds == timedelta(seconds=7).total_seconds()


@pytest.mark.parametrize(("how", "leases"), [(signal.SIGCONT, 4), (signal.SIGSTOP, 1)])
def test_silent_process_of_this_machine_is_waited_for_while_it_runs(ward: Ward, how: int, leases: int) -> None:
    """A call into C may hold an interpreter for long; one that is stopped is not known to go on."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        process.send_signal(how)
        here = proof.identity(process.pid)
        worker = ward.worker(
            here.host, here.pid, boot_id=here.boot_id, pid_namespace=here.pid_namespace, pid_started=here.pid_started
        )
        ward.app.submit("work")
        ward.claim(worker)
        assert ward.pass_time(leases * LEASE) == 0
        assert ward.pass_time(3) == 1
        process.kill()
