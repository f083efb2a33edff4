"""The tables, once for both databases. Names and columns are part of the public interface: people query them.

Times are aware UTC: ``timestamptz`` on PostgreSQL, text as ``datetime('now')`` writes it (with microseconds) on
SQLite, which sorts right and compares with what people type. Ids are text. JSON is text, so that what is read is
byte for byte what was written.
"""

from __future__ import annotations

from onward.store.tables.columns import UtcTime, metadata, parse_time, time_text
from onward.store.tables.house import archived_jobs, conflicts, journals, meta, workers
from onward.store.tables.job import events, job_runs, job_tags, jobs, logs
from onward.store.tables.saved import checkpoints, partials, steps
from onward.store.tables.schedule import decisions, scheduled_jobs
from onward.store.tables.server import api_keys, http_answers, operation_items, operations, queues, rollups, views
from onward.store.tables.shared import chain_phases, chain_templates, needs, questions, resources

__all__ = [
    "UtcTime",
    "api_keys",
    "archived_jobs",
    "chain_phases",
    "chain_templates",
    "checkpoints",
    "conflicts",
    "decisions",
    "events",
    "http_answers",
    "job_runs",
    "job_tags",
    "jobs",
    "journals",
    "logs",
    "meta",
    "metadata",
    "needs",
    "operation_items",
    "operations",
    "parse_time",
    "partials",
    "questions",
    "queues",
    "resources",
    "rollups",
    "scheduled_jobs",
    "steps",
    "time_text",
    "views",
    "workers",
]
