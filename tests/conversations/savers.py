"""Real savers of LangGraph, each on its real server, and what is left in them."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Build = Callable[[Any], Any]


class Saver:
    """One kind of saver: runs graphs with it, and counts what it has of threads."""

    is_shallow = False
    has_delta = True

    def __init__(self, url: str) -> None:
        self.url = url

    def open(self) -> contextlib.AbstractContextManager[Any]:
        """The saver."""
        raise NotImplementedError

    def run(self, build: Build, thread: str, given: Any) -> Any:
        """Run a graph on a thread, as far as it goes."""
        with self.open() as saver:
            return build(saver).invoke(given, config(thread))

    def state(self, build: Build, thread: str) -> tuple[Any, tuple[str, ...]]:
        """The values of a thread, and which nodes come next."""
        with self.open() as saver:
            found = build(saver).get_state(config(thread))
            return found.values, found.next

    def count(self, thread: str) -> dict[str, int]:
        """How many checkpoints and other records there are of a thread."""
        raise NotImplementedError

    def dangling(self) -> list[str]:
        """What belongs to nothing."""
        raise NotImplementedError

    def damage(self, thread: str) -> None:
        """Put other things than they are into a thread's checkpoints."""
        raise NotImplementedError


def config(thread: str) -> dict[str, Any]:
    return {"configurable": {"thread_id": thread}}


class Async(Saver):
    """A saver whose graphs run on an event loop."""

    def open_async(self) -> contextlib.AbstractAsyncContextManager[Any]:
        raise NotImplementedError

    def run(self, build: Build, thread: str, given: Any) -> Any:
        async def go() -> Any:
            async with self.open_async() as saver:
                return await build(saver).ainvoke(given, config(thread))

        return asyncio.run(go())

    def state(self, build: Build, thread: str) -> tuple[Any, tuple[str, ...]]:
        async def go() -> tuple[Any, tuple[str, ...]]:
            async with self.open_async() as saver:
                found = await build(saver).aget_state(config(thread))
                return found.values, found.next

        return asyncio.run(go())


class InRedis(Saver):
    """RedisSaver."""

    def client(self) -> Any:
        import redis

        return redis.Redis.from_url(self.url, decode_responses=True)

    @contextlib.contextmanager
    def open(self) -> Iterator[Any]:
        from langgraph.checkpoint.redis import RedisSaver

        with RedisSaver.from_conn_string(self.url) as saver:
            saver.setup()
            yield saver

    def keys(self) -> list[str]:
        with self.client() as client:
            return sorted(client.scan_iter("*", count=1000))

    def count(self, thread: str) -> dict[str, int]:
        keys = self.keys()
        own = [key for key in keys if f":{thread}:" in key]
        return {"checkpoints": sum(key.startswith("checkpoint:") for key in own), "all": len(own)}

    def dangling(self) -> list[str]:
        keys = set(self.keys())
        documents = {key.removeprefix("checkpoint:") for key in keys if key.startswith("checkpoint:")}
        found = []
        with self.client() as client:
            for key in keys:
                kind, _, rest = key.partition(":")
                if kind == "checkpoint_latest" and client.get(key) not in keys:
                    found.append(key)
                if kind == "write_keys_zset" and (rest not in documents or not set(client.zrange(key, 0, -1)) <= keys):
                    found.append(key)
                if kind == "checkpoint_write" and rest.rsplit(":", 2)[0] not in documents:
                    found.append(key)
        return found

    def damage(self, thread: str) -> None:
        with self.client() as client:
            for key in client.scan_iter(f"checkpoint:{thread}:*"):
                client.json().set(key, "$.checkpoint.versions_seen", [1])
                client.json().set(key, "$.checkpoint.channel_versions", "x")
                client.json().set(key, "$.checkpoint.v", {"v": []})
                client.json().set(key, "$.metadata", [{"parents": 7}])


class InRedisAsync(Async, InRedis):
    """AsyncRedisSaver."""

    @contextlib.asynccontextmanager
    async def open_async(self) -> Any:
        from langgraph.checkpoint.redis.aio import AsyncRedisSaver

        async with AsyncRedisSaver.from_conn_string(self.url) as saver:
            await saver.asetup()
            yield saver


class InRedisShallow(InRedis):
    """ShallowRedisSaver."""

    is_shallow = True
    has_delta = False

    @contextlib.contextmanager
    def open(self) -> Iterator[Any]:
        from langgraph.checkpoint.redis import ShallowRedisSaver

        with ShallowRedisSaver.from_conn_string(self.url) as saver:
            saver.setup()
            yield saver

    def dangling(self) -> list[str]:
        """Old writes stay until they are old enough: here only what is left of threads that are no more."""
        keys = self.keys()
        threads = {key.split(":")[1] for key in keys if key.startswith("checkpoint:")}
        return [key for key in keys if key.split(":")[1] not in threads]


class InRedisShallowAsync(Async, InRedisShallow):
    """AsyncShallowRedisSaver."""

    @contextlib.asynccontextmanager
    async def open_async(self) -> Any:
        from langgraph.checkpoint.redis.ashallow import AsyncShallowRedisSaver

        async with AsyncShallowRedisSaver.from_conn_string(self.url) as saver:
            await saver.asetup()
            yield saver


