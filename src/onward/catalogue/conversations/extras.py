"""Libraries of the optional part, loaded when a job needs them."""

from __future__ import annotations

from typing import Any

from onward.catalogue import extras

_COMMAND = "pip install 'onward[langgraph]'"


def load(module: str, command: str = _COMMAND) -> Any:
    """The module, or ``MissingExtra`` with the command that installs it."""
    return extras.load(module, command)
