"""A server in a process of its own, which tests may stop, and pages that are watched for what they must never do."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "src" / "onward" / "server" / "static"
PATIENCE = 45.0
START_PATIENCE = 100.0
expect.set_options(timeout=PATIENCE * 1000)


class Served:
    """A server that runs: its address, its interface, and the gates of its jobs."""

    def __init__(self, folder: Path, database: str, prefix: str = "", **environment: str) -> None:
        self.folder, self.database, self.prefix, self.environment = folder, database, prefix, environment
        self.gates = folder / "gates"
        self.gates.mkdir(exist_ok=True)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Start, and wait until it answers."""
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("ONWARD_")},
            "ONWARD_DATABASE_URL": self.database,
            "ONWARD_WORKER_LEASE_SECONDS": "60",
            "ONWARD_WORKER_PROGRESS_SECONDS": "0.05",
            "GATES": str(self.gates),
            **self.environment,
        }
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *self._command()],
                cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        try:
            wait_until(self.is_ready, lambda: f"the server did not start: {self.log()}", START_PATIENCE)
        except BaseException:
            self.stop()
            raise

    def _command(self) -> list[str]:
        if self.prefix:
            return ["tests.web.mounted", self.prefix, str(self.port)]
        return ["onward", "serve", "--app", "tests.web.jobs_app:app", "--port", str(self.port)]

    def is_ready(self) -> bool:
        """Whether it answers; a server that has ended fails the test at once."""
        assert self.process is not None
        assert self.process.poll() is None, self.log()
        try:
            return httpx.get(f"{self.url}{self.prefix}/healthz", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    def log(self) -> str:
        return (self.folder / "server.log").read_text(encoding="utf-8", errors="replace")[-3000:]

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def call(self, path: str, body: Any = None, method: str | None = None) -> Any:
        """The interface, as any program uses it."""
        answer = httpx.request(
            method or ("GET" if body is None else "POST"), f"{self.url}{self.prefix}/api/v1/{path}",
            json=body, timeout=PATIENCE,
        )  # fmt: skip
        assert answer.is_success, f"{path}: {answer.status_code} {answer.text[:500]}"
        return answer.json() if answer.content else None

    def submit(self, job_type: str, params: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        """A new job."""
        job: dict[str, Any] = self.call("jobs", {"job_type": job_type, "params": params or {}, **more})
        return job

    def wait(self, job: dict[str, Any], *states: str) -> dict[str, Any]:
        """The job, once it is in one of these states."""
        found: dict[str, Any] = {}

        def is_there() -> bool:
            found.update(self.call(f"jobs/{job['id']}"))
            return found["state"] in states

        wait_until(is_there, lambda: f"{job['job_type']} is {found.get('state')}, not {states}")
        return found

    def open(self, gate: str) -> None:
        """Let the jobs go on that wait at this gate."""
        (self.gates / gate).touch()


def wait_until(holds: Callable[[], bool], otherwise: Callable[[], str], patience: float = PATIENCE) -> None:
    """Look again and again until it holds."""
    deadline = time.monotonic() + patience
    while not holds():
        assert time.monotonic() < deadline, otherwise()
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Served]:
    """One server with a worker for all tests that do not need their own."""
    folder = tmp_path_factory.mktemp("served")
    running = Served(folder, f"sqlite:///{folder / 'onward.db'}")
    yield running
    running.stop()


@pytest.fixture
def own_server(tmp_path: Path, browser: Browser) -> Iterator[Callable[..., Served]]:
    """Servers of a test's own."""
    made: list[Served] = []

    def serve(**environment: str) -> Served:
        database = environment.pop("database", f"sqlite:///{tmp_path / 'onward.db'}")
        made.append(Served(tmp_path, database, **environment))
        return made[-1]

    yield serve
    for server in made:
        server.stop()


class Watched:
    """Notes whatever a page must never do: errors, refused content, requests to other hosts."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self.allowed: tuple[str, ...] = ()

    def watch(self, page: Page, host: str) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.faults.append(f"error in the page: {error}"))
        page.on("dialog", lambda dialog: (self.faults.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on(
            "request",
            lambda request: (
                self.faults.append(f"asks {request.url}")
                if not request.url.startswith((host, "data:", "blob:"))
                else None
            ),
        )

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not any(text in message.text for text in self.allowed):
            self.faults.append(f"console: {message.text}")


@pytest.fixture
def watched() -> Watched:
    return Watched()


@pytest.fixture
def open_page(browser: Browser, watched: Watched) -> Iterator[Callable[..., Page]]:
    """Opens pages of a server; at the end none of them may have done what pages must never do."""
    contexts: list[BrowserContext] = []

    def opened(server: Served, path: str = "/", *, context: BrowserContext | None = None, **options: Any) -> Page:
        if context is None:
            context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}, **options})
            contexts.append(context)
        page = context.new_page()
        watched.watch(page, server.url)
        page.goto(f"{server.url}{path}")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not watched.faults, "\n".join(watched.faults)


@pytest.fixture
def page(served: Served, open_page: Callable[..., Page]) -> Callable[[str], Page]:
    """A page of the shared server, by its path."""
    return lambda path: open_page(served, path)


def job_path(job: dict[str, Any], tab: str = "") -> str:
    return f"/jobs/{job['id']}" + (f"?tab={tab}" if tab else "")


def short(job: dict[str, Any]) -> str:
    return str(job["id"][-6:].upper())
