"""The job type ``profile_maintenance``: what is known about each entity, as a summary for system prompts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import Field

from onward.authoring.context import Context
from onward.authoring.registry import JobTypes
from onward.catalogue.memory.jobs import models
from onward.catalogue.memory.jobs.bots import ALL, Record, for_each_bot, turn
from onward.catalogue.memory.outside import profiles
from onward.catalogue.memory.outside.door import Door
from onward.catalogue.memory.plan import profiling
from onward.catalogue.memory.plan.records import Attribute, Entity, Profile, Summary
from onward.catalogue.models.chat import BadAnswer, Chat
from onward.catalogue.models.service import ModelRefused
from onward.errors import InvalidConfig
from onward.model.ids import Ids

types = JobTypes()
_SHOWN = 100


def nothing_changed(ctx: Context) -> str | None:
    """Why there is nothing to do: no attribute has changed since the summaries were made."""
    if ctx.resumed or ctx.params.get("force"):
        return None
    bot = ctx.bot_id if ctx.bot_id and ctx.bot_id != ALL else None
    with Door(ctx.transaction).open() as conn:
        known = profiles.list_marks(conn, bot)
        due = profiling.due(known, profiles.list_fingerprints(conn, bot))
    if any(_is_wanted(entity, ctx.params.get("entity_type"), ctx.params.get("entity_id")) for entity in due):
        return None
    return "No attribute has changed since the summaries were made." if known else "There are no attributes."


@types.job(
    name="profile_maintenance",
    label="Maintain Profiles",
    category="memory",
    skip_if=nothing_changed,
)
def profile_maintenance(
    ctx: Context,
    entity_type: Annotated[str | None, Field(description="Only entities of this type, such as user.")] = None,
    entity_id: Annotated[str | None, Field(description="Only this entity.")] = None,
    model: Annotated[str | None, Field(description="Language model; none: as the settings say, local first.")] = None,
    force: Annotated[bool, Field(description="Also where no attribute has changed.")] = False,
    most_characters: Annotated[
        int, Field(ge=500, le=1_000_000, description="Attributes handed to the model, as characters of JSON.")
    ] = profiling.MOST_CHARACTERS,
) -> dict[str, Any]:
    """Merge duplicates, resolve contradictions and drop noise in what is known, and keep it as a summary."""
    chat = models.find_chat(ctx, model or ctx.settings.profile_maintenance.model)
    if chat is None:
        raise InvalidConfig(
            "No language model is configured, so no profile was touched.",
            hint="Set ONWARD_MODELS_LOCAL_ADDRESS to a server of your own, or ONWARD_MODELS_KEY.",
        )
    door = Door(ctx.transaction)

    def is_wanted(entity: Entity) -> bool:
        return _is_wanted(entity, entity_type, entity_id)

    def find_bots() -> list[str]:
        with door.open() as conn:
            return profiles.list_bots(conn)

    def work(bot: str) -> Record:
        return Maintenance(ctx, door, chat, bot, most_characters).run(is_wanted, force)

    ctx.log.info("the model", model=chat.choice.model, is_local=chat.choice.is_local, why=chat.choice.why)
    try:
        return for_each_bot(ctx, "Maintenance", find_bots, work) | {
            "model": {"name": chat.choice.model, "is_local": chat.choice.is_local, "why": chat.choice.why}
        }
    finally:
        chat.close()


class Maintenance:
    """The profiles of one bot."""

    def __init__(self, ctx: Context, door: Door, chat: Chat, bot: str, most_characters: int) -> None:
        self._ctx = ctx
        self._door = door
        self._chat = chat
        self._bot = bot
        self._most_characters = most_characters
        self._ids = Ids(ctx.clock)

    def run(self, is_wanted: Callable[[Entity], bool], force: bool) -> Record:
        """What became of each; a profile whose answer was refused is as it was, and makes the bot's turn fail."""
        name = f"{self._bot} {turn(self._ctx)}"
        report = self._ctx.state.setdefault("maintaining", {}).setdefault(name, _empty())
        with self._door.open() as conn:
            known = profiles.list_marks(conn, self._bot)
            due = profiling.due(known, {} if force else profiles.list_fingerprints(conn, self._bot))
        wanted = [entity for entity in known if is_wanted(entity)]
        for entity in self._ctx.each(wanted, key=lambda one: [one.type, one.id], name=f"profiles {name}"):
            if entity not in due:
                report["unchanged"] += 1
                continue
            try:
                self._maintain(entity, report)
            except (BadAnswer, ModelRefused) as error:
                report["failed"] += 1
                if len(report["refusals"]) < _SHOWN:
                    report["refusals"].append({"entity": str(entity), "reason": error.message[:300]})
                self._ctx.log.warning(f"The profile of {entity} is as it was: {error.message}")
        done: Record = self._ctx.state["maintaining"].pop(name)
        if done["failed"]:
            first = done["refusals"][0]
            done["error"] = f"{done['failed']} profiles were left as they were; {first['entity']}: {first['reason']}"
        return done

    def _maintain(self, entity: Entity, report: Record) -> None:
        with self._door.open() as conn:
            attributes = profiles.list_attributes(conn, entity)
            profile = profiles.get_profile(conn, entity)
        if not attributes:
            return
        mark = profiling.fingerprint((one.id, one.confidence) for one in attributes)
        chosen = profiling.chosen(attributes, self._most_characters)
        # The fingerprint names what is asked: an answer is paid once, and never taken for another's.
        answer: Record = self._ctx.step(f"ask {mark}", self._ask, chosen, profile)
        summary = self._summary(entity, mark, chosen, answer)
        with self._door.open() as conn:
            now_there = profiles.get_profile(conn, entity, lock=True)
            if _mark(now_there) != _mark(profile):
                # Another run was first: what it has made is newer than what this one began with.
                report["made_meanwhile"] += 1
                return
            profiles.put_summary(conn, summary)
            report["updated"] += 1
            report["left_out"] += len(attributes) - len(chosen)

    def _ask(self, attributes: list[Attribute], profile: Profile | None) -> Record:
        answer: Record = self._chat.record(
            profiling.messages(attributes, profile),
            profiling.schema(len(attributes)),
            name="profile",
            check=lambda value: profiling.objection(value, attributes, profile),
        )
        return {**answer, "model": self._chat.choice.model, "why": self._chat.choice.why}

    def _summary(self, entity: Entity, mark: str, attributes: list[Attribute], answer: Record) -> Summary:
        return Summary(
            id=self._ids.new(),
            entity=entity,
            summary=answer["summary"].strip(),
            facts=profiling.facts_of(answer, attributes),
            fingerprint=mark,
            model=answer["model"],
            model_reason=answer["why"],
            made_at=self._ctx.clock.now(),
            made_by_job=self._ctx.job_id,
        )


def _is_wanted(entity: Entity, entity_type: str | None, entity_id: str | None) -> bool:
    return entity_type in (None, entity.type) and entity_id in (None, entity.id)


def _mark(profile: Profile | None) -> tuple[str | None, Any]:
    return (None, None) if profile is None else (profile.fingerprint, profile.summary_updated_at)


def _empty() -> Record:
    counts = dict.fromkeys(("updated", "unchanged", "failed", "made_meanwhile", "left_out"), 0)
    return {**counts, "refusals": []}
