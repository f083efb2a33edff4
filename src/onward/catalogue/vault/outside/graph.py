"""The graph of a vault: a node for each block and file, in Cypher that every graph database here understands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from onward.catalogue.vault.plan.decisions import Known

Row = dict[str, Any]
_AT_ONCE = 1000


class Cypher(Protocol):
    """A graph database: ``run`` gives rows; what is run within ``transaction`` is committed together or not at all."""

    name: str

    def run(self, query: str, **params: Any) -> list[Row]:
        """The rows of a query."""

    def transaction(self) -> AbstractContextManager[None]:
        """One transaction, committed at its end."""

    def prepare(self) -> None:
        """Make what the nodes need: tables or constraints."""

    def close(self) -> None:
        """Let go of the database."""


@dataclass(frozen=True, slots=True)
class Node:
    """A block as it is to be in the graph."""

    id: str
    path: str
    tier: str
    version: int
    text: str
    hash: str
    is_file: bool
    is_changed: bool
    """Its text is another one: whatever was made of it is to be made anew."""


class VaultGraph:
    """What a sync reads and writes."""

    def __init__(self, cypher: Cypher) -> None:
        self._cypher = cypher
        cypher.prepare()

    def transaction(self) -> AbstractContextManager[None]:
        """What is written within is committed together."""
        return self._cypher.transaction()

    def files(self) -> dict[str, str]:
        """The marks of files as they were when they were synced, by path."""
        rows = self._cypher.run("MATCH (f:VaultFile) RETURN f.path AS path, f.mark AS mark")
        return {row["path"]: row["mark"] for row in rows}

    def known(self, ids: Sequence[str]) -> dict[str, Known]:
        """What is known of blocks."""
        found: dict[str, Known] = {}
        for group in _groups(ids):
            rows = self._cypher.run(
                "MATCH (b:VaultBlock) WHERE b.id IN $ids RETURN b.id AS id, b.version AS version, b.hash AS hash, "
                "b.path AS path, b.archived_at AS archived_at",
                ids=group,
            )
            for row in rows:
                found[row["id"]] = Known(row["version"], row["hash"], row["path"], row["archived_at"] != "")
        return found

    def ids_in(self, paths: Sequence[str]) -> dict[str, list[str]]:
        """The blocks that are in use in files."""
        found: dict[str, list[str]] = {path: [] for path in paths}
        for group in _groups(paths):
            rows = self._cypher.run(
                "MATCH (b:VaultBlock) WHERE b.path IN $paths AND b.archived_at = '' RETURN b.path AS path, b.id AS id",
                paths=group,
            )
            for row in rows:
                found[row["path"]].append(row["id"])
        return found

    def put(self, nodes: Sequence[Node], now: datetime) -> None:
        """Make or change blocks; they are in use."""
        at = now.isoformat()
        for group in _groups(nodes):
            rows = [
                {
                    "id": node.id,
                    "path": node.path,
                    "tier": node.tier,
                    "version": node.version,
                    "text": node.text,
                    "hash": node.hash,
                    "is_file": node.is_file,
                    "at": at,
                }
                for node in group
            ]
            self._cypher.run(
                "UNWIND $rows AS row MERGE (b:VaultBlock {id: row.id}) SET b.path = row.path, b.tier = row.tier, "
                "b.version = row.version, b.text = row.text, b.hash = row.hash, b.is_file = row.is_file, "
                "b.archived_at = '', b.is_missing = false, b.updated_at = row.at",
                rows=rows,
            )
            changed = [{"id": node.id} for node in group if node.is_changed]
            if changed:
                self._cypher.run(
                    "UNWIND $rows AS row MATCH (b:VaultBlock {id: row.id}) SET b.needs_reprocessing = true",
                    rows=changed,
                )

    def place(self, ids: Sequence[str], path: str, tier: str) -> None:
        """Note that blocks stand in a file now, and are in use; their texts and versions stay."""
        for group in _groups(ids):
            self._cypher.run(
                "UNWIND $rows AS row MATCH (b:VaultBlock {id: row.id}) SET b.path = row.path, b.tier = row.tier, "
                "b.archived_at = '', b.is_missing = false",
                rows=[{"id": each, "path": path, "tier": tier} for each in group],
            )

    def set_missing(self, ids: Sequence[str], is_missing: bool) -> None:
        """Note that blocks are no longer where they were, or are again; kept, as a sync may be killed."""
        for group in _groups(ids):
            self._cypher.run(
                "UNWIND $rows AS row MATCH (b:VaultBlock {id: row.id}) SET b.is_missing = row.is_missing",
                rows=[{"id": each, "is_missing": is_missing} for each in group],
            )

    def archive_missing(self, now: datetime) -> list[str]:
        """Archive blocks that are nowhere; their ids."""
        rows = self._cypher.run(
            "MATCH (b:VaultBlock) WHERE b.is_missing = true AND b.archived_at = '' RETURN b.id AS id"
        )
        ids = sorted(row["id"] for row in rows)
        for group in _groups(ids):
            self._cypher.run(
                "UNWIND $rows AS row MATCH (b:VaultBlock {id: row.id}) "
                "SET b.archived_at = row.at, b.is_missing = false",
                rows=[{"id": each, "at": now.isoformat()} for each in group],
            )
        return ids

    def set_files(self, marks: Mapping[str, str]) -> None:
        """Note how files were when they were synced."""
        for group in _groups(list(marks)):
            self._cypher.run(
                "UNWIND $rows AS row MERGE (f:VaultFile {path: row.path}) SET f.mark = row.mark",
                rows=[{"path": path, "mark": marks[path]} for path in group],
            )

    def drop_files(self, paths: Sequence[str]) -> None:
        """Forget files that are no more."""
        for group in _groups(paths):
            self._cypher.run("MATCH (f:VaultFile) WHERE f.path IN $paths DELETE f", paths=group)

    def count(self) -> int:
        """How many blocks are in use."""
        rows = self._cypher.run("MATCH (b:VaultBlock) WHERE b.archived_at = '' RETURN count(b) AS n")
        return int(rows[0]["n"])

    def nodes(self) -> list[Row]:
        """Every block, by id."""
        return self._cypher.run(
            "MATCH (b:VaultBlock) RETURN b.id AS id, b.path AS path, b.tier AS tier, b.version AS version, "
            "b.text AS text, b.hash AS hash, b.is_file AS is_file, b.needs_reprocessing AS needs_reprocessing, "
            "b.archived_at AS archived_at ORDER BY b.id"
        )

    def close(self) -> None:
        """Let go of the database."""
        self._cypher.close()


def _groups(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), _AT_ONCE):
        yield items[start : start + _AT_ONCE]
