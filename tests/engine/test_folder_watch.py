"""A watched folder: files that change start a job of the schedule, once the changes have ceased."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from onward import Context, InvalidConfig, Onward
from onward.model.schedule import Watched
from tests.app_fixtures import PATIENCE, pause, quick_settings, until


class Folder:
    """The folder that is watched, and the application whose job reads it."""

    def __init__(self, app: Onward, path: Path) -> None:
        self.app = app
        self.path = path
        self.watched: Watched | None = Watched(path, (".md",))
        self.seen: list[set[str]] = []
        self.gate = threading.Event()
        self.gate.set()
        app.job(name="read")(self.read)
        app.job_types.default_schedule("read", cron="0 0 1 1 *", watch=lambda: self.watched)
        [self.declared] = app.job_types.default_schedules()

    def read(self, ctx: Context) -> int:
        """See which notes there are; one that comes later is not seen any more."""
        self.seen.append({file.name for file in self.path.rglob("*.md")})
        assert self.gate.wait(PATIENCE)
        return len(self.seen)

    def write(self, *names: str) -> None:
        for name in names:
            (self.path / name).parent.mkdir(exist_ok=True)
            (self.path / name).write_text("text\n")

    def until_seen(self, *names: str) -> None:
        until(lambda: self.seen and set(names) <= self.seen[-1], f"a job that sees {names}")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    (tmp_path / "notes").mkdir()
    app = Onward(settings=quick_settings(f"sqlite:///{tmp_path / 'jobs.db'}"))
    made = Folder(app, tmp_path / "notes")
    with app.scheduler(), app.worker(concurrency=2):
        until(lambda: made.seen, "the job with which the watch begins")
        until(lambda: app.counts().get("completed", 0) == len(made.seen), "its end")
        yield made
        made.gate.set()
    app.close()


def test_changes_start_one_job_and_other_files_none(folder: Folder) -> None:
    before = len(folder.seen)
    folder.write("one.md", "two.md", "below/three.md")
    folder.until_seen("one.md", "two.md", "three.md")
    folder.write(".hidden.md", "picture.png", ".obsidian/workspace.md")
    pause(3)
    assert len(folder.seen) <= before + 2, "a folder that is new may be told apart from what is in it"
    (folder.path / "one.md").unlink()
    until(lambda: "one.md" not in folder.seen[-1], "a job after a note went")


def test_change_that_comes_while_a_job_runs_is_seen_by_the_next_one(folder: Folder) -> None:
    folder.gate.clear()
    folder.write("early.md")
    folder.until_seen("early.md")
    folder.write("late.md")
    pause(3)
    assert "late.md" not in folder.seen[-1]
    folder.gate.set()
    folder.until_seen("early.md", "late.md")


def test_paused_and_deleted_schedules_start_nothing(folder: Folder) -> None:
    before = len(folder.seen)
    folder.app.schedules.pause("read")
    folder.write("paused.md")
    pause(3)
    assert len(folder.seen) == before
    folder.app.schedules.resume("read")
    folder.write("resumed.md")
    folder.until_seen("paused.md", "resumed.md")
    before = len(folder.seen)
    folder.app.schedules.pause_all(reason="maintenance")
    folder.write("all paused.md")
    pause(3)
    assert len(folder.seen) == before
    folder.app.schedules.resume_all()
    folder.app.schedules.delete("read")
    folder.write("deleted.md")
    pause(3)
    assert len(folder.seen) == before


def test_another_folder_may_be_meant_meanwhile(folder: Folder, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    folder.watched, folder.path = Watched(other, (".md",)), other
    folder.write("there.md")
    folder.until_seen("there.md")
    assert folder.seen[-1] == {"there.md"}, "and no more of the one before"


def test_another_folder_under_the_same_name_is_watched_as_well(folder: Folder, tmp_path: Path) -> None:
    folder.path.rename(tmp_path / "before")
    folder.path.mkdir()
    folder.write("new.md")
    folder.until_seen("new.md")
    before = len(folder.seen)
    pause(3)
    folder.write("later.md")
    folder.until_seen("later.md")
    assert len(folder.seen) <= before + 2


def test_what_is_not_meant_takes_no_turn_from_what_is(folder: Folder) -> None:
    stop = threading.Event()

    def scribble() -> None:
        while not stop.wait(0.05):
            (folder.path / ".state.json").write_text("{}")

    thread = threading.Thread(target=scribble)
    thread.start()
    folder.gate.clear()
    folder.write("early.md")
    try:
        until(lambda: folder.seen and "early.md" in folder.seen[-1], "a job in spite of that", 45)
        folder.write("late.md")
        folder.gate.set()
        until(lambda: "late.md" in folder.seen[-1], "the next job", 45)
        assert folder.seen[-1] == {"early.md", "late.md"}
    finally:
        stop.set()
        thread.join()


def test_settings_that_are_wrong_are_told_once_and_the_watch_goes_on(
    folder: Folder, caplog: pytest.LogCaptureFixture
) -> None:
    def wrong() -> Watched | None:
        raise InvalidConfig("vault.pth is not a setting.")

    right = folder.declared.watch
    object.__setattr__(folder.declared, "watch", wrong)
    until(lambda: "vault.pth" in caplog.text, "a complaint")
    pause(3)
    assert caplog.text.count("vault.pth") == 1
    object.__setattr__(folder.declared, "watch", right)
    pause(11)
    folder.write("again.md")
    folder.until_seen("again.md")
