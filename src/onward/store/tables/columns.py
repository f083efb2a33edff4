"""Columns as both databases have them: times, ids and numbers that rise; and the names of constraints."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    DateTime,
    Dialect,
    Integer,
    MetaData,
    Text,
    TypeDecorator,
)


class UtcTime(TypeDecorator[datetime]):
    """An aware time in UTC."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        return dialect.type_descriptor(DateTime(timezone=True) if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None or dialect.name == "postgresql":
            return value
        return time_text(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - the interface of SQLAlchemy
        if value is None:
            return None
        return parse_time(value) if isinstance(value, str) else value.astimezone(UTC)


def time_text(value: datetime) -> str:
    """The text of a time on SQLite: always 26 characters, so that it sorts."""
    return value.astimezone(UTC).isoformat(" ", "microseconds")[:26]


def parse_time(value: str) -> datetime:
    """The time of such a text, also as people write it by hand."""
    parsed = datetime.fromisoformat(value)
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# Text that sorts by bytes on both databases: ids rise with time, and their order is the order of pages.
Id = Text().with_variant(Text(collation="C"), "postgresql")
Seq = BigInteger().with_variant(Integer(), "sqlite")
