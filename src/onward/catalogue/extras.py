"""Libraries of the optional parts, loaded when a job needs them."""

from __future__ import annotations

import importlib
from typing import Any

from onward.errors import MissingExtra

_COMMAND = "pip install 'onward[sources]'"


def load(module: str, command: str = _COMMAND) -> Any:
    """The module, or ``MissingExtra`` with the command that installs it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtra(
            f"This needs {module.partition('.')[0]}, which is not installed ({error}).",
            hint=f"Run: {command}",
        ) from error
