"""``ctx.log``: a structured logger whose lines are kept with the job."""

from __future__ import annotations

import traceback
from typing import Any

from onward.authoring.port import RunPort


class JobLog:
    """Log lines of one job: a message and named values, ``ctx.log.info("fetched", url=url)``.

    ``bind`` gives a logger that adds the same values to every line. Lines are bounded in number and length.
    """

    def __init__(self, port: RunPort, bound: dict[str, Any] | None = None) -> None:
        self._port = port
        self._bound = bound or {}

    def bind(self, **fields: Any) -> JobLog:
        """A logger with these values on every line."""
        return JobLog(self._port, self._bound | fields)

    def debug(self, message: str, *args: Any, **fields: Any) -> None:
        """For whoever looks into a fault."""
        self._tell("DEBUG", message, args, fields)

    def info(self, message: str, *args: Any, **fields: Any) -> None:
        """What a person may like to read."""
        self._tell("INFO", message, args, fields)

    def warning(self, message: str, *args: Any, **fields: Any) -> None:
        """Something is not as it should be, and the job goes on."""
        self._tell("WARNING", message, args, fields)

    def error(self, message: str, *args: Any, **fields: Any) -> None:
        """Something went wrong."""
        self._tell("ERROR", message, args, fields)

    def exception(self, message: str, *args: Any, **fields: Any) -> None:
        """An error, with the traceback of the exception at hand."""
        self._tell("ERROR", message, args, fields | {"traceback": traceback.format_exc()})

    def _tell(self, level: str, message: str, args: tuple[Any, ...], fields: dict[str, Any]) -> None:
        self._port.log(level, message % args if args else message, self._bound | fields)
