"""Settings of an assistant's memory."""

from __future__ import annotations

from onward.settings import kinds
from onward.settings.field import Group, group, setting


@group
class ProfileMaintenance(Group):
    """The job that makes summaries of what is known."""

    model: str | None = setting(
        None, kinds.TEXT, "language model that writes the summaries; none: the one that is found, local first"
    )
    interval_minutes: float = setting(
        60, kinds.MINUTES, "between two runs of the default schedule", least=1, most=525_600
    )
