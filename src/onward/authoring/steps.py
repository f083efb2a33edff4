"""The steps of one attempt: within which item they stand, which names are taken, and what is kept of them."""

from __future__ import annotations

from itertools import count
from typing import Any

from onward.authoring.port import RunPort
from onward.errors import DuplicateStep, InvalidValue
from onward.model import codec, doubt
from onward.model.doubt import Doubt

_LONGEST_NAME = 200


class Steps:
    """What ``step``, ``once`` and ``sleep`` have in common. ``scope`` is the item of ``each``; empty for none."""

    def __init__(self, port: RunPort) -> None:
        self._port = port
        self._used: set[tuple[str, str]] = set()
        self._is_scope_used = False
        self._done_scopes: list[str] = []
        self.scope = ""

    def leave_scope(self) -> None:
        """The item is finished: what was kept for it is no longer needed once that is saved."""
        if self._is_scope_used:
            self._done_scopes.append(self.scope)
            self._used.clear()
            self._is_scope_used = False
        self.scope = ""

    def use_scope(self) -> None:
        """Something is kept for this item."""
        self._is_scope_used = bool(self.scope)

    def take_done_scopes(self) -> tuple[str, ...]:
        """The items whose steps may be dropped with the next point."""
        scopes, self._done_scopes = tuple(self._done_scopes), []
        return scopes

    def begin(self, name: str) -> str | None:
        """The kept result as JSON text, if there is one. Raises ``InvalidValue``, ``DuplicateStep``."""
        if not name or len(name) > _LONGEST_NAME or doubt.is_beginning(name):
            raise InvalidValue(
                f"{name[:50]!r} is not a step name.",
                hint=f"Use 1 to {_LONGEST_NAME} characters that do not look like `begun 1: ...`.",
            )
        if (self.scope, name) in self._used:
            raise DuplicateStep(
                f"The step {name!r} is used twice in {self.scope or 'the job'}.",
                hint="Give each step a name of its own, for instance with a counter.",
            )
        self._used.add((self.scope, name))
        self.use_scope()
        return self._port.load_step(self.scope, name)

    def begin_once(self, name: str) -> str | None:
        """The same for a step that is done once. Raises ``InvalidValue`` where its beginning would have no room."""
        if len(name) > doubt.LONGEST_NAME:
            raise InvalidValue(
                f"{name[:50]!r} is too long for a step that is done once.",
                hint=f"Use 1 to {doubt.LONGEST_NAME} characters.",
            )
        return self.begin(name)

    def text_of(self, name: str, result: Any) -> str:
        """A result as JSON text. Raises ``InvalidValue``."""
        return codec.encode(result, f"The result of step {name!r}", self._port.settings.limits.checkpoint_bytes)

    def last_beginning(self, name: str) -> Doubt | None:
        """How a step that is done once began the last time; None for one that never has."""
        found = None
        for times in count(1):
            text = self._port.load_step(self.scope, doubt.beginning(name, times))
            if text is None:
                return found
            found = doubt.read(name, self.scope, times, text)
        return found

    def next_beginning(self, name: str, before: Doubt | None) -> tuple[str, str, str]:
        """Scope, name and text of what is kept when it begins, or begins again."""
        times = before.times + 1 if before else 1
        text = doubt.begun(self._port.clock.now(), self._port.facts.attempt)
        return self.scope, doubt.beginning(name, times), text
