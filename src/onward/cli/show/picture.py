"""A live picture on a terminal; elsewhere a plain line whenever there is news."""

from __future__ import annotations

import sys
from collections.abc import Hashable, Sequence
from types import TracebackType
from typing import Any, Self

from onward.cli.told import Told, is_terminal, say
from onward.clock import Clock

_PLAIN_SECONDS = 30.0


class Picture:
    """What goes on, on stderr. ``note`` adds a line that stays."""

    def __init__(self, told: Told, clock: Clock) -> None:
        self._is_live = told.has_color(sys.stderr) and is_terminal(sys.stderr)
        self._clock = clock
        self._live: Any = None
        self._seen: dict[str, tuple[Hashable, float]] = {}

    @property
    def is_live(self) -> bool:
        """Whether a person sees it change in place."""
        return self._is_live

    def draw(self, lines: Sequence[str]) -> None:
        """The whole picture; only on a terminal."""
        if self._live is not None:
            from rich.text import Text

            self._live.update(Text("\n".join(lines), no_wrap=True, overflow="ellipsis"), refresh=True)

    def tell(self, about: str, news: Hashable, line: str, *, is_over: bool = False) -> None:
        """A plain line about something if there is news, and every 30 s; not where the picture is live."""
        if self._is_live:
            return
        now = self._clock.monotonic()
        known, told_at = self._seen.get(about, (None, float("-inf")))
        if known != news or (now - told_at >= _PLAIN_SECONDS and not is_over):
            say(line)
            self._seen[about] = (news, now)

    def note(self, text: str) -> None:
        """A line that stays, above what changes."""
        if self._live is not None:
            from rich.text import Text

            self._live.console.print(Text(text))
        else:
            say(text)

    def __enter__(self) -> Self:
        if self._is_live:
            from rich.console import Console
            from rich.live import Live

            console = Console(stderr=True, highlight=False)
            self._live = Live(console=console, auto_refresh=False, vertical_overflow="ellipsis")
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None
