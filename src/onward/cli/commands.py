"""The table of commands: what there is, in which module, and what each is for; nothing is loaded by looking at it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Branch:
    """A command or noun: the module that has it, one line about it, and a noun's verbs."""

    module: str
    summary: str
    verbs: tuple[str, ...] = ()


COMMANDS = {
    "demo": Branch("demo.command", "A worker is killed half-way; its job goes on."),
    "dev": Branch("nouns.dev", "Pages, scheduler and a worker; reloads when your files change."),
    "serve": Branch("nouns.serve", "Pages, HTTP, scheduler and a worker."),
    "worker": Branch("nouns.worker", "Run jobs."),
    "scheduler": Branch("nouns.scheduler", "Start jobs by schedule."),
    "run": Branch("nouns.run", "Submit a job."),
    "simulate": Branch("nouns.simulate", "Run a job type on simulated workers that die."),
    "watch": Branch("nouns.watch", "Follow jobs until they have ended."),
    "doctor": Branch("nouns.doctor", "Check database, clock, workers and disk."),
    "job": Branch(
        "nouns.job",
        "Look at jobs and steer them.",
        (
            "list",
            "show",
            "logs",
            "watch",
            "types",
            "resume",
            "fresh",
            "again",
            "pause",
            "cancel",
            "force-stop",
            "ack",
            "delete",
            "export",
        ),
    ),
    "interrupted": Branch("nouns.interrupted", "Jobs that stopped with work saved.", ("list", "resume", "discard")),
    "input": Branch("nouns.input", "What jobs ask of people.", ("list", "show", "answer", "claim", "release", "link")),
    "chain": Branch(
        "nouns.chain",
        "Job types run one after the other.",
        ("list", "show", "validate", "run", "graph", "save", "export", "import", "delete"),
    ),
    "schedule": Branch(
        "nouns.schedule",
        "When job types become jobs.",
        (
            "list",
            "show",
            "add",
            "edit",
            "pause",
            "resume",
            "run",
            "skip",
            "next",
            "backfill",
            "delete",
            "load",
            "diff",
            "import",
            "forecast",
        ),
    ),
    "resource": Branch(
        "nouns.resource", "What jobs occupy while they run.", ("list", "show", "hold", "unhold", "release")
    ),
    "checkpoint": Branch("nouns.checkpoint", "What jobs have saved.", ("list", "show", "pin", "unpin", "prune")),
    "retention": Branch("nouns.retention", "How long what is over is kept.", ("show", "preview", "run")),
    "archive": Branch("nouns.archive", "Jobs that retention has taken out of the way.", ("list", "show")),
    "memory": Branch(
        "nouns.memory",
        "What assistants remember.",
        (
            "add",
            "list",
            "search",
            "show",
            "pin",
            "unpin",
            "restore",
            "unmerge",
            "forget",
            "learn",
            "profile",
        ),
    ),
    "workers": Branch("nouns.workers", "Processes that run jobs.", ("list",)),
    "queue": Branch("nouns.queue", "What waits where.", ("list", "pause", "resume")),
    "key": Branch("nouns.key", "Keys for HTTP.", ("create", "list", "revoke")),
    "db": Branch(
        "nouns.db",
        "The database.",
        ("init", "upgrade", "status", "check", "sql", "reset", "backup", "export", "import", "move"),
    ),
    "config": Branch(
        "nouns.config", "Settings, and where they come from.", ("show", "get", "set", "path", "validate", "schema")
    ),
    "help": Branch("nouns.help", "Help on a topic."),
    "version": Branch("nouns.version", "The version."),
    "completion": Branch("nouns.completion", "Completion for a shell."),
}
OLD_WORDS = {
    "retry": "job resume",
    "requeue": "job resume",
    "unpause": "job resume",
    "reschedule": "job resume",
    "stop": "job cancel",
    "kill": "job cancel",
    "restart": "job fresh",
    "rerun": "job again",
    "submit": "run",
    "enqueue": "run",
    "approve": "input answer",
    "respond": "input answer",
}
"""Words that people bring along, and the command that is meant."""

TOP = """\
onward: background jobs that go on where they stopped.

  onward demo                               see it: a worker is killed, and its job goes on
  onward run word_count -a folder=texts --watch
  onward job resume @last                   go on with the newest job from its checkpoint

  Start    demo, dev, serve, worker, scheduler, run, simulate, watch
  Jobs     job, interrupted, input, chain, schedule, resource, checkpoint, workers, queue
  Keeping  retention, archive
  Content  memory
  Place    db, config, doctor, key
  About    help, version, completion

  onward help lists them all with a line each; onward COMMAND --help shows examples.
"""


def paths() -> Iterator[str]:
    """Every command, as it is typed after ``onward``."""
    for name, branch in COMMANDS.items():
        if branch.verbs:
            yield from (f"{name} {verb}" for verb in branch.verbs)
        else:
            yield name
