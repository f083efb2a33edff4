"""Embedding models: text in, vectors of length one out; which one is used, by dimension and settings."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from onward.catalogue.models import names
from onward.catalogue.models.hub import INSTALL, TransformerEmbedder, is_cached
from onward.catalogue.models.packaged import OnnxEmbedder
from onward.catalogue.models.remote import RemoteEmbedder
from onward.catalogue.models.service import Pause, Service
from onward.catalogue.models.shelf import downloaded
from onward.clock import Clock, SystemClock
from onward.errors import InvalidConfig, MissingExtra
from onward.settings import Models


class Embedder(Protocol):
    """Makes vectors of ``dimension`` numbers; ``model`` is its name, ``at_once`` how many texts go well together."""

    model: str
    dimension: int
    at_once: int

    def embed(self, texts: Sequence[str]) -> Any:
        """One vector a text, as a float32 array in the order of the texts."""


def choose(
    models: Models, dimension: int | None = None, *, clock: Clock | None = None, pause: Pause | None = None
) -> Embedder:
    """The embedder for a dimension, or for the configured model when ``dimension`` is None.

    1,536 dimensions come from the service at ``models.address``; others from the server at ``models.local_address``
    where it has one of that size, else from a model on this machine. ``pause`` is that of ``Service``. Raises
    ``MissingExtra``, naming the command, when the model is not installed; ``InvalidConfig`` when the service is
    not configured.
    """
    size = default_dimension(models) if dimension is None else dimension
    served = names.by_dimension(models.local_embeddings)
    clock = clock or SystemClock()
    if size in served and models.local_address is not None:
        service = _service(models, models.local_address, models.local_key, clock, pause)
        return RemoteEmbedder(service, served[size], size, shortens=False)
    if size == names.ONLINE:
        return _online(models, clock, pause)
    name = _local_name(models, size)
    return _load(name, downloaded(models, name))


def default_dimension(models: Models) -> int:
    """The dimension that ``choose(models)`` would give, without loading anything."""
    return names.dimension_of(_configured(models))


def _configured(models: Models) -> str:
    name = names.short(models.embedding)
    if name != names.AUTO:
        return name
    is_there = is_cached(names.PREFERRED) or downloaded(models, names.PREFERRED) is not None
    return names.PREFERRED if is_there else names.PACKAGED


def _local_name(models: Models, dimension: int) -> str:
    name = _configured(models)
    return name if names.dimension_of(name) == dimension else names.model_for(dimension)


def _online(models: Models, clock: Clock, pause: Pause | None) -> Embedder:
    if not models.is_online:
        raise InvalidConfig(
            "No service is configured for vectors of 1,536 dimensions.",
            hint="Set ONWARD_MODELS_KEY, or ONWARD_MODELS_ADDRESS to a service that wants none.",
        )
    service = _service(models, models.address, models.key, clock, pause)
    return RemoteEmbedder(service, models.online_embedding, names.ONLINE)


def _service(models: Models, address: str, key: str | None, clock: Clock, pause: Pause | None) -> Service:
    return Service(address, key, clock, pause=pause, seconds=models.timeout_seconds, attempts=models.attempts)


@lru_cache(maxsize=2)
def _load(name: str, folder: Path | None = None) -> Embedder:
    dimension = names.dimension_of(name)
    if folder is not None:
        return OnnxEmbedder(folder, name)
    if is_cached(name):
        return TransformerEmbedder(name, dimension)
    if name == names.PACKAGED:
        return OnnxEmbedder()
    raise MissingExtra(
        f"The model {name} ({dimension} dimensions) is not installed.",
        hint=f"Run: onward run model_download -a model={name} (without torch); or {INSTALL} and download it with "
        f"that; or use dimension {names.DIMENSIONS[names.PACKAGED]}.",
    )
