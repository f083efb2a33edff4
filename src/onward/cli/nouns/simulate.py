"""``onward simulate``: hours of workers that die, stop and lose their database, in seconds and from a seed."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from onward.cli import exits
from onward.cli.command import noun, verb
from onward.cli.here import Here
from onward.cli.input.params import read_params

verbs = noun("simulate", "Run a job type on simulated workers that die.")


@verb(
    verbs,
    "simulate",
    "onward simulate --job word_count --app jobs:app -a folder=texts --hours 10",
    "onward simulate --job word_count --app jobs:app --seed 7 --seeds 20",
    "onward simulate --job word_count --app jobs:app --seed 7 --only 3,17",
    "onward simulate --job word_count --app jobs:app --schedule interval_seconds=60",
    data=True,
)
def simulate(
    here: Here,
    job: Annotated[str, typer.Option("--job", metavar="JOB_TYPE", help="See: onward job types.")],
    *,
    args: Annotated[list[str] | None, typer.Option("-a", "--arg", metavar="NAME=VALUE", help="A parameter.")] = None,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same run.")] = 0,
    seeds: Annotated[int, typer.Option("--seeds", min=1, metavar="N", help="So many seeds, from --seed on.")] = 1,
    hours: Annotated[float, typer.Option("--hours", help="Hours of simulated time.")] = 1.0,
    workers: Annotated[int, typer.Option("--workers", min=1, metavar="N", help="How many.")] = 3,
    jobs_per_hour: Annotated[
        float, typer.Option("--jobs-per-hour", metavar="N", help="How often it is asked for.")
    ] = 20,
    schedule: Annotated[
        list[str] | None,
        typer.Option(
            "--schedule", metavar="NAME=VALUE", help="A field of the schedule that starts the jobs, such as cron."
        ),
    ] = None,
    schedulers: Annotated[
        int, typer.Option("--schedulers", min=1, metavar="N", help="So many look at the schedule, if there is one.")
    ] = 3,
    faults_per_hour: Annotated[
        float, typer.Option("--faults-per-hour", metavar="N", help="Kills, stops, outages, jumps of clocks.")
    ] = 30,
    only: Annotated[
        str | None, typer.Option("--only", metavar="N,N", help="Of the seed's faults only these, or none.")
    ] = None,
) -> int:
    """Run a job type many times while its workers are killed, stopped and cut off; exit 10 when a promise is broken.

    The job is really run: what it writes outside the database is written, and again where it was interrupted.
    With --schedule (interval_seconds=60, catch_up=all: what schedules.add takes) a schedule starts the jobs; its
    schedulers are killed, stopped and cut off as well, and each due time must have one decision.
    """
    from onward.testing import simulate as run

    params: dict[str, Any] = read_params(args or [], None, here.local.job_types.get(job).schema())
    records: list[dict[str, Any]] = []
    for each in range(seed, seed + seeds):
        found = run(
            job,
            params,
            app=here.local,
            seed=each,
            hours=hours,
            workers=workers,
            jobs_per_hour=jobs_per_hour,
            faults_per_hour=faults_per_hour,
            only=_numbers(only),
            schedule=read_params(schedule, None, {}, option="--schedule") if schedule else None,
            schedulers=schedulers,
        )
        record = {
            "job_type": found.job_type,
            "seed": found.seed,
            "simulated_hours": round(found.simulated_hours, 3),
            "jobs": found.jobs,
            "due_times": found.decisions,
            "faults": sum(found.counts.values()),
            "events": found.events,
            "digest": found.digest,
            "problems": list(found.problems),
            "again": found.command if found.problems else None,
        }
        records.append(record)
        if seeds == 1:
            here.out.record(record, found.text())
        elif here.out.form == "table":
            here.out.write(found.text())
    if seeds > 1 and here.out.form != "table":
        here.out.records(records, ())
    return exits.FAILED if any(record["problems"] for record in records) else exits.DONE


def _numbers(text: str | None) -> list[int] | None:
    if text is None:
        return None
    try:
        return [int(word) for word in text.split(",") if word not in ("", "none")]
    except ValueError:
        raise typer.BadParameter(f"--only takes numbers such as 3,17, not {text!r}") from None
