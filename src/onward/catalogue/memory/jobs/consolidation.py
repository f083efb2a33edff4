"""The job type ``memory_consolidation``: memories that say the same become one, and can be parted again."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any

from pydantic import Field

from onward.authoring.context import Context
from onward.authoring.registry import JobTypes
from onward.catalogue.memory.jobs import models
from onward.catalogue.memory.jobs.bots import Record, for_each_bot, turn
from onward.catalogue.memory.outside import memories, vectors
from onward.catalogue.memory.outside.door import Door
from onward.catalogue.memory.plan import clustering, merging
from onward.catalogue.memory.plan.clustering import Likeness
from onward.catalogue.memory.plan.records import Memory
from onward.catalogue.memory.plan.wording import normalized
from onward.catalogue.models.chat import BadAnswer, Chat
from onward.catalogue.models.service import ModelRefused
from onward.model.ids import Ids

types = JobTypes()
_EMBEDDED_AT_ONCE = 32
_READ_AT_ONCE = 1000
_SHOWN = 50

Cosine = Annotated[float, Field(gt=0, le=1)]


@types.job(
    name="memory_consolidation",
    label="Consolidate Memories",
    category="memory",
    runs_before=["memory_decay"],
)
def memory_consolidation(
    ctx: Context,
    threshold: Annotated[Cosine, Field(description="Cosine from which memories of one type say the same.")] = 0.75,
    across_types: Annotated[Cosine, Field(description="The same for memories of two types.")] = 0.92,
    use_model: Annotated[bool, Field(description="Let a language model write what is merged.")] = True,
    model: Annotated[str | None, Field(description="Its name; none: the one that is found, local first.")] = None,
    most_clusters: Annotated[int, Field(ge=1, le=10_000, description="Merges of a bot in one run.")] = 1000,
    dry_run: Annotated[bool, Field(description="Only tell what would be merged.")] = False,
) -> dict[str, Any]:
    """Merge memories that say the same into one; nothing is lost, and each merge can be undone."""
    likeness = Likeness(threshold, across_types)
    chat = models.find_chat(ctx, model) if use_model and not dry_run else None
    door = Door(ctx.transaction)

    def find_bots() -> list[str]:
        with door.open() as conn:
            return memories.list_bots(conn)

    def work(bot: str) -> Record:
        return Consolidation(ctx, door, likeness, chat, bot).run(most_clusters, dry_run)

    try:
        return for_each_bot(ctx, "Consolidation", find_bots, work) | {"model": _about(chat)}
    finally:
        if chat is not None:
            chat.close()


class Consolidation:
    """One bot's memories: vectors for those without, then clusters, then a merge of each."""

    def __init__(self, ctx: Context, door: Door, likeness: Likeness, chat: Chat | None, bot: str) -> None:
        self._ctx = ctx
        self._door = door
        self._likeness = likeness
        self._chat = chat
        self._bot = bot
        self._ids = Ids(ctx.clock)

    def run(self, most_clusters: int, is_dry: bool) -> Record:
        """What was merged, or would be."""
        name = f"{self._bot} {turn(self._ctx)}"
        report = self._ctx.state.setdefault("consolidating", {}).setdefault(name, _empty(is_dry))
        model = self._embed(report, is_dry)
        # Kept, so that an interrupted run goes on with the clusters it has begun with.
        plan: Record = self._ctx.step(f"clusters {name}", self._clusters, most_clusters, model)
        report |= {"memories": plan["memories"], "clusters": len(plan["clusters"]), "clusters_left": plan["left"]}
        for ids in self._ctx.each(plan["clusters"], name=f"merging {name}"):
            self._merge(ids, report, is_dry)
        done: Record = self._ctx.state["consolidating"].pop(name)
        return done

    def _embed(self, report: Record, is_dry: bool) -> str:
        """Vectors for memories without one of the present model; the database knows which have theirs already."""
        model, missing = models.find_embedder(self._ctx)
        if model is None:
            report["only_equal_texts"] = missing
            return ""
        while not is_dry:
            with self._door.open() as conn:
                waiting = memories.ids_without_vector(conn, self._bot, model.model, _EMBEDDED_AT_ONCE)
            if not waiting:
                break
            made = vectors.as_bytes(model.embed([text for _, text in waiting]))
            report["embedded"] += len(waiting)
            with self._door.open() as conn:
                keyed = [(key, vector) for (key, _), vector in zip(waiting, made, strict=True)]
                memories.set_vectors(conn, keyed, model.model)
            self._ctx.check()
        return model.model

    def _clusters(self, most: int, model: str) -> Record:
        found: list[Memory] = []
        after: str | None = None
        while True:
            with self._door.open() as conn:
                page = memories.page_memories(conn, bot_id=self._bot, after=after, limit=_READ_AT_ONCE)
            found += page
            if len(page) < _READ_AT_ONCE:
                break
            after = page[-1].id
        least = min(self._likeness.within_type, self._likeness.across_types)
        near = vectors.neighbours(found, least, self._ctx.check) if model else lambda place: {}  # noqa: ARG005 - nobody is near
        groups = clustering.clusters(found, near, self._likeness)
        listed = [[memory.id for memory in group] for group in groups]
        return {"memories": len(found), "clusters": listed[:most], "left": max(0, len(listed) - most)}

    def _merge(self, ids: list[str], report: Record, is_dry: bool) -> None:
        with self._door.open() as conn:
            originals = _in_use(memories.get_memories(conn, ids))
        if len(originals) < 2:
            report["changed_meanwhile"] += 0 if len(originals) == len(ids) else 1
            return
        if is_dry:
            self._show(report, None, originals, "")
            return
        content, made_by = self._content(originals, report)
        now = self._ctx.clock.now()
        merge = merging.joined(originals, self._ids.new(), now, content, made_by)
        with self._door.open() as conn:
            present = _in_use(memories.lock_memories(conn, [one.id for one in originals]))
            if [one.content for one in present] != [one.content for one in originals]:
                report["changed_meanwhile"] += 1
                return
            # Accesses and pins of the last moments count as well.
            merge = merging.joined(present, merge.id, now, content, made_by)
            memories.merge_memories(conn, merge, present, now)
            report["merges"] += 1
            report["merged"] += len(present)
            self._show(report, merge.id, present, content)

    def _content(self, originals: list[Memory], report: Record) -> tuple[str, str]:
        """The text of the merge, and how it came about; a model is asked once, and paid once."""
        best = clustering.best_first(originals)[0].content
        equal = {normalized(one.content) for one in originals}
        if self._chat is None or len(equal) == 1:
            return best, merging.KEPT_BEST
        digest = hashlib.sha256("\n".join(f"{one.id} {one.content}" for one in originals).encode()).hexdigest()[:32]
        answer: Record = self._ctx.step(f"ask {digest}", self._ask, self._chat, originals)
        if answer["refused"]:
            report["kept_best_instead"] += 1
            return best, f"{merging.KEPT_BEST}: {answer['refused']}"
        return answer["content"], self._chat.choice.model

    def _ask(self, chat: Chat, originals: list[Memory]) -> Record:
        try:
            answer = chat.record(
                merging.messages(originals),
                merging.SCHEMA,
                name="memory",
                check=lambda value: merging.objection(value, originals),
            )
        except (BadAnswer, ModelRefused) as error:
            self._ctx.log.warning(f"The best of {len(originals)} memories is kept as it is: {error.message}")
            return {"refused": error.message[:300], "content": ""}
        return {"refused": "", "content": answer["content"].strip()}

    def _show(self, report: Record, merge_id: str | None, originals: list[Memory], content: str) -> None:
        if len(report["shown"]) < _SHOWN:
            texts = [one.content[:120] for one in clustering.best_first(originals)]
            report["shown"].append({"into": merge_id, "content": content[:120], "from": texts})


def _in_use(found: list[Memory]) -> list[Memory]:
    return [memory for memory in found if memory.archived_at is None]


def _empty(is_dry: bool) -> Record:
    counts = dict.fromkeys(("embedded", "merges", "merged", "kept_best_instead", "changed_meanwhile"), 0)
    return {**counts, "dry_run": is_dry, "only_equal_texts": "", "shown": []}


def _about(chat: Chat | None) -> Record | None:
    if chat is None:
        return None
    return {"name": chat.choice.model, "is_local": chat.choice.is_local, "why": chat.choice.why}
