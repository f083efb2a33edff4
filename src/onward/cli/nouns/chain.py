"""``onward chain``: chains that the application has, and chains from a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from onward.authoring.chain_file import ChainFile, read_chain_file
from onward.cli import exits
from onward.cli.command import noun, verb
from onward.cli.here import Here
from onward.cli.input.params import read_params
from onward.cli.input.prompts import confirm
from onward.cli.nouns.run import told
from onward.cli.show.output import Column, dump
from onward.cli.told import say
from onward.errors import InvalidValue, UnknownJobType
from onward.model.chain import ChainIssue, JobPhase, with_params

verbs = noun("chain", "Job types run one after the other.")
Which = Annotated[
    str, typer.Argument(metavar="NAME|FILE", help="A chain of the application, a saved one, or a YAML or JSON file.")
]
Source = Annotated[str | None, typer.Option("--source", metavar="ID", help="What it works on.")]


def _read(here: Here, which: str) -> ChainFile:
    """The chain that was named; its phases have lines when they come from a file."""
    path = Path(which)
    if path.suffix in (".yaml", ".yml", ".json") or path.is_file():
        return read_chain_file(path)
    if which not in here.app.job_types and _is_saved(here, which):
        saved = here.app.templates.get(which)
        return ChainFile(which, saved.name, None, list(saved.phases), title=saved.label, description=saved.description)
    kind = here.app.job_types.get(which)
    if not kind.phases:
        raise UnknownJobType(
            f"{which!r} is a job type, not a chain.", hint=f"onward run {which}; chains: onward chain list"
        )
    return ChainFile(which, kind.name, None, list(kind.phases))


def _is_saved(here: Here, name: str) -> bool:
    return any(saved.name == name for saved in here.app.templates.list())


@verb(verbs, "list", "onward chain list", "onward chain list --json", data=True)
def list_chains(here: Here) -> None:
    """List the chains that the application has, and those that were saved."""
    records: list[dict[str, Any]] = [
        {
            "name": kind.name,
            "label": kind.label,
            "phases": [phase.type_name for phase in kind.phases],
            "aliases": sorted(kind.aliases),
            "version": None,
        }
        for kind in sorted(here.app.job_types, key=lambda kind: kind.name)
        if kind.phases
    ]
    records += [
        {
            "name": saved.name,
            "label": saved.label,
            "phases": [phase.type_name for phase in saved.phases],
            "aliases": [],
            "version": saved.version,
        }
        for saved in here.app.templates.list()
    ]
    columns = (
        Column("name"),
        Column("label"),
        Column("version", "saved", text=lambda value: f"version {value}" if value else ""),
        Column("phases", text=" → ".join, fixed=False),
    )
    here.out.records(records, columns, empty="There are no chains. onward chain run FILE.yaml runs one.")


@verb(verbs, "show", "onward chain show reindex_offline", "onward chain show chain.yaml --json", data=True)
def show(here: Here, which: Which) -> None:
    """Show the phases of a chain with their weights and parameters."""
    chain = _read(here, which)
    total = sum(phase.weight for phase in chain.phases) or 1
    records = [
        {
            "name": phase.name,
            "job_type": phase.type_name,
            "weight": phase.weight,
            "share": f"{100 * phase.weight / total:.0f}%",
            "params": phase.type_params,
        }
        for phase in chain.phases
    ]
    columns = (
        Column("name"),
        Column("job_type", "job type"),
        Column("weight"),
        Column("share"),
        Column("params", fixed=False),
    )
    here.out.records(records, columns, envelope={"name": chain.name or chain.label})


@verb(
    verbs,
    "validate",
    "onward chain validate chain.yaml",
    "onward chain validate reindex_offline --source docs",
    data=True,
)
def validate(here: Here, which: Which, source: Source = None) -> int:
    """Say what is wrong with a chain, and what is merely odd; exit code 6 if it cannot run."""
    chain = _read(here, which)
    report = here.app.validate_chain(chain.phases, source_id=source or chain.source_id)
    issues = [_issue(chain, "error", item) for item in report.errors]
    issues += [_issue(chain, "warning", item) for item in report.warnings]
    if here.out.form == "json":
        errors = [item for item in issues if item["level"] == "error"]
        warnings = [item for item in issues if item["level"] == "warning"]
        here.out.write(dump({"valid": report.valid, "errors": errors, "warnings": warnings}, indent=2))
    else:
        columns = (Column("where"), Column("level"), Column("message", fixed=False), Column("hint", fixed=False))
        here.out.records(issues, columns) if issues else here.out.write(f"{chain.label} is valid.")
    return exits.DONE if report.valid else exits.INVALID


def _issue(chain: ChainFile, level: str, issue: ChainIssue) -> dict[str, Any]:
    where = chain.place(issue.phase)
    if issue.phase is not None and not chain.lines:
        where = f"{chain.label}, phase {issue.phase + 1}"
    return {
        "where": where,
        "level": level,
        "phase": issue.phase,
        "code": issue.code,
        "message": issue.message,
        "hint": issue.hint,
    }


@verb(
    verbs,
    "run",
    "onward chain run chain.yaml --source docs --watch",
    "onward chain run reindex_offline --source docs -a index_offline.dimension=384",
    data=True,
)
def run(
    here: Here,
    which: Which,
    *,
    source: Source = None,
    args: Annotated[
        list[str] | None, typer.Option("-a", "--arg", metavar="PHASE.NAME=VALUE", help="A parameter.")
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Follow it until it has ended.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with unfinished work.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin again.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="With --fresh: what was saved stays with the old job.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Queue behind what is in the way.")] = False,
) -> int:
    """Run a chain as one job, each phase a job of its own."""
    if resume and fresh:
        raise typer.BadParameter("give --resume or --fresh, not both")
    if keep and not fresh:
        raise typer.BadParameter("--keep goes with --fresh")
    chain = _read(here, which)
    added = _added(here, chain.phases, args or [])
    options: dict[str, Any] = {
        "source_id": source or chain.source_id,
        "keep": keep,
        "resume": True if resume else False if fresh else None,
        "on_conflict": "wait" if wait else None,
    }
    if chain.lines or which not in here.app.job_types:
        phases = with_params(chain.label, chain.phases, added)
        job = here.app.submit_chain(phases, name=chain.name, **options)
    else:
        job = here.app.submit(chain.name or which, {"params": added} if added else {}, **options)
    return told(here, job, watch=watch)


def _added(here: Here, phases: list[JobPhase], pairs: list[str]) -> dict[str, dict[str, Any]]:
    """Parameters by phase, each read by the schema of the phase's job type."""
    by_phase: dict[str, list[str]] = {}
    names = {phase.name: phase for phase in phases}
    for pair in pairs:
        phase, dot, rest = pair.partition(".")
        if not dot or phase not in names or "=" not in rest:
            raise InvalidValue(f"-a {pair!r} is not PHASE.NAME=VALUE.", hint=f"phases: {', '.join(names)}")
        by_phase.setdefault(phase, []).append(rest)
    found = {}
    for name, rests in by_phase.items():
        kind = here.app.job_types.get(names[name].type_name or name)
        found[name] = read_params(rests, None, kind.schema())
    return found


