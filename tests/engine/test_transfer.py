"""Everything is taken along: to a file, from a file, and to another database.

The file is long because exports, imports and moves share the database that is taken along.
"""

from __future__ import annotations

import gzip
import re
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from onward import (
    Context,
    DatabaseMoved,
    ImportClash,
    InvalidExport,
    InvalidValue,
    JobPhase,
    Onward,
    SchemaMismatch,
    WorkersOnline,
)
from onward.engine import mover
from onward.store import transfer
from onward.store.tables import metadata
from tests.app_fixtures import Apps, Gate, quick_settings, rows, run_all

QUESTION = (
    "INSERT INTO questions (question_id, job_id, generation, name, kind, on_timeout, state, asked_at, fence) "
    "VALUES ('q1', '{}', 1, 'sure', 'yes', 'fail', 'withdrawn', '2026-01-01 00:00:00.000001+00', 1)"
)
CONFLICT = "INSERT INTO conflicts (job_id, fence, kind, reason, at) VALUES ('{}', 1, 'ending', 'late', '2026-01-01 00:00:00+00')"
JOURNAL = "INSERT INTO journals (journal_id, applied, updated_at) VALUES ('j1', 7, '2026-01-01 00:00:00+00')"


def with_jobs(app: Onward) -> Onward:
    @app.job(resources=lambda params, source_id: ["gpu"], on_conflict="wait")
    def good(ctx: Context, number: int = 0) -> dict[str, Any]:
        ctx.log.info("a line with ü and 😀", number=number)
        return {"number": number, "half": number / 2, "text": 'quo"te \\ back\nline\ttab'}

    @app.job()
    def bad(ctx: Context) -> str:
        ctx.partial("texts").append("text")
        paid = ctx.step("paid", lambda: 1.5)
        ctx.checkpoint({"far": 1}, flush=True)
        if not ctx.resumed:
            raise ValueError("no luck")
        return f"goes on with {ctx.state['far']} and {paid}"

    app.chain("both", [JobPhase("good", params={"number": 1}), JobPhase("bad")])
    return app


@pytest.fixture
def app(apps: Apps) -> Onward:
    return with_jobs(apps(retention={"checkpoint_days": 0}))


@pytest.fixture
def full(app: Onward) -> Onward:
    """An application with something in nearly every table."""
    app.submit("bad", source_id="old")
    run_all(app)
    app.prune(timedelta(0))
    app.submit("good", {"number": 3}, tags=["ä", "b"], user_id="ana", idempotency_key="k")
    job = app.submit("bad", source_id="wiki")
    app.submit("both")
    run_all(app)
    app.submit("good", delay=3600, id="chosen-id", priority=3)
    app.pause(app.submit("good").id)
    app.resources.set("gpu", capacity=2)
    for sql in (QUESTION, CONFLICT):
        rows(app, sql, job.id)
    rows(app, JOURNAL)
    return app


@pytest.fixture
def elsewhere(app: Onward, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[[], str]]:
    """Addresses of empty databases of the other kind."""
    made: list[str] = []

    def make() -> str:
        if app.settings.database.url.startswith("sqlite"):
            made.append(request.getfixturevalue("postgres_databases").create())
            return made[-1]
        return f"sqlite:///{tmp_path / f'other-{len(list(tmp_path.iterdir()))}.db'}"

    yield make
    for url in made:
        request.getfixturevalue("postgres_databases").drop(url)


@pytest.fixture
def opened() -> Iterator[Callable[[str], Onward]]:
    made: list[Onward] = []

    def open_(url: str) -> Onward:
        made.append(with_jobs(Onward(settings=quick_settings(url))))
        return made[-1]

    yield open_
    for app in made:
        app.close()


def contents(app: Onward, *leave_out: str) -> dict[str, list[Any]]:
    """All rows of all tables, as plain values."""
    with app._store.snapshot() as conn:
        return {
            table.name: [row for chunk in transfer.read_table(conn, app._store.dialect, table) for row in chunk]
            for table in transfer.tables()
            if table.name not in leave_out
        }


