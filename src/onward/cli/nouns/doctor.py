"""``onward doctor``: each line is ok, a warning or a fault, and says what mends it."""

from __future__ import annotations

import sys

from onward.cli import exits
from onward.cli.command import noun, verb
from onward.cli.here import Here
from onward.cli.nouns.doctor_checks import FAIL, OK, Finding, examine
from onward.cli.show.output import Column

verbs = noun("doctor", "Check everything.")
_STYLES = {"ok": "32", "warn": "33", "fail": "31"}


@verb(verbs, "doctor", "onward doctor", "onward doctor --json", data=True)
def doctor(here: Here) -> int:
    """Check settings, database, clock, workers, waiting jobs and disk; exit code 6 or 7 if something fails."""
    findings = list(examine(here))
    records = [{"check": item.check, "result": item.result, "text": item.text, "fix": item.fix} for item in findings]
    if here.out.form == "table" and not here.told.columns:
        for item in findings:
            here.out.write(_line(item, here.told.has_color(sys.stdout)))
    else:
        here.out.records(records, (Column("check"), Column("result"), Column("text"), Column("fix")))
    failed = [item for item in findings if item.result == FAIL]
    return max((item.exit_code for item in failed), default=exits.DONE)


def _line(item: Finding, has_color: bool) -> str:
    word = f"\x1b[{_STYLES[item.result]}m{item.result:<4}\x1b[0m" if has_color else f"{item.result:<4}"
    fix = f"\n        fix: {item.fix}" if item.fix and item.result != OK else ""
    return f"{word}  {item.check}: {item.text}{fix}"
