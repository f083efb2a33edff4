"""A chain without a server: phases in turn, one progress bar, resumable.

The file is long because the answer has many keys, and each its facts.
"""

import errno
import functools
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onward.chains import JobPhase, run_combined_job
from onward.checkpoints import Checkpoint, FileCheckpointStore
from onward.errors import CorruptCheckpoint, InvalidChain, InvalidValue, JobCancelled, JobLost

ALWAYS = {
    "success", "status", "phases_completed", "phase_results", "message", "resumed", "phases_skipped",
}  # fmt: skip
ON_FAILURE = ALWAYS | {"current_phase", "phase_name", "error"}


class Work:
    """Phases that note their calls; ``ends`` says how each one ends."""

    def __init__(self, *ends: Any) -> None:
        self.calls: list[int] = []
        self.ends = list(ends)

    def phases(self, *weights: float) -> list[JobPhase]:
        shares = weights or (50,) * len(self.ends)
        return [JobPhase(f"Phase {at}", self.run, weight, (at,)) for at, weight in enumerate(shares)]

    def run(self, at: int) -> Any:
        self.calls.append(at)
        end = self.ends[at]
        if isinstance(end, BaseException):
            raise end
        return end


def saved(store: FileCheckpointStore) -> Checkpoint | None:
    return store.load_checkpoint("wiki", "generate_source")


def run(
    work: Work | list[JobPhase], store: FileCheckpointStore, *, resume: bool = False, **more: Any
) -> dict[str, Any]:
    phases = work.phases() if isinstance(work, Work) else work
    names = {"source_id": "wiki", "job_type": "generate_source"}
    return run_combined_job(phases, resume=resume, store=store, **names, **more)


def test_phases_run_in_turn_with_one_bar() -> None:
    work = Work({"cleared": 3}, "indexed")
    shown: list[tuple[int, int, str]] = []
    answer = run_combined_job(work.phases(10, 90), lambda *report: shown.append(report))
    assert work.calls == [0, 1]
    assert answer == {
        "success": True,
        "status": "success",
        "phases_completed": 2,
        "phase_results": [
            {"phase": "Phase 0", "index": 0, "result": {"cleared": 3}},
            {"phase": "Phase 1", "index": 1, "result": "indexed"},
        ],
        "message": "All 2 phases completed.",
        "resumed": False,
        "phases_skipped": 0,
    }
    assert [percent for percent, _of, _text in shown] == [0, 10, 10, 100]
    assert {of for _percent, of, _text in shown} == {100}
    assert shown[0][2] == "Phase 1 of 2: Phase 0"


def test_weights_are_normalised() -> None:
    shown: list[int] = []
    run_combined_job(Work(1, 2, 3).phases(1, 1, 2), lambda percent, _of, _text: shown.append(percent))
    assert shown == [0, 25, 25, 50, 50, 100]


def takes_both(done: int, *, progress_callback: Any, cancel_checker: Any) -> Any:
    progress_callback(done, 4, "half")
    return cancel_checker()


def takes_all(**more: Any) -> Any:
    more["progress_callback"](2, 4, "half")
    return sorted(more)


def takes_progress(progress_callback: Any = None) -> None:
    progress_callback(2, 4, "half")


def takes_own(progress_callback: Any, more: int) -> tuple[Any, int]:
    return progress_callback, more


def test_function_gets_what_its_signature_takes() -> None:
    shown: list[tuple[int, int, str]] = []
    phases = [
        JobPhase("both", takes_both, args=(2,)),
        JobPhase("all", takes_all),
        JobPhase("progress", takes_progress),
        JobPhase("own", takes_own, args=("mine", 1)),
        JobPhase("own by name", takes_own, kwargs={"progress_callback": "mine", "more": 1}),
        JobPhase("partial", functools.partial(takes_own, progress_callback="mine", more=1)),
        JobPhase("built-in", max, args=(1, 2)),
    ]
    answer = run_combined_job(phases, lambda *report: shown.append(report))
    results = [each["result"] for each in answer["phase_results"]]
    assert results == [False, ["cancel_checker", "progress_callback"], None, *[("mine", 1)] * 3, 2]
    halves = [(percent, text) for percent, _of, text in shown if "half" in text]
    assert halves == [(7, "both: half"), (21, "all: half"), (35, "progress: half")]


