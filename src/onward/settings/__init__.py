"""Settings: one frozen record, each default written once, and where each value comes from."""

from onward.settings.groups import (
    Cache,
    Checkpoint,
    Cloud,
    Database,
    Journal,
    LangGraph,
    Limits,
    Log,
    Models,
    Retention,
    Scheduler,
    Sources,
    Vault,
    Worker,
)
from onward.settings.origin import Origin, hide_secrets
from onward.settings.record import Settings
from onward.settings.table import Variable, json_schema, variables

__all__ = [
    "Cache",
    "Checkpoint",
    "Cloud",
    "Database",
    "Journal",
    "LangGraph",
    "Limits",
    "Log",
    "Models",
    "Origin",
    "Retention",
    "Scheduler",
    "Settings",
    "Sources",
    "Variable",
    "Vault",
    "Worker",
    "hide_secrets",
    "json_schema",
    "variables",
]
