"""Collects the rounds and writes them down: medians with the range, the peer beside, and what is to be reached."""

from __future__ import annotations

import datetime
import os
import platform
import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.figure import Figure
from onward import __version__

HEAD = (
    "# Results of the benchmarks\n\n"
    "Made by `make bench`. Each figure is the median (least to greatest) of {rounds}, each in a fresh process on a\n"
    "fresh database. Durability is on: a job or checkpoint counts when it is committed; results and run records are\n"
    "kept. The peers run in turn with ours. Noise of the machine reaches single figures; ratios within one run say\n"
    "more.\n"
)


@dataclass(slots=True)
class Results:
    """What was measured so far: the rounds of each figure, by question, database and name."""

    facts: dict[str, str]
    errors: list[str] = field(default_factory=list)
    rounds: dict[tuple[str, str, str], list[Figure]] = field(default_factory=dict)
    peers: dict[tuple[str, str, str], tuple[str, list[float]]] = field(default_factory=dict)

    def add(self, question: str, kind: str, figures: Sequence[Figure]) -> None:
        """One round of a question."""
        for figure in figures:
            self.rounds.setdefault((question, kind, figure.name), []).append(figure)

    def add_peer(self, question: str, kind: str, peer: str, figures: dict[str, float]) -> None:
        """One round of its peer."""
        for name, value in figures.items():
            self.peers.setdefault((question, kind, name), (peer, []))[1].append(value)


def machine_facts() -> dict[str, str]:
    """What the figures depend on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "Date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "onward": __version__,
        "Machine": f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()}",
        "Load at the start": f"{os.getloadavg()[0]:.1f}",
        "Python": platform.python_version(),
    }


def number(value: float) -> str:
    """Three digits that say something, thousands apart."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def as_markdown(results: Results, rounds: int, quick: bool) -> str:
    """The whole page."""
    how = f"{rounds} round{'s' if rounds > 1 else ''}" + (" with small sizes" if quick else "")
    lines = [HEAD.format(rounds=how), *(f"- {name}: {text}" for name, text in results.facts.items())]
    for question in dict.fromkeys(key[0] for key in results.rounds):
        lines += ["", f"## {question.capitalize()}", "", *_table(results, question)]
    if results.errors:
        lines += ["", "## Not measured", "", *(f"- {error}" for error in results.errors)]
    return "\n".join(lines) + "\n"


def with_sections(page: str, results: Results, rounds: int, quick: bool) -> str:
    """A page with the sections of these results in it, each with what it was measured on; the others stay."""
    head, *sections = re.split(r"^(?=## )", page, flags=re.MULTILINE)
    known = {section.partition("\n")[0]: section.rstrip("\n") + "\n\n" for section in sections}
    how = f"{rounds} round{'s' if rounds > 1 else ''}" + (" with small sizes" if quick else "")
    facts = ", ".join(f"{name} {text}" for name, text in results.facts.items())
    for question in dict.fromkeys(key[0] for key in results.rounds):
        title = f"## {question.capitalize()}"
        lines = [title, "", f"Measured by itself, {how}: {facts}.", "", *_table(results, question), "", ""]
        known[title] = "\n".join(lines)
    return (head.rstrip("\n") + "\n\n" + "".join(known.values())).rstrip("\n") + "\n"


def _table(results: Results, question: str) -> list[str]:
    return [
        "| what | database | onward | peer | ratio | to reach | reached |",
        "|---|---|---|---|---|---|---|",
        *(_row(results, key, figures) for key, figures in results.rounds.items() if key[0] == question),
    ]


def _row(results: Results, key: tuple[str, str, str], figures: list[Figure]) -> str:
    first = figures[0]
    median = statistics.median(figure.value for figure in figures)
    peer = ratio = to_reach = reached = ""
    if key in results.peers:
        name, values = results.peers[key]
        peer = f"{name}: {_spread(values)}"
        ratio = f"{median / statistics.median(values):.2f}"
    if first.target is not None:
        sign = "≥" if first.better == "higher" else "≤"
        to_reach = f"{sign} {number(first.target)} {first.unit}"
        is_reached = Figure(first.name, median, first.unit, first.target, first.better).is_reached
        reached = "yes" if is_reached else "no"
    ours = f"{_spread([figure.value for figure in figures])} {first.unit}"
    return f"| {first.name} | {key[1]} | {ours} | {peer} | {ratio} | {to_reach} | {reached} |"


def _spread(values: Sequence[float]) -> str:
    median = number(statistics.median(values))
    return median if len(values) == 1 else f"{median} ({number(min(values))} to {number(max(values))})"
