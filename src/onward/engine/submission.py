"""What a caller hands in to have a job done, and the row that becomes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from onward.authoring.job_type import JobType
from onward.authoring.registry import JobTypes
from onward.errors import InvalidParams, InvalidValue
from onward.model import codec, ids
from onward.model.job import Job, Json, Need
from onward.settings import Settings

OnConflict = Literal["reject", "wait", "replace"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One job to be submitted. See ``Onward.submit`` for the meaning of each field."""

    job_type: str | Callable[..., Any]
    params: Mapping[str, Json] | None = None
    source_id: str | None = None
    user_id: str | None = None
    bot_id: str | None = None
    queue: str | None = None
    priority: int | None = None
    delay: float | timedelta | None = None
    run_at: datetime | None = None
    idempotency_key: str | None = None
    tags: Sequence[str] = ()
    on_conflict: OnConflict | None = None
    resume: bool | None = None
    keep: bool = False
    parent_id: str | None = None
    id: str | None = None


@dataclass(slots=True)
class NewJob:
    """A checked submission: everything that its row needs."""

    job_id: str
    job_type: JobType
    params: str
    source_id: str | None
    user_id: str | None
    bot_id: str | None
    queue: str
    priority: int
    delay: timedelta | None
    run_at: datetime | None
    idempotency_key: str | None
    tags: tuple[str, ...]
    on_conflict: OnConflict
    resume: bool | None
    keep: bool
    parent_id: str | None
    needs: tuple[Need, ...]
    digest: str | None
    given_id: bool = False
    phases: list[tuple[str, float, str, dict[str, Any]]] = field(default_factory=list)

    @property
    def is_plain(self) -> bool:
        """Whether its row is all that has to be written, and nothing to be looked up."""
        return (
            not (
                self.needs
                or self.tags
                or self.phases
                or self.given_id
                or self.idempotency_key is not None
                or self.parent_id
            )
            and self.source_id is None
        )

    def row(self, when: Any, run_at: Any, is_due: bool) -> tuple[Any, ...]:
        """The values of ``INSERT_COLUMNS``."""
        kind = self.job_type
        return (
            self.job_id, kind.name, "pending", kind.label, self.source_id, self.user_id, self.bot_id, self.queue,
            self.priority, self.params, _listed(self.tags), needs_text(self.needs), kind.version,
            self.idempotency_key, self.digest, self.parent_id, None, None, None, kind.retry.max_attempts,
            kind.max_losses, kind.on_worker_lost, None if is_due else "time", when, run_at, when,
        )  # fmt: skip

    def child_row(self) -> dict[str, Any]:
        """What is kept of a phase of a chain until its job is made: the values of ``CHILD_COLUMNS``."""
        kind = self.job_type
        return {
            "job_type": kind.name,
            "label": kind.label,
            "source_id": self.source_id,
            "user_id": self.user_id,
            "bot_id": self.bot_id,
            "queue": self.queue,
            "priority": self.priority,
            "params": self.params,
            "resources": needs_text(self.needs),
            "type_version": kind.version,
            "max_attempts": kind.retry.max_attempts,
            "max_losses": kind.max_losses,
            "on_worker_lost": kind.on_worker_lost,
        }


def again(job: Job, kind: JobType) -> Submission:
    """A submission of the same work as this job's, with parameters as this version of its type reads them."""
    params = job.params
    if job.type_version < kind.version and kind.upgrade is not None:
        params = kind.upgrade(job.type_version, params, {})[0]
    # What a chain was not told is said by the job types of its phases, each for itself.
    is_plain = kind.is_chain and (job.queue, job.priority) == ("default", 0)
    return Submission(
        job_type=job.job_type,
        params=params,
        source_id=job.source_id,
        user_id=job.user_id,
        bot_id=job.bot_id,
        queue=None if is_plain else job.queue,
        priority=None if is_plain else job.priority,
        tags=job.tags,
    )


def to_request(given: Submission, job_type: str, run_at: datetime | None) -> dict[str, Json]:
    """A checked submission as plain JSON, to be made later: by the name of its type, and at its own time."""
    plain = {item.name: getattr(given, item.name) for item in fields(given)}
    plain |= {"job_type": job_type, "params": dict(given.params or {}), "tags": list(given.tags), "delay": None}
    plain["run_at"] = run_at.isoformat() if run_at is not None else None
    return {"verb": "submit", **plain}


