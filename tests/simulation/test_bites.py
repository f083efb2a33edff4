"""The walks find what they are there to find: each mutant breaks one promise, and is caught within a small budget."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from onward.engine import conflicts, expirer, rescuer, transitions
from onward.model.states import Waiting
from onward.store import checkpoints, claims, endings, questions, resources
from onward.store.dialects import SqliteDialect
from onward.store.engines import sqlite_module
from tests.simulation.conftest import NewWorld
from tests.simulation.walk import walk

Patch = pytest.MonkeyPatch
_WALKS = 40


def _without(sql: str, *parts: tuple[str, str]) -> str:
    for old, new in parts:
        sql = sql.replace(old, new)
    return sql


def _statements(patch: Patch, *parts: tuple[str, str]) -> None:
    """Have every statement read otherwise."""
    run = SqliteDialect.execute
    patch.setattr(
        SqliteDialect, "execute", lambda self, conn, sql, params: run(self, conn, _without(sql, *parts), params)
    )


def _nothing(*_given: object, **_named: object) -> None:
    """What was to be done is left out."""


def no_fence_check(patch: Patch) -> None:
    patch.setattr(endings, "is_owner", lambda owned, fence: owned is not None and owned.worker_id is not None)


def an_owner_without_a_worker(patch: Patch) -> None:
    patch.setattr(endings, "is_owner", lambda owned, fence: owned is not None and owned.fence == fence)


def claims_ignore_resources(patch: Patch) -> None:
    patch.setattr(claims, "_with_resources", lambda conn, dialect, rows, now: rows)


def takeover_keeps_the_fence(patch: Patch) -> None:
    _statements(patch, ("status = ?, fence = fence + 1, worker_id = NULL", "status = ?, worker_id = NULL"))


def takeover_keeps_the_resources(patch: Patch) -> None:
    patch.setattr(rescuer, "resources", SimpleNamespace(let_go=_nothing, let_go_of_families=_nothing))


def resources_stay_at_the_end(patch: Patch) -> None:
    patch.setattr(endings, "_let_go", lambda conn, dialect, free, wait, left: None)


def nobody_is_woken(patch: Patch) -> None:
    patch.setattr(resources, "wake_waiters", lambda conn, dialect, names: None)
    patch.setattr(resources, "wake_for_free", lambda conn, dialect: 0)


def a_resumed_job_does_not_wait_for_its_old_code(patch: Patch) -> None:
    change = transitions.jobs.change_job

    def careless(*given: Any, **values: Any) -> bool:
        if values.get("waiting_on") == str(Waiting.OWNER):
            values["waiting_on"] = None
        return change(*given, **values)

    patch.setattr(transitions.jobs, "change_job", careless)


def a_fresh_start_keeps_the_fence(patch: Patch) -> None:
    change = transitions.jobs.change_job

    def careless(*given: Any, **values: Any) -> bool:
        values.pop("fence", None)
        return change(*given, **values)

    patch.setattr(transitions.jobs, "change_job", careless)


def a_generation_is_used_again(patch: Patch) -> None:
    change = transitions.jobs.change_job

    def careless(*given: Any, **values: Any) -> bool:
        values.pop("generation", None)
        return change(*given, **values)

    patch.setattr(transitions.jobs, "change_job", careless)


def checkpoints_go_one_back(patch: Patch) -> None:
    load = checkpoints.load_checkpoint

    def older(conn: Any, dialect: Any, job_id: str) -> Any:
        found = load(conn, dialect, job_id)
        sql = "SELECT state, number FROM checkpoints WHERE job_id = ? ORDER BY number"
        rows = dialect.query(conn, sql, [job_id])
        return found and (rows[0][0], rows[0][1], *found[2:])

    patch.setattr(checkpoints, "load_checkpoint", older)


def steps_are_replaced(patch: Patch) -> None:
    _statements(
        patch,
        (
            "ON CONFLICT (job_id, scope, name) DO NOTHING",
            "ON CONFLICT (job_id, scope, name) DO UPDATE SET result = '0'",
        ),
    )


def a_submission_ignores_who_is_in_the_way(patch: Patch) -> None:
    patch.setattr(conflicts, "_meet_others", lambda conn, store, item, capacities, now: None)


def a_cancel_leaves_its_question(patch: Patch) -> None:
    patch.setattr(transitions, "questions", SimpleNamespace(withdraw=_nothing, forget=questions.forget))


def a_fresh_start_keeps_its_answers(patch: Patch) -> None:
    patch.setattr(transitions, "questions", SimpleNamespace(withdraw=questions.withdraw, forget=_nothing))


def an_answered_job_stays_where_it_is(patch: Patch) -> None:
    _statements(patch, ("WHEN paused_by IS NOT NULL THEN 'pause' END", "ELSE 'person' END"))


def answers_take_no_heed_of_time(patch: Patch) -> None:
    patch.setattr(expirer, "expire", lambda *_given, **_named: False)


MUTANTS = (
    a_cancel_leaves_its_question,
    a_fresh_start_keeps_its_answers,
    an_answered_job_stays_where_it_is,
    answers_take_no_heed_of_time,
    no_fence_check,
    an_owner_without_a_worker,
    claims_ignore_resources,
    takeover_keeps_the_fence,
    takeover_keeps_the_resources,
    resources_stay_at_the_end,
    nobody_is_woken,
    a_resumed_job_does_not_wait_for_its_old_code,
    a_fresh_start_keeps_the_fence,
    a_generation_is_used_again,
    checkpoints_go_one_back,
    steps_are_replaced,
    a_submission_ignores_who_is_in_the_way,
)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda each: each.__name__)
def test_walks_find_a_mutant(mutant: Callable[[Patch], None], new_sqlite_world: NewWorld, monkeypatch: Patch) -> None:
    mutant(monkeypatch)
    monkeypatch.setattr("tests.simulation.walk._TRIES", 0)
    found = next(filter(None, (_error_of(new_sqlite_world, seed) for seed in range(_WALKS))), None)
    assert found is not None, f"{_WALKS} walks did not see {mutant.__name__}"
    # For what it does, and not for a mistake in the mutant itself.
    assert isinstance(found, AssertionError | sqlite_module().IntegrityError), found


def _error_of(new_world: NewWorld, seed: int) -> BaseException | None:
    try:
        walk(new_world, seed, 60)
    except AssertionError as error:
        return error.__cause__
    return None
