"""The five fields of a cron expression: what may stand in them, and what is said of what may not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches

from onward.errors import InvalidSchedule

ALIASES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
MOST_CHARACTERS = 1000
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_TERM = re.compile(r"(?P<first>\*|[A-Z]+|[0-9]+)(?:-(?P<last>[A-Z]+|[0-9]+))?(?:/(?P<step>[0-9]+))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its name, the numbers that it goes from and to, and the words that stand for numbers."""

    name: str
    low: int
    high: int
    words: tuple[str, ...] = ()
    offset: int = 0

    def number(self, text: str) -> int | None:
        """What a number or word stands for, or None."""
        if text.isdigit():
            value = int(text[:6])
            return value if self.low <= value <= self.high else None
        return self.words.index(text) + self.offset if text in self.words else None

    @property
    def spoken_range(self) -> str:
        """What may stand here."""
        words = f" or {self.words[0]} to {self.words[-1]}" if self.words else ""
        return f"{self.low} to {self.high}{words}"


FIELDS = (
    Field("minute", 0, 59),
    Field("hour", 0, 23),
    Field("day-of-month", 1, 31),
    Field("month", 1, 12, _MONTHS, 1),
    Field("day-of-week", 0, 7, _DAYS),
)


def plain(expression: str) -> str:
    """The five fields in capitals, of an alias too. Raises ``InvalidSchedule``, naming the field."""
    if len(expression) > MOST_CHARACTERS:
        raise InvalidSchedule(f"The cron expression is longer than {MOST_CHARACTERS} characters.")
    if not expression.isascii():
        raise InvalidSchedule(f"{_shown(expression)} has characters that cron does not know.", hint=_FORM)
    if expression.startswith("@"):
        return _of_alias(expression)
    parts = expression.upper().split()
    if len(parts) != len(FIELDS):
        raise InvalidSchedule(f"{_shown(expression)} has {len(parts)} fields, expected five.", hint=_FORM)
    for field, part in zip(FIELDS, parts, strict=True):
        for term in part.split(","):
            problem, hint = _problem(field, term)
            if problem:
                raise InvalidSchedule(f"{_shown(expression)}: the field {field.name} {problem}.", hint=hint)
    return " ".join(_for_library(field, part) for field, part in zip(FIELDS, parts, strict=True))


def _for_library(field: Field, part: str) -> str:
    """A range of one number with a step is that number; the library takes it for the beginning of a range."""
    terms = []
    for term in part.split(","):
        match = _TERM.fullmatch(term)
        is_one = match and match["last"] and field.number(match["first"]) == field.number(match["last"])
        terms.append(match["first"] if match and is_one else term)
    return ",".join(terms)


_FORM = "The fields are minute, hour, day-of-month, month, day-of-week, as in `30 2 * * 1-5`; no seconds, no years."


def _shown(expression: str) -> str:
    return f"`{expression[:80]}`"


def _of_alias(expression: str) -> str:
    name = expression.lower()
    if name in ALIASES:
        return ALIASES[name]
    if name == "@reboot":
        raise InvalidSchedule(
            "`@reboot` is no time: a schedule says when, and a start of the machine is not on the clock.",
            hint="Submit the job where your service starts, with an idempotency key.",
        )
    near = get_close_matches(name, ALIASES, n=1)
    hint = f"Did you mean `{near[0]}`?" if near else f"Known: {', '.join(ALIASES)}."
    raise InvalidSchedule(f"{_shown(expression)} is not a name that cron knows.", hint=hint)


def _problem(field: Field, term: str) -> tuple[str, str]:
    """What is wrong with one term of a field, and a mend; empty if it is right."""
    match = _TERM.fullmatch(term)
    if match is None or _is_special(field, term):
        return ("", "") if _is_special(field, term) else _shape_problem(field, term)
    first, last, step = match["first"], match["last"], match["step"]
    if first == "*" and last:
        return f"has `{term[:40]}`: a range with `*`", "Write `*`, or a range of numbers."
    for text in (first, last):
        if text not in (None, "*") and field.number(text) is None:
            return f"has `{text[:20]}`, which is not within {field.spoken_range}", _near_word(field, text)
    if last and (backwards := _backwards(field, first, last)):
        return f"has the range `{first}-{last}`, which goes backwards", backwards
    return _step_problem(field, step)


def _shape_problem(field: Field, term: str) -> tuple[str, str]:
    if not term:
        return "has a comma too many", ""
    if term == "?":
        return "has `?`", "Cron writes `*` for any."
    return f"has `{term[:40]}`, which is no number, range or step", f"It takes {field.spoken_range}, lists and steps."


def _step_problem(field: Field, step: str | None) -> tuple[str, str]:
    most = field.high - field.low + (0 if field.name == "day-of-week" else 1)
    if step is None or 1 <= int(step[:6]) <= most:
        return "", ""
    better = {
        "minute": "Steps begin anew each hour. For a pause of so many minutes use interval_minutes.",
        "hour": "Steps begin anew each day. For a pause of so many hours use interval_minutes.",
    }.get(field.name, "")
    return f"has the step {step[:20]}, and steps go from 1 to {most}", better


def _is_special(field: Field, term: str) -> bool:
    """``L`` and ``LW``: the last day and last weekday; ``5L``: the last Friday; ``MON#2``: the second Monday."""
    if field.name == "day-of-month":
        return term in ("L", "LW")
    if field.name != "day-of-week":
        return False
    if re.fullmatch(r"[0-7]L", term, re.ASCII):
        return True
    name, found, nth = term.partition("#")
    return bool(found) and field.number(name) is not None and nth in ("1", "2", "3", "4", "5")


def _backwards(field: Field, first: str, last: str) -> str:
    """How a range that goes backwards is written, or nothing if it does not."""
    low, high = field.number(first), field.number(last)
    if low is None or high is None or low <= high:
        return ""
    top = 6 if field.name == "day-of-week" else field.high
    if low > top:
        return f"Write `0-{last}`."
    begin = f"{first}" if low == top else f"{first}-{_spelt(field, top, first)}"
    end = f"{last}" if high == field.low else f"{_spelt(field, field.low, last)}-{last}"
    return f"Write `{begin},{end}`."


def _spelt(field: Field, number: int, like: str) -> str:
    return str(number) if like.isdigit() else field.words[number - field.offset]


def _near_word(field: Field, text: str) -> str:
    if field.words and not text.isdigit():
        near = [word for word in field.words if text.startswith(word)] or get_close_matches(text, field.words, n=1)
        return f"Did you mean `{near[0]}`?" if near else f"Known: {', '.join(field.words)}."
    return "It counts from 1." if text == "0" else ""