def test_function_may_report_as_it_likes() -> None:
    def talks(progress_callback: Callable[..., None]) -> None:
        progress_callback(1)
        progress_callback(1, 0)
        progress_callback(1, None, "text")
        progress_callback(done=1, total=2, message="named")

    shown: list[tuple[int, int, str]] = []
    assert run_combined_job([JobPhase("talks", talks)], lambda *report: shown.append(report))["success"]
    assert [percent for percent, *_rest in shown] == [0, 0, 0, 0, 50, 100]


def test_total_that_grew_is_said() -> None:
    def grows(progress_callback: Callable[..., None]) -> None:
        progress_callback(50, 100, "reading")
        progress_callback(60, 200, "reading")

    shown: list[tuple[int, str]] = []
    run_combined_job([JobPhase("grows", grows)], lambda percent, _of, text: shown.append((percent, text)))
    assert shown[1:3] == [(50, "grows: reading"), (30, "grows: reading (total grew from 100 to 200)")]


@pytest.mark.parametrize(
    ("end", "error"),
    [
        (ValueError("no such file"), "no such file"),
        (KeyError("title"), "KeyError: 'title'"),
        (RuntimeError(), "RuntimeError"),
        ({"success": False, "error": "quota used up", "items_processed": 3}, "quota used up"),
        ({"success": False}, "The phase reported no success."),
        (OSError("caf\xe9"), "caf\xe9"),
    ],
)
def test_failure_says_where_and_why_and_keeps_the_checkpoint(end: Any, error: str, store: FileCheckpointStore) -> None:
    work = Work("one", end, "three")
    answer = run(work, store)
    assert set(answer) == ON_FAILURE
    assert (answer["success"], answer["status"], answer["phases_completed"]) == (False, None, 1)
    assert (answer["current_phase"], answer["phase_name"], answer["error"]) == (1, "Phase 1", error)
    assert "Phase 1" in answer["message"]
    assert work.calls == [0, 1]
    kept = saved(store)
    assert kept
    assert kept.phases_completed == [0]
    assert kept.phase_results == answer["phase_results"]
    assert kept.errors == [{"phase": "Phase 1", "index": 1, "error": error}]
    assert kept.progress == 33


@pytest.mark.parametrize("end", [{"success": False, "cancelled": True, "indexed_count": 5}, JobCancelled()])
def test_phase_can_say_that_it_was_cancelled(end: Any, store: FileCheckpointStore) -> None:
    answer = run(Work("one", end), store)
    assert set(answer) == ON_FAILURE
    assert (answer["success"], answer["status"], answer["error"]) == (False, "cancelled", None)
    assert (answer["current_phase"], answer["phases_completed"]) == (1, 1)
    assert [each.phases_completed for each in store.get_interrupted_jobs()] == [[0]]


def test_cancel_is_checked_between_phases(store: FileCheckpointStore) -> None:
    work = Work(1, 2, 3)
    answer = run(work, store, cancel_checker=lambda: len(work.calls) == 2)
    assert work.calls == [0, 1]
    assert (answer["status"], answer["current_phase"], answer["phases_completed"]) == ("cancelled", 2, 2)
    again = run(work, store, resume=True)
    assert work.calls == [0, 1, 2]
    assert (again["success"], again["resumed"], again["phases_skipped"]) == (True, True, 2)


def test_cancel_before_the_first_phase_runs_nothing() -> None:
    work = Work(1)
    answer = run_combined_job(work.phases(), cancel_checker=lambda: True)
    assert (work.calls, answer["status"], answer["phases_completed"]) == ([], "cancelled", 0)


def test_cancel_after_the_last_phase_is_too_late(store: FileCheckpointStore) -> None:
    work = Work(1, 2)
    assert run(work, store, cancel_checker=lambda: len(work.calls) == 2)["success"]


