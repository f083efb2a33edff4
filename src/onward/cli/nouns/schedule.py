"""``onward schedule``: when job types become jobs."""

from __future__ import annotations

from onward.cli.nouns import schedule_change, schedule_import, schedule_look, schedule_steer
from onward.cli.nouns.schedule_noun import verbs

__all__ = ["schedule_change", "schedule_import", "schedule_look", "schedule_steer", "verbs"]
