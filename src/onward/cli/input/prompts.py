"""Questions to a person on a terminal; elsewhere nobody is asked, and the options that answer are named."""

from __future__ import annotations

import sys

from onward.cli.told import is_dialogue, say
from onward.errors import OnwardError

MANY = 20
"""More than so many at once are confirmed by typing their number."""


class NotConfirmed(OnwardError):
    """Something needs a confirmation that was not given."""

    code = "not-confirmed"
    exit_code = 5


def ask(question: str, answers: str, default: str = "") -> str:
    """One letter of ``answers``; asks until it gets one. The end of input is the last of them."""
    while True:
        print(question, end=" ", file=sys.stderr, flush=True)
        line = sys.stdin.readline()
        if not line:
            say()
            return answers[-1]
        answer = line.strip().lower()[:1] or default
        if answer and answer in answers:
            return answer


def confirm(what: str, loss: str) -> None:
    """A yes to something by which one thing is lost; where nobody can be asked it was asked for plainly enough."""
    if is_dialogue() and ask(f"{what} {loss} [y/N]", "yn", "n") != "y":
        raise NotConfirmed("Nothing was done.")


def confirm_many(verb: str, count: int, breakdown: str, *, yes: bool, expect: int | None) -> None:
    """An act on many jobs is confirmed by their number, typed or as ``--yes --expect N``. Raises ``NotConfirmed``."""
    if expect is not None and expect != count:
        raise NotConfirmed(f"{count:,} jobs match, not {expect:,}. Nothing was done.", hint=f"--yes --expect {count}")
    if yes and expect is not None:
        return
    if not is_dialogue():
        raise NotConfirmed(
            f"{verb} of {count:,} jobs ({breakdown}) was not confirmed.", hint=f"--yes --expect {count}, or --dry-run"
        )
    if yes and count <= MANY:
        return
    say(f"{verb}: {count:,} jobs ({breakdown}).")
    wanted = str(count) if count > MANY else "y"
    question = f"Type {wanted} to go on:" if count > MANY else "Go on? [y/N]"
    print(question, end=" ", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower().replace(",", "") != wanted:
        raise NotConfirmed("Nothing was done.")