# ---- to and from a file ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["all.jsonl", "all.jsonl.gz"])
def test_export_and_import_bring_every_table_to_the_other_database(
    full: Onward, elsewhere: Callable[[], str], opened: Callable[[str], Onward], tmp_path: Path, name: str
) -> None:
    report = full.database.export(tmp_path / name)
    assert {*report.rows} == {*metadata.tables} - {"onward_meta", *transfer.DERIVED}
    assert (tmp_path / name).stat().st_mode & 0o077 == 0, "it holds what only its owner may see"
    new = opened(elsewhere())
    taken = new.database.import_(tmp_path / name)
    assert taken.rows == report.rows
    assert contents(new) == contents(full)
    assert new.database.check() == []
    failed = new.find(status="failed", source_id="wiki")[0]
    new.resume(failed.id)
    new.cancel("chosen-id")
    rows(new, "DELETE FROM questions")
    run_all(new)
    assert new.get(failed.id).result == "goes on with 1 and 1.5"


def test_numbers_go_on_above_those_that_were_ever_given(
    full: Onward, elsewhere: Callable[[], str], opened: Callable[[str], Onward], tmp_path: Path
) -> None:
    highest = rows(full, "SELECT max(seq) FROM job_events")[0][0]
    rows(full, "DELETE FROM job_events WHERE seq = {}", highest)
    full.database.export(tmp_path / "all.jsonl")
    new = opened(elsewhere())
    new.database.import_(tmp_path / "all.jsonl")
    new.cancel("chosen-id")
    assert rows(new, "SELECT max(seq) FROM job_events")[0][0] > highest


def test_floor_of_fences_is_taken_along(
    full: Onward, elsewhere: Callable[[], str], opened: Callable[[str], Onward], tmp_path: Path
) -> None:
    rows(full, "UPDATE onward_meta SET value = '40' WHERE key = 'fence_floor'")
    full.database.export(tmp_path / "all.jsonl")
    new = opened(elsewhere())
    new.database.import_(tmp_path / "all.jsonl")
    new.submit("good", id="mine")
    run_all(new)
    assert new.get("mine").fence == 41


def test_export_that_is_there_is_not_written_over(full: Onward, tmp_path: Path) -> None:
    full.database.export(tmp_path / "all.jsonl")
    before = (tmp_path / "all.jsonl").read_bytes()
    with pytest.raises(InvalidValue, match="exists already"):
        full.database.export(tmp_path / "all.jsonl")
    assert (tmp_path / "all.jsonl").read_bytes() == before


