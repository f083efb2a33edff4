"""The engine's statements against a model of what they must do, in any order of moves."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis.stateful import run_state_machine_as_test

from tests.simulation.conftest import NewWorld
from tests.simulation.machine import Machine, budget
from tests.simulation.walk import walk


@pytest.mark.timeout(300)
def test_every_order_of_moves_leaves_what_was_promised(new_world: NewWorld) -> None:
    run_state_machine_as_test(partial(Machine, new_world), settings=budget(20, 40))


@pytest.mark.timeout(300)
def test_long_walks_leave_what_was_promised(new_world: NewWorld) -> None:
    for seed in range(20):
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
