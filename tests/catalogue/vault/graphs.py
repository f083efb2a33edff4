"""Vaults for tests, a sync run by hand, and a graph server that speaks Neo4j's protocol."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Any

from onward.catalogue.vault import JOB_TYPES
from onward.catalogue.vault.outside.databases import open_graph
from onward.catalogue.vault.outside.graph import VaultGraph
from onward.settings import Settings
from onward.testing import JobBench


class Place:
    """A vault with its graph."""

    def __init__(self, folder: Path, **graph: Any) -> None:
        self.folder = folder / "vault"
        for tier in ("tier1", "tier2", "tier3"):
            (self.folder / tier).mkdir(parents=True)
        self.settings = Settings(backup_path=str(folder / "backup"), vault={"path": str(self.folder), **graph})
        self._ticks = 1_000_000_000

    def write(self, path: str, text: str | bytes) -> None:
        """Write a note; its time of change is a later one each time, however fast this goes."""
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text if isinstance(text, bytes) else text.encode())
        self._ticks += 1_000_000_000
        os.utime(place, ns=(self._ticks, self._ticks))

    def read(self, path: str) -> str:
        return (self.folder / path).read_text()

    def bench(self, **params: Any) -> JobBench:
        return JobBench(JOB_TYPES.get("vault_sync"), params, settings=self.settings)

    def sync(self, **params: Any) -> dict[str, Any]:
        """What a whole sync reports."""
        result: dict[str, Any] = self.bench(**params).run()
        return result

    def counts(self, **params: Any) -> dict[str, int]:
        """What changed, without what did not."""
        names = ("created", "updated", "conflicts", "archived", "errors", "assigned")
        report = self.sync(**params)
        return {name: report[name] for name in names if report[name]}

    def nodes(self) -> dict[str, dict[str, Any]]:
        """The graph's blocks by id."""
        graph = VaultGraph(open_graph(self.settings.vault, self.settings.backup_path))
        try:
            return {row["id"]: row for row in graph.nodes()}
        finally:
            graph.close()

    def state(self) -> dict[str, tuple[str, int, str, bool]]:
        """Of each block where it is, its version and text, and whether it is archived."""
        return {
            key: (row["path"], row["version"], row["text"], row["archived_at"] != "")
            for key, row in self.nodes().items()
        }


def mark(block_id: str, version: int = 1) -> str:
    return f"<!-- aclarai:id={block_id} ver={version} --> ^{block_id}"


@contextmanager
def bolt_server(folder: Path) -> Iterator[dict[str, str]]:
    """A graph server on this machine; the settings with which it is reached."""
    import arcadedb_embedded as arcadedb

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # Its log goes into the folder that is current when it begins.
    with chdir(folder):
        server = arcadedb.create_server(
            root_path=str(folder / "arcade"),
            root_password="onward-test",
            config={
                "server_plugins": "Bolt:com.arcadedb.bolt.BoltProtocolPlugin",
                "bolt_port": port,
                "http_port": 0,
            },
        )
        server.start()
    try:
        server.create_database("vault")
        yield {
            "graph_address": f"bolt://127.0.0.1:{port}",
            "graph_user": "root",
            "graph_password": "onward-test",
            "graph_database": "vault",
        }
    finally:
        server.stop()
