"""A chain as the Python that runs it, to be copied out of the pages into a program."""

from __future__ import annotations

from collections.abc import Sequence
from pprint import pformat

from onward.model.chain import JobPhase

_WIDTH = 88


def write_code(name: str, label: str, phases: Sequence[JobPhase]) -> str:
    """A program's part that registers the chain under its name; without a name, one that runs it."""
    listed = "".join(f"    {_phase(phase)},\n" for phase in phases)
    if name:
        said = f", label={label!r}" if label else ""
        return f"from onward import JobPhase\n\nphases = [\n{listed}]\napp.chain({name!r}, phases{said})\n"
    return f"from onward import JobPhase\n\nphases = [\n{listed}]\njob = app.submit_chain(phases)\n"


def _phase(phase: JobPhase) -> str:
    parts = [repr(phase.name)]
    if phase.type_name != phase.name:
        parts.append(f"job_type={phase.type_name!r}")
    parts.append(f"weight={phase.weight:g}")
    if phase.type_params:
        shown = pformat(phase.type_params, width=_WIDTH, sort_dicts=False)
        parts.append("params=" + shown.replace("\n", "\n        "))
    return f"JobPhase({', '.join(parts)})"
