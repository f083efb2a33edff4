"""Chains without a server or worker: phases in turn, in the caller's thread, with one progress bar."""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol

from onward.checkpoints import Checkpoint, FileCheckpointStore, plain_json
from onward.errors import InvalidChain, InvalidValue, JobCancelled
from onward.model.chain import ChainIssue, ChainReport, ChainType, JobPhase, check_chain, check_shape
from onward.model.job import Json
from onward.model.weights import OverallProgress

__all__ = [
    "ChainIssue",
    "ChainReport",
    "ChainType",
    "InlineRunner",
    "JobPhase",
    "check_chain",
    "run_combined_job",
]

ProgressCallback = Callable[[int, int, str], Any]
CancelChecker = Callable[[], bool]

MAX_ERROR = 4000
_log = logging.getLogger(__name__)


class InlineRunner(Protocol):
    """What runs a phase that is a job type: an app."""

    def run_inline(
        self,
        job_type: str,
        params: dict[str, Json],
        *,
        source_id: str | None = None,
        progress_callback: Callable[..., Any] | None = None,
        cancel_checker: CancelChecker | None = None,
    ) -> Any:
        """Run it in this thread and return its result; whatever it raises fails the phase."""
        ...


class _PhaseFailed(Exception):
    """A phase returned ``{"success": False, "error": …}``."""


def run_combined_job(
    phases: Sequence[JobPhase],
    progress_callback: ProgressCallback | None = None,
    cancel_checker: CancelChecker | None = None,
    *,
    source_id: str | None = None,
    job_type: str | None = None,
    resume: bool = False,
    app: InlineRunner | None = None,
    store: FileCheckpointStore | None = None,
) -> dict[str, Any]:
    """Run ``phases`` in turn and say how it went.

    ``progress_callback(percent, 100, message)`` is called at least after each phase; ``cancel_checker()`` is
    asked before each. A function gets ``progress_callback(done, total, message)`` and ``cancel_checker`` as
    keywords if its signature takes them. With ``source_id`` and ``job_type``, a checkpoint file is saved
    after each phase (in ``store``, by default the backup folder); ``resume=True`` skips the phases that it
    names, ``resume=False`` drops it. It is deleted on success and kept otherwise.

    The answer has ``success``, ``status`` ("success", "cancelled" or None), ``phases_completed``,
    ``phase_results`` [{``phase``, ``index``, ``result``}], ``message``, ``resumed``, ``phases_skipped``; and
    without success ``current_phase`` (from 0), ``phase_name`` and ``error`` (None if it was cancelled). What
    a phase raises is such an error. Raised are: ``InvalidChain`` for phases that cannot run or are not those
    of the checkpoint, ``CorruptCheckpoint``, and ``InvalidValue`` for a result that is not JSON and so cannot
    be saved.
    """
    phases = list(phases)
    _require_runnable(phases, app)
    saves = _Saves([phase.name for phase in phases], source_id, job_type, resume=resume, store=store)
    skipped = list(saves.checkpoint.phases_completed)
    answer = {"resumed": saves.resumed, "phases_skipped": len(skipped)}
    weights = [phase.weight for phase in phases]
    progress = OverallProgress(weights, completed=skipped, least=saves.checkpoint.progress)
    bar = _Bar(progress, progress_callback)
    cancelled = cancel_checker or _never
    for at, phase in enumerate(phases):
        if at in skipped:
            continue
        try:
            if cancelled():
                raise JobCancelled
            bar.show(f"Phase {at + 1} of {len(phases)}: {phase.name}")
            report = functools.partial(bar.report, at, phase.name)
            result = _run_phase(phase, app, source_id, report, cancelled)
            saves.phase_done(at, result, progress.complete(at))
        except JobCancelled:
            return _stopped(saves, answer, at, bar.percent, None)
        except _ResultNotJson as problem:
            raise problem.cause from None
        except Exception as problem:  # noqa: BLE001 - whatever a phase raises is its failure
            _log.warning("Phase %s of a chain failed.", phase.name, exc_info=problem)
            return _stopped(saves, answer, at, bar.percent, problem)
        bar.show(f"{phase.name}: done")
    saves.drop()
    return _answer(saves, answer, "success", f"All {len(phases)} phases completed.")


