"""What chaos has found, each as small as it goes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

import pytest

from chaos.proxy import Mode, Proxies
from onward import Onward, StoreUnavailable
from tests.app_fixtures import quick_settings


@pytest.fixture
def proxies() -> Iterator[Proxies]:
    made = Proxies()
    yield made
    made.close()


def test_connection_that_nobody_answers_is_an_outage_and_not_a_wait_for_ever(
    postgres_url: str, proxies: Proxies
) -> None:
    parts = urlsplit(postgres_url)
    proxy = proxies.add((parts.hostname or "127.0.0.1", parts.port or 5432))
    user = f"{parts.username}:{parts.password}" if parts.password else parts.username
    app = Onward(settings=quick_settings(urlunsplit(parts._replace(netloc=f"{user}@127.0.0.1:{proxy.port}"))))
    app.counts()
    proxies.change(proxy, Mode.HOLE)
    heard: list[BaseException] = []

    def ask() -> None:
        try:
            app.counts()
        except StoreUnavailable as error:
            heard.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(12)
    hung = thread.is_alive()
    proxies.change(proxy, Mode.RESET)
    thread.join(10)
    app.close()
    assert not hung
    assert heard
