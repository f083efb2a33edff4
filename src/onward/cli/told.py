"""What was said in options that many commands share, and the streams that the answer goes to."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import IO, Literal

from onward.errors import InvalidValue

Form = Literal["table", "json", "jsonl", "ids"]


@dataclass(frozen=True, slots=True)
class Told:
    """The shared options, as they were given."""

    app: str | None = None
    database: str | None = None
    server: str | None = None
    profile: str | None = None
    color: str = "auto"
    tz: str = "local"
    debug: bool = False
    verbose: bool = False
    json: bool = False
    jsonl: bool = False
    quiet: bool = False
    columns: str | None = None
    no_header: bool = False
    wide: bool = False

    def __post_init__(self) -> None:
        if self.color not in ("auto", "always", "never"):
            raise InvalidValue(f"--color is auto, always or never, not {self.color!r}.")
        if self.server is not None and (self.database or self.app):
            raise InvalidValue("Give --server, or --database and --app, not both.")

    @property
    def form(self) -> Form:
        """How data is printed."""
        return "json" if self.json else "jsonl" if self.jsonl else "ids" if self.quiet else "table"

    def has_color(self, stream: IO[str]) -> bool:
        """Whether this stream gets colours: ``--color``, then NO_COLOR and TERM, then whether it is a terminal."""
        if self.color != "auto":
            return self.color == "always"
        return is_terminal(stream) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def is_terminal(stream: IO[str]) -> bool:
    """Whether a person sees it."""
    return bool(getattr(stream, "isatty", lambda: False)())


def is_dialogue() -> bool:
    """Whether somebody is there to be asked: both the questions and the answers go through a terminal."""
    return is_terminal(sys.stdin) and is_terminal(sys.stderr)


def say(text: str = "") -> None:
    """A line for people: progress, notes and warnings go beside the data."""
    print(text, file=sys.stderr, flush=True)
