"""Orders of moves that once went wrong, cut down to what is needed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulation import truth
from tests.simulation.conftest import NewWorld
from tests.simulation.machine import Machine

_PLAIN: dict[str, Any] = {
    "n": 1, "source_id": None, "idempotency_key": None, "id": None, "on_conflict": "wait", "resume": False,
    "delay": None, "priority": None,
}  # fmt: skip


def _submit(name: str, **given: Any) -> tuple[str, dict[str, Any]]:
    return "submit", {"name": name, "given": {**_PLAIN, **given}}


def _do(name: str, **given: Any) -> tuple[str, dict[str, Any]]:
    return name, {"which": 0, **given}


_ENDS = _do("end", verb="succeed", ticks=True)
_CANCEL_RUNNING = _do("move_what_runs", verb="cancel")
_FOUND = {
    "a_cancelled_job_that_is_released_was_not_interrupted": [
        _submit("gpu"), _do("claim", limit=1), _CANCEL_RUNNING, _do("call", verb="release"),
    ],
    "a_held_job_that_is_started_fresh_counts_losses_anew": [
        _submit("held"), _do("claim", limit=1), _do("take_over"), _do("move", verb="restart"),
    ],
    "an_id_that_was_deleted_begins_above_its_old_fence": [
        _submit("plain", id="job-1"), _do("end", verb="break", ticks=True),
        _do("move_what_has_ended", verb="delete"), _submit("plain", id="job-1"),
    ],
    "a_chain_is_resumed_while_the_code_of_its_phase_is_there": [
        _submit("pair"), _ENDS, _ENDS, _CANCEL_RUNNING, _do("move_what_has_ended", verb="resume"),
    ],
    "a_job_started_fresh_and_cancelled_again_is_left": [
        _submit("plain", source_id="a"), _CANCEL_RUNNING, _do("move_what_runs", verb="restart"), _CANCEL_RUNNING,
        _ENDS, _submit("plain", source_id="a"),
    ],
    "a_job_started_fresh_and_paused_is_left": [
        _submit("plain", source_id="a"), _CANCEL_RUNNING, _do("move_what_runs", verb="restart"),
        _do("move_what_runs", verb="pause"), _ENDS, _do("move", verb="unpause"),
    ],
    "a_job_started_fresh_is_left_by_a_run_that_never_began": [
        _submit("plain", source_id="a"), _do("claim", limit=1), _CANCEL_RUNNING,
        _do("move_what_runs", verb="restart"), _do("call", verb="hand_back"),
    ],
    "a_job_started_fresh_is_taken_over": [
        _submit("plain", source_id="a"), _do("claim", limit=1), _CANCEL_RUNNING,
        _do("move_what_runs", verb="restart"), _do("take_over"),
    ],
    "a_chain_is_cancelled_while_its_phase_runs": [
        _submit("pair", source_id="a"), _ENDS, _do("claim", limit=1), _do("move", verb="cancel"),
        _submit("plain", source_id="a"), _ENDS,
    ],
    "a_resumed_job_is_no_longer_paused": [
        _submit("plain"), _do("claim", limit=1), _do("move_what_runs", verb="pause"),
        _do("end", verb="break", ticks=True), _do("move", verb="resume"),
    ],
}  # fmt: skip


@pytest.mark.parametrize("steps", _FOUND.values(), ids=_FOUND.keys())
def test_what_once_went_wrong_goes_right(new_world: NewWorld, steps: list[tuple[str, dict[str, Any]]]) -> None:
    machine = Machine(new_world)
    for name, given in steps:
        getattr(machine, name)(**given)
        truth.check(machine.world)
    machine.drain()
