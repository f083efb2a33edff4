from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from onward import Onward
from onward.model.job_filter import read_query
from onward.model.query import JobQuery, Term
from onward.store import Store, finding, tallies
from tests.app_fixtures import run_all


def ids(client: TestClient, asked: str) -> list[str]:
    answer = client.get(f"/api/v1/jobs?{asked}")
    assert answer.status_code == 200, answer.text
    return [job["id"] for job in answer.json()["items"]]


@pytest.fixture
def story(app: Onward) -> dict[str, str]:
    """Jobs of every kind."""
    from onward.model.ids import shown

    made = {
        "done": app.submit("count", {"number": 7}, tags=["night", "tenant:acme"]),
        "broken": app.submit("breaks", source_id="wiki"),
        "asking": app.submit("asks", user_id="ana"),
    }
    run_all(app)
    made["late"] = app.submit("count", {"number": 8}, delay=3600)
    made["waiting"] = app.submit("count", {"number": 9}, queue="gpu", priority=4)
    made["stopped"] = app.cancel(app.submit("count").id)
    return {name: shown(job.id) for name, job in made.items()}


def test_every_filter_finds_what_it_says(story: dict[str, str], client: TestClient) -> None:
    wanted = {
        "state=succeeded": ["done"],
        "state=interrupted": ["broken"],
        "state=failed": [],
        "state=input": ["asking"],
        "state=scheduled": ["late"],
        "state=queued": ["waiting"],
        "state=cancelled,interrupted": ["broken", "stopped"],
        "-state=succeeded,cancelled": ["broken", "asking", "late", "waiting"],
        "status=failed,cancelled": ["broken", "stopped"],
        "status=completed": ["done"],
        "job_type=br*,asks": ["broken", "asking"],
        "-job_type=count": ["broken", "asking"],
        "queue=gpu": ["waiting"],
        "tag=night": ["done"],
        "tag=tenant:*": ["done"],
        "source_id=wiki": ["broken"],
        "resource=source:wiki": ["broken"],
        "user_id=ana": ["asking"],
        "error=ValueError": ["broken"],
        "error=Key*": [],
        "-error=ValueError": ["done", "asking", "late", "waiting", "stopped"],
        "arg.number=7": ["done"],
        "job_type=count&arg.number=8,9": ["late", "waiting"],
        "q=BROKE": ["broken"],
        "duration=<10m": ["done", "broken", "asking"],
        "duration=>10m": [],
        "created=1h..": list(story),
        "created=..2020-01-01": [],
        "ack=false&state=interrupted": ["broken"],
        "ack=true": [],
        "parent_id=none&status=failed": ["broken"],
        "dim=1536": [],
        "chain=nightly": [],
        "worker=nobody": [],
    }
    for asked, names in wanted.items():
        assert sorted(ids(client, asked)) == sorted(story[name] for name in names), asked
        count = client.get(f"/api/v1/jobs?{asked}&count=capped").json()["count"]
        assert count == {"value": len(names), "exact": True}, asked


def test_pages_go_on_and_back_by_every_order(app: Onward, client: TestClient) -> None:
    app.submit_many([("count", {"number": n}) for n in range(23)])
    for n, job in enumerate(list(app.find(limit=23))):
        app.change(job.id, priority=n % 3)
    for sort in ("-created", "created", "-priority", "priority", "updated", "-started"):
        everything = ids(client, f"sort={sort}&limit=100")
        assert len(set(everything)) == 23
        forth: list[list[str]] = []
        after = ""
        while True:
            page = client.get(f"/api/v1/jobs?sort={sort}&limit=5{after}").json()
            forth.append([job["id"] for job in page["items"]])
            if page["next"] is None:
                break
            after = f"&after={page['next']}"
        assert [one for part in forth for one in part] == everything, sort
        back: list[list[str]] = []
        while page["prev"] is not None:
            page = client.get(f"/api/v1/jobs?sort={sort}&limit=5&after={page['prev']}").json()
            back.insert(0, [job["id"] for job in page["items"]])
        assert back == forth[:-1], sort


def test_wrong_filters_name_their_key(client: TestClient) -> None:
    for asked, key in (
        ("created=soon", "/created"),
        ("state=bad", "/state"),
        ("duration=long", "/duration"),
        ("-dim=x", "/-dim"),
        ("ack=maybe", "/ack"),
        ("sort=name", "/sort"),
    ):
        answer = client.get(f"/api/v1/jobs?{asked}")
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, key), asked
    page = client.get("/api/v1/jobs?state=queued&after=bm8").json()
    assert page["code"] == "cursor-mismatch"
    assert client.get("/api/v1/jobs?limit=201").status_code == 400


