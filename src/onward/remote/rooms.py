"""The smaller nouns of a server: questions, resources, queues, workers, checkpoints, saved chains, keys."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from onward.authoring.chain_file import read_chain_file, write_chain
from onward.clock import Clock
from onward.errors import InvalidChain
from onward.model.chain import ChainTemplate, JobPhase
from onward.model.doubt import Doubt
from onward.model.ids import parsed, shown
from onward.model.job import Page, WorkerRecord
from onward.model.key import Key
from onward.model.limits import ALL, Limits
from onward.model.question import AnswerLink, QuestionRecord, State
from onward.model.queue import Queue
from onward.records.reading import moment, read_question, read_worker
from onward.remote.types import read_phase, write_phase
from onward.remote.wire import PAGE, Wire


class Questions:
    """What jobs ask of people."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def list(
        self,
        state: State | None = "open",
        *,
        job_id: str | None = None,
        assigned_to: str | None = None,
        limit: int = 50,
        after: str | None = None,
    ) -> Page[QuestionRecord]:
        """Questions: open ones as they were asked, others newest first; None: all."""
        place, found = after, builtins.list[QuestionRecord]()
        while True:
            page = self._wire.get(
                "inputs", state=state or "all", job=job_id and shown(job_id), assigned_to=assigned_to,
                limit=min(PAGE, limit - len(found)), after=place,
            )  # fmt: skip
            found += [read_question(record) for record in page["items"]]
            place = page["next"]
            if place is None or len(found) >= limit:
                return Page(found, parsed(place) if place else None)

    def get(self, question_id: str) -> QuestionRecord:
        """The question of this id. Raises ``QuestionNotFound``."""
        return read_question(self._wire.get("inputs", shown(question_id, "inp")))

    def claim(self, question_id: str, by: str) -> QuestionRecord:
        """Say that one looks after it."""
        return read_question(self._wire.post("inputs", shown(question_id, "inp"), "claim"))

    def release(self, question_id: str, by: str | None = None) -> QuestionRecord:
        """Nobody looks after it any more."""
        return read_question(self._wire.post("inputs", shown(question_id, "inp"), "release"))


class AnswerLinks:
    """Links with which one person answers one question."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def make(self, question_id: str, person: str, *, days: float = 7, actor: str | None = None) -> AnswerLink:
        """A link for ``person`` to an open question."""
        body = {"person": person, "days": days}
        record = self._wire.post("inputs", shown(question_id, "inp"), "link", body=body)
        expires = moment(record["expires_at"])
        assert expires is not None  # noqa: S101 - a link always ends
        return AnswerLink(parsed(question_id), record["person"], record["token"], expires, record["url"])


class Resources:
    """What jobs occupy while they run."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def list(self) -> builtins.list[dict[str, Any]]:
        """Every known resource, with the ids of the jobs that have it, and how many wait."""
        found = (_resource(record) for record in self._wire.get("resources", idle=True)["items"])
        return [
            {name: value for name, value in item.items() if name != "waiters"}
            | {"holders": [one["job_id"] for one in item["holders"]]}
            for item in found
        ]

    def get(self, name: str) -> dict[str, Any]:
        """One resource, with holders and waiters told in full."""
        return _resource(self._wire.get("resources", name))

    def hold(self, name: str, by: str, reason: str = "") -> None:
        """Keep a resource from all jobs that do not have it already."""
        self._wire.post("resources", name, "hold", body={"reason": reason})

    def unhold(self, name: str) -> None:
        """Let jobs have it again."""
        self._wire.post("resources", name, "release")

    def release(self, name: str, job_id: str, *, actor: str | None = None) -> None:
        """Take it from a job whose code is no more."""
        self._wire.post("resources", name, "release", body={"job": shown(job_id)})


def _resource(record: dict[str, Any]) -> dict[str, Any]:
    names = ("name", "capacity", "token", "held_by", "held_reason")
    return {name: record[name] for name in names} | {
        "held_at": moment(record["held_at"]),
        "holders": [_holder(item) for item in record["holders"]],
        "waiters": [_holder(item) for item in record["waiters"]],
        "waiting": record["waiting"],
    }


def _holder(record: dict[str, Any]) -> dict[str, Any]:
    rest = {name: value for name, value in record.items() if name not in ("job", "since")}
    return {"job_id": parsed(record["job"]), **rest, "since": moment(record["since"])}


class Queues:
    """The queues that jobs wait in."""

    def __init__(self, wire: Wire, clock: Clock) -> None:
        self._wire, self._clock = wire, clock

    def list(self) -> builtins.list[Queue]:
        """Every queue in which something waits or runs, that is served, or that is paused; by name."""
        return [
            Queue(
                record["name"], record["waiting"], record["running"], moment(record["oldest_at"]), record["workers"],
                record["slots"], record["paused_by"], record["paused_reason"], moment(record["paused_at"]),
            )
            for record in self._wire.get("queues")["items"]
        ]  # fmt: skip

    def pause(self, name: str, by: str, reason: str = "") -> None:
        """Have nothing of it begun; what runs goes on."""
        self._wire.post("queues", name, "pause", body={"reason": reason})

    def resume(self, name: str) -> None:
        """Let its jobs begin again."""
        self._wire.post("queues", name, "resume")


