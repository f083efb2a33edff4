"""The text of a checkpoint file: JSON that carries its own length and checksum."""

from __future__ import annotations

import hashlib
import json

from onward.checkpoints.record import FIELDS, SEALS, Checkpoint, check, plain_json
from onward.errors import CorruptCheckpoint, InvalidValue
from onward.model.job import Json

FORMAT = "onward/1"
MAX_SAVED_BYTES = 8 * 1024 * 1024


def _canonical(members: dict[str, Json]) -> bytes:
    return json.dumps(members, sort_keys=True, separators=(",", ":")).encode()


def _seal(members: dict[str, Json]) -> dict[str, Json]:
    body = _canonical(members)
    return {"length": len(body), "checksum": "sha256:" + hashlib.sha256(body).hexdigest()}


def encode(saved: Checkpoint) -> bytes:
    check(saved)
    members: dict[str, Json] = {name: getattr(saved, name) for name in FIELDS}
    for name in ("created_at", "last_saved"):
        members[name] = members[name].isoformat() if members[name] else None
    members = plain_json({"format": FORMAT, **members, **saved.extra}, "checkpoint")
    data = json.dumps({**members, **_seal(members)}, indent=2, ensure_ascii=False).encode()
    if len(data) > MAX_SAVED_BYTES:
        hint = "Append the work to the partial file and keep only its place here."
        raise InvalidValue(f"The checkpoint has {len(data)} bytes, more than {MAX_SAVED_BYTES}.", hint=hint)
    # No line end after the last brace: so a file that is cut anywhere is no longer JSON.
    return data


def parse(data: bytes) -> dict[str, Json]:
    def once(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ValueError("a name occurs twice")
        return found

    def refuse(word: str) -> Json:
        raise ValueError(f"{word} is not JSON")

    try:
        members = json.loads(data.decode("utf-8-sig"), object_pairs_hook=once, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise CorruptCheckpoint(f"It is not valid JSON: {error}.") from None
    if not isinstance(members, dict):
        raise CorruptCheckpoint("It is not a JSON object.")
    return members


def decode(data: bytes, *, sealed: bool = True) -> Checkpoint:
    """The checkpoint in ``data``; ``CorruptCheckpoint`` if damaged. ``sealed=False`` ignores the checksum."""
    members = parse(data)
    ours = any(name in members for name in SEALS)
    rest = {name: value for name, value in members.items() if name not in ("length", "checksum")}
    if sealed and ours and {**rest, **_seal(rest)} != members:
        raise CorruptCheckpoint("Its checksum does not fit its content.")
    written_as = rest.pop("format", None)
    if sealed and ours and written_as != FORMAT:
        problem = f"The checkpoint has the format {written_as!r}, not {FORMAT}."
        raise InvalidValue(problem, hint="Upgrade onward, or start the job afresh.")
    known = {name: rest.pop(name) for name in FIELDS if name in rest}
    try:
        saved = Checkpoint(**{name: each for name, each in known.items() if each is not None}, extra=rest)
        if "last_article_index" in known:
            saved.last_article_index = known["last_article_index"]
        check(saved)
    except (InvalidValue, TypeError) as error:
        raise CorruptCheckpoint(f"A field is missing or wrong: {error}") from None
    return saved


# Files: every one is a plain file in one folder, and no symbolic link is followed.
