"""Graph databases: an embedded one in a file, or any that speaks Neo4j's protocol."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from onward.catalogue.extras import load
from onward.catalogue.vault.outside.graph import Cypher, Row
from onward.errors import OnwardError
from onward.settings import Vault

_INSTALL = "pip install 'onward[vault]'"
_BUFFER_BYTES = 256 * 1024 * 1024


class GraphUnavailable(OnwardError):
    """The graph database cannot be reached, or another process has its file; nothing was changed."""

    code = "graph-unavailable"
    exit_code = 7


def open_graph(vault: Vault, backup_path: str) -> Cypher:
    """The configured graph database: that at ``vault.graph_address``, else the file. Raises ``GraphUnavailable``."""
    if vault.graph_address:
        return BoltGraph(vault.graph_address, vault.graph_user, vault.graph_password, vault.graph_database)
    return FileGraph(Path(vault.graph_file or Path(backup_path) / "vault.graph").expanduser())


class FileGraph:
    """An embedded graph in one file, for one process at a time."""

    name = "ladybug"

    def __init__(self, path: Path) -> None:
        library = load("ladybug", _INSTALL)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._database = library.Database(str(path), buffer_pool_size=_BUFFER_BYTES)
        except RuntimeError as error:
            raise GraphUnavailable(
                f"The graph {path} cannot be opened: {str(error).splitlines()[0]}.",
                hint="Another process may have it; jobs on it hold the resource `graph`.",
            ) from error
        self._connection = library.Connection(self._database)

    def run(self, query: str, **params: Any) -> list[Row]:
        found = self._connection.execute(query, params or None)
        names = found.get_column_names()
        return [dict(zip(names, row, strict=True)) for row in found.get_all()]

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN TRANSACTION")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def prepare(self) -> None:
        self._connection.execute(
            "CREATE NODE TABLE IF NOT EXISTS VaultBlock(id STRING PRIMARY KEY, path STRING, tier STRING, "
            "version INT64, text STRING, hash STRING, is_file BOOLEAN, needs_reprocessing BOOLEAN DEFAULT false, "
            "archived_at STRING, is_missing BOOLEAN DEFAULT false, updated_at STRING)"
        )
        self._connection.execute("CREATE NODE TABLE IF NOT EXISTS VaultFile(path STRING PRIMARY KEY, mark STRING)")

    def close(self) -> None:
        self._connection.close()
        self._database.close()


class BoltGraph:
    """A graph server that speaks Neo4j's protocol."""

    name = "bolt"

    def __init__(self, address: str, user: str, password: str | None, database: str | None) -> None:
        library = load("neo4j", _INSTALL)
        self._errors = (library.exceptions.DriverError, library.exceptions.Neo4jError)
        self._driver = library.GraphDatabase.driver(address, auth=(user, password or "") if user else None)
        self._open: Any = None
        try:
            self._driver.verify_connectivity()
            self._session = self._driver.session(database=database)
        except self._errors as error:
            self._driver.close()
            raise GraphUnavailable(f"The graph at {address} cannot be reached: {error}.") from error

    def run(self, query: str, **params: Any) -> list[Row]:
        try:
            source = self._open if self._open is not None else self._session
            return [dict(record) for record in source.run(query, params)]
        except self._errors as error:
            raise GraphUnavailable(f"The graph did not do what was asked: {error}.") from error

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        try:
            with self._session.begin_transaction() as opened:
                self._open = opened
                yield
                opened.commit()
        except self._errors as error:
            raise GraphUnavailable(f"The graph did not take the changes: {error}.") from error
        finally:
            self._open = None

    def prepare(self) -> None:
        for label, key in (("VaultBlock", "id"), ("VaultFile", "path")):
            self.run(f"CREATE CONSTRAINT IF NOT EXISTS FOR (n:{label}) REQUIRE n.{key} IS UNIQUE")
        self.run("CREATE INDEX IF NOT EXISTS FOR (n:VaultBlock) ON (n.path)")

    def close(self) -> None:
        self._session.close()
        self._driver.close()
