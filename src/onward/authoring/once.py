"""Steps that are not done twice without a person's word: what is known of how they began."""

from __future__ import annotations

from itertools import count

from onward.authoring.port import RunPort
from onward.errors import InvalidValue
from onward.model import doubt
from onward.model.doubt import Doubt


def check_name(name: str) -> None:
    """Raise ``InvalidValue`` for a name that leaves no room for what is written before it."""
    if len(name) > doubt.LONGEST_NAME:
        raise InvalidValue(
            f"{name[:50]!r} is too long for a step that is done once.",
            hint=f"Use 1 to {doubt.LONGEST_NAME} characters.",
        )


def last_beginning(port: RunPort, scope: str, name: str) -> Doubt | None:
    """How the step began the last time; None for one that never has."""
    found = None
    for times in count(1):
        text = port.load_step(scope, doubt.beginning(name, times))
        if text is None:
            return found
        found = doubt.read(name, scope, times, text)
    return found
