"""Settings of the job types for knowledge sources."""

from __future__ import annotations

from onward.settings import kinds
from onward.settings.field import Group, group, setting


@group
class Sources(Group):
    """Jobs that turn documents into an index."""

    chunk_words: int = setting(
        120, kinds.WHOLE, "words in one piece of text, within what small models read", least=10, most=5000
    )
    import_folders: tuple[str, ...] = setting(
        (), kinds.NAMES, "folders from which jobs may bring in ZIM and PDF files; empty: any that the worker may read"
    )