def of_request(request: Mapping[str, Json]) -> Submission:
    """The submission of such a request."""
    plain = {name: value for name, value in request.items() if name != "verb"}
    if plain["run_at"] is not None:
        plain["run_at"] = datetime.fromisoformat(plain["run_at"])
    return Submission(**plain)


def needs_text(needs: Sequence[Need]) -> str | None:
    """Resources as they are kept in a job's row."""
    return codec.encode([[n.resource, n.capacity] for n in needs], "The resources", 1 << 20) if needs else None


def _listed(tags: Sequence[str]) -> str | None:
    return codec.encode(list(tags), "The tags", 1 << 16) if tags else None


def check(given: Submission, registry: JobTypes, settings: Settings, new_id: str) -> NewJob:
    """A submission that can be written as it is. Raises the error that says what is wrong with it."""
    job_type, params = registry.resolve_with(given.job_type, given.params)
    model = job_type.validate(params)
    text = codec.encode(
        job_type.dump(model),
        f"The parameters of {job_type.name}",
        settings.limits.payload_bytes,
        settings.limits.depth,
    )
    _check_ids(given, job_type)
    if given.keep and given.resume is not False:
        raise InvalidValue(
            "keep=True says what becomes of unfinished work that is started fresh.", hint="Give resume=False."
        )
    needs: tuple[Need, ...] = ()
    if given.source_id is not None or job_type.resources is not None:
        needs = job_type.needs(model, given.source_id)
    return NewJob(
        job_id=new_id if given.id is None else _given_id(given.id),
        job_type=job_type,
        params=text,
        source_id=given.source_id,
        user_id=given.user_id,
        bot_id=given.bot_id,
        queue=given.queue or job_type.queue,
        priority=job_type.priority if given.priority is None else given.priority,
        delay=_delay(given.delay),
        run_at=aware(given.run_at, "run_at"),
        idempotency_key=given.idempotency_key,
        tags=tuple(dict.fromkeys(given.tags)),
        on_conflict=given.on_conflict or job_type.on_conflict,
        resume=given.resume,
        keep=given.keep,
        parent_id=given.parent_id,
        needs=needs,
        digest=codec.digest(f"{job_type.name} {given.source_id} {text}")
        if given.idempotency_key is not None or given.id is not None
        else None,
        given_id=given.id is not None,
    )


def _check_ids(given: Submission, job_type: JobType) -> None:
    if given.source_id is not None:
        ids.check_name(given.source_id, "The source id")
    elif job_type.needs_source:
        raise InvalidParams(
            f"{job_type.name} needs a source.", hint="Give source_id=, or --source on the command line."
        )
    for what, text in (("user id", given.user_id), ("bot id", given.bot_id), ("queue", given.queue)):
        check_text(what, text)
    check_text("idempotency key", given.idempotency_key, 512)
    for tag in given.tags:
        check_text("tag", tag)


def check_text(what: str, text: object, most: int = 256) -> None:
    """Raise ``InvalidValue`` unless it is None or a short text in one line."""
    if text is None:
        return
    if not isinstance(text, str) or not 0 < len(text) <= most or not text.isprintable():
        raise InvalidValue(f"{text!r:.80} is not a {what}.", hint=f"Use 1 to {most} printable characters.")


def _given_id(text: str) -> str:
    return ids.check_name(ids.parsed(text), "The job id")


def _delay(given: float | timedelta | None) -> timedelta | None:
    if given is None:
        return None
    delay = given if isinstance(given, timedelta) else timedelta(seconds=given)
    return max(delay, timedelta(0))


def aware(given: datetime | None, what: str) -> datetime | None:
    """The time in UTC. Raises ``InvalidValue`` for one without a zone."""
    if given is None:
        return None
    if given.tzinfo is None:
        raise InvalidValue(
            f"{what}={given.isoformat()} has no time zone.",
            hint="Use an aware time: datetime(..., tzinfo=UTC).",
        )
    return given.astimezone(UTC)
