from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from onward import (
    IdempotencyConflict,
    InvalidParams,
    InvalidValue,
    Job,
    JobNotFound,
    ManualClock,
    Onward,
    Submission,
    UnknownJobType,
)
from onward.model.ids import shown
from tests.app_fixtures import Apps, rows, run_all


@pytest.fixture
def app(apps: Apps) -> Onward:
    return with_types(apps())


def with_types(app: Onward) -> Onward:
    @app.job(priority=3, queue="slow", aliases={"counting": {"minimum": 9}}, max_attempts=2)
    def count(folder: str, minimum: int = 1) -> list[Any]:
        return [folder, minimum]

    @app.job(needs_source=True)
    def scan() -> None:
        pass

    @app.job()
    def keep(value: Any = None) -> Any:
        return value

    return app


def test_submitted_job_reads_as_it_was_given(app: Onward) -> None:
    job = app.submit(
        "count",
        {"folder": "a"},
        source_id="wiki",
        user_id="ada",
        bot_id="bot-1",
        tags=["x", "y", "x"],
        priority=7,
        queue="fast",
    )
    kept = app.get(job.id)
    for one in (job, kept):
        assert (one.status, one.params, one.source_id) == ("pending", {"folder": "a", "minimum": 1}, "wiki")
        assert (one.user_id, one.bot_id, one.tags) == ("ada", "bot-1", ("x", "y"))
        assert (one.priority, one.queue, one.max_attempts, one.label) == (7, "fast", 2, "Count")
        assert one.created_at is not None
        assert one.created_at.tzinfo is not None
    assert app.get(shown(job.id)).id == job.id


def test_type_gives_queue_and_priority_unless_told_otherwise(app: Onward) -> None:
    job = app.submit("count", {"folder": "a"})
    assert (job.queue, job.priority) == ("slow", 3)
    assert app.submit("count", {"folder": "a"}, priority=0).priority == 0


