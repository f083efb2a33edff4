"""The groups of settings: each default once, with its unit and its reason."""

from onward.settings.groups.client import Client
from onward.settings.groups.cloud import Cloud
from onward.settings.groups.engine import (
    Cache,
    Checkpoint,
    Cluster,
    Database,
    Journal,
    Limits,
    Log,
    Retention,
    Worker,
)
from onward.settings.groups.langgraph import LangGraph
from onward.settings.groups.memory import ProfileMaintenance
from onward.settings.groups.models import Models
from onward.settings.groups.schedules import Scheduler
from onward.settings.groups.server import Server, Ui
from onward.settings.groups.sources import Sources
from onward.settings.groups.telemetry import Metrics, Traces
from onward.settings.groups.vault import Vault
from onward.settings.groups.webhooks import Webhooks

__all__ = [
    "Cache",
    "Checkpoint",
    "Client",
    "Cloud",
    "Cluster",
    "Database",
    "Journal",
    "LangGraph",
    "Limits",
    "Log",
    "Metrics",
    "Models",
    "ProfileMaintenance",
    "Retention",
    "Scheduler",
    "Server",
    "Sources",
    "Traces",
    "Ui",
    "Vault",
    "Webhooks",
    "Worker",
]
