"""``Context`` without a worker: the same function is called again with what it saved, as after an interruption.

The file is long because every verb of the context has its facts here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from onward import (
    Context,
    CursorLost,
    DuplicateStep,
    InvalidValue,
    JobCancelled,
    JobParked,
    JobTypes,
    ManualClock,
    OnwardError,
    Settings,
)
from onward.authoring.inline import Memory, run_inline


class Stop(Exception):
    """The job is interrupted here."""


class Desk:
    """Calls a function as a job type, again and again with one memory."""

    def __init__(self) -> None:
        self.memory = Memory()
        self.clock = ManualClock()
        self.settings = Settings()
        self.attempt = 0

    def __call__(self, function: Callable[..., Any], **options: Any) -> Any:
        types = JobTypes()
        types.job(
            name="job", **{key: options.pop(key) for key in list(options) if key.startswith(("on_", "checkpoint_"))}
        )(function)
        self.attempt += 1
        return run_inline(
            types.get("job"),
            None,
            settings=self.settings,
            clock=self.clock,
            memory=self.memory,
            attempt=self.attempt,
            **options,
        )

    def interrupted(self, function: Callable[..., Any], **options: Any) -> None:
        with pytest.raises((Stop, JobCancelled, JobParked)):
            self(function, **options)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def going(items: Any, seen: list[Any], stop_at: Any = None, **options: Any) -> Callable[[Context], Any]:
    """A job that notes its items and is interrupted at one of them."""

    def job(ctx: Context) -> Any:
        for item in ctx.each(items() if callable(items) and "key" not in options else items, **options):
            if item == stop_at:
                raise Stop
            seen.append(item)
            ctx.state["n"] = ctx.state.get("n", 0) + 1
        return ctx.state.get("n", 0)

    return job


# ---- each -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("items", [list(range(6)), range(6), lambda: iter(range(6)), lambda: (n for n in range(6))])
@pytest.mark.parametrize("options", [{}, {"key": int}], ids=["index", "key"])
def test_iteration_goes_on_after_the_last_finished_item(desk: Desk, items: Any, options: dict[str, Any]) -> None:
    if callable(items) and options:
        items = items()
    first: list[int] = []
    desk.interrupted(going(items if not isinstance(items, Iterator) else list(items), first, 4, **options))
    rest: list[int] = []
    again = list(range(6)) if isinstance(items, Iterator) else items
    assert desk(going(again, rest, **options)) == 6
    assert (first, rest) == ([0, 1, 2, 3], [4, 5])


def test_items_may_be_a_function_of_the_last_key(desk: Desk) -> None:
    asked: list[Any] = []

    def rest(last: str | None) -> list[str]:
        asked.append(last)
        return [letter for letter in "abcde" if last is None or letter > last]

    desk.interrupted(going(rest, [], "d", key=str))
    seen: list[str] = []
    desk(going(rest, seen, key=str))
    assert (asked, seen) == ([None, "c"], ["d", "e"])


def test_sorted_items_go_on_where_a_vanished_one_stood(desk: Desk) -> None:
    desk.interrupted(going(["a", "c", "e", "g"], [], "g", key=str))
    for changed in (["a", "c", "f", "g"], ["b", "f", "g"]):
        memory = desk.memory.checkpoint
        seen: list[str] = []
        desk(going(changed, seen, key=str))
        assert seen == ["f", "g"]
        desk.memory.checkpoint = memory


def test_items_that_came_or_went_before_the_place_do_not_move_it(desk: Desk) -> None:
    desk.interrupted(going(["m", "b", "z", "a"], [], "a", key=str))
    seen: list[str] = []
    desk(going(["new", "m", "z", "a", "last"], seen, key=str))
    assert seen == ["a", "last"]


@pytest.mark.parametrize("kind", [list, iter])
def test_vanished_item_of_unsorted_ones_is_an_error(desk: Desk, kind: Any) -> None:
    desk.interrupted(going(["m", "z", "b", "q"], [], "q", key=str))
    with pytest.raises(CursorLost, match="'b'"):
        desk(lambda ctx: list(ctx.each(kind(["m", "a"]) if kind is iter else ["m", "z", "a"], key=str)))


@pytest.mark.parametrize("key", [lambda item: object(), lambda item: None], ids=["object", "none"])
def test_key_that_cannot_be_kept_is_refused(desk: Desk, key: Any) -> None:
    with pytest.raises(InvalidValue, match="key"):
        desk(going([1, 2], [], key=key))


def test_batches_are_lists_and_each_is_one_item(desk: Desk) -> None:
    seen: list[list[int]] = []

    def job(ctx: Context) -> None:
        for batch in ctx.each(range(7), batch=3, key=int):
            if batch[0] == 3 and not ctx.resumed:
                raise Stop
            seen.append(batch)

    desk.interrupted(job)
    desk(job)
    assert seen == [[0, 1, 2], [3, 4, 5], [6]]


def test_iterations_have_cursors_of_their_own_in_the_order_of_use(desk: Desk) -> None:
    seen: list[str] = []

    def job(ctx: Context) -> None:
        seen.extend(ctx.each("abc"))
        for item in ctx.each("xyz"):
            if item == "z" and not ctx.resumed:
                raise Stop
            seen.append(item)
        seen.extend(ctx.each("12", name="last"))

    desk.interrupted(job)
    desk(job)
    assert "".join(seen) == "abcxyz12"


def test_empty_iteration_is_no_work(desk: Desk) -> None:
    assert desk(going([], [])) == 0


def test_progress_comes_with_the_items(desk: Desk) -> None:
    told: list[tuple[Any, ...]] = []
    desk(going(range(4), []), progress_callback=lambda *values: told.append(values))
    assert [values[:2] for values in told] == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_checkpoints_are_saved_by_items_and_by_seconds(desk: Desk) -> None:
    def job(ctx: Context) -> None:
        for item in ctx.each(range(100), every=10, seconds=3600):
            if item == 95:
                raise Stop

    desk.interrupted(job)
    assert desk.memory.saves == 10

    def slow(ctx: Context) -> None:
        for _ in ctx.each(range(100), every=10_000, seconds=60):
            desk.clock.advance(30)

    saves = Desk()
    saves.clock = desk.clock
    saves(slow)
    assert saves.memory.saves == 50


def test_job_type_sets_how_often_it_is_saved(desk: Desk) -> None:
    with pytest.raises(Stop):
        desk(going(range(30), [], 29), checkpoint_every=5)
    assert desk.memory.saves == 6


# ---- consistent points ----------------------------------------------------------------------------------------


def test_changes_after_the_last_point_are_dropped_at_an_interruption(desk: Desk) -> None:
    def job(ctx: Context) -> Any:
        if ctx.resumed:
            return [ctx.state, list(ctx.partial())]
        for item in ctx.each(range(5)):
            ctx.state["item"] = item
            ctx.partial().append(item)
            if item == 3:
                raise Stop
        return None

    desk.interrupted(job)
    assert desk(job) == [{"item": 2}, [0, 1, 2]]


def test_checkpoint_replaces_the_state_and_is_a_point(desk: Desk) -> None:
    def job(ctx: Context) -> Any:
        if ctx.resumed:
            return ctx.state
        ctx.state["old"] = 1
        ctx.checkpoint({"new": [1]})
        ctx.state["new"].append(2)
        raise Stop

    desk.interrupted(job)
    assert desk(job) == {"new": [1]}


def test_large_state_is_not_older_than_the_item_at_which_the_job_was_told_to_leave(desk: Desk) -> None:
    """A large state is not written out at every item, but leaving at an item is a point like any other."""
    asked = iter([False] * 7 + [True] * 100)
    seen: list[int] = []

    def job(ctx: Context) -> None:
        ctx.state["large"] = "x" * 200_000
        seen.extend(ctx.each(range(20)))

    with pytest.raises(JobCancelled):
        desk(job, cancel_checker=lambda: next(asked))
    first = list(seen)
    seen.clear()
    desk(job)
    assert first + seen == list(range(20))


@pytest.mark.parametrize("state", [{"a": float("nan")}, {"a": {1}}, {"a": "\x00"}, {"a": 2**60}, {1: 2}], ids=repr)
def test_state_that_cannot_be_kept_is_refused_where_it_is_saved(desk: Desk, state: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue, match="state"):
        desk(lambda ctx: ctx.checkpoint(state))


def test_partial_work_grows_by_appending_and_is_cut_back(desk: Desk) -> None:
    def job(ctx: Context) -> Any:
        work, other = ctx.partial(), ctx.partial("errors")
        for item in ctx.each(range(6), every=2):
            work.append({"item": item})
            if item % 2:
                other.append("odd")
            if item == 4 and not ctx.resumed:
                raise Stop
        path = work.path
        assert path.read_text().count("\n") == len(work) == 6
        return [[record["item"] for record in work], len(other)]

    desk.interrupted(job)
    assert desk(job) == [[0, 1, 2, 3, 4, 5], 3]


# ---- steps ----------------------------------------------------------------------------------------------------


def test_step_is_done_once_and_its_result_is_its_json_form(desk: Desk) -> None:
    calls: list[int] = []

    def job(ctx: Context) -> Any:
        first = ctx.step("pay", lambda n: (calls.append(n), (n, n))[1], 5)
        if not ctx.resumed:
            assert first == [5, 5]
            raise Stop
        return first

    desk.interrupted(job)
    assert (desk(job), calls) == ([5, 5], [5])


def test_step_that_fails_is_done_again(desk: Desk) -> None:
    calls: list[int] = []

    def pay() -> int:
        calls.append(1)
        if len(calls) == 1:
            raise Stop
        return 7

    desk.interrupted(lambda ctx: ctx.step("pay", pay))
    assert desk(lambda ctx: ctx.step("pay", pay)) == 7


def test_step_whose_result_is_nothing_is_done_once_too(desk: Desk) -> None:
    calls: list[int] = []

    def job(ctx: Context) -> None:
        assert ctx.step("note", lambda: calls.append(1)) is None
        if not ctx.resumed:
            raise Stop

    desk.interrupted(job)
    desk(job)
    assert calls == [1]


def test_one_step_name_belongs_to_one_item_and_is_used_once_there(desk: Desk) -> None:
    calls: list[int] = []

    def job(ctx: Context) -> None:
        for item in ctx.each(range(3)):
            ctx.step("fetch", calls.append, item)
            ctx.step("store", calls.append, -item)
            if item == 1 and not ctx.resumed:
                raise Stop
        ctx.step("fetch", calls.append, 99)
        with pytest.raises(DuplicateStep, match="'fetch'"):
            ctx.step("fetch", calls.append, 100)

    desk.interrupted(job)
    desk(job)
    assert calls == [0, 0, 1, -1, 2, -2, 99]


def test_duplicate_step_within_an_item_is_refused(desk: Desk) -> None:
    def job(ctx: Context) -> None:
        for _ in ctx.each(range(1)):
            ctx.step("a", int)
            ctx.step("a", int)

    with pytest.raises(DuplicateStep, match="each"):
        desk(job)


def test_steps_of_passed_items_are_dropped(desk: Desk) -> None:
    def job(ctx: Context) -> None:
        for item in ctx.each(range(50), every=10):
            ctx.step("fetch", int)
            if item == 47:
                raise Stop

    desk.interrupted(job)
    assert len(desk.memory.steps) <= 1


@pytest.mark.parametrize("name", ["", "x" * 201])
def test_step_name_is_bounded(desk: Desk, name: str) -> None:
    with pytest.raises(InvalidValue):
        desk(lambda ctx: ctx.step(name, int))


def test_step_whose_result_cannot_be_kept_is_an_error_and_not_kept(desk: Desk) -> None:
    with pytest.raises(InvalidValue, match="step 's'"):
        desk(lambda ctx: ctx.step("s", object))
    assert desk.memory.steps == {}


def test_keys_for_outside_systems_are_the_same_at_every_attempt_and_differ_by_item(desk: Desk) -> None:
    found: list[str] = []

    def job(ctx: Context) -> None:
        found.extend(ctx.idempotency_key("pay") for _ in ctx.each(range(2)))
        found.append(ctx.idempotency_key("pay"))

    desk(job)
    assert len(set(found)) == 3


# ---- sleep, leaving, fingerprint ------------------------------------------------------------------------------


def test_sleep_leaves_until_its_time_has_come_and_is_over_then(desk: Desk) -> None:
    calls: list[str] = []

    def job(ctx: Context) -> str:
        ctx.step("before", calls.append, "before")
        ctx.sleep(60)
        ctx.step("between", calls.append, "between")
        ctx.sleep(30)
        return "awake"

    desk.interrupted(job)
    desk.interrupted(job)
    desk.clock.advance(61)
    desk.interrupted(job)
    desk.clock.advance(31)
    assert (desk(job), calls) == ("awake", ["before", "between"])


def test_flag_and_checker_tell_that_the_job_must_leave(desk: Desk) -> None:
    asked = {"leave": False}
    found: list[bool] = []

    def job(ctx: Context) -> None:
        found.extend([ctx.cancelled, ctx.cancel_checker()])
        ctx.check()
        asked["leave"] = True
        found.extend([ctx.should_stop, ctx.cancel_checker()])
        ctx.check()

    with pytest.raises(JobCancelled):
        desk(job, cancel_checker=lambda: asked["leave"])
    assert found == [False, False, True, True]


def test_progress_callback_takes_items_or_percent(desk: Desk) -> None:
    told: list[tuple[Any, ...]] = []

    def job(ctx: Context) -> None:
        ctx.progress_callback(1, 4, "first")
        ctx.progress_callback(50)

    desk(job, progress_callback=lambda *values: told.append(values))
    assert told == [(1, 4, "first"), (50, 100, "")]


@pytest.mark.parametrize(
    ("policy", "outcome"), [("restart", [False, {}]), ("continue", [True, {"at": 1}]), ("ask", None)]
)
def test_changed_inputs_follow_the_policy_of_the_type(desk: Desk, policy: str, outcome: Any) -> None:
    def job(model: str) -> Callable[[Context], Any]:
        def run(ctx: Context) -> Any:
            ctx.fingerprint(model=model, size=100)
            if not ctx.state and desk.attempt == 1:
                ctx.checkpoint({"at": 1})
                ctx.partial().append(1)
                raise Stop
            return [ctx.resumed, ctx.state]

        return run

    desk.interrupted(job("small"), on_changed_inputs=policy)
    if outcome is not None:
        assert desk(job("large"), on_changed_inputs=policy) == outcome
        return
    with pytest.raises(OnwardError, match="inputs have changed"):
        desk(job("large"), on_changed_inputs=policy)
    with pytest.raises(OnwardError, match="inputs have changed"):
        desk(job("other"), on_changed_inputs=policy)
    assert desk(job("other"), on_changed_inputs=policy) == [True, {"at": 1}]


def test_same_inputs_go_on_in_any_order(desk: Desk) -> None:
    def job(ctx: Context) -> Any:
        facts = {"a": 1, "b": 2} if desk.attempt == 1 else {"b": 2, "a": 1}
        ctx.fingerprint(**facts)
        if desk.attempt == 1:
            ctx.checkpoint({"at": 1})
            raise Stop
        return ctx.state

    desk.interrupted(job)
    assert desk(job) == {"at": 1}


# ---- async ----------------------------------------------------------------------------------------------------


async def arriving(items: Any) -> AsyncIterator[Any]:
    for item in items:
        await asyncio.sleep(0)
        yield item


@pytest.mark.parametrize("options", [{}, {"key": int}], ids=["index", "key"])
@pytest.mark.parametrize("kind", [range, lambda n: arriving(range(n))], ids=["plain", "async"])
def test_async_iteration_goes_on_too(desk: Desk, options: dict[str, Any], kind: Any) -> None:
    seen: list[int] = []

    async def job(ctx: Context) -> None:
        async for item in ctx.each(kind(6), **options):
            if item == 3 and not ctx.resumed:
                raise Stop
            seen.append(await ctx.step("double", double, item))
            await ctx.flush()

    desk.interrupted(job)
    desk(job)
    assert seen == [0, 2, 4, 6, 8, 10]


async def double(number: int) -> int:
    await asyncio.sleep(0)
    return number * 2


def test_async_batches_are_lists(desk: Desk) -> None:
    seen: list[Any] = []

    async def job(ctx: Context) -> None:
        async for batch in ctx.each(arriving(range(5)), batch=2):
            if batch == [2, 3] and not ctx.resumed:
                raise Stop
            seen.append(batch)

    desk.interrupted(job)
    desk(job)
    assert seen == [[0, 1], [2, 3], [4]]


def test_async_iteration_whose_place_has_gone_is_an_error(desk: Desk) -> None:
    async def job(ctx: Context) -> None:
        items = [5, 1, 9] if not ctx.resumed else [5, 9]
        async for item in ctx.each(arriving(items), key=int):
            if item == 9:
                raise Stop

    desk.interrupted(job)
    with pytest.raises(CursorLost):
        desk(job)


def test_forms_that_would_block_the_loop_are_refused(desk: Desk) -> None:
    async def job(ctx: Context) -> None:
        with pytest.raises(OnwardError, match=r"await ctx\.flush"):
            ctx.checkpoint({}, flush=True)
        with pytest.raises((TypeError, AttributeError)), ctx.transaction():
            pass
        await ctx.flush({"at": 1})
        ctx.checkpoint({"at": 2})

    desk(job)


def test_sync_step_function_is_taken_in_async_jobs(desk: Desk) -> None:
    async def job(ctx: Context) -> Any:
        return await ctx.step("plain", lambda: [1])

    assert desk(job) == [1]
