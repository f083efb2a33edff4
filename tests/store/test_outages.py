from __future__ import annotations

from pathlib import Path

import pytest

from onward import Onward, StoreUnavailable
from tests.app_fixtures import quick_settings, run_all
from tests.servers import Postgres


def test_database_that_cannot_be_reached_is_named_without_its_password() -> None:
    app = Onward(settings=quick_settings("postgresql://me:canary@127.0.0.1:1/jobs"))
    with pytest.raises(StoreUnavailable) as caught:
        app.counts()
    assert "127.0.0.1:1" in str(caught.value)
    assert "canary" not in str(caught.value)


def test_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="nowhere"):
        Onward(settings=quick_settings(f"sqlite:///{tmp_path / 'nowhere' / 'onward.db'}")).counts()


def test_application_goes_on_after_its_server_was_restarted(own_postgres: Postgres) -> None:
    app = Onward(settings=quick_settings(own_postgres.create()))

    @app.job()
    def work() -> int:
        return 1

    app.submit("work")
    own_postgres.kill()
    with pytest.raises(StoreUnavailable):
        app.submit("work")
    with pytest.raises(StoreUnavailable):
        app.counts()
    own_postgres.start()
    app.submit("work")
    assert app.counts()["pending"] == 2
    run_all(app)
    assert app.counts()["completed"] == 2
    app.close()
