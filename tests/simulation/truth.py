"""What must hold after every move: the database against the model, and against itself."""

from __future__ import annotations

from typing import Any

from onward.store import counting
from tests.simulation.model import JobModel
from tests.simulation.world import World

_JOBS = (
    "SELECT job_id, status, waiting_on, worker_id, fence, generation, paused_by, attempt, losses, checkpoint_number, "
    "checkpoint_at, blocked_by, parent_id, resources FROM jobs ORDER BY job_id"
)
# That a run has started is told by the row of the run.
_EVENTS = (
    "SELECT job_id, generation, kind, fence, seq FROM job_events UNION ALL "
    "SELECT job_id, generation, 'started', fence, 0 FROM job_runs ORDER BY 1, 4, 5"
)
# A slot below 0 only reserves.
_NEEDS = "SELECT resource, job_id, CASE WHEN slot >= 0 THEN slot END FROM job_resources"
_SAVED = "SELECT job_id, number, state, fence FROM checkpoints ORDER BY job_id, number"
_STEPS = "SELECT job_id, name, result FROM job_steps"
_PHASES = "SELECT job_id, position, child_id, result FROM chain_phases ORDER BY job_id, position"
_QUESTIONS = "SELECT job_id, question_id, name, state, response FROM questions ORDER BY job_id, fence"
_RUNS = "SELECT job_id, fence, status, worker_id FROM job_runs"
VERDICTS = ("completed", "failed", "cancelled")
_MOVES = {
    "started": (("pending", "lost"), "running"),
    "completed": (("running",), "completed"),
    "failed": (("running", "lost", "pending_hitl"), "failed"),
    "cancelled": (("pending", "running", "lost", "pending_hitl"), "cancelled"),
    "asked": (("running",), "pending_hitl"),
    "answered": (("pending_hitl",), "pending"),
    "interrupted": (("running",), "pending"),
    "parked": (("running",), "pending"),
    "retrying": (("running",), "pending"),
    # The run that was not begun is forgotten.
    "handed_back": (("pending", "lost"), "pending"),
}


def check(world: World) -> None:
    """Raise ``AssertionError`` with what is wrong."""
    found = {row[0]: row for row in world.rows(_JOBS)}
    _learn_children(world, found)
    assert set(found) == set(world.model.jobs), "other jobs than were submitted"
    for job_id, job in world.model.jobs.items():
        _check_job(world, job, found[job_id])
    _check_events(world, found)
    _check_needs(world)
    _check_saved(world)
    _check_questions(world)
    _check_runs(world)
    for sql, what in counting._CONTRADICTIONS:
        assert world.rows(sql)[0][0] == 0, what


def _learn_children(world: World, found: dict[str, Any]) -> None:
    """A phase's job appears when the one before has succeeded, and then only."""
    model = world.model
    for job_id, position, child_id, result in world.rows(_PHASES):
        parent = model.jobs[job_id]
        assert (result is not None) == (position < parent.phases_done), "a phase counts as done and is not"
        is_begun = position < parent.phases_done or (position == parent.phases_done and parent.why == "children")
        if child_id is not None and child_id not in model.jobs:
            assert is_begun, "a phase has begun before its time"
            kind = model.kind(parent.kind.phases[position])
            mine = tuple(need for need in kind.needs if need not in parent.needs)
            model.jobs[child_id] = JobModel(
                child_id, kind, mine, parent.source, None, model.now, parent.priority, parent=job_id
            )
            assert parent.phases[position] is None, "a phase has two jobs"
            parent.phases[position] = child_id
        assert child_id == parent.phases[position], "a phase has another job than before"
        assert child_id is not None or not is_begun, "a phase that must have begun has no job"
    for job_id, row in found.items():
        assert row[12] == model.jobs[job_id].parent if job_id in model.jobs else row[12] is None


def _check_job(world: World, job: JobModel, row: Any) -> None:
    status, waiting, owner, fence, generation, paused = row[1:7]
    assert status == job.status, f"{job}: is {status}"
    assert owner == job.owner, f"{job}: owned by {owner}"
    assert fence == job.fence, f"{job}: fence {fence}"
    assert fence >= world.fences.get(job.id, 0), f"{job}: the fence went back"
    world.fences[job.id] = fence
    assert generation == job.generation, f"{job}: generation {generation}"
    assert (paused is not None) == job.is_paused, f"{job}: paused by {paused}"
    assert row[7] >= 0, f"{job}: attempt {row[7]}"
    assert row[8] == job.losses, f"{job}: {row[8]} losses"
    # A job that waits for a resource counts as ready: who is next is seen at the claim.
    why = {"resource": "", None: ""}.get(waiting, waiting)
    early = job.run_at > world.clock.now()
    expected = ("", "time") if not early and job.why in ("", "time") else (job.why,)
    assert why in expected, f"{job}: waits on {waiting}, not on {job.why or 'nothing'}"
    assert (row[11] is not None) == (waiting == "resource"), f"{job}: blocked by {row[11]}, waits on {waiting}"
    if job.status != "completed":
        assert (row[10] is not None) == job.is_marked, f"{job}: its checkpoint is from {row[10]}"


