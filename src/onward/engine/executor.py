"""One run as a pipeline: read what was saved, call the function, see how it ended, hand that to the writer."""

from __future__ import annotations

import asyncio
import contextvars
import dataclasses
import inspect
import logging
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from onward.authoring.context import Context
from onward.authoring.job_type import JobType
from onward.authoring.port import RunFacts, Wait
from onward.authoring.registry import JobTypes
from onward.clock import Clock
from onward.engine.changes import Change
from onward.engine.desk import Desk
from onward.engine.splitter import Splitter
from onward.engine.teller import Teller
from onward.engine.writer import Writer
from onward.errors import InvalidValue, JobStopped, OnwardError, StoreUnavailable
from onward.model import codec, outcome
from onward.model.ids import Ids
from onward.model.job import JobError, Json
from onward.model.outcome import Kind, Outcome
from onward.model.question import Asking
from onward.model.states import RunStatus, Status, Waiting
from onward.store import Connection, Store, chains, checkpoints, questions
from onward.store.claims import Claim
from onward.store.endings import Ending

_log = logging.getLogger("onward.engine")

current: contextvars.ContextVar[Desk | None] = contextvars.ContextVar("onward_run", default=None)
"""The run on this thread or task: log records of other libraries find their job by it."""

Drive = Callable[[Desk, dict[str, Json]], Outcome]


