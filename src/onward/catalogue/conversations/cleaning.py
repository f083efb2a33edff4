"""One clean-up from its first look to its result; it may leave anywhere and go on from there."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from onward.authoring.context import Context
from onward.catalogue.conversations.outside import alert, connection, metrics
from onward.catalogue.conversations.outside.catalogue import Catalogue, catalogue_path
from onward.catalogue.conversations.outside.place import Manners, Place, Tally
from onward.catalogue.conversations.outside.postgres_place import PostgresPlace
from onward.catalogue.conversations.outside.redis_place import RedisPlace
from onward.catalogue.conversations.outside.sqlite_place import SqlitePlace
from onward.catalogue.conversations.plan.thread import Policy, Why
from onward.errors import OnwardError
from onward.settings import hide_secrets

_DAY = 86400.0
_THREADS_AT_ONCE = 100
_MOST_REST_SECONDS = 1.0
_COUNTS = ("threads", "processed", "deleted", "records", "freed_bytes", "busy", "undated")

Spared = Callable[[], Iterable[str]]
"""Gives the threads that unfinished jobs name."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What was asked for; None is what the settings say."""

    retention_days: float | None = None
    waiting_days: float | None = None
    pattern: str | None = None
    erase: bool = False
    dry_run: bool = False
    memory_limit_bytes: int | None = None


