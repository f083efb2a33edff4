"""Ranges on a Dask cluster that is there: Dask only places processes, the database stays the truth.

The bridge, a service of a worker, sees ready jobs in the cluster's queue and submits Dask tasks. Each task is an
ordinary onward worker of one slot on that queue, in Dask's worker process, until nothing is left to do: with the same
claims, fences, checkpoints and signs of life. A Dask worker that dies is noticed by the rescuer like any other, its
job is ready again, and the bridge submits another task.
"""

from __future__ import annotations

import dataclasses
import importlib
import logging
from collections.abc import Sequence
from typing import Any

from onward.authoring.registry import JobTypes
from onward.clock import Clock, SystemClock
from onward.engine.service import Service
from onward.engine.worker import Worker
from onward.errors import InvalidConfig, MissingExtra
from onward.events import Bus
from onward.model.ids import Ids
from onward.settings import Settings
from onward.store import Store, ready

_log = logging.getLogger("onward.engine")
_LOOK_SECONDS = 1.0
_AFTER_FAILURE = 5.0
_CONNECT_SECONDS = 5.0


class Bridge(Service):
    """Keeps as many tasks on the cluster as there is work for. Several bridges do no harm: a task too many ends."""

    name = "bridge"

    def __init__(self, store: Store, registry: JobTypes, clock: Clock) -> None:
        super().__init__(clock)
        self._store = store
        self._registry = registry
        self._cluster = store.settings.cluster
        self._client: Any = None
        self._tasks: list[Any] = []
        self._is_away = False

    def start(self) -> None:
        """Begin. Raises ``MissingExtra``."""
        _distributed()
        super().start()

    def tick(self) -> float | None:
        self._tasks = [task for task in self._tasks if not self._is_over(task)]
        with self._store.read() as conn:
            count = ready.count_ready(conn, self._store.dialect, self._cluster.queue, 1000)
        if not count:
            return _LOOK_SECONDS
        try:
            self.submit(count)
        except OSError as error:
            if not self._is_away:
                _log.warning("The Dask cluster at %s is away: %s", self._cluster.address, error)
            self._is_away = True
            self._let_go()
            return _AFTER_FAILURE
        self._is_away = False
        return _LOOK_SECONDS

    def submit(self, count: int) -> None:
        """Submit tasks for so many ready jobs, as far as there is room. Raises ``OSError``."""
        client = self._connected()
        most = self._cluster.tasks or sum(client.nthreads().values())
        for _ in range(min(count, most - len(self._tasks))):
            wanted = {self._cluster.resource: 1} if self._cluster.resource else None
            self._tasks.append(client.submit(work, self._order(), pure=False, resources=wanted))

    def stop(self, timeout: float | None = 5.0) -> bool:
        """End; tasks that run go on until nothing is left to do."""
        has_ended = super().stop(timeout)
        self._let_go()
        return has_ended

    def _connected(self) -> Any:
        if self._client is None:
            self._client = _distributed().Client(self._cluster.address, timeout=_CONNECT_SECONDS, set_as_default=False)
        return self._client

    def _let_go(self) -> None:
        client, self._client, self._tasks = self._client, None, []
        if client is not None:
            client.close(timeout=1)

    def _is_over(self, task: Any) -> bool:
        if task.status == "error":
            _log.warning("A task on the Dask cluster failed: %s", task.exception())
        return bool(task.done())

    def _order(self) -> dict[str, Any]:
        path = self._store.sqlite_path
        settings = dataclasses.replace(self._store.settings.renewed(), cluster=type(self._cluster)())
        return {
            "url": self._store.url if path is None else f"sqlite:///{path.resolve()}",
            "settings": settings.as_mapping(),
            "places": [self._cluster.app] if self._cluster.app else _modules(self._registry),
            "queue": self._cluster.queue,
        }


def bridges(store: Store, registry: JobTypes, clock: Clock) -> tuple[Bridge, ...]:
    """The bridge to the cluster, where the settings name one."""
    return (Bridge(store, registry, clock),) if store.settings.cluster.address else ()


def work(order: dict[str, Any]) -> None:
    """What a task does: be a worker until nothing is left to do."""
    clock = SystemClock()
    store = Store(order["url"], Settings(**order["settings"]), clock)
    try:
        registry = job_types(order["places"])
        Worker(
            store, registry, clock, Ids(clock), Bus(), concurrency=1, queues=[order["queue"]], name=_dask_name()
        ).run(until_idle=True)
    finally:
        store.close()


def job_types(places: Sequence[str]) -> JobTypes:
    """The job types of ``module:attribute`` (an application or ``JobTypes``), or of all such in a ``module``."""
    found = JobTypes()
    for place in places:
        module_name, _, attribute = place.partition(":")
        module = importlib.import_module(module_name)
        values = [getattr(module, attribute, None)] if attribute else list(vars(module).values())
        registries = [known for value in values if isinstance(known := getattr(value, "job_types", value), JobTypes)]
        if attribute and not registries:
            raise InvalidConfig(
                f"cluster.app={place!r} is neither an application nor JobTypes.", hint="Use module:attribute."
            )
        for registry in registries:
            found.include(registry)
    return found


def _modules(registry: JobTypes) -> list[str]:
    """Where the functions of job types come from, but for those of a script and of onward itself."""
    names = {kind.func.__module__ for kind in registry}
    return sorted(name for name in names if name != "__main__" and name.partition(".")[0] != "onward")


def _dask_name() -> str:
    worker = _distributed().get_worker()
    return f"dask-{worker.name}"


def _distributed() -> Any:
    try:
        return importlib.import_module("distributed")
    except ImportError as error:
        raise MissingExtra(
            f"A cluster needs dask.distributed, which is not installed ({error}).",
            hint="Run: pip install 'onward[dask]'",
        ) from error
