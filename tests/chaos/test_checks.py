"""The checks themselves: what they call wrong, and what they take for explained."""

from __future__ import annotations

import pytest

from chaos.checks import check
from chaos.evidence import Evidence
from chaos.notes import Fault, Line

SECOND = 1_000_000_000


def evidence(*faults: Fault) -> Evidence:
    """A job that acked 9 at second 10, and began at 8 elsewhere at second 20."""
    lines = [
        Line(at=5 * SECOND, kind="begin", job="job", generation=1, phase="", fence=1, step="0", pid=1),
        Line(at=10 * SECOND, kind="acked", job="job", generation=1, phase="", fence=1, step="9", pid=1),
        Line(at=20 * SECOND, kind="begin", job="job", generation=1, phase="", fence=3, step="8", pid=2),
    ]
    return Evidence(
        rows={}, runs={}, events={}, audit=[], effects={}, phases=[], problems=[], lines=lines, acts=[],
        faults=list(faults), sink={}, logs=[], lease_seconds=3,
    )  # fmt: skip


def fault(kind: str, actor: str, pid: int, begin: int, end: int) -> Fault:
    return Fault(kind=kind, actor=actor, pid=pid, begin=begin * SECOND, end=end * SECOND)


AWAY = fault("disk full", "*", 0, 9, 12)
STILL = fault("stop", "worker-0", 1, 13, 19)


@pytest.mark.parametrize(
    ("faults", "is_regress"),
    [((), True), ((AWAY,), True), ((STILL,), True), ((AWAY, STILL), False)],
)
def test_what_was_acked_is_there_unless_its_journal_belongs_to_one_that_was_overtaken(
    faults: tuple[Fault, ...], is_regress: bool
) -> None:
    found = [finding.measure for finding in check(evidence(*faults))]
    assert ("regress" in found) == is_regress
