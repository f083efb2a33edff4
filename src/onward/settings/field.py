"""How one setting is declared: its default, kind, bounds and reason, in one place."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, TypeVar, dataclass_transform

from onward.errors import InvalidConfig
from onward.settings.kinds import Kind

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Rule:
    """What holds for the values of one setting; ``also`` are older or shared names of the variable."""

    kind: Kind
    why: str
    least: float | None = None
    most: float | None = None
    optional: bool = False
    also: tuple[str, ...] = ()

    def read(self, value: Any) -> Any:
        """The value in its own type; ``ValueError`` says what was expected."""
        if value is None and self.optional:
            return None
        read = self.kind.read(value)
        if self.least is not None and read < self.least:
            raise ValueError(f"at least {self.least:g} ({self.kind.name})")
        if self.most is not None and read > self.most:
            raise ValueError(f"at most {self.most:g} ({self.kind.name})")
        return read

    def complain(self, name: str, value: Any, expected: ValueError) -> str:
        """One sentence for a value that does not fit; a secret is not repeated."""
        given = "this value" if self.kind.secret else repr(value)
        return f"{name}: {given} does not fit, expected {expected}"


def setting(default: T, kind: Kind, why: str, **bounds: Any) -> T:
    """A field of a group: ``bounds`` are those of ``Rule`` (least, most, also)."""
    rule = Rule(kind, why, optional=default is None, **bounds)
    return dataclasses.field(default=default, metadata={"rule": rule})


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(dataclasses.field,))
def group(cls: type[T]) -> type[T]:
    """A frozen record whose fields are settings."""
    return dataclass(frozen=True, slots=True, kw_only=True, repr=False)(cls)


def rules(record: Any) -> dict[str, Rule]:
    """The declared settings of a group or of the whole record, by field name."""
    return {field.name: field.metadata["rule"] for field in dataclasses.fields(record) if "rule" in field.metadata}


class Group:
    """A group of settings: reads its values when made, and shows only those that differ from the default."""

    __slots__ = ()

    def __post_init__(self) -> None:
        problems = []
        for name, rule in rules(self).items():
            value = getattr(self, name)
            try:
                object.__setattr__(self, name, rule.read(value))
            except ValueError as expected:
                problems.append(rule.complain(name, value, expected))
        if problems:
            raise InvalidConfig(f"{type(self).__name__}: {'; '.join(problems)}.", problems=tuple(problems))

    def __repr__(self) -> str:
        changed = (
            f"{field.name}={_shown(field, getattr(self, field.name))!r}"
            for field in dataclasses.fields(self)  # type: ignore[arg-type]  # every group is a dataclass
            if field.init and getattr(self, field.name) != field.default
        )
        return f"{type(self).__name__}({', '.join(changed)})"


def _shown(field: dataclasses.Field[Any], value: Any) -> Any:
    rule = field.metadata.get("rule")
    return rule.kind.show(value) if rule else value