def _check_events(world: World, found: dict[str, Any]) -> None:
    state: dict[str, str] = {}
    fences: dict[str, int] = {}
    verdicts: set[tuple[str, int]] = set()
    for job_id, generation, kind, fence, _seq in world.rows(_EVENTS):
        assert job_id in found, "an event of no job"
        before = state.get(job_id, "pending")
        if kind in _MOVES:
            legal, after = _MOVES[kind]
            assert before in legal, f"{kind} came to job {job_id} that was {before}"
            state[job_id] = after
        elif kind == "worker_lost" and before == "running":
            state[job_id] = "lost"
        elif kind in ("resumed", "restarted"):
            state[job_id] = "pending"
        if kind == "started":
            assert fence > fences.get(job_id, 0), f"job {job_id} was started twice under fence {fence}"
            fences[job_id] = fence
        if kind in VERDICTS:
            assert (job_id, generation) not in verdicts, f"two verdicts of job {job_id}"
            verdicts.add((job_id, generation))
    for job_id, job in world.model.jobs.items():
        shown = {"lost": "pending"}.get(state.get(job_id, "pending"), state.get(job_id, "pending"))
        assert shown == job.status, f"{job}: its events say {shown}"
        assert ((job_id, job.generation) in verdicts) == job.has_ended, f"{job}: its verdict"


def _check_needs(world: World) -> None:
    model = world.model
    found: dict[str, dict[str, Any]] = {}
    holders: dict[str, int] = {}
    for resource, job_id, slot in world.rows(_NEEDS):
        found.setdefault(job_id, {})[resource] = slot
        holders[resource] = holders.get(resource, 0) + (slot is not None)
    capacity = {need: most for job in model.jobs.values() for need, most in job.needs}
    for resource, count in holders.items():
        assert count <= capacity.get(resource, 1), f"{resource} has {count} holders"
    for job_id, job in model.jobs.items():
        mine = found.pop(job_id, {})
        wanted = {need for need, _ in job.needs} if model.wants(job) else set()
        assert set(mine) == wanted, f"{job}: wants {mine}, should want {wanted}"
        holds = model.holds(job)
        for resource, slot in mine.items():
            assert (slot is not None) == holds, f"{job}: has place {slot} of {resource}, should have: {holds}"
    assert not found, f"needs of no job: {found}"


def _check_saved(world: World) -> None:
    newest: dict[str, tuple[int, str]] = {}
    for job_id, number, state, _fence in world.rows(_SAVED):
        newest[job_id] = (number, state)
    steps: dict[str, dict[str, str]] = {}
    for job_id, name, result in world.rows(_STEPS):
        steps.setdefault(job_id, {})[name] = result
    for job_id, job in world.model.jobs.items():
        state = newest.pop(job_id, (0, None))[1]
        assert state == job.saved, f"{job}: its newest checkpoint is {state}"
        assert steps.pop(job_id, {}) == job.steps, f"{job}: its steps"
    assert not newest, "a checkpoint of no job"
    assert not steps, "a step of no job"


def _check_questions(world: World) -> None:
    still_open: dict[str, str] = {}
    answers: dict[str, dict[str, str]] = {}
    for job_id, question_id, name, state, response in world.rows(_QUESTIONS):
        if state == "open":
            assert job_id not in still_open, f"job {job_id} asks two questions"
            still_open[job_id] = question_id
        elif state == "answered":
            answers.setdefault(job_id, {})[name] = response
    for job_id, job in world.model.jobs.items():
        assert still_open.pop(job_id, None) == (job.question.id if job.question else None), f"{job}: what it asks"
        assert answers.pop(job_id, {}) == job.answers, f"{job}: what was answered"
    assert not still_open, "a question of no job"
    assert not answers, "an answer to no job"


def _check_runs(world: World) -> None:
    running: dict[str, int] = {}
    for job_id, fence, status, _worker in world.rows(_RUNS):
        job = world.model.jobs[job_id]
        assert fence <= job.fence, f"{job}: a run has fence {fence}"
        if status == "running":
            running[job_id] = running.get(job_id, 0) + 1
    for job_id, job in world.model.jobs.items():
        is_begun = job.owner is not None or job.status == "running"
        assert running.get(job_id, 0) == int(is_begun), f"{job}: {running.get(job_id, 0)} runs go on"
