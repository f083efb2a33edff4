"""What the doctor looks at, a function for each: whether everything is as it should be, and what mends it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from typing_extensions import TypedDict

import onward
from onward.errors import OnwardError
from onward.model.ids import shown

OK, WARN, FAIL = "ok", "warn", "fail"
_SKEW_SECONDS = 2.0
_LEAST_DISK = 1_000_000_000
_SAMPLE = 50


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, how it is, and what mends it."""

    check: str
    result: str
    text: str
    fix: str = ""
    exit_code: int = 6


class FindingRecord(TypedDict):
    """One line of the doctor."""

    check: str
    result: str
    text: str
    fix: str


def examine(app: onward.Onward) -> Iterator[FindingRecord]:
    """All checks of a running application, as plain values."""
    for finding in findings(app, app.settings.database.shown_url):
        yield {"check": finding.check, "result": finding.result, "text": finding.text, "fix": finding.fix}


def findings(app: onward.Onward, where: str) -> Iterator[Finding]:
    """All checks; without a database the rest cannot be looked at. ``where``: how the database is called."""
    try:
        status = app.database.status()
    except OnwardError as error:
        yield Finding("database", FAIL, error.message, error.hint, error.exit_code)
        return
    yield Finding("database", OK, f"{where}, {status['bytes'] / 1e6:,.1f} MB")
    schema = _schema(status["schema"], status["needs"])
    yield schema
    yield _library(str(status["library"]))
    if schema.result == FAIL:
        return
    for check in _CHECKS:
        try:
            yield from check(app)
        except OnwardError as error:
            yield Finding(check.__name__.strip("_"), FAIL, error.message, error.hint, error.exit_code)


def _schema(found: int | None, needs: int) -> Finding:
    if found == needs:
        return Finding("schema", OK, f"version {found}")
    if found is None:
        return Finding("schema", WARN, "the database is empty; it is made at first use", "onward db init")
    if found > needs:
        return Finding(
            "schema", FAIL, f"version {found} is newer than this program ({needs})", "install a newer onward"
        )
    return Finding("schema", FAIL, f"version {found}, this program needs {needs}", "onward db upgrade")


def _library(library: str) -> Finding:
    if library.startswith("SQLite") and "safe mode" in library:
        text = f"{library}: two checkpoints that meet can damage a database; safe mode prevents it, more slowly"
        return Finding("library", WARN, text, "pip install pysqlite3     (SQLite 3.51.3 or newer)")
    return Finding("library", OK, library)


def _clock(app: onward.Onward) -> Iterator[Finding]:
    if not app.settings.database.is_postgresql:
        return
    before = app.clock.now()
    _, rows = app.database.query("SELECT clock_timestamp()")
    after = app.clock.now()
    theirs: datetime = rows[0][0]
    middle = before + (after - before) / 2
    skew = abs((theirs.astimezone(UTC) - middle).total_seconds())
    if skew > _SKEW_SECONDS:
        text = f"this machine and the database differ by {skew:.1f} s"
        yield Finding("clock", WARN, text, "let both follow a time server; the database's time decides")
    else:
        yield Finding("clock", OK, f"within {max(skew, 0.01):.2f} s of the database's")


def _workers(app: onward.Onward) -> Iterator[Finding]:
    now = app.clock.now()
    listed = app.workers.list(alive=True)
    silent = [one for one in listed if (now - one.seen_at).total_seconds() > one.lease_seconds]
    alive = [one for one in listed if one not in silent]
    if not alive:
        yield Finding("workers", WARN, "none is running: jobs will wait", "onward worker")
    else:
        slots = sum(worker.slots for worker in alive)
        yield Finding("workers", OK, f"{len(alive)} running, {slots} slots")
    versions = sorted({worker.version for worker in alive})
    if len(versions) > 1:
        yield Finding(
            "versions", WARN, f"workers of versions {', '.join(versions)} run side by side", "restart the older"
        )
    if silent:
        names = ", ".join(worker.name for worker in silent[:5])
        yield Finding("workers", WARN, f"no sign of life from {names}", "a running worker takes over their jobs")


def _waiting(app: onward.Onward) -> Iterator[Finding]:
    """Jobs that nobody will take as things are."""
    found: dict[str, list[str]] = {}
    for job in app.find(status="pending", limit=_SAMPLE):
        reason = app.get(job.id).waiting_reason
        if reason is not None and reason.code in ("no-worker", "no-queue", "no-type"):
            found.setdefault(reason.text, []).append(shown(job.id))
    for text, ids in found.items():
        many = f"{len(ids)}{'+' if len(ids) == _SAMPLE else ''} job{'s' if len(ids) != 1 else ''} waiting"
        fix = "onward worker" if "onward worker" in text else f"onward worker --queues Q, or: onward job show {ids[0]}"
        yield Finding("queues", WARN, f"{many}: {text.rstrip('.')}", fix)
    if not found:
        yield Finding("queues", OK, "every waiting job has a worker for it")


def _interrupted(app: onward.Onward) -> Iterator[Finding]:
    count = len(app.interrupted())
    if count:
        text = f"{count} job{'s' if count != 1 else ''} stopped with work saved"
        yield Finding("interrupted", WARN, text, "onward interrupted list")
    else:
        yield Finding("interrupted", OK, "no job")


def _conflicts(app: onward.Onward) -> Iterator[Finding]:
    found = app.conflicts(limit=_SAMPLE)
    if not found:
        yield Finding("refused", OK, "nothing that jobs wrote in an outage")
        return
    many = f"{len(found)}{'+' if len(found) == _SAMPLE else ''}"
    text = f"{many} things that were written in an outage came too late, the last of job {shown(found[0].job_id)}"
    yield Finding("refused", WARN, text, f"onward job show {shown(found[0].job_id)}")


def _disk(app: onward.Onward) -> Iterator[Finding]:
    settings = app.settings
    folders = {"backups": Path(settings.backup_path)}
    url = settings.database.url
    if url.startswith("sqlite:///"):
        folders["database"] = Path(url.removeprefix("sqlite:///").partition("?")[0]).absolute().parent
    for name, folder in folders.items():
        place = next((one for one in (folder.absolute(), *folder.absolute().parents) if one.is_dir()), Path("/"))
        free = shutil.disk_usage(place).free
        text = f"{free / 1e9:,.1f} GB free for the {name} in {place}"
        if free < _LEAST_DISK:
            yield Finding("disk", WARN, text, "make room, or move it: onward config show --all")
        else:
            yield Finding("disk", OK, text)


_CHECKS: tuple[Callable[[onward.Onward], Iterator[Finding]], ...] = (
    _clock,
    _workers,
    _waiting,
    _interrupted,
    _conflicts,
    _disk,
)