class Workers:
    """Processes that run jobs."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def list(self, *, alive: bool = False) -> builtins.list[WorkerRecord]:
        """All that are known, newest first; ``alive``: only those that are online or draining."""
        found = [read_worker(record) for record in self._wire.get("workers")["items"]]
        return [worker for worker in found if not alive or worker.state in ("online", "draining")]


class Checkpoints:
    """What jobs have saved. What is in it stays where the server is."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def list(self, job_id: str) -> builtins.list[dict[str, Any]]:
        """The kept checkpoints of a job, newest first."""
        names = ("number", "bytes", "percent", "is_valid", "pinned")
        return [
            {name: record[name] for name in names} | {"saved_at": moment(record["saved_at"])}
            for record in self._wire.get("checkpoints", job=shown(job_id))["items"]
        ]

    def in_doubt(self, job_id: str) -> builtins.list[Doubt]:
        """Steps that have begun and may or may not have happened, oldest first."""
        return [
            Doubt(found["step"], found["item"] or "", found["times"], moment(found["begun_at"]), found["attempt"])
            for found in self._wire.get("jobs", shown(job_id), "resume")["in_doubt"]
        ]

    def pin(self, job_id: str) -> int:
        """Keep what a job has saved from retention; how many checkpoints."""
        return self._pin(job_id, True)

    def unpin(self, job_id: str) -> int:
        """Let retention have it again."""
        return self._pin(job_id, False)

    def _pin(self, job_id: str, pinned: bool) -> int:
        count: int = self._wire.post("checkpoints", shown(job_id), "pin", body={"pinned": pinned})["count"]
        return count


class Templates:
    """Chains that are saved under a name."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def list(self) -> builtins.list[ChainTemplate]:
        """All saved chains, by name."""
        return [_template(record) for record in self._wire.get("chains")["saved"]]

    def get(self, name: str) -> ChainTemplate:
        """The saved chain of this name. Raises ``ChainNotFound``."""
        return _template(self._wire.get("chains", name))

    def save(
        self,
        name: str,
        phases: Sequence[JobPhase],
        *,
        label: str = "",
        description: str = "",
        expect_version: int | None = None,
        allow_unknown: bool = False,
        saved_by: str | None = None,
    ) -> ChainTemplate:
        """Save a chain; under a name that is there it becomes the next version."""
        body = {
            "phases": [write_phase(phase) for phase in phases],
            "label": label,
            "description": description,
            "expect_version": expect_version,
            "allow_unknown": allow_unknown,
        }
        return _template(self._wire.put("chains", name, body=body))

    def delete(self, name: str, *, expect_version: int | None = None) -> None:
        """Delete a saved chain; jobs that were made of it stay."""
        self._wire.delete("chains", name, expect_version=expect_version)

    def export(self, name: str) -> str:
        """A saved chain as YAML."""
        found = self.get(name)
        return write_chain(found.name, found.label, found.description, found.phases)

    def import_(self, source: Path, *, name: str | None = None, **options: Any) -> ChainTemplate:
        """Save the chain of a file under its own name or ``name``."""
        found = read_chain_file(source)
        chosen = name or found.name
        if chosen is None:
            raise InvalidChain(f"{found.label} has no name.", hint="Write `name:` into it, or give one.")
        return self.save(chosen, found.phases, label=found.title, description=found.description, **options)


def _template(record: dict[str, Any]) -> ChainTemplate:
    saved_at = moment(record["updated_at"])
    return ChainTemplate(
        record["name"], tuple(read_phase(phase) for phase in record["phases"]), record["label"],
        record["description"], record["version"], saved_at, saved_at, record["updated_by"],
    )  # fmt: skip


class Keys:
    """Keys for HTTP."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def create(
        self,
        name: str,
        role: str = "operator",
        *,
        days: float | None = 90,
        limits: Limits = ALL,
        created_by: str | None = None,
    ) -> tuple[Key, str]:
        """A new key and its secret, which cannot be seen again."""
        body = {"name": name, "role": role, "days": days, "limits": limits.plain}
        record = self._wire.post("keys", body=body)
        return _key(record), record["secret"]

    def list(self) -> builtins.list[Key]:
        """All keys, newest first."""
        return [_key(record) for record in self._wire.get("keys")["items"]]

    def revoke(self, key_id: str) -> None:
        """Have a key open nothing any more."""
        self._wire.delete("keys", key_id)


def _key(record: dict[str, Any]) -> Key:
    return Key(
        parsed(record["id"]), record["name"], record["start"], record["role"], record["created_by"],
        moment(record["created_at"]), moment(record["expires_at"]), moment(record["used_at"]),
        moment(record["revoked_at"]), Limits.of(record["limits"]),
    )  # fmt: skip
