"""Settings of the clean-up of LangGraph's conversation checkpoints."""

from __future__ import annotations

from onward.settings import kinds
from onward.settings.field import Group, group, setting


@group
class LangGraph(Group):
    """Where conversations are kept, and for how long."""

    url: str | None = setting(
        None,
        kinds.SERVICE,
        "where the checkpoints are: redis://, rediss://, unix://, postgresql:// or sqlite:///FILE;"
        " none: Redis at the host, port and database below",
    )
    redis_host: str | None = setting(None, kinds.TEXT, "host of Redis; none: localhost", also=("NAUTOBOT_REDIS_HOST",))
    redis_port: int = setting(6379, kinds.WHOLE, "port of Redis", least=1, most=65535, also=("NAUTOBOT_REDIS_PORT",))
    redis_password: str | None = setting(None, kinds.SECRET, "password of Redis", also=("NAUTOBOT_REDIS_PASSWORD",))
    redis_db: int = setting(
        2,
        kinds.WHOLE,
        "database of Redis; 0 and 1 often belong to a cache and to Celery",
        least=0,
        also=("LANGGRAPH_REDIS_DB",),
    )
    retention_days: float = setting(30, kinds.DAYS, "checkpoints are kept for so long", least=0)
    memory_limit_bytes: int = setting(
        1_000_000_000, kinds.BYTES, "when Redis uses more, the shorter retention applies; 0: never", least=0
    )
    memory_retention_days: float = setting(
        7, kinds.DAYS, "checkpoints are kept for so long while Redis uses too much memory", least=0
    )
    alert_url: str | None = setting(None, kinds.TEXT, "web address that is told when a clean-up fails")
    alert_secret: str | None = setting(None, kinds.SECRET, "key that such messages are signed with")

    @property
    def is_configured(self) -> bool:
        """Whether anybody has said where the checkpoints are."""
        return self.url is not None or self.redis_host is not None
