"""Settings of whoever speaks to a server over HTTP: which, and with which key."""

from __future__ import annotations

from onward.settings import kinds
from onward.settings.field import Group, group, setting


@group
class Client(Group):
    """The command line over HTTP."""

    server: str | None = setting(
        None, kinds.TEXT, "address of the server that commands speak to; none: to the database", also=("ONWARD_SERVER",)
    )
    key: str | None = setting(None, kinds.SECRET, "key for that server", also=("ONWARD_KEY",))
    timeout_seconds: float = setting(30, kinds.SECONDS, "how long an answer may take", least=1)
