"""``onward checkpoint``: what jobs have saved."""

from __future__ import annotations

from onward.cli.command import noun, verb
from onward.cli.here import Here
from onward.cli.input.names import job_id
from onward.cli.nouns.job_look import JobArgument
from onward.cli.show.output import Column
from onward.cli.show.times import ago, rfc3339

verbs = noun("checkpoint", "What jobs have saved.")


@verb(verbs, "list", "onward checkpoint list @last", "onward checkpoint list 7K2M9Q --json", data=True)
def list_checkpoints(here: Here, job: JobArgument) -> None:
    """List the kept checkpoints of a job, newest first."""
    chosen = here.app.get(job_id(here.app, job)).id
    now = here.app.clock.now()
    records = [
        {
            **item,
            "saved_at": rfc3339(item["saved_at"]),
            **({"age": ago(item["saved_at"], now)} if _is_table(here) else {}),
        }
        for item in here.app.checkpoints.list(chosen)
    ]
    columns = (
        Column("number"), Column("percent", text=lambda value: "" if value is None else f"{value}%"),
        Column("bytes", text=lambda value: f"{value:,}"), Column("age", "saved"), Column("is_valid", "valid"),
    )  # fmt: skip
    here.out.records(records, columns, empty="It has saved no checkpoint.")


def _is_table(here: Here) -> bool:
    return here.out.form == "table"
