"""The first look over Redis: which keys there are, of which thread, and from when. Reads only, in small pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import orjson

from onward.catalogue.conversations.extras import load
from onward.catalogue.conversations.outside.catalogue import Catalogue, Found
from onward.catalogue.conversations.outside.place import Manners
from onward.catalogue.conversations.plan import moments, plain_keys, values
from onward.catalogue.conversations.plan.thread import ROOT, Policy
from onward.clock import Clock

SCANNED_AT_ONCE = 500
KEYS_AT_ONCE = 100
"""Commands that a server does in one go, while others wait: well under a millisecond."""
_BYTES_AT_ONCE = 4 * 2**20
_LARGE = 16 * 2**20
"""A value larger than this is not read: its key says when it was saved, or it stays."""
_EMPTY = "__empty__"
WRITE = "checkpoint_write:"
_SAVER_FACTS = ("thread_id", "checkpoint_ns", "checkpoint_id", "parent_checkpoint_id", "checkpoint_ts", "metadata")
_PATHS = [*(f"$.{name}" for name in _SAVER_FACTS), "$.checkpoint.ts", "$.checkpoint.v"]

Reader = Callable[[Sequence[bytes]], Iterator[Found]]


class RedisLook:
    """Fills a catalogue. Where it is, is in the catalogue too, so it goes on after a kill."""

    def __init__(self, client: Any, catalogue: Catalogue, clock: Clock, manners: Manners) -> None:
        self._client = client
        self._catalogue = catalogue
        self._clock = clock
        self._manners = manners
        self._found = 0

    def run(self, policy: Policy) -> None:
        """Look at everything that may be meant."""
        start = _literal_start(policy.pattern)
        self._scan("plain", plain_keys.PREFIX + start, "string", self._read_plain, policy)
        if has_json(self._client):
            self._scan("saver", plain_keys.PREFIX + start, "ReJSON-RL", self._read_savers, policy)
            self._scan("write", WRITE + start, "ReJSON-RL", self._read_writes, policy)

    def _scan(self, look: str, start: str, kind: str, reader: Reader, policy: Policy) -> None:
        place = self._catalogue.place(look)
        while place is not None:
            self._manners.check()
            begun = self._clock.monotonic()
            cursor, keys = self._client.scan(place, match=f"{_escaped(start)}*", count=SCANNED_AT_ONCE, _type=kind)
            found = [one for piece in pieces(keys, KEYS_AT_ONCE) for one in reader(piece) if policy.means(one.thread)]
            self._catalogue.add(look, cursor, found)
            self._found += len(found)
            self._manners.tell(self._found)
            self._manners.rest(self._clock.monotonic() - begun)
            place = cursor or None

    def _read_plain(self, keys: Sequence[bytes]) -> Iterator[Found]:
        for key, data in zip(keys, read_strings(self._client, keys), strict=True):
            if data is GONE:
                continue
            text = _text(key)
            if text is None:
                continue
            facts = plain_keys.facts(text, data)
            yield Found(facts.thread, "plain", ROOT, facts.id, facts.at, key, is_delta=facts.is_delta)

    def _read_savers(self, keys: Sequence[bytes]) -> Iterator[Found]:
        for key, facts in zip(keys, read_json(self._client, keys, _PATHS), strict=True):
            thread, namespace, identity = (first(facts, f"$.{name}") for name in _SAVER_FACTS[:3])
            text = _text(key)
            if text is None or not isinstance(thread, str) or not isinstance(identity, str):
                continue
            namespace = ROOT if namespace in (None, _EMPTY) else str(namespace)
            metadata = _metadata(first(facts, "$.metadata"))
            yield Found(
                thread,
                # The shallow saver has one key a namespace, without the id in it.
                "saver" if text.endswith(identity) else "shallow",
                namespace,
                identity,
                _when(facts, identity),
                key,
                values.text_or_none(first(facts, "$.parent_checkpoint_id")),
                values.version_of(first(facts, "$.checkpoint.v")),
                values.root_of(metadata),
                values.is_delta(metadata),
            )

    def _read_writes(self, keys: Sequence[bytes]) -> Iterator[Found]:
        paths = _PATHS[:3]
        for key, facts in zip(keys, read_json(self._client, keys, paths), strict=True):
            thread, namespace, identity = (first(facts, path) for path in paths)
            if isinstance(thread, str) and isinstance(identity, str):
                namespace = ROOT if namespace in (None, _EMPTY) else str(namespace)
                yield Found(thread, "write", namespace, identity, moments.of_id(identity), key)


GONE = object()


def read_strings(client: Any, keys: Sequence[bytes]) -> Iterator[Any]:
    """The values of string keys in the same order: None for one that is too large, ``GONE`` for one that is not there.

    So much at once that memory stays flat, whatever the values' size.
    """
    with client.pipeline(transaction=False) as pipe:
        for key in keys:
            pipe.strlen(key)
        sizes = pipe.execute(raise_on_error=False)
    group: list[bytes] = []
    total = 0
    for key, answer in zip(keys, sizes, strict=True):
        size = answer if isinstance(answer, int) else 0
        if group and total + size > _BYTES_AT_ONCE:
            yield from _get(client, group)
            group, total = [], 0
        if size > _LARGE:
            yield from _get(client, group)
            yield None
            group, total = [], 0
            continue
        group.append(key)
        total += size
    yield from _get(client, group)


def _get(client: Any, keys: list[bytes]) -> Iterator[Any]:
    if not keys:
        return
    for value in client.mget(keys):
        yield GONE if value is None else value


def read_json(client: Any, keys: Sequence[bytes], paths: Sequence[str]) -> Iterator[dict[str, Any]]:
    """What JSON documents have at some paths, each a list as RedisJSON gives it; empty for one that is not there."""
    with client.pipeline(transaction=False) as pipe:
        for key in keys:
            pipe.execute_command("JSON.GET", key, *paths)
        answers = pipe.execute(raise_on_error=False)
    for answer in answers:
        found = orjson.loads(answer) if isinstance(answer, bytes | str) else {}
        yield found if isinstance(found, dict) else {paths[0]: found}


def first(facts: dict[str, Any], path: str) -> Any:
    """The one value at a path, or None."""
    found = facts.get(path)
    return found[0] if found else None


def has_json(client: Any) -> bool:
    """Whether the server has JSON documents, which the savers of LangGraph are made of."""
    try:
        client.execute_command("JSON.TYPE", plain_keys.PREFIX)
    except load("redis").ResponseError as error:
        return "unknown command" not in str(error).lower()
    return True


def pieces(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    """Groups of at most ``size``."""
    return (items[start : start + size] for start in range(0, len(items), size))


def _metadata(value: Any) -> dict[str, Any]:
    """The saver keeps metadata as text within the JSON, the shallow one as JSON."""
    if isinstance(value, str):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            value = None
    return value if isinstance(value, dict) else {}


def _when(facts: dict[str, Any], identity: str) -> float | None:
    for candidate in (first(facts, "$.checkpoint.ts"), first(facts, "$.checkpoint_ts")):
        at = moments.of_value(candidate)
        if at is not None:
            return at
    return moments.of_id(identity)


def _text(key: bytes) -> str | None:
    try:
        return key.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _literal_start(pattern: str | None) -> str:
    """The part of a pattern before its first sign, by which the server leaves out most other keys."""
    if pattern is None:
        return ""
    for position, sign in enumerate(pattern):
        if sign in "*?[":
            return pattern[:position]
    return pattern


def _escaped(text: str) -> str:
    return "".join(f"\\{sign}" if sign in "*?[]\\^-" else sign for sign in text)