def _never() -> bool:
    return False


def _require_runnable(phases: Sequence[JobPhase], app: InlineRunner | None) -> None:
    ChainReport(check_shape(phases)).require_valid()
    named = {phase.type_name: None for phase in phases if phase.type_name}
    if named and app is None:
        names = ", ".join(map(repr, named))
        hint = "Pass app=your_app, or give each phase a function: JobPhase(name, func)."
        raise InvalidChain(f"The phases {names} are job types, and there is no app to run them.", hint=hint)


def _run_phase(
    phase: JobPhase,
    app: InlineRunner | None,
    source_id: str | None,
    report: Callable[..., None],
    cancelled: CancelChecker,
) -> Any:
    """The phase's result; raises ``JobCancelled`` or ``_PhaseFailed`` where the result says so."""
    offered: dict[str, Any] = {"progress_callback": report, "cancel_checker": cancelled}
    if phase.type_name and app is not None:
        result = app.run_inline(phase.type_name, phase.type_params, source_id=source_id, **offered)
    else:
        func: Any = phase.func
        result = func(*phase.args, **{**accepted(func, phase.args, phase.kwargs, offered), **phase.kwargs})
    if isinstance(result, dict) and result.get("success") is False:
        if result.get("cancelled"):
            raise JobCancelled
        raise _PhaseFailed(str(result.get("error") or "The phase reported no success."))
    return result


def accepted(
    func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], offered: dict[str, Any]
) -> dict[str, Any]:
    """What of ``offered`` the function takes as a keyword and does not have already."""
    try:
        signature = inspect.signature(func)
        given = signature.bind_partial(*args, **kwargs).arguments
    except (TypeError, ValueError):  # a built-in without a signature, or arguments that do not fit
        return {}
    given = {**given, **getattr(func, "keywords", {})} if isinstance(func, functools.partial) else given
    by_name = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    kinds = {name: each.kind for name, each in signature.parameters.items()}
    takes_all = inspect.Parameter.VAR_KEYWORD in kinds.values()
    named = {name for name, kind in kinds.items() if kind in by_name}
    return {name: each for name, each in offered.items() if name not in given and (takes_all or name in named)}


class _Bar:
    """The caller's one progress bar."""

    def __init__(self, progress: OverallProgress, callback: ProgressCallback | None) -> None:
        self._progress = progress
        self._callback = callback

    @property
    def percent(self) -> int:
        return self._progress.percent

    def show(self, message: str) -> None:
        if self._callback:
            self._callback(self._progress.percent, 100, message)

    def report(self, at: int, name: str, done: float = 0, total: float | None = None, message: str = "") -> None:
        """What the phase's function calls as ``progress_callback(done, total, message)``."""
        self._progress.report(at, done, total)
        grew = f" ({self._progress.grew})" if self._progress.grew else ""
        self.show(f"{name}: {message}{grew}" if message else f"{name}{grew}")


class _ResultNotJson(Exception):
    """Carries the error for the caller past the phases' own errors."""

    def __init__(self, cause: InvalidValue) -> None:
        super().__init__(cause.message)
        self.cause = cause


