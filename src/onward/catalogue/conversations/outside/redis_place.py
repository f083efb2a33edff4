"""Conversations in Redis: plain keys and those of LangGraph's savers, found by SCAN and deleted by UNLINK.

Other clients keep their pace: pieces are small, and after each there is a rest as long as the piece took. What is to
go is looked at again in the transaction that deletes it, so nothing goes that was changed meanwhile.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

from onward.catalogue.conversations.extras import load
from onward.catalogue.conversations.outside.catalogue import Catalogue, Found
from onward.catalogue.conversations.outside.place import Manners, Tally
from onward.catalogue.conversations.outside.redis_look import (
    GONE,
    KEYS_AT_ONCE,
    RedisLook,
    first,
    pieces,
    read_json,
    read_strings,
)
from onward.catalogue.conversations.plan import pending, plain_keys, values
from onward.catalogue.conversations.plan.thread import ROOT, Head, Policy, Saved, Verdict, Why, heads, judge
from onward.clock import Clock

_TRIES = 3
_VALUES = "$.checkpoint.channel_values"
_EMPTY = "__empty__"
_Place = tuple[str, str]


class RedisPlace:
    """See ``Place``. The client gives bytes; the catalogue is this job's alone."""

    name = "redis"

    def __init__(self, client: Any, catalogue: Catalogue, clock: Clock, manners: Manners) -> None:
        self._client = client
        self._catalogue = catalogue
        self._clock = clock
        self._manners = manners

    def survey(self, policy: Policy) -> int:
        """Look over all keys, unless it was done already."""
        RedisLook(self._client, self._catalogue, self._clock, self._manners).run(policy)
        return self._catalogue.sort()

    def threads(self, after: str | None) -> Iterator[str]:
        """Names of threads in order."""
        return self._catalogue.threads(after)

    def clean(self, threads: Sequence[str], policy: Policy, *, dry_run: bool) -> Tally:
        """Judge and delete, a group of threads at a time."""
        tally = Tally()
        doomed: list[Found] = []
        for _, found in self._catalogue.of(threads):
            plain = [one for one in found if one.kind == "plain"]
            others = [one for one in found if one.kind != "plain"]
            if plain:
                doomed += self._judge_plain(plain, policy, tally)
            if others:
                self._clean_savers(others, policy, tally, dry_run)
        for piece in pieces(doomed, KEYS_AT_ONCE):
            self._paced(self._delete_plain, piece, tally, dry_run)
        return tally

    def used_bytes(self) -> int:
        """The memory of the whole server: Redis does not say it of one database."""
        return int(self._client.info("memory")["used_memory"])

    def close(self) -> None:
        """The file of what was found stays for the next attempt, if there is one."""
        self._catalogue.close()
        self._client.close()

    def remove_catalogue(self) -> None:
        """Everything is done."""
        self._catalogue.remove()
        self._client.close()

    # ---- plain keys -----------------------------------------------------------------------------------------

    def _judge_plain(self, found: Sequence[Found], policy: Policy, tally: Tally) -> list[Found]:
        thread = found[0].thread
        records = [
            Saved(ROOT, one.key.hex(), one.at, is_delta=one.is_delta, rank="" if one.at is None else f"{one.at:020.6f}")
            for one in found
        ]
        verdict = judge(thread, records, lambda newest: [Head()] * len(newest), policy)
        tally.count(verdict.why)
        tally.processed += len(found)
        tally.undated += sum(one.at is None for one in found)
        return [one for one in found if (ROOT, one.key.hex()) in verdict.gone]

    def _delete_plain(self, doomed: Sequence[Found], tally: Tally, dry_run: bool) -> None:
        keys = [one.key for one in doomed]
        sizes = self._sizes(keys)
        if dry_run:
            tally.deleted += len(keys)
            tally.records += len(keys)
            tally.freed_bytes += sum(sizes.values())
            return
        expected = {one.key: one for one in doomed}
        for _ in range(_TRIES):
            gone = self._unlink_unchanged(expected)
            if gone is not None:
                tally.deleted += len(gone)
                tally.records += len(gone)
                tally.freed_bytes += sum(sizes[key] for key in gone)
                tally.busy += len(keys) - len(gone)
                return
        tally.busy += len(keys)

    def _unlink_unchanged(self, expected: dict[bytes, Found]) -> list[bytes] | None:
        """Delete those that still say what they said; None when one was changed at this moment."""
        keys = list(expected)
        with self._client.pipeline() as pipe:
            pipe.watch(*keys)
            same = []
            for key, data in zip(keys, read_strings(self._client, keys), strict=True):
                one = expected[key]
                if data is not GONE and plain_keys.facts(key.decode("utf-8"), data).at == one.at:
                    same.append(key)
            if not same:
                return []
            pipe.multi()
            pipe.unlink(*same)
            try:
                pipe.execute()
            except load("redis").WatchError:
                return None
        return same

    # ---- savers ---------------------------------------------------------------------------------------------

    def _clean_savers(self, found: Sequence[Found], policy: Policy, tally: Tally, dry_run: bool) -> None:
        thread = _Thread(found)
        verdict = judge(thread.name, thread.saved, lambda newest: self._look(thread, newest), policy)
        tally.count(verdict.why)
        tally.processed += len(thread.saved)
        tally.undated += sum(saved.at is None for saved in thread.saved)
        sizes: dict[bytes, int] = {}
        for piece in pieces(thread.keys_of(verdict, policy), KEYS_AT_ONCE):
            sizes |= self._paced(self._sizes, piece)
        keys = [key for key, size in sizes.items() if size]
        if not keys:
            return
        if not dry_run and not self._delete_thread(thread, verdict, keys):
            tally.busy += 1
            return
        tally.deleted += len(verdict.gone)
        tally.records += len(keys)
        tally.freed_bytes += sum(sizes.values())

    def _delete_thread(self, thread: _Thread, verdict: Verdict, keys: list[bytes]) -> bool:
        """Oldest first; of a thread that goes whole its newest last, unless somebody has used it meanwhile."""
        if verdict.why is not Why.WHOLE:
            if self._is_pointed_at(thread, set(keys)):
                return False
            for piece in pieces(keys, KEYS_AT_ONCE):
                self._paced(self._unlink, thread, piece)
            return True
        last = thread.last_keys()
        if verdict.as_one:
            return self._unlink_unused(thread, [*keys, *last])
        if not self._is_unused(thread, self._client):
            return False
        for piece in pieces([key for key in keys if key not in last], KEYS_AT_ONCE):
            self._paced(self._unlink, thread, piece)
        return self._unlink_unused(thread, list(last))

    def _unlink(self, thread: _Thread, keys: Sequence[bytes]) -> None:
        with self._client.pipeline(transaction=False) as pipe:
            pipe.unlink(*keys)
            for registry in thread.registries():
                pipe.zrem(registry, *keys)
            pipe.execute()

    def _unlink_unused(self, thread: _Thread, keys: list[bytes]) -> bool:
        with self._client.pipeline() as pipe:
            watched = [*thread.pointers(), *thread.shallow]
            if watched:
                pipe.watch(*watched)
            if not self._is_unused(thread, pipe if watched else self._client):
                return False
            pipe.multi()
            for piece in pieces([*keys, *thread.pointers(), *thread.registries()], KEYS_AT_ONCE):
                pipe.unlink(*piece)
            try:
                pipe.execute()
            except load("redis").WatchError:
                return False
        return True

    def _is_pointed_at(self, thread: _Thread, keys: set[bytes]) -> bool:
        """Whether a pointer that stays names a key that is to go: the saver would find nothing at all."""
        staying = [pointer for pointer in thread.pointers() if pointer.encode() not in keys]
        return any(self._client.get(pointer) in keys for pointer in staying)

    def _is_unused(self, thread: _Thread, client: Any) -> bool:
        """Whether its newest checkpoints are among those that were found."""
        known = {*thread.keys.values(), None}
        if any(client.get(pointer) not in known for pointer in thread.pointers()):
            return False
        for key, identity in thread.shallow.items():
            if client.execute_command("JSON.GET", key, "$.checkpoint_id") != f'["{identity}"]'.encode():
                return False
        return True

    def _look(self, thread: _Thread, newest: Sequence[Saved]) -> list[Head]:
        return [self._paced(self._head, thread, saved) for saved in newest]

    def _head(self, thread: _Thread, saved: Saved) -> Head:
        key = thread.keys[saved.place]
        channels = self._channels(key)
        needed = [name for name in channels if name == pending.TASKS or name.startswith(pending.JOIN)]
        paths = ["$.checkpoint.channel_versions", "$.checkpoint.versions_seen", f"{_VALUES}.*.__delta_snapshot__"]
        own = {name: f'{_VALUES}["{_quoted(name)}"]' for name in needed}
        facts = next(read_json(self._client, [key], [*paths, *own.values()]))
        known = dict.fromkeys(channels)
        known |= {name: values.needed_value(name, first(facts, path)) for name, path in own.items()}
        versions, seen = (_mapping(first(facts, path)) for path in paths[:2])
        is_waiting = pending.is_waiting(known, versions, seen, thread.has_writes(saved))
        return Head(is_waiting, is_delta=bool(facts.get(paths[2])))

    def _channels(self, key: bytes) -> list[str]:
        """The channels that have a value; none where an attempt before this one has deleted the key."""
        with self._client.pipeline(transaction=False) as pipe:
            pipe.execute_command("JSON.OBJKEYS", key, _VALUES)
            [names] = pipe.execute(raise_on_error=False)
        found = names[0] if isinstance(names, list) and names else None
        return [name.decode() for name in found or []]

    # ---- pace -----------------------------------------------------------------------------------------------

    def _sizes(self, keys: Sequence[bytes]) -> dict[bytes, int]:
        with self._client.pipeline(transaction=False) as pipe:
            for key in keys:
                pipe.memory_usage(key)
            answers = pipe.execute(raise_on_error=False)
        return {key: size if isinstance(size, int) else 0 for key, size in zip(keys, answers, strict=True)}

    def _paced(self, work: Any, *args: Any) -> Any:
        begun = self._clock.monotonic()
        result = work(*args)
        self._manners.rest(self._clock.monotonic() - begun)
        return result