def test_sensitive_parameters_are_not_looked_for(story: dict[str, str], client: TestClient) -> None:
    answer = client.get("/api/v1/jobs?arg.token=x")
    assert (answer.status_code, answer.json()["code"]) == (400, "filter-invalid")


def plan(app: Onward, sql: str, params: list[Any]) -> str:
    store: Store = app._store  # how the statements run is the store's affair; nobody else sees it
    with store.read() as conn:
        if store.is_sqlite:
            found = store.dialect.query(conn, f"EXPLAIN QUERY PLAN {sql}", params)
            return "\n".join(str(row[3]) for row in found)
        store.dialect.query(conn, "SELECT set_config('enable_seqscan', 'off', false)", [])
        try:
            return "\n".join(str(row[0]) for row in store.dialect.query(conn, f"EXPLAIN {sql}", params))
        finally:
            store.dialect.query(conn, "SELECT set_config('enable_seqscan', 'on', false)", [])


QUERIES = [
    JobQuery(),
    JobQuery(statuses=("failed",)),
    JobQuery(terms=(Term("state", ("failed", "interrupted")),)),
    JobQuery(terms=(Term("state", ("running",)), Term("job_type", ("count",)))),
    JobQuery(terms=(Term("job_type", ("count", "breaks")),)),
    JobQuery(source_id="wiki"),
    JobQuery(user_id="ana"),
    JobQuery(tag="night"),
    JobQuery(parent_id="x"),
    JobQuery(terms=(Term("queue", ("gpu",)),), is_deep=False),
    JobQuery(terms=(Term("error", ("ValueError",)),), is_deep=False),
    JobQuery(terms=(Term("state", ("succeeded",)),), is_deep=False),
    JobQuery(sort="-updated"),
    JobQuery(since=datetime(2026, 1, 1, tzinfo=UTC), is_deep=False),
]


def test_no_list_scans_the_table(app: Onward, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every list reads jobs through an index, in the order of their ids, so that it can stop when the page is full."""
    asked: list[tuple[str, list[Any]]] = []
    store: Store = app._store
    original = type(store.dialect).query
    store.prepare()

    def note(self: Any, conn: Any, sql: str, params: Any) -> Any:
        if "FROM jobs" in sql and not sql.startswith("EXPLAIN"):
            asked.append((sql, list(params)))
        return original(self, conn, sql, params)

    monkeypatch.setattr(type(store.dialect), "query", note)
    with store.read() as conn:
        for query in QUERIES:
            finding.find_jobs(conn, store.dialect, query, 50, None, "0199")
            finding.count_jobs(conn, store.dialect, query, floor="0199")
        finding.count_jobs(conn, store.dialect, JobQuery(), 10**9)
        tallies.by_status(conn, store.dialect)
        finding.newest_floor(conn, store.dialect)
    monkeypatch.undo()
    for sql, params in asked:
        told = plan(app, sql, params)
        if store.is_sqlite:
            scans = [line for line in told.splitlines() if line.startswith("SCAN jobs") and "USING" not in line]
            assert not scans, f"{sql}\n{told}"
        else:
            assert "Seq Scan on jobs" not in told, f"{sql}\n{told}"


def test_filters_are_read_as_they_stand_in_an_address(app: Onward) -> None:
    query = read_query([("state", "failed,interrupted"), ("-queue", "gpu"), ("created", "2026-09-01")], app.clock.now())
    assert query.terms == (Term("state", ("failed", "interrupted")), Term("queue", ("gpu",), negated=True))
    assert query.since is not None
    assert query.until is not None
    assert (query.until - query.since).days == 1


def test_query_for_young_jobs_looks_at_no_old_ones(app: Onward) -> None:
    young = app.submit("count").id
    store: Store = app._store
    query = JobQuery(since=app.clock.now() - timedelta(minutes=5), is_deep=False)
    with store.read() as conn:
        # Old by its id, young by what its row says.
        store.dialect.execute(conn, "UPDATE jobs SET job_id = '00000001' WHERE job_id = ?", [young])
        assert len(finding.find_jobs(conn, store.dialect, query, 50).jobs) == 1
        assert finding.find_jobs(conn, store.dialect, query, 50, None, "0000").jobs == []
        assert finding.count_jobs(conn, store.dialect, query, floor="0000") == 0
