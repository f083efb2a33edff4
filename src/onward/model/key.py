"""Keys for HTTP, as people see them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from onward.model.limits import ALL, Limits

ROLES = ("viewer", "operator", "editor", "admin")
"""What a key may do: look; steer jobs; change schedules and chains; everything."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key without its secret; ``start`` are its first characters, by which people know it."""

    id: str
    name: str
    start: str
    role: str
    created_by: str | None
    created_at: datetime
    expires_at: datetime | None = None
    used_at: datetime | None = None
    revoked_at: datetime | None = None
    limits: Limits = ALL

    def is_good(self, now: datetime) -> bool:
        """Whether it opens anything."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)
