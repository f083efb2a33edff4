"""What the command returns to the shell: frozen, since scripts rely on it."""

from __future__ import annotations

DONE = 0
UNEXPECTED = 1
USAGE = 2
NOT_FOUND = 3
NOT_ALLOWED = 4
CONFLICT = 5
INVALID = 6
UNREACHABLE = 7
FAILED = 10
CANCELLED = 11
INTERRUPTED = 12
WAITS_FOR_INPUT = 13
TIMED_OUT = 124
CTRL_C = 130

MEANINGS = {
    DONE: "done",
    UNEXPECTED: "unexpected error",
    USAGE: "wrong usage",
    NOT_FOUND: "not found",
    NOT_ALLOWED: "not allowed",
    CONFLICT: "conflict: an incomplete job exists, something is held, or it changed meanwhile",
    INVALID: "invalid configuration or input",
    UNREACHABLE: "the database cannot be reached",
    FAILED: "the job failed",
    CANCELLED: "the job was cancelled",
    INTERRUPTED: "the job was interrupted: its worker was lost, and it waits to be resumed",
    WAITS_FOR_INPUT: "the job waits for a person (only with --until-input)",
    TIMED_OUT: "--timeout was reached",
    CTRL_C: "Ctrl-C",
}
