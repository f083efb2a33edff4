"""The shelf: where downloaded models and language packs lie, and which of them can be used."""

from __future__ import annotations

import re
from pathlib import Path

from onward.catalogue.models import names
from onward.errors import InvalidValue
from onward.settings import Models

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}(/[A-Za-z0-9][A-Za-z0-9._-]{0,95})?")
DONE = "download.json"
"""Written last: a folder without it is not whole yet."""


def shelf(models: Models) -> Path:
    """The folder of all models."""
    return Path(models.folder or "~/.local/share/onward/models").expanduser()


def check_name(name: str) -> str:
    """A name as a model hub has it, ``publisher/model`` or ``model``. Raises ``InvalidValue``."""
    if not _NAME.fullmatch(name):
        raise InvalidValue(f"{name[:120]!r} is not the name of a model.", hint="Write publisher/model.")
    return name


def place_of(models: Models, name: str) -> Path:
    """Where a model of this name lies, or would."""
    return shelf(models) / check_name(name).replace("/", "--")


def downloaded(models: Models, name: str) -> Path | None:
    """The folder of an embedding model that was downloaded whole; None when there is none."""
    folder = place_of(models, names.full(name))
    return folder if (folder / DONE).is_file() else None
