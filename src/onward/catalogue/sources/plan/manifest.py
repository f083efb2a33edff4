"""A source's manifest: jobs fill it, and what a person wrote there stays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

FILLED = "_filled"
TAGS = "_tags"


def fill(manifest: Mapping[str, Any], facts: Mapping[str, Any], *, override: bool = False) -> dict[str, Any]:
    """The manifest with ``facts``, except where a person wrote something else than an earlier run did.

    With ``override`` there too.
    """
    result = dict(manifest)
    filled: dict[str, Any] = dict(manifest.get(FILLED, {}))
    for name, value in facts.items():
        if value in (None, "", [], {}):
            continue
        current = manifest.get(name)
        untouched = current in (None, "", [], {}) and name not in filled
        if override or untouched or current == filled.get(name, object()):
            result[name] = filled[name] = value
    result[FILLED] = filled
    return result


def tag(manifest: Mapping[str, Any], owner: str, tags: Iterable[str]) -> dict[str, Any]:
    """The manifest with these tags instead of those that ``owner`` gave before.

    Tags of people and of other owners stay, and one that a person took away does not come back.
    """
    current = [str(item) for item in manifest.get("tags", []) if item]
    owners: dict[str, list[str]] = dict(manifest.get(TAGS, {}))
    refused = set(owners.get("refused", ()))
    refused |= {item for items in owners.values() for item in items if item not in current}
    refused -= set(current)
    given = owners.get(owner, [])
    others = {item for name, items in owners.items() if name not in (owner, "refused") for item in items}
    kept = [item for item in current if item not in given or item in others]
    mine = [item for item in dict.fromkeys(tags) if item not in refused and item not in kept]
    owners[owner] = mine
    owners["refused"] = sorted(refused)
    return dict(manifest) | {"tags": kept + mine, TAGS: owners}


def of_zim(headers: Mapping[str, str]) -> dict[str, str]:
    """What the headers of a ZIM file say, under the manifest's names."""
    names = {
        "Title": "name",
        "Description": "description",
        "Creator": "attribution",
        "Publisher": "publisher",
        "License": "license",
        "Language": "language",
        "Source": "base_url",
        "Date": "zim_date",
    }
    return {name: headers[header].strip() for header, name in names.items() if headers.get(header, "").strip()}


def zim_tags(headers: Mapping[str, str]) -> list[str]:
    """The tags that mean something to people; technical ones begin with an underscore."""
    tags = (item.strip() for item in headers.get("Tags", "").split(";"))
    return [item for item in tags if item and not item.startswith("_")]
