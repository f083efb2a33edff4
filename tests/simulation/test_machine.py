"""The engine's statements against a model of what they must do, in any order of moves."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis.stateful import run_state_machine_as_test

from tests.simulation.conftest import NewWorld
from tests.simulation.machine import Machine, budget
from tests.simulation.walk import walk


def fewer_on_a_server(new_world: NewWorld, many: int) -> int:
    """A look at all tables after every move costs a server ten times what it costs a file."""
    return many if new_world().store.is_sqlite else many // 4


@pytest.mark.timeout(600)
def test_every_order_of_moves_leaves_what_was_promised(new_world: NewWorld) -> None:
    budgeted = budget(fewer_on_a_server(new_world, 24), 40)
    run_state_machine_as_test(partial(Machine, new_world), settings=budgeted)


@pytest.mark.timeout(600)
def test_long_walks_leave_what_was_promised(new_world: NewWorld) -> None:
    for seed in range(fewer_on_a_server(new_world, 24)):
        walk(new_world, seed, 60)


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_very_many_orders_of_moves_leave_what_was_promised(new_world: NewWorld) -> None:
    run_state_machine_as_test(partial(Machine, new_world), settings=budget(3000, 80))


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_very_many_walks_leave_what_was_promised(new_world: NewWorld) -> None:
    for seed in range(1000, 5000):
        walk(new_world, seed, 80)
