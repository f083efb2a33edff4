"""Chromium for all tests of a process, and a served application with a worker for each."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from onward import Context, Onward
from tests.app_fixtures import quick_settings, sqlite_template
from tests.web.served import open_page, own_server, page, served, watched
from tests.web.site import Site, browsing, missing, serving

__all__ = ["open_page", "own_server", "page", "served", "sqlite_template", "watched"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One process opens Chromium, not each of them."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("web"))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium."""
    absent = missing()
    if absent:
        pytest.skip(absent)
    with browsing() as made:
        yield made


@pytest.fixture
def app(tmp_path: Path, sqlite_template: Path) -> Iterator[Onward]:
    """An application with job types that are quick, ordered and of every category."""
    path = tmp_path / "onward.db"
    shutil.copy(sqlite_template, path)
    # With a short lease a starved machine takes its own worker for dead, and a job that a page looks at begins again.
    made = Onward(settings=quick_settings(f"sqlite:///{path}", worker={"lease_seconds": 60}))
    add_jobs(made)
    yield made
    made.close()


@pytest.fixture
def site(app: Onward, browser: Browser) -> Iterator[Site]:
    """The application, served, with a worker."""
    with app.worker(concurrency=2), serving(app) as address:
        made = Site(app, address, browser)
        yield made
        made.close()


def add_jobs(app: Onward) -> None:
    """Job types that the tests of pages use."""

    @app.job(category="content", label="Metadata", weight=20, runs_before=["index"])
    def metadata(ctx: Context, language: str = "en", limit: int = 10) -> dict[str, str]:
        """Read title and language of each document."""
        return {"language": language}

    @app.job(category="indexing", label="Index", weight=70, runs_after=["metadata"])
    def index(ctx: Context, dimension: int = 384) -> dict[str, int]:
        """Make an index by meaning."""
        return {"dimension": dimension}

    @app.job(category="maintenance", label="Tidy", weight=10)
    def tidy(ctx: Context, folder: str) -> str:
        """Tidy up a folder."""
        return folder

    @app.job(category="maintenance", label="Break")
    def breaks(ctx: Context) -> None:
        """Fail half-way."""
        for number in ctx.each(range(10)):
            if number == 5:
                ctx.checkpoint()
                raise ValueError("broken")