class _Saves:
    """The chain's checkpoint; without a source and job type it is kept in memory only."""

    def __init__(
        self,
        names: list[str],
        source_id: str | None,
        job_type: str | None,
        *,
        resume: bool,
        store: FileCheckpointStore | None,
    ) -> None:
        self.names = names
        self.resumed = False
        self.checkpoint = Checkpoint(job_type or "", source_id or "", extra={"phases": names})
        self._store: FileCheckpointStore | None = None
        if source_id is None or job_type is None:
            if resume:
                hint = "Pass both, as in the run that is to be resumed."
                raise InvalidChain("resume=True needs source_id and job_type.", hint=hint)
            return
        self._store = store or FileCheckpointStore()
        if not resume:
            self._store.delete_checkpoint(source_id, job_type)
        elif found := self._store.load_checkpoint(source_id, job_type):
            _require_same_chain(found, names)
            self.checkpoint, self.resumed = found, True
            self.checkpoint.extra["phases"] = names

    def phase_done(self, at: int, result: Any, percent: int) -> None:
        if self._store:
            try:
                result = plain_json(result, "result")
            except InvalidValue as error:
                problem = f"Phase {at + 1}, {self.names[at]!r}, cannot be saved: {error.message}"
                hint = "Let it return plain dict, list, str, int, float, bool or None."
                raise _ResultNotJson(InvalidValue(problem, hint=hint)) from error
        saved = self.checkpoint
        before = saved.phases_completed, saved.phase_results
        saved.phases_completed = [*before[0], at]
        saved.phase_results = [*before[1], {"phase": self.names[at], "index": at, "result": result}]
        saved.progress = max(saved.progress, percent)
        try:
            self._save()
        except BaseException:
            saved.phases_completed, saved.phase_results = before
            raise

    def phase_stopped(self, at: int, error: str | None, percent: int) -> None:
        """Note where it stopped, so that it shows among the interrupted jobs; a full disk is no new error."""
        self.checkpoint.progress = max(self.checkpoint.progress, percent)
        if error is not None:
            self.checkpoint.errors.append({"phase": self.names[at], "index": at, "error": error})
        with suppress(OSError):
            self._save()

    def drop(self) -> None:
        """Delete the checkpoint; what cannot be deleted says that all phases are done, and harms nobody."""
        if self._store:
            try:
                self._store.delete_checkpoint(self.checkpoint.source_id, self.checkpoint.job_type)
            except OSError as problem:
                _log.warning("The checkpoint of a completed chain could not be deleted: %s", problem)

    def _save(self) -> None:
        if self._store:
            self._store.save_checkpoint(self.checkpoint)


def _require_same_chain(found: Checkpoint, names: list[str]) -> None:
    """``InvalidChain`` if the checkpoint is of a chain with other phases, so that none is skipped wrongly."""
    hint = "Give the same phases in the same order, or start afresh with resume=False."
    saved = found.extra.get("phases", names)
    if saved != names:
        raise InvalidChain(f"The checkpoint is of the phases {saved!r}, not {names!r}.", hint=hint)
    done = found.phases_completed
    if not all(type(at) is int and 0 <= at < len(names) for at in done) or len(set(done)) != len(done):
        problem = f"The checkpoint has completed the phases {done!r}; the chain has {len(names)}."
        raise InvalidChain(problem, hint=hint)
    for each in found.phase_results:
        at = each.get("index") if isinstance(each, dict) else None
        if at not in done or each.get("phase") != names[at]:
            raise InvalidChain(f"The checkpoint has a result that is no phase of the chain: {each!r}.", hint=hint)


def _stopped(saves: _Saves, answer: dict[str, Any], at: int, percent: int, problem: Exception | None) -> dict[str, Any]:
    """The answer of a chain that was cancelled (no ``problem``) or failed in the phase ``at``."""
    name = saves.names[at]
    if problem is None:
        error, status, message = None, "cancelled", f"Cancelled in phase {at + 1}, {name}."
    else:
        error, status, message = _text(problem), None, f"Failed in phase {at + 1}, {name}: {_text(problem)}"
    saves.phase_stopped(at, error, percent)
    where = {"current_phase": at, "phase_name": name, "error": error}
    return {**_answer(saves, answer, status, message), **where}


def _text(problem: Exception) -> str:
    """What it says; with its class where that alone would say nothing."""
    text = str(problem).encode(errors="replace").decode()[:MAX_ERROR]
    unclear = not text or isinstance(problem, KeyError)
    return f"{type(problem).__name__}: {text}".removesuffix(": ") if unclear else text


def _answer(saves: _Saves, answer: dict[str, Any], status: str | None, message: str) -> dict[str, Any]:
    return {
        "success": status == "success",
        "status": status,
        "phases_completed": len(saves.checkpoint.phases_completed),
        "phase_results": list(saves.checkpoint.phase_results),
        "message": message,
        **answer,
    }
