"""Files on this machine that a job is told to bring in: which ones it may read."""

from __future__ import annotations

from pathlib import Path

from onward.catalogue.sources.outside.source_folder import SourceFolder
from onward.errors import InvalidValue, OnwardError
from onward.settings import Settings


def given_file(settings: Settings, folder: SourceFolder, path: str, suffix: str) -> Path:
    """The file that a job was given: within its source's folder, or anywhere that ``sources.import_folders`` allow.

    Raises ``InvalidValue`` for one that it may not read, ``OnwardError`` for one that is not there.
    """
    if "\x00" in path or not path.strip():
        raise InvalidValue(f"{path[:200]!r} is no path.")
    inside = folder.path / path
    found = (inside if inside.is_file() else Path(path).expanduser()).resolve()
    if found.suffix.lower() != suffix:
        raise InvalidValue(f"{path[:200]!r} is no {suffix} file.")
    allowed = [Path(name).expanduser().resolve() for name in settings.sources.import_folders]
    if allowed and not any(found.is_relative_to(place) for place in [folder.path, *allowed]):
        raise InvalidValue(
            f"{found} may not be brought in: it lies outside of sources.import_folders.",
            hint="Put it into the source's folder, or add its folder to that setting.",
        )
    if not found.is_file():
        raise OnwardError(f"There is no file {found}.", hint="Give a path on the machine of the worker.")
    return found
