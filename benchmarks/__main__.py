"""``python -m benchmarks``: answer the questions, round by round, and write down the medians.

python -m benchmarks                        all questions, five rounds, both databases; writes RESULTS.md
python -m benchmarks --quick                small sizes, one round; shown, not written
python -m benchmarks drain submit --on sqlite --rounds 3
python -m benchmarks schedules --write      these sections of RESULTS.md anew, the others stay
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import report, rounds

RESULTS = Path(__file__).parent / "RESULTS.md"


def main() -> int:
    options = _options()
    results = report.Results(facts=report.machine_facts())
    with tempfile.TemporaryDirectory(prefix="onward-bench-") as folder, rounds.databases(options.on) as server:
        results.facts.update(rounds.database_facts(server))
        for number in range(options.rounds):
            for question in options.questions:
                for kind in set(options.on) & set(rounds.ONLY.get(question, options.on)):
                    _measure(results, question, kind, server, Path(folder), options)
                    if options.peers and rounds.peer_of(question, kind)[1] is not None:
                        _measure_peer(results, question, kind, server, Path(folder), options)
            if number + 1 < options.rounds:
                _say(f"-- round {number + 1} of {options.rounds} done")
    text = report.as_markdown(results, options.rounds, options.quick)
    if options.write:
        written = RESULTS.read_text(encoding="utf-8")
        RESULTS.write_text(report.with_sections(written, results, options.rounds, options.quick), encoding="utf-8")
    elif options.out is not None:
        options.out.write_text(text, encoding="utf-8")
    print(text)
    return 1 if results.errors else 0


def _measure(
    results: report.Results,
    question: str,
    kind: str,
    server: rounds.Server,
    folder: Path,
    options: argparse.Namespace,
) -> None:
    begun = time.monotonic()
    try:
        figures = rounds.answer(question, kind, server, folder, quick=options.quick)
    except (subprocess.SubprocessError, ValueError) as error:
        results.errors.append(f"{question} on {kind}: {rounds.reason(error)}")
        _say(f"{question} on {kind} failed: {rounds.reason(error)}")
        return
    results.add(question, kind, figures)
    shown = ", ".join(f"{each.name} {report.number(each.value)} {each.unit}" for each in figures)
    _say(f"{question} on {kind} ({time.monotonic() - begun:.0f} s): {shown}")


def _measure_peer(
    results: report.Results,
    question: str,
    kind: str,
    server: rounds.Server,
    folder: Path,
    options: argparse.Namespace,
) -> None:
    try:
        name, figures = rounds.ask_peer(question, kind, server, folder, quick=options.quick)
    except (subprocess.SubprocessError, ValueError) as error:
        results.errors.append(f"the peer of {question} on {kind}: {rounds.reason(error)}")
        _say(f"the peer of {question} on {kind} failed: {rounds.reason(error)}")
        return
    results.add_peer(question, kind, name, figures)
    _say(f"  {name}: " + ", ".join(f"{key} {report.number(value)}" for key, value in figures.items()))


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.partition("\n")[0])
    parser.add_argument("questions", nargs="*", metavar="question", help=", ".join(rounds.QUESTIONS))
    parser.add_argument("--quick", action="store_true", help="small sizes, one round")
    parser.add_argument("--rounds", type=int, help="5, or 1 with --quick")
    parser.add_argument("--on", choices=rounds.KINDS, action="append", help="one database only")
    parser.add_argument("--no-peers", dest="peers", action="store_false", help="leave the peers out")
    parser.add_argument("--write", action="store_true", help="put the sections of these questions into RESULTS.md")
    parser.add_argument("--out", type=Path, help="where to write; RESULTS.md when everything is measured")
    options = parser.parse_args()
    unknown = set(options.questions) - set(rounds.QUESTIONS)
    if unknown:
        parser.error(f"no such question: {', '.join(sorted(unknown))}")
    is_whole = not options.questions and not options.on and not options.quick
    options.questions = options.questions or list(rounds.QUESTIONS)
    options.on = options.on or list(rounds.KINDS)
    options.rounds = options.rounds or (1 if options.quick else 5)
    if options.out is None and is_whole:
        options.out = RESULTS
    asked = [rounds.peer_of(question, kind) for question in options.questions for kind in options.on]
    missing = sorted({script for script, python in asked if script and python is None})
    if options.peers and missing:
        _say(f"Without the peers {', '.join(missing)}; to have them beside: python -m benchmarks.peers.install")
    return options


if __name__ == "__main__":
    sys.exit(main())