class _Thread:
    """All that the savers have of one thread."""

    def __init__(self, found: Sequence[Found]) -> None:
        self.name = found[0].thread
        documents = [one for one in found if one.kind != "write"]
        self.saved = [
            Saved(one.namespace, one.id, one.at, one.parent, one.version, one.root, one.is_delta) for one in documents
        ]
        self.keys: dict[_Place, bytes] = {(one.namespace, one.id): one.key for one in documents}
        self.shallow = {one.key: one.id for one in documents if one.kind == "shallow"}
        self._newest = heads(self.saved)
        self._shallow_now = {one.namespace: one.id for one in documents if one.kind == "shallow"}
        self._writes: dict[_Place, list[Found]] = defaultdict(list)
        for one in found:
            if one.kind == "write":
                self._writes[one.namespace, one.id].append(one)

    def has_writes(self, saved: Saved) -> bool:
        """Whether something was written on top of it."""
        return bool(self._writes.get(saved.place))

    def keys_of(self, verdict: Verdict, policy: Policy) -> list[bytes]:
        """All keys that go, oldest first: checkpoints, what was written on top of them, and their lists."""
        places = set(verdict.gone)
        if verdict.why not in (Why.SPARED, Why.DELTA):
            places |= {place for place in self._writes if self._is_left_over(place, policy)}
        keys: list[bytes] = []
        for place in sorted(places, key=lambda place: place[1]):
            keys += self._keys_at(place)
        if verdict.why is not Why.WHOLE:
            for namespace in {saved.namespace for saved in self.saved} - {
                saved.namespace for saved in self.saved if saved.place not in verdict.gone
            }:
                keys.append(f"checkpoint_latest:{self.name}:{namespace or _EMPTY}".encode())
                keys += [name.encode() for name in self._lists(namespace)]
        return keys

    def _keys_at(self, place: _Place) -> list[bytes]:
        namespace, identity = place
        keys = [one.key for one in self._writes.get(place, ())]
        if namespace not in self._shallow_now:
            keys.append(f"write_keys_zset:{self.name}:{namespace or _EMPTY}:{identity}".encode())
        if place in self.keys:
            keys.append(self.keys[place])
        return keys

    def _is_left_over(self, place: _Place, policy: Policy) -> bool:
        """Written on top of a checkpoint that is no more: replaced in the shallow saver, or expired."""
        if place in self.keys:
            return False
        now = self._shallow_now.get(place[0])
        if now is not None and place[1] >= now:
            return False
        at = max((one.at or float("inf") for one in self._writes[place]), default=float("inf"))
        return at < policy.before or policy.erase

    def last_keys(self) -> set[bytes]:
        """What makes up the newest checkpoints."""
        return set(chain.from_iterable(self._keys_at(saved.place) for saved in self._newest.values()))

    def pointers(self) -> list[str]:
        """The keys that name the newest checkpoint of each namespace."""
        return [
            f"checkpoint_latest:{self.name}:{namespace or _EMPTY}"
            for namespace in self._newest
            if namespace not in self._shallow_now
        ]

    def registries(self) -> list[str]:
        """The lists of all writes that the shallow savers keep, one a namespace."""
        return [name for namespace in self._shallow_now for name in self._lists(namespace)]

    def _lists(self, namespace: str) -> list[str]:
        # That of the saver, of the one for event loops, and what older versions had besides.
        place = f"{self.name}:{namespace or _EMPTY}:shallow"
        return [f"{kind}:{place}" for kind in ("write_registry", "write_keys_zset", "current_checkpoint")]


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _quoted(name: str) -> str:
    return name.replace("\\", "\\\\").replace('"', '\\"')
