"""A Pinecone index: what of a source lies there, and putting and removing vectors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from onward.catalogue.extras import load
from onward.catalogue.sources.outside.vector_store import Passage
from onward.errors import InvalidConfig, OnwardError
from onward.settings import Cloud

_COMMAND = "pip install 'onward[cloud]'"
_PAGE = 100
_SECONDS = 60.0
_TEXT = 8000
"""Characters of a passage that are kept beside its vector: Pinecone bounds what lies there."""


class PineconeFailed(OnwardError):
    """Pinecone refuses or does not answer; what was sent so far is there."""

    code = "pinecone-failed"
    exit_code = 6


class PineconeIndex:
    """The configured index and namespace."""

    def __init__(self, cloud: Cloud) -> None:
        if cloud.pinecone_key is None or cloud.pinecone_host is None:
            raise InvalidConfig(
                "No Pinecone index is configured.", hint="Set ONWARD_CLOUD_PINECONE_KEY and ONWARD_CLOUD_PINECONE_HOST."
            )
        library = load("pinecone", _COMMAND)
        self._error = load("pinecone.errors", _COMMAND).PineconeError
        self._namespace = cloud.pinecone_namespace
        self._index: Any = library.Pinecone(api_key=cloud.pinecone_key).Index(host=cloud.pinecone_host)

    def close(self) -> None:
        """Let go of the connections."""
        self._index.close()

    def check_dimension(self, dimension: int) -> None:
        """Raise ``InvalidConfig`` when the index holds vectors of another size."""
        with self._speaking():
            there = self._index.describe_index_stats().dimension
        if there and there != dimension:
            raise InvalidConfig(
                f"The Pinecone index holds vectors of {there} numbers, not of {dimension}.",
                hint="Choose that dimension, or another index.",
            )

    def ids(self, prefix: str) -> Iterator[str]:
        """The ids that begin so."""
        token: str | None = None
        while True:
            with self._speaking():
                page = self._index.list_paginated(
                    prefix=prefix, limit=_PAGE, pagination_token=token, namespace=self._namespace, timeout=_SECONDS
                )
            yield from (str(item.id) for item in page.vectors)
            token = page.pagination.next if page.pagination else None
            if not token:
                return

    def put(self, rows: Sequence[tuple[str, Passage, Any]]) -> None:
        """Put vectors with what a search shows."""
        vectors = [
            {
                "id": key,
                "values": [float(value) for value in vector],
                "metadata": {
                    "source": item.source,
                    "document": item.document,
                    "title": item.title,
                    "url": item.url,
                    "text": item.text[:_TEXT],
                },
            }
            for key, item, vector in rows
        ]
        with self._speaking():
            self._index.upsert(vectors=vectors, namespace=self._namespace, timeout=_SECONDS)

    def remove(self, ids: Sequence[str]) -> None:
        """Remove vectors."""
        with self._speaking():
            self._index.delete(ids=list(ids), namespace=self._namespace, timeout=_SECONDS)

    @contextmanager
    def _speaking(self) -> Iterator[None]:
        try:
            yield
        except self._error as error:
            raise PineconeFailed(
                f"Pinecone failed: {error}.", hint="What was sent is there; resume the job."
            ) from error
