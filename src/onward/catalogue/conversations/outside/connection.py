"""Where conversations are kept, from the settings; and the connection to Redis."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import quote

from onward.catalogue.conversations.extras import load
from onward.errors import OnwardError
from onward.settings import LangGraph, Settings, hide_secrets

_log = logging.getLogger(__name__)
_SECONDS = 30.0
_OTHERS = {0: "a cache", 1: "Celery"}
"""What is often kept in the first databases of a shared Redis."""


def address(here: LangGraph) -> str:
    """The address that the settings say: ``langgraph.url``, else Redis at its host, port and database."""
    if here.url is not None:
        return here.url
    password = f":{quote(here.redis_password, safe='')}@" if here.redis_password else ""
    return f"redis://{password}{here.redis_host or 'localhost'}:{here.redis_port}/{here.redis_db}"


def is_redis(url: str) -> bool:
    """Whether an address is one of Redis."""
    return url.partition("://")[0] in ("redis", "rediss", "unix")


def get_redis_connection(settings: Settings | None = None) -> Any:
    """A ``redis.Redis`` for the conversations, from the settings; by default database 2 of localhost:6379.

    It gives bytes, since values need not be text. Raises ``OnwardError`` when the settings name another kind of
    database, ``MissingExtra`` when redis is not installed. Nothing is sent before the first command.
    """
    url = address((settings or Settings.load()).langgraph)
    if not is_redis(url):
        raise OnwardError(
            f"The conversations are not in Redis, but at {hide_secrets(url)}.",
            hint="Set ONWARD_LANGGRAPH_URL to an address such as redis://localhost:6379/2.",
        )
    return connect(url)


def connect(url: str) -> Any:
    """A connection to Redis; a call that is not answered ends after a while."""
    redis = load("redis")
    client = redis.Redis.from_url(
        url, socket_timeout=_SECONDS, socket_connect_timeout=_SECONDS, health_check_interval=30, decode_responses=False
    )
    database = database_of(client)
    if database in _OTHERS:
        _log.warning(
            "Conversations are looked for in database %s of Redis, where %s is often kept; their own is usually 2.",
            database,
            _OTHERS[database],
        )
    return client


def database_of(client: Any) -> int:
    """The number of the database that a connection talks to."""
    return int(client.connection_pool.connection_kwargs.get("db") or 0)