def test_export_that_fails_leaves_no_file(full: Onward, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_(table: str, count: int) -> None:
        raise RuntimeError(table)

    with pytest.raises(RuntimeError):
        full.database.export(tmp_path / "all.jsonl", on_rows=break_)
    assert not list(tmp_path.glob("all*"))


def damaged(path: Path, how: str) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    at = next(n for n, line in enumerate(lines) if b"no luck" in line)
    match how:
        case "torn in a line":
            path.write_bytes(b"".join(lines)[:-300])
        case "torn between lines":
            path.write_bytes(b"".join(lines[:-3]))
        case "a value was changed":
            path.write_bytes(b"".join([*lines[:at], lines[at].replace(b"no luck", b"nn luck"), *lines[at + 1 :]]))
        case "a row is missing":
            path.write_bytes(b"".join(lines[:at] + lines[at + 1 :]))
        case "another file":
            path.write_bytes(b'{"phases": []}\n')
        case "an empty file":
            path.write_bytes(b"")
        case "a torn archive":
            path.write_bytes(gzip.compress(b"".join(lines))[:-200])
        case "a newer format":
            path.write_bytes(lines[0].replace(b'"onward_export":1', b'"onward_export":9') + b"".join(lines[1:]))
        case "a newer schema":
            path.write_bytes(re.sub(rb'"schema":\d+', b'"schema":99', lines[0]) + b"".join(lines[1:]))


@pytest.mark.parametrize(
    "how",
    [
        "torn in a line", "torn between lines", "a value was changed", "a row is missing", "another file",
        "an empty file", "a torn archive", "a newer format", "a newer schema",
    ],
)  # fmt: skip
def test_damaged_file_is_noticed_and_nothing_is_brought_in(
    full: Onward, opened: Callable[[str], Onward], tmp_path: Path, how: str
) -> None:
    full.database.export(tmp_path / "all.jsonl")
    damaged(tmp_path / "all.jsonl", how)
    new = opened(f"sqlite:///{tmp_path / 'new.db'}")
    with pytest.raises(InvalidExport):
        new.database.import_(tmp_path / "all.jsonl")
    assert sum(map(len, contents(new).values())) == 0


def test_file_that_is_not_there_is_an_error(app: Onward, tmp_path: Path) -> None:
    with pytest.raises(InvalidExport, match="cannot be read"):
        app.database.import_(tmp_path / "none.jsonl")


def test_older_export_has_fewer_columns_and_is_read(
    app: Onward, opened: Callable[[str], Onward], tmp_path: Path
) -> None:
    app.submit("good")
    path = tmp_path / "all.jsonl"
    app.database.export(path)
    import hashlib

    lines = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    lines[0]["schema"] = 1
    at = next(n for n, line in enumerate(lines) if isinstance(line, dict) and line.get("table") == "jobs")
    for n in range(at, len(lines) - 2):
        value = lines[n]
        if isinstance(value, list):
            lines[n] = value[:-3]
        elif "columns" in value:
            value["columns"] = value["columns"][:-3]
    data = b"".join(orjson.dumps(line) + b"\n" for line in lines[:-1])
    lines[-1]["sha256"] = hashlib.sha256(data).hexdigest()
    path.write_bytes(data + orjson.dumps(lines[-1]) + b"\n")
    new = opened(f"sqlite:///{tmp_path / 'new.db'}")
    new.database.import_(path)
    assert new.counts()["pending"] == 1


def test_what_is_there_already_is_refused_with_a_list(full: Onward, tmp_path: Path) -> None:
    full.database.export(tmp_path / "all.jsonl")
    before = contents(full)
    with pytest.raises(ImportClash, match="are there already: ") as caught:
        full.database.import_(tmp_path / "all.jsonl")
    assert "job chosen-id" in caught.value.clashes
    assert any(clash.startswith("archived job") for clash in caught.value.clashes)
    assert contents(full) == before


def test_what_is_there_already_is_passed_over(full: Onward, tmp_path: Path) -> None:
    full.database.export(tmp_path / "all.jsonl")
    before = contents(full)
    gone = full.find(status="completed", job_type="good", user_id="ana")[0]
    full.delete(gone.id)
    report = full.database.import_(tmp_path / "all.jsonl", on_clash="skip")
    assert report.rows["jobs"] == 1
    assert full.get(gone.id).result["number"] == 3
    assert [line.message for line in full.logs(gone.id)] == ["a line with ü and 😀"]
    after = contents(full)
    for name in ("jobs", "job_runs", "job_tags", "checkpoints", "archived_jobs", "resources", "questions"):
        assert sorted(map(str, after[name])) == sorted(map(str, before[name])), name
    assert len(after["job_events"]) == len(before["job_events"])


def test_key_of_another_job_is_a_clash(full: Onward, opened: Callable[[str], Onward], tmp_path: Path) -> None:
    full.database.export(tmp_path / "all.jsonl")
    new = opened(f"sqlite:///{tmp_path / 'new.db'}")
    mine = new.submit("good", idempotency_key="k")
    with pytest.raises(ImportClash, match="idempotency key k"):
        new.database.import_(tmp_path / "all.jsonl")
    report = new.database.import_(tmp_path / "all.jsonl", on_clash="skip")
    assert report.skipped["jobs"] == 1
    assert new.submit("good", idempotency_key="k").id == mine.id
    assert new.database.check() == []


def test_import_goes_beside_what_is_there(full: Onward, opened: Callable[[str], Onward], tmp_path: Path) -> None:
    full.database.export(tmp_path / "all.jsonl")
    new = opened(f"sqlite:///{tmp_path / 'new.db'}")
    job = new.submit("good", {"number": 8})
    run_all(new)
    new.database.import_(tmp_path / "all.jsonl")
    assert new.get(job.id).result["number"] == 8
    assert len(new.find(limit=100)) == len(full.find(limit=100)) + 1


def test_fence_of_what_comes_back_is_above_what_was_deleted(full: Onward, tmp_path: Path) -> None:
    full.database.export(tmp_path / "all.jsonl")
    rows(full, "UPDATE jobs SET fence = 30 WHERE job_id = 'chosen-id'")
    full.cancel("chosen-id")
    full.delete("chosen-id")
    full.database.import_(tmp_path / "all.jsonl", on_clash="skip")
    assert full.get("chosen-id").fence == 30


def test_export_is_of_one_moment(full: Onward, tmp_path: Path) -> None:
    """Jobs that are submitted while it is written are not in it, and no half of one."""

    def meanwhile(table: str, count: int) -> None:
        full.submit("good")

    before = len(full.find(limit=100))
    report = full.database.export(tmp_path / "all.jsonl", on_rows=meanwhile)
    assert report.rows["jobs"] == before
    assert len(full.find(limit=100)) > before


# ---- a job that a worker has ----------------------------------------------------------------------------------


def test_running_job_goes_on_in_the_new_place_and_the_old_worker_is_refused(
    app: Onward, elsewhere: Callable[[], str], opened: Callable[[str], Onward], tmp_path: Path
) -> None:
    gate = Gate()

    def long(ctx: Context) -> str:
        if ctx.resumed:
            return f"from {ctx.state['far']}"
        ctx.checkpoint({"far": 5}, flush=True)
        gate.pass_through()
        return "never seen"

    app.job(name="long")(long)
    job = app.submit("long", source_id="wiki")
    with app.worker(concurrency=1) as worker:
        gate.await_job()
        with pytest.raises(WorkersOnline, match=r"1 workers are online: .*pid") as caught:
            app.database.move(elsewhere())
        assert worker.name in caught.value.workers[0]
        assert app.database.moved_to() is None
        app.database.export(tmp_path / "all.jsonl")
        to = elsewhere()
        report = app.database.move(to, force=True)
        assert report.taken_over == 1
        with pytest.raises(DatabaseMoved):
            app.submit("good")
        gate.open()
        for place in (to, elsewhere()):
            new = opened(place)
            new.job(name="long")(long)
            if place != to:
                assert new.database.import_(tmp_path / "all.jsonl").taken_over == 1
            assert new.get(job.id).status == "pending"
            assert new.get(job.id).fence == 2
            run_all(new)
            assert new.get(job.id).result == "from 5"
            assert [run.status for run in new.runs(job.id)] == ["lost", "success"]
            assert new.database.check() == []
        app.database.reopen()


# ---- to another database --------------------------------------------------------------------------------------


def test_move_brings_everything_and_the_old_place_names_the_new(
    full: Onward, elsewhere: Callable[[], str], opened: Callable[[str], Onward]
) -> None:
    before, to = contents(full), elsewhere()
    dry = full.database.move(to, dry_run=True)
    assert full.database.moved_to() is None
    report = full.database.move(to)
    assert dry.rows == report.rows == {name: len(found) for name, found in before.items()}
    new = opened(to)
    assert contents(new) == before
    assert new.database.check() == []
    again = opened(full.settings.database.url)
    for app in (full, again):
        with pytest.raises(DatabaseMoved, match="was moved to"):
            app.submit("good")
    with pytest.raises(DatabaseMoved, match="was moved to"):
        again.counts()
    with pytest.raises(DatabaseMoved, match="was moved to"):
        again.database.move(elsewhere())
    assert again.database.status()["moved_to"] == report.target
    assert contents(again) == before, "the old one is left as it is"


def test_tables_of_others_are_named_as_left(full: Onward, elsewhere: Callable[[], str], tmp_path: Path) -> None:
    assert full.database.export(tmp_path / "before.jsonl").left == ()
    full.database.query("CREATE TABLE notes (id INTEGER)")
    assert full.database.export(tmp_path / "after.jsonl").left == ("notes",)
    assert full.database.move(elsewhere()).left == ("notes",)


def test_writing_by_hand_is_refused_too(full: Onward, elsewhere: Callable[[], str]) -> None:
    full.database.move(elsewhere())
    with pytest.raises(Exception, match="onward-moved"), full.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE jobs SET priority = 9")


def test_move_there_and_back(full: Onward, elsewhere: Callable[[], str], opened: Callable[[str], Onward]) -> None:
    before, to = contents(full), elsewhere()
    full.database.move(to)
    new = opened(to)
    new.submit("good", id="made-there")
    with pytest.raises(DatabaseMoved):
        new.database.move(full.settings.database.url)
    full.database.reset()
    new.database.move(full.settings.database.url)
    assert full.get("made-there").status == "pending"
    assert len(contents(full)["jobs"]) == len(before["jobs"]) + 1


def test_old_place_can_be_opened_again(full: Onward, elsewhere: Callable[[], str]) -> None:
    full.database.move(elsewhere())
    assert full.database.reopen()
    assert not full.database.reopen()
    job = full.submit("good")
    assert full.get(job.id).status == "pending"
    assert full.database.check() == []


def test_place_that_is_not_empty_is_refused(
    full: Onward, elsewhere: Callable[[], str], opened: Callable[[str], Onward]
) -> None:
    to = elsewhere()
    opened(to).submit("good")
    with pytest.raises(ImportClash, match="is not empty: job"):
        full.database.move(to)
    assert full.database.moved_to() is None
    full.submit("good")


def test_place_of_another_schema_is_refused(
    full: Onward, elsewhere: Callable[[], str], opened: Callable[[str], Onward]
) -> None:
    to = elsewhere()
    other = opened(to)
    rows(other, "UPDATE onward_version SET version_num = '99'")
    with pytest.raises(SchemaMismatch, match="has schema 99"):
        full.database.move(to)
    full.submit("good")


def test_move_to_where_it_is_already_is_refused(full: Onward) -> None:
    with pytest.raises(InvalidValue, match="there already"):
        full.database.move(full.settings.database.url)


def test_dry_run_makes_no_file(full: Onward, tmp_path: Path) -> None:
    full.database.move(f"sqlite:///{tmp_path / 'to.db'}", dry_run=True)
    assert not (tmp_path / "to.db").exists()


def test_move_that_fails_leaves_the_old_place_open_and_the_new_one_empty(
    full: Onward, elsewhere: Callable[[], str], opened: Callable[[str], Onward]
) -> None:
    to = elsewhere()

    def break_(table: str, count: int) -> None:
        if table == "jobs":
            raise RuntimeError(table)

    with pytest.raises(RuntimeError):
        full.database.move(to, on_rows=break_)
    full.submit("good")
    assert sum(map(len, contents(opened(to)).values())) == 0
    full.database.move(to)


def test_difference_after_the_move_is_noticed(
    full: Onward, elsewhere: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    load = transfer.load

    def forgetful(conn: Any, dialect: Any, table: Any, names: Any, found: list[Any]) -> None:
        load(conn, dialect, table, names, found[:-1] if table.name == "job_runs" else found)

    monkeypatch.setattr(transfer, "load", forgetful)
    with pytest.raises(Exception, match="job_runs differs after the move"):
        full.database.move(elsewhere())
    full.submit("good")


def test_move_that_was_cut_off_before_its_last_word_is_finished(
    full: Onward, elsewhere: Callable[[], str], opened: Callable[[str], Onward], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new place has everything, the old one does not know it yet: running it again only says so."""
    to = elsewhere()
    set_mark = mover.moved.set_mark
    marks: list[str] = []

    def dies(conn: Any, dialect: Any, mark: Any) -> None:
        marks.append(mark.state)
        if marks == ["moving", "moved"]:
            raise KeyboardInterrupt
        set_mark(conn, dialect, mark)

    monkeypatch.setattr(mover.moved, "set_mark", dies)
    with pytest.raises(KeyboardInterrupt):
        full.database.move(to)
    with pytest.raises(DatabaseMoved, match="is being moved"):
        full.submit("good")
    new = opened(to)
    new.submit("good", id="made-there")
    full.database.move(to)
    with pytest.raises(DatabaseMoved, match="was moved"):
        full.submit("good")
    assert new.get("made-there").id == "made-there"


def test_file_can_be_copied_away_meanwhile(full: Onward, tmp_path: Path) -> None:
    """An export is a file like any other."""
    full.database.export(tmp_path / "all.jsonl.gz")
    shutil.copy(tmp_path / "all.jsonl.gz", tmp_path / "copy")
    new = with_jobs(Onward(settings=quick_settings(f"sqlite:///{tmp_path / 'new.db'}")))
    new.database.import_(tmp_path / "copy")
    assert len(new.find(limit=100)) == len(full.find(limit=100))
    new.close()