def test_losing_the_job_goes_through(store: FileCheckpointStore) -> None:
    with pytest.raises(JobLost):
        run(Work(1, JobLost()), store)
    kept = saved(store)
    assert kept
    assert kept.phases_completed == [0]


def test_resume_skips_what_is_done_and_success_deletes_the_checkpoint(store: FileCheckpointStore) -> None:
    work = Work({"n": (1, 2)}, "two", ValueError("once"), "four")
    store.partial("wiki", "generate_source").append("work")
    first = run(work, store)
    assert first["phase_results"][0]["result"] == {"n": [1, 2]}, "as it will be read again"
    store.partial("wiki", "generate_source").append("work")
    work.ends[2] = "three"
    shown: list[int] = []
    again = run(work, store, resume=True, progress_callback=lambda percent, _of, _text: shown.append(percent))
    assert work.calls == [0, 1, 2, 2, 3]
    assert set(again) == ALWAYS
    assert (again["success"], again["resumed"], again["phases_skipped"]) == (True, True, 2)
    assert again["phases_completed"] == 4
    assert [each["index"] for each in again["phase_results"]] == [0, 1, 2, 3]
    assert again["phase_results"][:2] == first["phase_results"]
    assert shown == [50, 75, 75, 100]
    assert os.listdir(store.folder) == []


def test_resume_without_a_checkpoint_starts(store: FileCheckpointStore) -> None:
    answer = run(Work(1, 2), store, resume=True)
    assert (answer["success"], answer["resumed"], answer["phases_skipped"]) == (True, False, 0)


def test_fresh_start_drops_the_old_checkpoint(store: FileCheckpointStore) -> None:
    run(Work(1, 2, ValueError("late")), store)
    work = Work(ValueError("early"), 2, 3)
    assert run(work, store)["phases_completed"] == 0
    work.ends[0] = 1
    assert run(work, store, resume=True)["phases_skipped"] == 0
    assert work.calls == [0, 0, 1, 2]


def test_percent_does_not_go_back_over_a_resume(store: FileCheckpointStore) -> None:
    def half(progress_callback: Callable[..., None]) -> dict[str, Any]:
        progress_callback(60, 100, "")
        return {"success": False, "cancelled": True}

    run([JobPhase("half", half)], store)
    kept = saved(store)
    assert kept
    assert kept.progress == 60

    def whole(progress_callback: Callable[..., None]) -> None:
        for done in range(0, 101, 20):
            progress_callback(done, 100, "")

    shown: list[int] = []
    phases = [JobPhase("half", whole)]
    run(phases, store, resume=True, progress_callback=lambda percent, _of, _text: shown.append(percent))
    assert shown == [60, 60, 60, 60, 60, 80, 100, 100]


def test_other_chain_is_not_resumed(store: FileCheckpointStore) -> None:
    run(Work(1, 2, ValueError()), store)
    ok = Work(1, 2, 3, 4)
    shorter, longer, same = ok.phases(1, 1), ok.phases(1, 1, 1, 1), ok.phases(1, 1, 1)
    renamed = [same[0], JobPhase("Other", ok.run, args=(1,)), same[2]]
    for other in (shorter, longer, renamed, same[::-1]):
        with pytest.raises(InvalidChain, match="resume=False"):
            run(other, store, resume=True)
    assert ok.calls == []
    assert run(same, store, resume=True)["phases_skipped"] == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"phases_completed": [2]},
        {"phases_completed": ["Phase 0"]},
        {"phases_completed": [0, 0]},
        {"phases_completed": [True]},
        {"phases_completed": [0], "phase_results": [{"phase": "Other", "index": 0, "result": 1}]},
        {"phases_completed": [0], "phase_results": [{"phase": "Phase 1", "index": 1, "result": 1}]},
        {"phases_completed": [0], "phase_results": ["done"]},
    ],
)
def test_checkpoint_of_another_program_that_does_not_fit_is_refused(
    wrong: dict[str, Any], store: FileCheckpointStore
) -> None:
    store.save_checkpoint(Checkpoint("generate_source", "wiki", **wrong))
    with pytest.raises(InvalidChain, match="resume=False"):
        run(Work(1, 2), store, resume=True)


