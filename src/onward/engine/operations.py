"""The room of operations: one verb on many jobs, in the background, which goes on after a crash.

The set of jobs is written down when the operation begins, so nothing that changes meanwhile is left out or comes in.
Whoever has a server looks for operations that nobody is at, and goes on with them.
"""

from __future__ import annotations

import builtins
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from onward.clock import Clock
from onward.engine.service import Service
from onward.errors import IllegalTransition, InvalidValue, JobNotFound, OnwardError, StoreUnavailable
from onward.model.ids import Ids, parsed, shown
from onward.model.job import Json
from onward.model.operation import Operation, OperationItem
from onward.store import Connection, Store, operations

_log = logging.getLogger("onward.engine")
MOST = 100_000
"""Jobs of one operation."""
_BATCH = 50
_LEFT_SECONDS = 30.0
"""After which an operation counts as left by whoever was at it."""

Act = Callable[[str, Operation], object]
"""A verb: the job, and the operation that says who wants it and why."""


class Operations:
    """Verbs on many jobs."""

    def __init__(self, store: Store, clock: Clock, ids: Ids, verbs: Mapping[str, Act]) -> None:
        self._store, self._clock, self._ids, self._verbs = store, clock, ids, verbs
        self._lock = threading.Lock()
        self._runner: Runner | None = None

    def begin(
        self,
        action: str,
        job_ids: Sequence[str],
        *,
        query: str | None = None,
        reason: str = "",
        actor: str | None = None,
        arguments: Mapping[str, Json] | None = None,
    ) -> Operation:
        """Do a verb with these jobs, in the background of this process. Raises ``InvalidValue``.

        ``arguments``: of ``change`` what shall be otherwise: ``priority``, ``queue``, ``add_tags``.
        """
        if action not in self._verbs:
            raise InvalidValue(f"{action[:50]!r} is not a verb.", hint=f"Use one of {', '.join(sorted(self._verbs))}.")
        targets = list(dict.fromkeys(map(parsed, job_ids)))
        if len(targets) > MOST:
            raise InvalidValue(f"{len(targets):,} jobs are too many at once.", hint=f"Use up to {MOST:,}.")
        now = self._store.now()
        made = Operation(
            self._ids.new(), action, query, reason[:4000], "running", len(targets), actor, now, now,
            arguments=dict(arguments or {}),
        )  # fmt: skip
        self._store.write(
            lambda conn: operations.insert_operation(conn, self._store.dialect, made, targets), patience=float("inf")
        )
        self._running().take(made.id)
        return made

    def get(self, operation_id: str) -> Operation:
        """An operation, and how far it is. Raises ``InvalidValue``."""
        with self._store.read() as conn:
            found = operations.get_operation(conn, self._store.dialect, parsed(operation_id))
        if found is None:
            raise InvalidValue(f"There is no operation {operation_id[:60]}.", hint="It may have been long ago.")
        return found

    def list(self, limit: int = 50) -> builtins.list[Operation]:
        """The newest operations."""
        with self._store.read() as conn:
            ids = operations.list_operations(conn, self._store.dialect, limit)
        return [self.get(one) for one in ids]

    def items(
        self, operation_id: str, *, outcome: str | None = None, after: str = "", limit: int = 100
    ) -> builtins.list[OperationItem]:
        """Its jobs and what became of each, by id."""
        with self._store.read() as conn:
            dialect, at = self._store.dialect, parsed(after) if after else ""
            return operations.list_items(conn, dialect, parsed(operation_id), outcome, at, limit)

    def cancel(self, operation_id: str) -> Operation:
        """Stop it after the job that it is at; what is done stays done. Raises ``IllegalTransition``."""
        found = parsed(operation_id)
        if not self._store.write(lambda conn: operations.ask_to_stop(conn, self._store.dialect, found)):
            raise IllegalTransition(f"Operation {shown(found, 'op')} is {self.get(found).state}.")
        self._running().take(found)
        return self.get(found)

    def attend(self) -> None:
        """From now on go on with operations that were left by a process that has died."""
        self._running()

    def close(self) -> None:
        """Let go of what is under way; another process goes on with it, or this one later."""
        with self._lock:
            runner, self._runner = self._runner, None
        if runner is not None:
            runner.stop()

    def _running(self) -> Runner:
        with self._lock:
            if self._runner is None:
                self._runner = Runner(self._store, self._clock, self._verbs)
                self._runner.start()
            return self._runner


class Runner(Service):
    """Goes through operations, a few jobs a turn."""

    name = "operations"

    def __init__(self, store: Store, clock: Clock, verbs: Mapping[str, Act]) -> None:
        super().__init__(clock)
        self._store, self._verbs = store, verbs
        self._mine: builtins.list[str] = []

    def take(self, operation_id: str) -> None:
        """Be at this one."""
        if operation_id not in self._mine:
            self._mine.append(operation_id)
        self.wake()

    def tick(self) -> float | None:
        if not self._mine:
            now = self._store.now()
            before = now - timedelta(seconds=_LEFT_SECONDS)
            left = self._store.write(lambda conn: operations.take_left(conn, self._store.dialect, before, now))
            if left is None:
                return _LEFT_SECONDS
            self._mine.append(left)
        if self._go_on(self._mine[0]):
            return 0.0
        self._mine.pop(0)
        return 0.0

    def _go_on(self, operation_id: str) -> bool:
        """A few more jobs; whether any are left."""
        dialect = self._store.dialect
        with self._store.read() as conn:
            operation = operations.get_operation(conn, dialect, operation_id)
            targets = operations.next_targets(conn, dialect, operation_id, _BATCH)
        if operation is None or operation.state != "running":
            return False
        if operation.stop_asked or not targets:
            state = "stopped" if targets else "done"
            self._store.write(lambda conn: operations.finish(conn, dialect, operation_id, state, self._store.now()))
            self._store.doorbell.ring()
            return False
        found = []
        for target in targets:
            if self.is_stopping:
                break
            found.append((operation_id, target, *self._act(operation, target)))

        def keep(conn: Connection) -> None:
            operations.keep_outcomes(conn, dialect, found)
            operations.touch(conn, dialect, operation_id, self._store.now())

        if found:
            self._store.write(keep)
        return True

    def _act(self, operation: Operation, target: str) -> tuple[str, str]:
        try:
            self._verbs[operation.action](target, operation)
        except JobNotFound as error:
            return "gone", error.message
        except IllegalTransition as error:
            return "skipped", error.message
        except StoreUnavailable:
            raise
        except OnwardError as error:
            return "failed", error.message
        return "done", ""
