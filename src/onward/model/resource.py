"""Names of resources: a job's source is one, and so is whatever the job type declares."""

from __future__ import annotations

from collections.abc import Iterable

from onward.errors import InvalidValue
from onward.model.job import Need


def source_resource(source_id: str) -> str:
    """The resource that stands for a source."""
    return f"source:{source_id}"


def needs(declared: Iterable[str | tuple[str, int] | Need], source_id: str | None) -> tuple[Need, ...]:
    """What a job occupies: its source, and what its type declares; sorted by name, each once."""
    found: dict[str, Need] = {}
    if source_id is not None:
        name = source_resource(source_id)
        found[name] = Need(name)
    for item in declared:
        need = item if isinstance(item, Need) else Need(item) if isinstance(item, str) else Need(*item)
        if not need.resource or len(need.resource) > 256 or "\x00" in need.resource or need.capacity < 1:
            raise InvalidValue(
                f"{need!r} is not a resource.",
                hint="Use a name of 1 to 256 characters, or (name, capacity) with a capacity of 1 or more.",
            )
        found[need.resource] = need
    return tuple(sorted(found.values(), key=lambda need: need.resource))