def test_checkpoint_of_another_program_that_fits_is_resumed(store: FileCheckpointStore) -> None:
    old = {
        "job_type": "generate_source",
        "source_id": "wiki",
        "phases_completed": [0],
        "phase_results": [{"phase": "Phase 0", "index": 0, "result": {"success": True}}],
    }
    (store.folder / "wiki_generate_source.checkpoint.json").write_text(json.dumps(old))
    work = Work(1, 2)
    assert run(work, store, resume=True)["phases_skipped"] == 1
    assert work.calls == [1]


def test_damaged_checkpoint_is_no_silent_start(store: FileCheckpointStore) -> None:
    (store.folder / "wiki_generate_source.checkpoint.json").write_text("{")
    work = Work(1)
    for _ in range(2):
        with pytest.raises(CorruptCheckpoint):
            run(work, store, resume=True)
    assert work.calls == []
    assert run(work, store)["success"]


@pytest.mark.parametrize("result", [object(), {1: 2}, {"x": float("nan")}, {"x": {1, 2}}, [Path("x")]])
def test_result_that_cannot_be_saved_names_its_phase(result: Any, store: FileCheckpointStore) -> None:
    with pytest.raises(InvalidValue, match="Phase 2, 'Phase 1', cannot be saved: result"):
        run(Work("one", result), store)
    kept = saved(store)
    assert kept
    assert kept.phases_completed == [0]


def test_result_may_be_anything_where_nothing_is_saved() -> None:
    thing = object()
    assert run_combined_job(Work(thing).phases())["phase_results"][0]["result"] is thing


def test_full_disk_fails_the_phase_and_says_so(store: FileCheckpointStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_checkpoint: Checkpoint) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    work = Work(1, 2)
    with monkeypatch.context() as patch:
        patch.setattr(store, "save_checkpoint", full)
        answer = run(work, store)
    assert (answer["success"], answer["current_phase"], answer["phases_completed"]) == (False, 0, 0)
    assert "No space left" in answer["error"]
    assert work.calls == [0]


