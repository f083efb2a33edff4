"""Chains as plain values: what is wrong with one, and those that are saved."""

from __future__ import annotations

from typing import Any

from typing_extensions import TypedDict

from onward.authoring.job_type import JobType
from onward.model.chain import ChainIssue, ChainReport, ChainTemplate, JobPhase
from onward.records.moments import rfc3339


class IssueRecord(TypedDict):
    """One thing that is wrong or doubtful; ``phase`` counts from 0, null is the whole chain.

    ``other`` is the phase with which it does not fit.
    """

    phase: int | None
    message: str
    hint: str
    code: str
    other: int | None


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
    return {
        "phase": issue.phase,
        "message": issue.message,
        "hint": issue.hint,
        "code": issue.code,
        "other": issue.other,
    }


class PhasePlan(TypedDict):
    """A phase as it is planned."""

    name: str
    job_type: str
    weight: float
    params: dict[str, Any]


class ChainRecord(TypedDict):
    """A chain under a name: one that the application has in its code, or one that was saved."""

    name: str
    label: str
    description: str
    origin: str
    """``code`` or ``saved``; a chain of the code is changed there."""
    version: int | None
    updated_at: str | None
    updated_by: str | None
    aliases: list[str]
    phases: list[PhasePlan]


def phase_plan(phase: JobPhase) -> PhasePlan:
    """A phase."""
    return {
        "name": phase.name,
        "job_type": phase.type_name or phase.name,
        "weight": float(phase.weight),
        "params": phase.type_params,
    }


def type_chain(kind: JobType) -> ChainRecord:
    """A chain that the application has in its code."""
    return {
        "name": kind.name,
        "label": kind.label,
        "description": kind.description,
        "origin": "code",
        "version": None,
        "updated_at": None,
        "updated_by": None,
        "aliases": sorted(kind.aliases),
        "phases": [phase_plan(phase) for phase in kind.phases],
    }


def saved_chain(saved: ChainTemplate) -> ChainRecord:
    """A chain that was saved."""
    return {
        "name": saved.name,
        "label": saved.label,
        "description": saved.description,
        "origin": "saved",
        "version": saved.version,
        "updated_at": rfc3339(saved.updated_at),
        "updated_by": saved.updated_by,
        "aliases": [],
        "phases": [phase_plan(phase) for phase in saved.phases],
    }
