"""Settings of schedules."""

from __future__ import annotations

from onward.settings import kinds
from onward.settings.field import Group, group, setting


@group
class Scheduler(Group):
    """When schedules are looked at."""

    enabled: bool = setting(True, kinds.TRUTH, "false: this process starts nothing by schedule")
    check_interval_seconds: float = setting(
        30, kinds.SECONDS, "the longest sleep between two looks; a nearer due time wakes it", least=0.1
    )
    file: str | None = setting(None, kinds.TEXT, "a file of schedules, read at start")