def test_checkpoint_that_cannot_be_deleted_is_no_failure(
    store: FileCheckpointStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = Work(1, 2)
    phases = work.phases()
    real = store.delete_checkpoint
    broken: list[int] = []

    def delete(*names: str) -> None:
        if work.calls:
            broken.append(1)
            raise OSError(errno.EIO, "Input/output error")
        real(*names)

    with monkeypatch.context() as patch:
        patch.setattr(store, "delete_checkpoint", delete)
        assert run(phases, store)["success"]
    assert broken
    again = run(phases, store, resume=True)
    assert (again["success"], again["phases_skipped"], work.calls) == (True, 2, [0, 1])
    assert os.listdir(store.folder) == []


class App:
    def __init__(self) -> None:
        self.ran: list[tuple[str, dict[str, Any], str | None]] = []

    def run_inline(
        self,
        job_type: str,
        params: dict[str, Any],
        *,
        source_id: str | None = None,
        progress_callback: Callable[..., Any] | None = None,
        cancel_checker: Callable[[], bool] | None = None,
    ) -> Any:
        self.ran.append((job_type, params, source_id))
        assert progress_callback
        assert cancel_checker
        progress_callback(1, 2, "half")
        return {"cancelled": cancel_checker()}


def test_job_types_run_in_the_app(store: FileCheckpointStore) -> None:
    app = App()
    phases = [
        JobPhase("clear_vectors", weight=10, params={"dimension": 768}),
        JobPhase("Index", "index_offline", 90, kwargs={"dimension": 768}),
        JobPhase("Own", lambda: "done"),
    ]
    answer = run(phases, store, app=app)
    assert answer["success"]
    assert app.ran == [
        ("clear_vectors", {"dimension": 768}, "wiki"),
        ("index_offline", {"dimension": 768}, "wiki"),
    ]
    assert answer["phase_results"][0]["result"] == {"cancelled": False}


def test_job_types_without_an_app_are_refused_before_anything_runs() -> None:
    work = Work(1)
    with pytest.raises(InvalidChain, match="app="):
        run_combined_job([*work.phases(), JobPhase("clear_vectors")])
    assert work.calls == []


@pytest.mark.parametrize("phases", [[], [JobPhase("x", print, 0)], [JobPhase("x", print, -1)]])
def test_unusable_chain_is_refused_and_keeps_the_checkpoint(phases: list[JobPhase], store: FileCheckpointStore) -> None:
    run(Work(1, ValueError()), store)
    with pytest.raises(InvalidChain):
        run(phases, store)
    assert saved(store)


@pytest.mark.parametrize("names", [{}, {"source_id": "wiki"}, {"job_type": "generate_source"}])
def test_resume_needs_both_names(names: dict[str, str]) -> None:
    with pytest.raises(InvalidChain, match="source_id and job_type"):
        run_combined_job(Work(1).phases(), resume=True, **names)  # type: ignore[arg-type]


def test_default_store_is_the_backup_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ONWARD_BACKUP_PATH", raising=False)
    monkeypatch.setenv("BACKUP_PATH", str(tmp_path))
    run_combined_job(Work(1, ValueError()).phases(), source_id="wiki", job_type="x")
    assert (tmp_path / "_jobs" / "wiki_x.checkpoint.json").exists()


REPORTS = st.lists(st.lists(st.tuples(st.integers(0, 50), st.just(50)), max_size=8), min_size=1, max_size=4)


@given(reports=REPORTS, weights=st.lists(st.integers(1, 100), min_size=4, max_size=4), fails=st.integers(0, 4))
@settings(max_examples=60, deadline=None)
def test_percent_only_rises_over_failure_and_resume(
    reports: list[list[tuple[int, int]]],
    weights: list[int],
    fails: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    store = FileCheckpointStore(tmp_path_factory.mktemp("jobs"))
    shown: list[int] = []
    failed: list[int] = []

    def phase(at: int, progress_callback: Callable[..., None]) -> None:
        for done, total in reports[at]:
            progress_callback(done, total, "")
        if at == fails and not failed:
            failed.append(at)
            raise ValueError("once")

    phases = [JobPhase(str(at), phase, weights[at], (at,)) for at in range(len(reports))]
    for resume in (False, True):
        run(phases, store, resume=resume, progress_callback=lambda percent, _of, _text: shown.append(percent))
        if not failed:
            break
    assert shown == sorted(shown)
    assert shown[-1] == 100
    assert os.listdir(store.folder) == []


CHILD = """
import os, signal, sys
from onward.chains import JobPhase, run_combined_job
from onward.checkpoints import FileCheckpointStore

folder, ledger, dies = sys.argv[1], sys.argv[2], sys.argv[3]

def phase(at):
    if str(at) == dies:
        os.kill(os.getpid(), signal.SIGKILL)
    with open(ledger, "a") as file:
        file.write(f"{at}\\n")
    return {"at": at}

phases = [JobPhase(f"Phase {at}", phase, args=(at,)) for at in range(4)]
answer = run_combined_job(
    phases, source_id="wiki", job_type="generate_source", resume=True, store=FileCheckpointStore(folder)
)
print(answer["success"], answer["phases_skipped"], [each["result"]["at"] for each in answer["phase_results"]])
"""


def test_killed_chain_goes_on_where_it_was(tmp_path: Path, store: FileCheckpointStore) -> None:
    path = os.pathsep.join(each for each in sys.path if each)

    def process(dies: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", CHILD, str(store.folder), str(tmp_path / "ledger"), dies],
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=False,
        )

    assert process("1").returncode == -9
    assert process("3").returncode == -9
    last = process("never")
    assert last.stdout == "True 3 [0, 1, 2, 3]\n"
    assert (tmp_path / "ledger").read_text().split() == ["0", "1", "2", "3"]
    assert os.listdir(store.folder) == []