def test_function_and_alias_name_a_type_too(app: Onward) -> None:
    job = app.submit("counting", {"folder": "a"})
    assert (job.job_type, job.params["minimum"]) == ("count", 9)
    assert app.submit("counting", {"folder": "a", "minimum": 2}).params["minimum"] == 2
    assert app.submit(app.job_types.get("keep").func).job_type == "keep"


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        ({"job_type": "cuont"}, UnknownJobType, "Did you mean 'count'"),
        ({"job_type": len}, UnknownJobType, "not a registered job type"),
        ({"job_type": "count"}, InvalidParams, "folder"),
        ({"job_type": "count", "params": {"folder": 1}}, InvalidParams, "folder"),
        ({"job_type": "count", "params": {"folder": "a", "extra": 1}}, InvalidParams, "extra"),
        ({"job_type": "scan"}, InvalidParams, "needs a source"),
        ({"job_type": "keep", "source_id": "../etc"}, InvalidValue, "source id"),
        ({"job_type": "keep", "user_id": "a\x00"}, InvalidValue, "user id"),
        ({"job_type": "keep", "queue": "\n"}, InvalidValue, "queue"),
        ({"job_type": "keep", "tags": [""]}, InvalidValue, "tag"),
        ({"job_type": "keep", "idempotency_key": "k" * 513}, InvalidValue, "idempotency key"),
        ({"job_type": "keep", "id": "a/b"}, InvalidValue, "job id"),
        ({"job_type": "keep", "run_at": datetime(2026, 1, 1)}, InvalidValue, "time zone"),  # noqa: DTZ001 - it is what is refused
        ({"job_type": "keep", "params": {"value": float("nan")}}, InvalidValue, "nan"),
        ({"job_type": "keep", "params": {"value": 2**53 + 1}}, InvalidValue, "integer"),
        ({"job_type": "keep", "params": {"value": ["a\x00"]}}, InvalidValue, "NUL"),
        ({"job_type": "keep", "params": {"value": "\ud800"}}, (InvalidValue, InvalidParams), ""),
        ({"job_type": "keep", "params": {"value": "x" * (1 << 20)}}, InvalidValue, "allowed"),
    ],
    ids=lambda value: str(value)[:50] if isinstance(value, dict) else "",
)
def test_wrong_submission_is_refused_before_any_row(
    app: Onward, call: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        app.submit(**call)
    with pytest.raises(error):
        app.submit_many([Submission(job_type="keep"), Submission(**call)])
    assert sum(app.counts().values()) == 0


def test_near_names_and_fields_come_with_the_error(app: Onward) -> None:
    with pytest.raises(UnknownJobType) as unknown:
        app.submit("skan")
    assert unknown.value.near == ("scan",)
    with pytest.raises(InvalidParams) as wrong:
        app.submit("count", {"folder": 1, "minimum": "x"})
    assert [problem["field"] for problem in wrong.value.errors] == ["folder", "minimum"]


def test_many_are_submitted_in_order_all_or_none(app: Onward) -> None:
    jobs = app.submit_many(
        [("keep", {"value": n}) for n in range(20)] + [Submission(job_type="keep", params={"value": 20})]
    )
    assert [job.params["value"] for job in jobs] == list(range(21))
    assert [job.id for job in jobs] == sorted(job.id for job in jobs)
    assert app.counts()["pending"] == 21


# ---- the same again -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["idempotency_key", "id"])
def test_same_again_returns_the_job_that_exists(app: Onward, name: str) -> None:
    first = app.submit("keep", {"value": 1}, **{name: "k"})
    run_all(app)
    again = app.submit("keep", {"value": 1}, **{name: "k"})
    assert (again.id, again.status, again.result) == (first.id, "completed", 1)
    assert sum(app.counts().values()) == 1


@pytest.mark.parametrize("name", ["idempotency_key", "id"])
@pytest.mark.parametrize("other", [{"params": {"value": 2}}, {"source_id": "wiki"}, {"job_type": "count"}], ids=str)
def test_same_key_with_another_payload_is_refused(app: Onward, name: str, other: dict[str, Any]) -> None:
    first = app.submit("keep", {"value": 1}, **{name: "k"})
    call = {"job_type": "keep", "params": {"value": 1}, name: "k"} | other
    if call["job_type"] == "count":
        call["params"] = {"folder": "a"}
    with pytest.raises(IdempotencyConflict) as caught:
        app.submit(**call)
    assert caught.value.job.id == first.id
    assert sum(app.counts().values()) == 1


@pytest.mark.parametrize("name", ["idempotency_key", "id"])
def test_same_key_twice_in_one_call_is_one_job(app: Onward, name: str) -> None:
    one, other = app.submit_many([Submission(job_type="keep", params={"value": 1}, **{name: "k"})] * 2)
    assert one.id == other.id
    assert sum(app.counts().values()) == 1
    with pytest.raises(IdempotencyConflict):
        app.submit_many([Submission(job_type="keep", params={"value": n}, **{name: "new"}) for n in (1, 2)])


@pytest.mark.parametrize("name", ["idempotency_key", "id"])
def test_same_key_from_many_at_once_is_one_job(app: Onward, apps: Apps, name: str) -> None:
    found: list[str] = []
    errors: list[BaseException] = []
    start = threading.Barrier(4)

    def submit(own: Onward) -> None:
        try:
            for number in range(10):
                start.wait(20)
                found.append(own.submit("keep", {"value": 1}, **{name: f"k{number}"}).id)
        except BaseException as error:  # noqa: BLE001 - shown by the assertion below
            errors.append(error)
            start.abort()

    threads = [threading.Thread(target=submit, args=(with_types(apps()),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(set(found)) == 10
    assert sum(app.counts().values()) == 10


def test_given_id_is_found_in_both_forms_and_foreign_ones_as_they_are(app: Onward) -> None:
    foreign = app.submit("keep", id="job-1")
    assert app.get("job-1").id == foreign.id == "job-1"
    with pytest.raises(JobNotFound, match="job-2"):
        app.get("job-2")


# ---- when -----------------------------------------------------------------------------------------------------


def test_delayed_job_runs_when_its_time_has_come(apps: Apps) -> None:
    clock = ManualClock()
    app = with_types(apps(clock))
    now = clock.now()
    at = app.submit("keep", run_at=now + timedelta(minutes=5))
    seconds = app.submit("keep", delay=60)
    delta = app.submit("keep", delay=timedelta(hours=1))
    past = app.submit("keep", run_at=now - timedelta(days=1))
    negative = app.submit("keep", delay=-5)
    assert app.get(at.id).run_at == now + timedelta(minutes=5)
    assert app.get(at.id).state == "scheduled"

    def completed() -> set[str]:
        run_all(app)
        return {job.id for job in app.find(status="completed")}

    assert completed() == {past.id, negative.id}
    clock.advance(59.9)
    assert completed() == {past.id, negative.id}
    clock.advance(0.2)
    assert completed() == {past.id, negative.id, seconds.id}
    clock.advance(300)
    assert delta.id not in completed()
    clock.advance(3600)
    assert len(completed()) == 5


def test_run_at_in_another_zone_is_the_same_moment(app: Onward) -> None:
    zone = datetime(2030, 6, 1, 12, tzinfo=UTC).astimezone()
    job = app.submit("keep", run_at=zone)
    assert app.get(job.id).run_at == datetime(2030, 6, 1, 12, tzinfo=UTC)


def test_jobs_run_by_priority_and_workers_serve_their_queues(app: Onward) -> None:
    order: list[int] = []

    @app.job()
    def note(number: int) -> None:
        order.append(number)

    for number, priority in enumerate([0, 5, -5, 5]):
        app.submit("note", {"number": number}, priority=priority)
    app.submit("note", {"number": 9}, queue="night", priority=100)
    run_all(app, concurrency=1, queues=["default"])
    assert order == [1, 3, 0, 2]
    run_all(app, concurrency=1, queues=["night", "day"])
    assert order[-1] == 9


# ---- looking --------------------------------------------------------------------------------------------------


def ids(jobs: Any) -> list[str]:
    return [job.id for job in jobs]


def test_find_filters_by_everything_newest_first(app: Onward) -> None:
    one = app.submit("keep", source_id="a", user_id="ada", tags=["x"])
    two = app.submit("keep", source_id="b", user_id="ada", tags=["x", "y"])
    three = app.submit("count", {"folder": "f"}, parent_id=one.id)
    app.cancel(two.id)
    assert ids(app.find()) == [three.id, two.id, one.id]
    assert ids(app.find(status="cancelled")) == [two.id]
    assert ids(app.find(status=["pending", "cancelled"], user_id="ada")) == [two.id, one.id]
    assert ids(app.find(job_type="count")) == ids(app.find(parent_id=shown(one.id))) == [three.id]
    assert ids(app.find(source_id="a")) == [one.id]
    assert ids(app.find(tag="y")) == [two.id]
    assert ids(app.find(since=two.created_at)) == [three.id, two.id]
    assert app.counts() == {
        "pending": 2, "running": 0, "pending_hitl": 0, "completed": 0, "failed": 0, "cancelled": 1,
    }  # fmt: skip
    with pytest.raises(InvalidValue, match="not a status"):
        app.find(status="done")
    with pytest.raises(InvalidValue, match="limit"):
        app.find(limit=0)


def test_pages_lose_and_repeat_nothing_while_jobs_come_and_end(app: Onward) -> None:
    made = app.submit_many([("keep", {"value": n}) for n in range(53)])
    seen: list[Job] = []
    after = None
    while True:
        page = app.find(limit=10, after=after)
        seen += page.items
        app.submit("keep")
        app.cancel(made[0].id) if len(seen) == 10 else None
        after = page.next
        if after is None:
            break
    assert ids(seen) == ids(reversed(made))
    with pytest.raises(InvalidValue, match="cursor"):
        app.find(status="pending", after=app.find(limit=1).next)


def test_page_that_ends_exactly_has_no_next(app: Onward) -> None:
    app.submit_many([("keep", None)] * 4)
    first = app.find(limit=2)
    assert first.next is not None
    assert app.find(limit=2, after=first.next).next is None
    assert app.find(limit=4).next is None


def test_big_and_odd_parameters_come_back_as_they_went_in(app: Onward) -> None:
    value = {"text": "é\u2028😀" * 1000, "n": [2**53 - 1, -0.0, 1e300, 5e-324, True, None], "": {"deep": [[[]]]}}
    job = app.submit("keep", {"value": value})
    run_all(app)
    done = app.get(job.id)
    assert done.params["value"] == done.result == value
    assert rows(app, "SELECT count(*) FROM jobs") == [(1,)]
