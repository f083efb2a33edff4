"""Chains as plain values: what is wrong with one, and those that are saved."""

from __future__ import annotations

from typing import Any

from typing_extensions import TypedDict

from onward.model.chain import ChainIssue, ChainReport


class IssueRecord(TypedDict):
    """One thing that is wrong or doubtful; ``phase`` counts from 0, null is the whole chain."""

    phase: int | None
    message: str
    hint: str
    code: str


class ReportRecord(TypedDict):
    """What is wrong with a chain, and what is merely odd."""

    valid: bool
    errors: list[IssueRecord]
    warnings: list[IssueRecord]


def report_record(report: ChainReport) -> ReportRecord:
    """A report."""
    return {
        "valid": report.valid,
        "errors": [_issue(issue) for issue in report.errors],
        "warnings": [_issue(issue) for issue in report.warnings],
    }


def _issue(issue: ChainIssue) -> IssueRecord:
    return {"phase": issue.phase, "message": issue.message, "hint": issue.hint, "code": issue.code}


class PhasePlan(TypedDict):
    """A phase as it is planned."""

    name: str
    job_type: str
    weight: float
    params: dict[str, Any]
