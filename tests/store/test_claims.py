from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from onward import Onward, SystemClock
from onward.model.ids import Ids
from onward.store import Connection, Store, claims, ready
from onward.store.claims import Claim
from tests.app_fixtures import Apps, quick_settings, rows, until

IDS = Ids(SystemClock())


@pytest.fixture
def store(prepared_url: str, apps: Apps) -> Iterator[Store]:
    made = Store(prepared_url, quick_settings(prepared_url), SystemClock())
    yield made
    made.close()


@pytest.fixture
def app(apps: Apps) -> Onward:
    made = apps()
    for name in ("work", "other"):
        made.job(name=name)(work)
    made.job(name="drill", resources=lambda params, source_id: [("drill", 2)])(work)
    return made


def work() -> None:
    """Do nothing."""


def claim_within(
    conn: Connection, store: Store, limit: int = 100, queues: Sequence[str] = (), types: Sequence[str] = ()
) -> list[Claim]:
    return claims.claim_jobs(
        conn,
        store.dialect,
        worker_id=IDS.new(),
        queues=queues,
        job_types=types or ("work", "other", "drill"),
        limit=limit,
        now=store.now(),
        run_ids=IDS.many(limit),
    )


def claim(store: Store, limit: int = 100, queues: Sequence[str] = (), types: Sequence[str] = ()) -> list[Claim]:
    return store.write(lambda conn: claim_within(conn, store, limit, queues, types))


def test_claims_come_by_priority_then_time_then_id(app: Onward, store: Store) -> None:
    early = datetime(2026, 1, 1, tzinfo=UTC)
    low = app.submit("work", priority=-1)
    plain = app.submit_many([("work", None)] * 3)
    high = app.submit("work", priority=5)
    first_due = app.submit("work", run_at=early)
    found = [one.job_id for one in claim(store)]
    assert found == [high.id, first_due.id, *(job.id for job in plain), low.id]


def test_claim_takes_only_its_queues_and_types_and_no_more_than_asked(app: Onward, store: Store) -> None:
    mail = app.submit("work", queue="mail")
    other = app.submit("other")
    many = app.submit_many([("work", None)] * 5)
    assert [one.job_id for one in claim(store, queues=["mail"])] == [mail.id]
    assert [one.job_id for one in claim(store, types=["other"])] == [other.id]
    assert [one.job_id for one in claim(store, limit=2)] == [job.id for job in many[:2]]
    assert len(claim(store)) == 3
    assert claim(store) == []


def test_what_waits_is_not_claimed(app: Onward, store: Store) -> None:
    app.submit("work", delay=3600)
    paused, cancelled = app.submit_many([("work", None)] * 2)
    app.pause(paused.id)
    app.cancel(cancelled.id)
    assert claim(store) == []


def test_due_jobs_become_ready_and_later_ones_do_not(app: Onward, store: Store) -> None:
    soon, later = app.submit("work", delay=10), app.submit("work", delay=timedelta(hours=1))
    moment = store.now() + timedelta(seconds=60)
    assert store.write(lambda conn: ready.promote_due(conn, store.dialect, moment)) == 1
    assert [one.job_id for one in claim(store)] == [soon.id]
    assert app.get(later.id).waiting_on == "time"


