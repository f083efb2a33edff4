"""A client that speaks to the web application of the test's database, from this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from fastapi.testclient import TestClient

from onward import Context, Onward
from onward.server.app import create_app
from tests.app_fixtures import Apps, apps, gate, postgres_template, prepared_url, sqlite_template

__all__ = ["apps", "gate", "postgres_template", "prepared_url", "sqlite_template"]
HERE = "http://127.0.0.1:8811"


def add_jobs(app: Onward) -> None:
    """Job types that the tests of the server use."""

    @app.job(category="content", label="Count words", sensitive=["token"])
    def count(ctx: Context, number: int = 1, token: str = "") -> dict[str, int]:
        """Count something."""
        return {"number": number}

    @app.job(label="Break")
    def breaks(ctx: Context, number: int = 1) -> None:
        ctx.state["number"] = number
        ctx.checkpoint()
        raise ValueError(f"broke at {number}")

    @app.job()
    def talks(ctx: Context, lines: int = 5) -> None:
        for number in range(lines):
            ctx.log.info(f"line {number}")

    @app.job()
    def asks(ctx: Context) -> object:
        return ctx.ask("confirm", {"text": "sure?"}, prompt="Go on?", schema={"type": "boolean"})


@pytest.fixture
def clients() -> Iterator[Callable[..., TestClient]]:
    """Makes clients, and closes them at the end."""
    with ExitStack() as stack:

        def make(app: Onward, address: str = "127.0.0.1", base: str = HERE, **options: object) -> TestClient:
            web = create_app(app, is_strict_host=True, **options)  # type: ignore[arg-type]  # a test's own options
            client = TestClient(web, base_url=base, client=(address, 50_000), raise_server_exceptions=False)
            return stack.enter_context(client)

        yield make


@pytest.fixture
def app(apps: Apps) -> Onward:
    """An application with job types."""
    made = apps()
    add_jobs(made)
    return made


@pytest.fixture
def client(app: Onward, clients: Callable[..., TestClient]) -> TestClient:
    """A client on this machine: it needs no key."""
    return clients(app)