class InPostgres(Saver):
    """PostgresSaver."""

    @contextlib.contextmanager
    def open(self) -> Iterator[Any]:
        from langgraph.checkpoint.postgres import PostgresSaver

        with PostgresSaver.from_conn_string(self.url) as saver:
            saver.setup()
            yield saver

    def query(self, sql: str, *values: Any) -> list[Any]:
        import psycopg

        with psycopg.connect(self.url, autocommit=True) as connection:
            return connection.execute(sql, values).fetchall()

    def count(self, thread: str) -> dict[str, int]:
        tables = ("checkpoints", "checkpoint_writes", "checkpoint_blobs")
        counts = [self.query(f"SELECT count(*) FROM {table} WHERE thread_id = %s", thread)[0][0] for table in tables]
        return {"checkpoints": counts[0], "all": sum(counts)}

    def dangling(self) -> list[str]:
        writes = self.query(
            "SELECT thread_id, checkpoint_ns, checkpoint_id FROM checkpoint_writes w WHERE NOT EXISTS (SELECT 1"
            " FROM checkpoints c WHERE (c.thread_id, c.checkpoint_ns, c.checkpoint_id)"
            " = (w.thread_id, w.checkpoint_ns, w.checkpoint_id))"
        )
        blobs = self.query(
            "SELECT thread_id, channel, version FROM checkpoint_blobs b WHERE NOT EXISTS (SELECT 1 FROM checkpoints c"
            " WHERE c.thread_id = b.thread_id AND c.checkpoint_ns = b.checkpoint_ns"
            " AND c.checkpoint -> 'channel_versions' ->> b.channel = b.version)"
        )
        return [str(row) for row in writes + blobs]

    def damage(self, thread: str) -> None:
        import psycopg

        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(
                "UPDATE checkpoints SET metadata = '[7]', checkpoint = checkpoint"
                ' || \'{"v": {"v": []}, "versions_seen": [1], "channel_values": [2]}\' WHERE thread_id = %s',
                (thread,),
            )


class InPostgresAsync(Async, InPostgres):
    """AsyncPostgresSaver."""

    @contextlib.asynccontextmanager
    async def open_async(self) -> Any:
        from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver

        async with AsyncPostgresSaver.from_conn_string(self.url) as saver:
            await saver.setup()
            yield saver


class InPostgresShallow(InPostgres):
    """ShallowPostgresSaver."""

    is_shallow = True
    has_delta = False

    @contextlib.contextmanager
    def open(self) -> Iterator[Any]:
        from langgraph.checkpoint.postgres.shallow import ShallowPostgresSaver

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            with ShallowPostgresSaver.from_conn_string(self.url) as saver:
                saver.setup()
                yield saver

    def dangling(self) -> list[str]:
        rows = self.query(
            "SELECT thread_id FROM checkpoint_writes UNION SELECT thread_id FROM checkpoint_blobs"
            " EXCEPT SELECT thread_id FROM checkpoints"
        )
        return [str(row) for row in rows]


class InSqlite(Saver):
    """SqliteSaver."""

    @property
    def path(self) -> Path:
        return Path(self.url.removeprefix("sqlite:///"))

    @contextlib.contextmanager
    def open(self) -> Iterator[Any]:
        from langgraph.checkpoint.sqlite import SqliteSaver

        with SqliteSaver.from_conn_string(str(self.path)) as saver:
            saver.setup()
            yield saver

    def query(self, sql: str, *values: Any) -> list[Any]:
        with contextlib.closing(sqlite3.connect(self.path)) as connection:
            return connection.execute(sql, values).fetchall()

    def count(self, thread: str) -> dict[str, int]:
        counts = [
            self.query(f"SELECT count(*) FROM {table} WHERE thread_id = ?", thread)[0][0]
            for table in ("checkpoints", "writes")
        ]
        return {"checkpoints": counts[0], "all": sum(counts)}

    def dangling(self) -> list[str]:
        rows = self.query(
            "SELECT thread_id, checkpoint_ns, checkpoint_id FROM writes"
            " EXCEPT SELECT thread_id, checkpoint_ns, checkpoint_id FROM checkpoints"
        )
        return [str(row) for row in rows]

    def damage(self, thread: str) -> None:
        with contextlib.closing(sqlite3.connect(self.path)) as connection:
            damaged = "UPDATE checkpoints SET metadata = '[7]', checkpoint = x'81a17601' WHERE thread_id = ?"
            connection.execute(damaged, (thread,))
            connection.commit()


class InSqliteAsync(Async, InSqlite):
    """AsyncSqliteSaver."""

    @contextlib.asynccontextmanager
    async def open_async(self) -> Any:
        from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

        async with AsyncSqliteSaver.from_conn_string(str(self.path)) as saver:
            await saver.setup()
            yield saver


REDIS = (InRedis, InRedisAsync, InRedisShallow, InRedisShallowAsync)
POSTGRES = (InPostgres, InPostgresAsync, InPostgresShallow)
SQLITE = (InSqlite, InSqliteAsync)
