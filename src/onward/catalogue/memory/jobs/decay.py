"""The job type ``memory_decay``: what has not been of use for long is archived, and later pruned."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from onward.authoring.context import Context
from onward.authoring.registry import JobTypes
from onward.catalogue.memory.jobs.bots import Record, for_each_bot, turn
from onward.catalogue.memory.outside import memories
from onward.catalogue.memory.outside.door import Door
from onward.catalogue.memory.plan.decay import Fate, Rules, effective_importance, fate
from onward.catalogue.memory.plan.records import Memory

types = JobTypes()
_AT_ONCE = 500
_SHOWN = 100


@types.job(
    name="memory_decay",
    label="Fade Memories",
    category="memory",
    runs_after=["memory_consolidation"],
)
def memory_decay(
    ctx: Context,
    half_life_days: Annotated[float, Field(gt=0, description="Days without use that halve the importance.")] = 90,
    threshold: Annotated[float, Field(ge=0, le=1, description="Below it a memory is archived.")] = 0.05,
    prune_after_days: Annotated[float, Field(ge=0, description="Days in the archive before it is deleted.")] = 30,
    dry_run: Annotated[bool, Field(description="Only tell what would go.")] = False,
) -> dict[str, Any]:
    """Archive memories that have faded, and delete those that have lain in the archive."""
    rules = Rules(half_life_days, threshold, prune_after_days)
    door = Door(ctx.transaction)

    def find_bots() -> list[str]:
        with door.open() as conn:
            return memories.list_bots(conn)

    return for_each_bot(ctx, "Decay", find_bots, lambda bot: Fading(ctx, door, rules, dry_run).run(bot))


class Fading:
    """Judges a bot's memories, a page at a time."""

    def __init__(self, ctx: Context, door: Door, rules: Rules, dry_run: bool) -> None:
        self._ctx = ctx
        self._door = door
        self._rules = rules
        self._is_dry = dry_run

    def run(self, bot: str) -> Record:
        """What became of them."""
        name = f"fading {bot} {turn(self._ctx)}"
        report: Record = self._ctx.state.setdefault("fading", {}).setdefault(name, _empty(self._is_dry))
        pages = self._ctx.each(
            lambda last: self._after(bot, last), key=lambda memory: memory.id, name=name, batch=_AT_ONCE
        )
        for page in pages:
            self._settle(page, report)
        del self._ctx.state["fading"][name]
        return report

    def _after(self, bot: str, last: str | None) -> Iterator[Memory]:
        while True:
            with self._door.open() as conn:
                page = memories.page_memories(conn, bot_id=bot, archived=None, after=last, limit=_AT_ONCE)
            yield from page
            if len(page) < _AT_ONCE:
                return
            last = page[-1].id

    def _settle(self, page: list[Memory], report: Record) -> None:
        """Judge a page; judged once more after a crash, it changes and counts nothing twice."""
        now = self._ctx.clock.now()
        due = [memory for memory in page if fate(memory, now, self._rules) is not Fate.KEEP]
        if self._is_dry:
            self._count(due, now, report)
        else:
            # Changes and their counts are committed together; the place comes after them.
            with self._door.open() as conn:
                self._count(self._change(conn, due, now), now, report)
        report["looked_at"] += len(page)

    def _change(self, conn: Any, due: list[Memory], now: datetime) -> list[Memory]:
        """Those that are still due under the lock: an access or a pin of this moment keeps a memory."""
        found = memories.lock_memories(conn, [memory.id for memory in due])
        fates = {memory.id: fate(memory, now, self._rules) for memory in found}
        memories.fade_memories(conn, [key for key, what in fates.items() if what is Fate.ARCHIVE], now)
        memories.delete_memories(conn, [key for key, what in fates.items() if what is Fate.PRUNE])
        return [memory for memory in found if fates[memory.id] is not Fate.KEEP]

    def _count(self, settled: list[Memory], now: datetime, report: Record) -> None:
        for memory in settled:
            what = fate(memory, now, self._rules)
            report["archived" if what is Fate.ARCHIVE else "pruned"] += 1
            if len(report["memories"]) < _SHOWN:
                report["memories"].append(self._shown(memory, what, now))

    def _shown(self, memory: Memory, what: Fate, now: datetime) -> Record:
        left = effective_importance(memory, now, self._rules.half_life_days)
        return {"id": memory.id, "fate": str(what), "importance_left": round(left, 4), "content": memory.content[:80]}


def _empty(is_dry: bool) -> Record:
    return {"looked_at": 0, "archived": 0, "pruned": 0, "dry_run": is_dry, "memories": []}