@verb(verbs, "graph", "onward chain graph reindex_offline", "onward chain graph chain.yaml --mermaid")
def graph(
    here: Here, which: Which, mermaid: Annotated[bool, typer.Option("--mermaid", help="For Markdown pages.")] = False
) -> None:
    """Draw a chain."""
    chain = _read(here, which)
    total = sum(phase.weight for phase in chain.phases) or 1
    labels = [f"{phase.name} {100 * phase.weight / total:.0f}%" for phase in chain.phases]
    if mermaid:
        here.out.write("flowchart LR")
        for at, label in enumerate(labels):
            arrow = f"  p{at - 1} --> " if at else "  "
            here.out.write(f'{arrow}p{at}["{label}"]')
        return
    for at, label in enumerate(labels):
        here.out.write(f"{'  │' if at else ''}{chr(10) if at else ''}[{at + 1}] {label}")


Name = Annotated[str, typer.Argument(metavar="NAME", help="The name of a saved chain.")]
Version = Annotated[
    int | None, typer.Option("--expect-version", metavar="N", help="Only on top of this version; 0: a new one.")
]
Unknown = Annotated[bool, typer.Option("--allow-unknown", help="Though job types are unknown here.")]


@verb(
    verbs,
    "save",
    "onward chain save nightly chain.yaml",
    "onward chain save nightly chain.yaml --expect-version 3",
)
def save(
    here: Here,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is called.")],
    file: Annotated[str, typer.Argument(metavar="FILE|NAME", help="A YAML or JSON file, or another chain.")],
    expect_version: Version = None,
    allow_unknown: Unknown = False,
) -> None:
    """Save a chain under a name; a name that is there gets its next version."""
    chain = _read(here, file)
    saved = here.app.templates.save(
        name,
        chain.phases,
        label=chain.title,
        description=chain.description,
        expect_version=expect_version,
        allow_unknown=allow_unknown,
        saved_by=here.actor,
    )
    say(f"{saved.name} is saved, version {saved.version}.")


@verb(verbs, "export", "onward chain export nightly", "onward chain export nightly nightly.yaml")
def export(
    here: Here,
    name: Name,
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help="A new file; else it is printed.")] = None,
) -> None:
    """Write a saved chain as YAML."""
    text = here.app.templates.export(name)
    if file is None:
        here.out.write(text.rstrip())
        return
    try:
        with file.open("x", encoding="utf-8") as out:
            out.write(text)
    except OSError as error:
        raise InvalidValue(f"{file} cannot be written: {error.strerror}.", hint="Name a new file.") from None
    say(f"{name} is in {file}.")


@verb(verbs, "import", "onward chain import nightly.yaml", "onward chain import nightly.yaml --name weekly")
def import_(
    here: Here,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A YAML or JSON file.")],
    name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="Else the name in the file.")] = None,
    expect_version: Version = None,
    allow_unknown: Unknown = False,
) -> None:
    """Save the chain of a file under the name that stands in it."""
    saved = here.app.templates.import_(
        file, name=name, expect_version=expect_version, allow_unknown=allow_unknown, saved_by=here.actor
    )
    say(f"{saved.name} is saved, version {saved.version}.")


@verb(verbs, "delete", "onward chain delete nightly")
def delete(here: Here, name: Name, expect_version: Version = None) -> None:
    """Delete a saved chain; jobs that were made of it stay."""
    saved = here.app.templates.get(name)
    confirm(f"This deletes the saved chain {name} (version {saved.version}).", "Go on?")
    here.app.templates.delete(name, expect_version=expect_version)
    say(f"{name} is deleted.")
