"""The words for states: one list, the same everywhere; each has a sign and a colour, and never only a colour."""

from __future__ import annotations

import sys

from onward.cli.told import is_terminal

WORDS = {
    "scheduled": "Scheduled",
    "queued": "Queued",
    "blocked": "Waiting for resource",
    "running": "Running",
    "input": "Waiting for you",
    "paused": "Paused",
    "retrying": "Retrying",
    "interrupted": "Interrupted",
    "succeeded": "Succeeded",
    "failed": "Failed",
    "cancelled": "Cancelled",
}
_SIGNS = {
    "scheduled": "◷",
    "queued": "○",
    "blocked": "◇",
    "running": "▶",
    "input": "?",
    "paused": "‖",
    "retrying": "↻",
    "interrupted": "!",
    "succeeded": "✓",
    "failed": "✗",
    "cancelled": "-",
}
_STYLES = {
    "running": "36",
    "succeeded": "32",
    "failed": "31",
    "interrupted": "33",
    "input": "35",
    "blocked": "33",
    "retrying": "33",
    "cancelled": "2",
    "paused": "2",
    "scheduled": "2",
}


def state_word(state: str) -> str:
    """Sign and word; programs that read a table get the word alone."""
    word = WORDS.get(state, state)
    encoding = (getattr(sys.stdout, "encoding", "") or "").lower()
    if not is_terminal(sys.stdout) or "utf" not in encoding:
        return word
    return f"{_SIGNS.get(state, ' ')} {word}"


def state_style(state: str) -> str:
    """The colour, as an ANSI number."""
    return _STYLES.get(state, "")
