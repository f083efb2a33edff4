"""What fits together in a chain, and what is said where it does not."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from onward.chains import ChainReport, JobPhase, check_chain
from onward.errors import InvalidChain


@dataclass
class Kind:
    name: str
    label: str
    runs_before: frozenset[str] = frozenset()
    runs_after: frozenset[str] = frozenset()
    conflicts_with: frozenset[str] = frozenset()
    needs_source: bool = False
    weight: int = 50
    required: list[str] = field(default_factory=list)

    def param_errors(self, params: dict[str, Any]) -> list[dict[str, str]]:
        return [{"field": name, "message": "is missing"} for name in self.required if name not in params]


KINDS = {
    kind.name: kind
    for kind in (
        Kind("metadata", "Metadata", runs_before=frozenset({"index_online", "index_offline"})),
        Kind("clear_vectors", "Clear Vectors", runs_before=frozenset({"index_online", "index_offline"})),
        Kind("index_online", "Index", needs_source=True),
        Kind("index_offline", "Index (Offline)", required=["dimension"]),
        Kind("suggest_tags", "Suggest Tags", runs_after=frozenset({"metadata"})),
        Kind("delete_source", "Delete", conflicts_with=frozenset({"metadata", "index_online"})),
    )
}


def check(*names: str, **more: Any) -> ChainReport:
    return check_chain([JobPhase(name) for name in names], KINDS, **more)


def test_good_chain_is_valid() -> None:
    report = check("metadata", "index_online", "suggest_tags")
    assert (report.valid, report.errors, report.warnings) == (True, [], [])
    report.require_valid()


def test_empty_chain_is_an_error() -> None:
    report = check()
    assert not report.valid
    assert [(issue.phase, issue.code) for issue in report.errors] == [(None, "chain-empty")]


def test_unknown_type_is_an_error_with_near_names() -> None:
    report = check("metadata", "index_onlin")
    assert [(issue.phase, issue.code) for issue in report.errors] == [(1, "job-type-unknown")]
    assert "index_online" in report.errors[0].hint
    with pytest.raises(InvalidChain, match="index_onlin") as caught:
        report.require_valid()
    assert caught.value.report is report
    assert check("xyz").errors[0].hint


def test_conflicting_types_are_an_error_at_the_later_one() -> None:
    report = check("delete_source", "suggest_tags", "metadata")
    assert [(issue.phase, issue.code) for issue in report.errors] == [(2, "type-conflict")]
    assert "Delete" in report.errors[0].message
    assert "Metadata" in report.errors[0].hint
    assert check("metadata", "delete_source").valid


def test_wrong_params_are_errors_of_their_phase() -> None:
    phases = [
        JobPhase("Offline", job_type="index_offline", params={}),
        JobPhase("index_offline", params={"dimension": 1}),
    ]
    report = check_chain(phases, KINDS)
    assert [(issue.phase, issue.code) for issue in report.errors] == [(0, "params-invalid")]
    assert "dimension: is missing" in report.errors[0].message
    assert "dimension" in report.errors[0].hint


def test_kwargs_are_params_of_a_job_type() -> None:
    assert check_chain([JobPhase("index_offline", kwargs={"dimension": 768})], KINDS).valid


@pytest.mark.parametrize(
    ("weights", "where"),
    [([0, 0], None), ([-1, 5], 0), ([5, float("nan")], 1), ([5, "9"], 1), ([5, True], 1)],
)
def test_unusable_weights_are_errors(weights: list[Any], where: int | None) -> None:
    report = check_chain([JobPhase("metadata", weight=weight) for weight in weights], KINDS)
    assert [issue.phase for issue in report.errors] == [where]
    assert report.errors[0].hint


def test_one_weight_of_zero_is_no_error() -> None:
    assert check_chain([JobPhase("metadata", weight=0), JobPhase("index_online")], KINDS).valid


def test_wrong_order_is_a_warning() -> None:
    report = check("index_online", "metadata")
    assert report.valid
    assert [(issue.phase, issue.message, issue.code) for issue in report.warnings] == [
        (0, "Index before Metadata", "order")
    ]
    assert report.warnings[0].hint == "Move Metadata (phase 2) before Index (phase 1)."
    assert [issue.message for issue in check("suggest_tags", "metadata").warnings] == ["Suggest Tags before Metadata"]


def test_type_that_stood_there_before_is_in_order() -> None:
    phases = [
        JobPhase("metadata"),
        JobPhase("clear_vectors", params={"dimension": 1536}),
        JobPhase("index_online"),
        JobPhase("clear_vectors", params={"dimension": 768}),
        JobPhase("index_offline", params={"dimension": 768}),
        JobPhase("suggest_tags"),
    ]
    report = check_chain(phases, KINDS)
    assert (report.errors, report.warnings) == ([], [])


def test_same_phase_twice_in_a_row_is_a_warning() -> None:
    report = check("metadata", "metadata")
    assert [(issue.phase, issue.code) for issue in report.warnings] == [(1, "phase-repeated")]


def test_missing_source_is_an_error_where_asked() -> None:
    assert check("index_online").valid
    assert check("index_online", check_source=True, source_id="wiki").valid
    assert [issue.code for issue in check("index_online", check_source=True).errors] == ["source-missing"]


def test_bare_function_is_an_error_where_asked() -> None:
    phases = [JobPhase("Own", print)]
    assert check_chain(phases, KINDS).valid
    report = check_chain(phases, KINDS, allow_functions=False)
    assert [(issue.phase, issue.code) for issue in report.errors] == [(0, "phase-function")]


def test_phase_is_a_function_or_a_job_type() -> None:
    assert JobPhase("Clear", print, 10, (1,), {"end": ""}).type_name is None
    assert JobPhase("clear_vectors").type_name == "clear_vectors"
    assert JobPhase("Clear", job_type="clear_vectors").type_name == "clear_vectors"
    assert JobPhase("Clear", "clear_vectors", 10).type_name == "clear_vectors"
    assert JobPhase("Clear").weight == 50


@pytest.mark.parametrize(
    "make",
    [
        lambda: JobPhase(""),
        lambda: JobPhase(None),  # type: ignore[arg-type]
        lambda: JobPhase("x", 5),  # type: ignore[arg-type]
        lambda: JobPhase("x", print, job_type="metadata"),
        lambda: JobPhase("x", print, params={}),
        lambda: JobPhase("x", args=(1,)),
    ],
)
def test_parts_that_do_not_go_together_are_refused(make: Callable[[], JobPhase]) -> None:
    with pytest.raises(InvalidChain):
        make()
