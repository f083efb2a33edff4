"""Translations of a source's documents: a file a document and language, good for as long as its text is the same."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson

from onward.catalogue.sources.outside.source_folder import SourceFolder

Record = dict[str, Any]
FOLDER = "_translations"


class Translations:
    """What is translated into one language."""

    def __init__(self, folder: SourceFolder, language: str) -> None:
        self._folder = folder
        self._language = language.lower()

    def get(self, document: str, content_hash: str) -> Record | None:
        """The translation of a document of this content; None when there is none that still holds."""
        record = self._folder.read_json(self._name(document))
        return record if record.get("hash") == content_hash else None

    def put(self, document: str, content_hash: str, model: str, title: str, parts: list[str]) -> None:
        """Keep a translation."""
        record = {"document": document, "hash": content_hash, "model": model, "title": title, "parts": parts}
        self._folder.write_bytes(self._name(document), orjson.dumps(record))

    def _name(self, document: str) -> str:
        # A document's id may come from elsewhere, and is no file name.
        return f"{FOLDER}/{self._language}/{hashlib.sha256(document.encode()).hexdigest()[:32]}.json"