class Executor:
    """Runs claims to their end. ``drive_child`` runs one in a child process instead of here."""

    def __init__(
        self,
        store: Store,
        registry: JobTypes,
        writer: Writer,
        clock: Clock,
        ids: Ids,
        drive_child: Drive,
        teller: Teller,
    ) -> None:
        self._store = store
        self._registry = registry
        self._writer = writer
        self._clock = clock
        self._ids = ids
        self._drive_child = drive_child
        self._teller = teller
        self._splitter = Splitter(store, registry, store.settings, ids)

    def desk(self, claim: Claim) -> Desk:
        """A desk for a claim. Raises ``UnknownJobType``."""
        job_type = self._registry.get(claim.job_type)
        return Desk(claim, job_type, self._store, self._writer, self._clock, self._splitter)

    def run(self, desk: Desk) -> None:
        """Run a claim in this thread."""
        desk.thread_id = threading.get_ident()
        desk.begun = desk.moved = self._clock.monotonic()
        token = current.set(desk)
        self._teller.began(desk)
        try:
            try:
                found = self._call(desk)
            finally:
                # From here on nothing may be raised into this thread.
                with desk.leave_lock:
                    desk.has_left = True
        except BaseException as error:  # noqa: BLE001 - whatever a job raises is how it ended
            found = outcome.of_exception(error)
        finally:
            current.reset(token)
        self.conclude(desk, found)

    async def run_async(self, desk: Desk) -> None:
        """Run a claim as a task of the worker's loop."""
        desk.begun = desk.moved = self._clock.monotonic()
        current.set(desk)
        self._teller.began(desk)
        try:
            if desk.interrupt is not None:
                raise desk.interrupt
            arguments = await asyncio.to_thread(self._prepare, desk)
            if desk.claim.has_saved:
                # Kept steps are read here, so that asking for one does not hold the loop.
                await asyncio.to_thread(desk.load_step, "", "")
            reason = await asyncio.to_thread(self._reason_to_skip, desk)
            if reason:
                found = Outcome(Kind.SKIPPED, {"skipped": reason})
            else:
                found = outcome.of_result(await desk.job_type.func(**arguments))
        except asyncio.CancelledError:
            found = outcome.of_exception(desk.interrupt or JobStopped("The loop ends."))
        except BaseException as error:  # noqa: BLE001 - whatever a job raises is how it ended
            found = outcome.of_exception(error)
        desk.has_left = True
        self.conclude(desk, found)

    def _call(self, desk: Desk) -> Outcome:
        if desk.interrupt is not None:
            raise desk.interrupt
        if desk.job_type.is_chain:
            return self._begin_phase(desk)
        if desk.job_type.isolation == "process":
            return self._drive_child(desk, self._facts(desk)[1])
        arguments = self._prepare(desk)
        reason = self._reason_to_skip(desk)
        if reason:
            return Outcome(Kind.SKIPPED, {"skipped": reason})
        return outcome.of_result(desk.job_type.func(**arguments))

    def _reason_to_skip(self, desk: Desk) -> str | None:
        """Why there is nothing to do, as the job type says; asked with the context if its function takes one."""
        skip_if = desk.job_type.skip_if
        if skip_if is None:
            return None
        return skip_if(desk.context) if inspect.signature(skip_if).parameters else skip_if()

    def _begin_phase(self, desk: Desk) -> Outcome:
        claim, store = desk.claim, self._store

        def work(conn: Connection) -> bool:
            return chains.begin(conn, store.dialect, claim.job_id, claim.fence, store.now(), self._ids.new)

        is_ours = desk.patiently(lambda: store.write(work))
        store.doorbell.ring()
        return Outcome(Kind.HANDED_ON if is_ours else Kind.LOST)

    def _prepare(self, desk: Desk) -> dict[str, Any]:
        """The arguments of the function; its context, if it takes one, stands at what was saved."""
        job_type, params = self._facts(desk)
        arguments = job_type.arguments(job_type.validate(params))
        if job_type.context_name is not None:
            desk.context = new_context(desk, job_type)
            arguments[job_type.context_name] = desk.context
        return arguments

    def _facts(self, desk: Desk) -> tuple[JobType, dict[str, Json]]:
        """The job's parameters, and what is fixed for the run, both as this version of the job type reads them."""
        claim, job_type = desk.claim, desk.job_type
        params: dict[str, Json] = codec.decode(claim.params)
        saved, version = self._saved(desk) if claim.has_saved else (None, claim.type_version)
        if claim.type_version > job_type.version:
            raise JobStopped(f"Job {claim.job_id} is of version {claim.type_version} of {job_type.name}.")
        if min(claim.type_version, version) < job_type.version and job_type.upgrade is not None:
            state = codec.decode(saved) if saved else {}
            old = min(claim.type_version, version)
            params, state["state"] = job_type.upgrade(old, params, state.get("state", {}))
            saved = codec.encode(state, "The upgraded state", 1 << 30) if saved else None
        claim.type_version = job_type.version
        if job_type.context_name is not None or job_type.isolation == "process":
            desk.facts = RunFacts(
                job_id=claim.job_id,
                job_type=claim.job_type,
                attempt=claim.attempt,
                fence=claim.fence,
                generation=claim.generation,
                params=params,
                source_id=claim.source_id,
                user_id=claim.user_id,
                bot_id=claim.bot_id,
                parent_id=claim.parent_id,
                saved=saved,
                saved_version=version,
                type_version=job_type.version,
                range=claim.range,
            )
        return job_type, params

    def _saved(self, desk: Desk) -> tuple[str | None, int]:
        found = desk.patiently(lambda: self._load(desk.claim.job_id))
        if found is None:
            return None, desk.claim.type_version
        text, number, version, damaged = found
        if damaged:
            desk.log(
                "WARNING",
                f"Checkpoint {damaged[0]} is damaged; going on from {number}.",
                {"damaged": damaged},
            )
        desk.number = number
        return text, version

    def _load(self, job_id: str) -> tuple[str, int, int, list[int]] | None:
        with self._store.read() as conn:
            return checkpoints.load_checkpoint(conn, self._store.dialect, job_id)

    # ---- how it ended ---------------------------------------------------------------------------------------

    def conclude(self, desk: Desk, found: Outcome) -> None:
        """Hand over how a run ended, and before it what it saved."""
        if found.kind is Kind.HANDED_ON:
            return
        if desk.is_late and found.kind in (Kind.CANCELLED, Kind.STOPPED):
            error = TimeoutError(f"It ran longer than its timeout of {desk.job_type.timeout} s.")
            found = Outcome(Kind.FAILURE, None, JobError("Timeout", str(error)), error)
        try:
            ending = self._ending(desk, found)
            if ending.keeps_saved and desk.context is not None and desk.context.has_partials:
                desk.context.mark_end()
                desk.save_last()
        except InvalidValue as error:
            found = outcome.of_exception(error)
            ending = self._ending(desk, found)
        point = None
        if found.kind not in (Kind.SUCCESS, Kind.SKIPPED):
            try:
                if ending.question is not None:
                    # What it has saved and what it asks are one: nobody may answer to a state that was lost.
                    point = desk.last_point()
                else:
                    desk.save_last()
            except InvalidValue as error:
                _log.warning("The last state of job %s cannot be saved: %s", desk.claim.job_id, error)
        self._writer.put(Change(desk, point=point, ending=ending))

    def _ending(self, desk: Desk, found: Outcome) -> Ending:
        claim, retry = desk.claim, desk.job_type.retry
        result: str | None = None
        if found.result is not None:
            result = codec.encode(found.result, "The result", self._store.settings.limits.result_bytes)
        ending = Ending(
            job_id=claim.job_id,
            job_type=claim.job_type,
            run_id=claim.run_id,
            fence=claim.fence,
            status=Status.COMPLETED,
            run_status=RunStatus.SUCCESS,
            duration_ms=int((self._clock.monotonic() - desk.begun) * 1000),
            result=result,
            has_needs=claim.has_needs,
            failures=claim.failures,
        )
        if desk.meter.was_told:
            ending.progress = desk.meter.snapshot()
        match found.kind:
            case Kind.SUCCESS:
                ending.keeps_saved = claim.family is not None
                return ending
            case Kind.SKIPPED:
                ending.run_status = RunStatus.SKIPPED
            case Kind.CANCELLED | Kind.LOST:
                ending.status, ending.run_status = Status.CANCELLED, RunStatus.CANCELLED
            case Kind.STOPPED:
                ending.status, ending.run_status, ending.event = (
                    Status.PENDING,
                    RunStatus.INTERRUPTED,
                    "interrupted",
                )
            case Kind.PARKED:
                ending.status, ending.run_status, ending.event = Status.PENDING, RunStatus.PARKED, "parked"
                ending.keeps_resources = desk.job_type.hold_while_waiting
                self._park(ending, desk.wait or Wait())
            case Kind.FAILURE if isinstance(found.exception, StoreUnavailable):
                # Not the job's doing: it uses no attempt, and goes on once the database is back.
                ending.status, ending.run_status, ending.event = Status.PENDING, RunStatus.INTERRUPTED, "interrupted"
                ending.waiting_on = Waiting.TIME
                ending.run_at = self._store.now() + timedelta(seconds=_AFTER_OUTAGE_SECONDS)
            case Kind.FAILURE:
                self._set_failure(ending, found, claim.failures + 1, retry)
        return ending

    def _park(self, ending: Ending, wait: Wait) -> None:
        if wait.question is not None:
            self._ask(ending, wait.question)
        elif wait.family is not None:
            # It reads ``running`` while its ranges go on, and keeps what it occupies.
            ending.status, ending.waiting_on, ending.family = Status.RUNNING, Waiting.CHILDREN, wait.family
            ending.keeps_resources = True
        elif wait.resource is not None:
            # Ready at once: the claim decides, for all that it needs together.
            ending.lent, ending.keeps_resources, ending.has_needs = wait.resource, False, True
        elif wait.any_of:
            ending.any_of, ending.keeps_resources = wait.any_of, False
        else:
            ending.waiting_on, ending.run_at = Waiting.TIME, wait.until

    def _ask(self, ending: Ending, asked: Asking) -> None:
        ending.status, ending.waiting_on, ending.event = Status.PENDING_HITL, Waiting.PERSON, "asked"
        ending.question = asking = dataclasses.replace(asked, question_id=self._ids.new())
        ending.keeps_resources = ending.keeps_resources or asking.is_holding
        ending.data = questions.told(asking.question_id, asking.name, kind=asking.kind)

    def _set_failure(self, ending: Ending, found: Outcome, failures: int, retry: Any) -> None:
        error = found.error or JobError("Error", "It failed.")
        plain = JobError(error.type, codec.clean(error.message), codec.clean(error.traceback))
        ending.run_status = RunStatus.FAILED
        ending.failures = failures
        ending.error_parts = (plain.type, plain.message, plain.traceback)
        ending.error = codec.encode(outcome.as_json(plain), "The error", 1 << 24)
        final = isinstance(found.exception, OnwardError) and found.exception.code in _FINAL
        if found.exception is not None and not final and retry.retries(found.exception, failures):
            delay = retry.backoff.delay(failures, self._clock.random_bits(30) / 2**30)
            ending.status, ending.waiting_on, ending.event = Status.PENDING, Waiting.TIME, "retrying"
            ending.run_at = self._store.now() + timedelta(seconds=delay)
        else:
            ending.status = Status.FAILED


_AFTER_OUTAGE_SECONDS = 1.0
_FINAL = {"params-invalid", "checkpoint-corrupt", "extra-missing", "range-failed"}
"""Errors that another attempt would only meet again."""


def new_context(desk: Any, job_type: JobType) -> Context:
    """A context for a run."""
    return Context(
        desk,
        every=job_type.checkpoint_every,
        seconds=job_type.checkpoint_seconds,
        on_changed_inputs=job_type.on_changed_inputs,
    )
