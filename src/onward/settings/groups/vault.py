"""Settings of vaults: the folder of notes, and the graph that is kept in line with it."""

from __future__ import annotations

from onward.settings import kinds
from onward.settings.field import Group, group, setting


@group
class Vault(Group):
    """A folder of Markdown files in three tiers, and a graph."""

    path: str | None = setting(None, kinds.TEXT, "the folder of notes; none: there is no vault")
    watch: bool = setting(False, kinds.TRUTH, "true: the scheduler watches the folder, and has changes synced at once")
    tier1: str = setting("tier1", kinds.TEXT, "folder of the first tier, below the vault: what was said")
    tier2: str = setting("tier2", kinds.TEXT, "folder of the second tier: summaries")
    tier3: str = setting("tier3", kinds.TEXT, "folder of the third tier: concepts")
    most_bytes: int = setting(10 * 1024 * 1024, kinds.BYTES, "larger notes are passed over and reported", least=1024)
    graph_file: str | None = setting(
        None, kinds.TEXT, "file of the embedded graph; none: vault.graph below the backup path"
    )
    graph_address: str | None = setting(
        None, kinds.TEXT, "a graph server that speaks Neo4j's protocol, such as bolt://localhost:7687; none: the file"
    )
    graph_user: str = setting("neo4j", kinds.TEXT, "its user")
    graph_password: str | None = setting(None, kinds.SECRET, "its password")
    graph_database: str | None = setting(None, kinds.TEXT, "its database; none: the one that it takes by itself")