class Cleaning:
    """Does what one job asks. Its state: when "now" was, and what was done so far."""

    def __init__(self, ctx: Context, wishes: Wishes, spared: Spared) -> None:
        self._ctx = ctx
        self._wishes = wishes
        self._spared = spared
        self._settings = ctx.settings.langgraph
        self._never = threading.Event()

    def run(self) -> dict[str, Any]:
        """Clean up, and say what was done; a failure is told to whoever wants to hear of it, and raised."""
        try:
            result = self._run()
        except Exception as error:
            metrics.RUNS.labels("failed").inc()
            self._tell_of(error)
            raise
        metrics.RUNS.labels("success").inc()
        metrics.ENDED_AT.set(self._ctx.clock.now().timestamp())
        return result

    def _run(self) -> dict[str, Any]:
        ctx = self._ctx
        state = ctx.state
        state.setdefault("now", ctx.clock.now().timestamp())
        url = connection.address(self._settings)
        ctx.log.info("Starting the clean-up of checkpoints.", at=hide_secrets(url), dry_run=self._wishes.dry_run)
        begun = ctx.clock.monotonic()
        place = self._open(url)
        try:
            used = place.used_bytes()
            state.setdefault("used_bytes", used)
            state.setdefault("retention_days", self._retention(place, used))
            # What is old is decided once, however often the job is interrupted.
            ctx.checkpoint(flush=True)
            tally = self._clean(place, self._policy(float(state["retention_days"])))
            seconds = ctx.clock.monotonic() - begun
            result = self._result(place, tally, url, seconds)
            self._measure(place, tally, seconds)
            if isinstance(place, RedisPlace):
                place.remove_catalogue()
            return result
        finally:
            place.close()

    def _open(self, url: str) -> Place:
        ctx = self._ctx
        manners = Manners(ctx.check, self._show_look, self._rest)
        if connection.is_redis(url):
            client = connection.connect(url)
            # A cursor of SCAN is good for one server process and one question.
            of = f"{hide_secrets(url)} {client.info('server')['run_id']} {self._wishes.pattern} {ctx.state['now']}"
            return RedisPlace(client, Catalogue(catalogue_path(ctx.job_id, ctx.state["now"]), of), ctx.clock, manners)
        scheme, _, rest = url.partition("://")
        if scheme.startswith("postgres"):
            return PostgresPlace(url, ctx.clock, manners)
        if scheme == "sqlite":
            return SqlitePlace(rest.removeprefix("/"), ctx.clock, manners)
        raise OnwardError(
            f"langgraph.url begins with {scheme!r}.",
            hint="Use redis://, rediss://, unix://, postgresql:// or sqlite:///.",
        )

    def _retention(self, place: Place, used_bytes: int) -> float:
        """The days to keep: fewer when Redis uses more memory than it should."""
        wished = self._wishes.retention_days
        days = float(self._settings.retention_days if wished is None else wished)
        limit = self._wishes.memory_limit_bytes
        limit = self._settings.memory_limit_bytes if limit is None else limit
        shorter = self._settings.memory_retention_days
        if place.name != "redis" or not limit or used_bytes <= limit or shorter >= days:
            return days
        self._ctx.log.warning(
            f"Redis uses {used_bytes:,} bytes, more than {limit:,}: checkpoints are kept for {shorter:g} days only."
        )
        return float(shorter)

    def _policy(self, days: float) -> Policy:
        now = float(self._ctx.state["now"])
        waiting = self._wishes.waiting_days
        return Policy(
            now - days * _DAY,
            None if waiting is None else now - waiting * _DAY,
            self._wishes.pattern,
            frozenset() if self._wishes.erase else frozenset(self._spared()),
            self._wishes.erase,
        )

    def _clean(self, place: Place, policy: Policy) -> Tally:
        ctx = self._ctx
        total = place.survey(policy)
        tally = _tally_of(ctx.state.get("done", {}))
        ctx.log.info(f"Found {total:,} threads.")
        # Which piece comes next is asked of the place, so nothing is held of threads that were or will be.
        items: Callable[[Any], Any] = place.threads
        groups = ctx.each(items, key=str, name="threads", batch=_THREADS_AT_ONCE, total=total, every=1000, seconds=5)
        for group in groups:
            tally.add(place.clean(group, policy, dry_run=self._wishes.dry_run))
            ctx.state["done"] = _as_json(tally)
            ctx.progress(message=f"{tally.deleted:,} of {tally.processed:,} checkpoints deleted")
        return tally

    def _result(self, place: Place, tally: Tally, url: str, seconds: float) -> dict[str, Any]:
        ctx = self._ctx
        ctx.log.info(f"Processed {tally.processed:,} checkpoints of {tally.threads:,} threads.")
        verb = "Would delete" if self._wishes.dry_run else "Deleted"
        ctx.log.info(f"{verb} {tally.deleted:,} old checkpoints ({tally.freed_bytes:,} bytes).")
        if not tally.processed:
            ctx.log.warning(f"No checkpoints were found in {_where(url)}.")
        if tally.busy:
            ctx.log.info(f"{tally.busy:,} were changed at that moment, and left for the next time.")
        days = ctx.state["retention_days"]
        after = place.used_bytes()
        return {
            "success": True,
            "processed_count": tally.processed,
            "deleted_count": tally.deleted,
            "retention_days": int(days) if float(days).is_integer() else days,
            "error": None,
            "dry_run": self._wishes.dry_run,
            "place": place.name,
            "threads": tally.threads,
            "threads_by_fate": {why.name.lower(): tally.fates.get(why, 0) for why in Why},
            "deleted_records": tally.records,
            "freed_bytes": tally.freed_bytes,
            "used_bytes_before": ctx.state["used_bytes"],
            "used_bytes_after": after,
            "changed_meanwhile": tally.busy,
            "without_a_time": tally.undated,
            "items_processed": tally.processed,
            "items_updated": 0 if self._wishes.dry_run else tally.deleted,
            "duration": round(seconds, 3),
        }

    def _measure(self, place: Place, tally: Tally, seconds: float) -> None:
        metrics.MEMORY.labels(place.name).set(place.used_bytes())
        metrics.CHECKPOINTS.labels(place.name).set(
            tally.processed if self._wishes.dry_run else tally.processed - tally.deleted
        )
        if not self._wishes.dry_run:
            metrics.DELETED.labels(place.name).inc(tally.deleted)
            metrics.FREED.labels(place.name).inc(tally.freed_bytes)
            metrics.RATE.labels(place.name).set(tally.deleted / max(seconds, 0.001))

    def _tell_of(self, error: Exception) -> None:
        if self._settings.alert_url is None:
            return
        ctx = self._ctx
        now = ctx.clock.now()
        content = {
            "event": "cleanup_checkpoints.failed",
            "job_id": ctx.job_id,
            "error": {"type": type(error).__name__, "message": hide_secrets(str(error))},
            "at": now.isoformat(),
        }
        delivery = ctx.idempotency_key(f"alert {ctx.attempt}")
        alert.send(self._settings.alert_url, self._settings.alert_secret, delivery, int(now.timestamp()), content)

    def _show_look(self, found: int) -> None:
        self._ctx.progress(message=f"{found:,} keys found so far", phase="look")

    def _rest(self, seconds: float) -> None:
        """As long as the work took: so others have the server at least half of the time."""
        self._ctx.clock.wait(self._never, min(seconds, _MOST_REST_SECONDS))


def _where(url: str) -> str:
    if connection.is_redis(url):
        return f"database {url.partition('?')[0].rpartition('/')[2] or 0} of Redis ({hide_secrets(url)})"
    return hide_secrets(url)


def _as_json(tally: Tally) -> dict[str, Any]:
    return {name: getattr(tally, name) for name in _COUNTS} | {"fates": {w.name: n for w, n in tally.fates.items()}}


def _tally_of(saved: Any) -> Tally:
    fates = {Why[name]: number for name, number in saved.get("fates", {}).items()}
    return Tally(**{name: saved.get(name, 0) for name in _COUNTS}, fates=fates)