def test_many_threads_claim_every_job_once_under_a_fence_of_its_own(app: Onward, apps: Apps) -> None:
    jobs = app.submit_many([("work", None)] * 300)
    stores = [Store(app.settings.database.url, app.settings, SystemClock()) for _ in range(6)]
    found: list[Claim] = []
    errors: list[BaseException] = []

    def take(store: Store) -> None:
        try:
            while got := claim(store, limit=7):
                assert len(got) <= 7
                found.extend(got)
        except BaseException as error:  # noqa: BLE001 - shown by the assertion below
            errors.append(error)

    threads = [threading.Thread(target=take, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for store in stores:
        store.close()
    assert errors == []
    assert Counter(one.job_id for one in found) == Counter(job.id for job in jobs)
    assert {one.fence for one in found} == {1}
    assert rows(app, "SELECT count(*) FROM job_runs WHERE status = 'running'") == [(300,)]


def test_claims_of_others_are_skipped_and_not_waited_for(app: Onward, store: Store) -> None:
    if store.is_sqlite:
        pytest.skip("a SQLite file has one writer at a time")
    jobs = app.submit_many([("work", None)] * 4)
    with store.transaction() as first:
        assert [one.job_id for one in claim_within(first, store, 2)] == [job.id for job in jobs[:2]]
        with store.transaction() as second:
            second.connection.cursor().execute("SET LOCAL lock_timeout = '2s'")
            assert [one.job_id for one in claim_within(second, store, 4)] == [job.id for job in jobs[2:]]


def test_capacity_is_never_exceeded_by_claims_at_once(app: Onward, store: Store) -> None:
    app.submit_many([("drill", None)] * 0)
    for _ in range(6):
        app.submit("drill", on_conflict="wait")
    most: list[int] = []

    def take() -> None:
        for _ in range(8):
            got = claim(store, limit=3)
            held = rows(app, "SELECT count(*) FROM job_resources WHERE slot >= 0")[0][0]
            most.append(held)
            if got:
                store.write(lambda conn, got=got: claims.hand_back(conn, store.dialect, got, store.now()))

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) <= 2
    assert any(most)


def test_refused_job_is_set_aside_and_woken_when_its_resource_is_free(app: Onward, store: Store) -> None:
    jobs = [app.submit("drill", on_conflict="wait") for _ in range(3)]
    got = claim(store)
    assert [one.job_id for one in got] == [job.id for job in jobs[:2]]
    blocked = app.get(jobs[2].id)
    assert (blocked.waiting_on, blocked.blocked_by) == ("resource", "drill")
    assert claim(store) == []
    app.cancel(jobs[0].id)
    assert claim(store) == []
    store.write(lambda conn: claims.release(conn, store.dialect, got[0], store.now()))
    assert [one.job_id for one in claim(store)] == [jobs[2].id]


def test_handed_back_job_is_as_if_it_had_not_been_claimed_but_for_its_fence(app: Onward, store: Store) -> None:
    job = app.submit("work")
    got = claim(store)
    store.write(lambda conn: claims.hand_back(conn, store.dialect, got, store.now()))
    back = app.get(job.id)
    assert (back.status, back.attempt, back.fence, back.worker_id) == ("pending", 0, 1, None)
    assert app.runs(job.id) == []
    again = claim(store)
    assert again[0].fence == 2


@pytest.mark.parametrize("way", [claims.hand_back, claims.release], ids=["hand_back", "release"])
def test_cancelled_job_that_is_given_back_stays_cancelled_and_frees_its_source(
    app: Onward, store: Store, way: object
) -> None:
    job = app.submit("work", source_id="wiki")
    got = claim(store)
    app.cancel(job.id)
    give_back(store, way, got)
    assert (app.get(job.id).status, app.get(job.id).is_owned) == ("cancelled", False)
    assert app.submit("work", source_id="wiki").status == "pending"


@pytest.mark.parametrize("way", [claims.hand_back, claims.release], ids=["hand_back", "release"])
@pytest.mark.parametrize("verb", ["resume", "restart"])
def test_job_that_was_resumed_before_it_is_given_back_can_be_claimed(
    app: Onward, store: Store, way: object, verb: str
) -> None:
    job = app.submit("work", source_id="wiki")
    got = claim(store)
    app.cancel(job.id)
    getattr(app, verb)(job.id)
    assert claim(store) == []
    give_back(store, way, got)
    assert [one.job_id for one in claim(store)] == [job.id]


@pytest.mark.parametrize("way", [claims.hand_back, claims.release], ids=["hand_back", "release"])
def test_paused_job_that_is_given_back_stays_paused(app: Onward, store: Store, way: object) -> None:
    job = app.submit("work")
    got = claim(store)
    app.pause(job.id, actor="ada")
    give_back(store, way, got)
    assert claim(store) == []
    assert app.get(job.id).state == "paused"


def give_back(store: Store, way: object, got: list[Claim]) -> None:
    given = got if way is claims.hand_back else got[0]
    store.write(lambda conn: way(conn, store.dialect, given, store.now()))  # type: ignore[operator]


def test_next_due_is_the_earliest_waiting_time(app: Onward, store: Store) -> None:
    def due() -> object:
        with store.read() as conn:
            return ready.next_due(conn, store.dialect)

    assert due() is None
    app.submit("work", delay=7200)
    soon = app.submit("work", delay=3600)
    assert str(due())[:19] == str(soon.run_at)[:19]
    until(lambda: due() is not None)
