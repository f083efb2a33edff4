"""Settings of webhooks: who is told over HTTP that a job asks or has ended."""

from __future__ import annotations

from onward.settings import kinds
from onward.settings.field import Group, group, setting


@group
class Webhooks(Group):
    """Web addresses that are told when a job asks a person or has ended."""

    urls: tuple[str, ...] = setting((), kinds.HOOKS, "addresses that are told; none: nobody is")
    secret: str | None = setting(None, kinds.SECRET, "key that messages are signed with; without it they are not sent")
    events: tuple[str, ...] = setting(
        ("asked", "failed"), kinds.NAMES, "what is told of: any of asked, completed, failed, cancelled"
    )
    allowed_hosts: tuple[str, ...] = setting(
        (), kinds.NAMES, "HOST:PORT of addresses inside your own network, or of other ports than 80 and 443"
    )
    retry_seconds: float = setting(
        10, kinds.SECONDS, "pause before a message that was not taken is sent again; it doubles up to an hour", least=0
    )
