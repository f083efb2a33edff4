"""What a worker of the command line says of its runs, and where it offers its metrics."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from onward import Onward
from onward.telemetry.metrics import expose

JOBS = """\
from onward import Context, Onward

app = Onward()


@app.job
def greet(ctx: Context, name: str) -> str:
    return f"hello {name}"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "jobs.py").write_text(JOBS)
    return tmp_path


def run(folder: Path, *words: str, **more: str) -> str:
    env = {
        **os.environ,
        "ONWARD_APP": "jobs:app",
        "ONWARD_DATABASE_URL": "sqlite:///onward.db",
        "HOME": str(folder),
        **more,
    }
    done = subprocess.run(
        [sys.executable, "-m", "onward", *words],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_worker_writes_json_for_machines_and_text_where_asked(folder: Path) -> None:
    worker = ("worker", "--until-idle", "--no-supervisor")
    run(folder, "run", "greet", "-a", "name=ada")
    lines = [json.loads(line) for line in run(folder, *worker).splitlines() if line.startswith("{")]
    (line,) = [line for line in lines if "job_id" in line]
    assert (line["service"], line["filename.function_name"], line["job_name"], line["success"]) == (
        "onward-worker",
        "jobs.greet",
        "greet",
        True,
    )
    run(folder, "run", "greet", "-a", "name=grace")
    said = run(folder, *worker, ONWARD_LOG_FORMAT="text")
    assert "run ended: success" in said
    assert "job_name=greet" in said
    run(folder, "run", "greet", "-a", "name=joan")
    assert "run ended" not in run(folder, *worker, LOG_LEVEL="ERROR")


def test_worker_offers_its_metrics_where_the_settings_say(tmp_path: Path) -> None:
    app = Onward(f"sqlite:///{tmp_path}/onward.db")
    address, end = expose(app.metrics, "127.0.0.1", 0)
    try:
        assert "onward_database_up 1.0" in httpx.get(address, timeout=60).text
    finally:
        end()
        app.close()
