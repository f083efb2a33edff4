"""``onward key``: keys for HTTP."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from onward.cli.command import noun, verb
from onward.cli.here import Here
from onward.cli.show.output import Column
from onward.cli.show.times import ago
from onward.cli.told import say
from onward.model.ids import shown
from onward.model.key import Key
from onward.model.limits import Limits
from onward.records.moments import rfc3339

verbs = noun("key", "Keys for HTTP.")


def _record(key: Key, here: Here) -> dict[str, Any]:
    now = here.app.clock.now()
    return {
        "id": shown(key.id, "key"),
        "name": key.name,
        "start": key.start,
        "role": key.role,
        "created_at": rfc3339(key.created_at),
        "expires_at": rfc3339(key.expires_at),
        "used_at": rfc3339(key.used_at),
        "revoked_at": rfc3339(key.revoked_at),
        "is_good": key.is_good(now),
        "limits": key.limits.plain,
    }


@verb(
    verbs,
    "create",
    "onward key create --role operator ci",
    "onward key create --role viewer --days 30 board",
    "onward key create --role operator --queue gpu --job-type 'embed*' indexer",
    data=True,
)
def create(
    here: Here,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is for.")],
    role: Annotated[str, typer.Option("--role", help="viewer, operator, editor or admin.")] = "operator",
    days: Annotated[float, typer.Option("--days", help="How long it is good; 0: without an end.")] = 90,
    queue: Annotated[
        list[str] | None, typer.Option("--queue", help="Only jobs of this queue; more than once: of any of them.")
    ] = None,
    job_type: Annotated[
        list[str] | None, typer.Option("--job-type", help="Only jobs of this type; * stands for anything.")
    ] = None,
    user: Annotated[list[str] | None, typer.Option("--user", help="Only jobs of this user.")] = None,
) -> None:
    """Make a key. It is printed once and kept nowhere; only its hash is."""
    limits = Limits(tuple(queue or ()), tuple(job_type or ()), tuple(user or ()))
    key, secret = here.app.keys.create(name, role, days=days or None, limits=limits, created_by=here.actor)
    say(f"The key {key.name!r} is of the role {key.role}; it is shown this once:")
    here.out.record(_record(key, here) | {"secret": secret}, secret)


@verb(verbs, "list", "onward key list", "onward key list --json", data=True)
def list_keys(here: Here) -> None:
    """List keys, newest first: what each may do, until when, and when it was used last."""
    now = here.app.clock.now()
    records = [
        _record(key, here)
        | (
            {
                "good": "yes" if key.is_good(now) else "no",
                "used": ago(key.used_at, now),
                "jobs": key.limits.text or "all",
            }
            if here.out.form == "table"
            else {}
        )
        for key in here.app.keys.list()
    ]
    columns = (
        Column("id"), Column("name", fixed=False), Column("role"), Column("start"), Column("good"),
        Column("expires_at", "expires"), Column("used"), Column("jobs", fixed=False),
    )  # fmt: skip
    here.out.records(records, columns, empty="There is no key. onward key create NAME makes one.")


@verb(verbs, "revoke", "onward key revoke key_01M8H40QR1E00BX83K4RPKKRD3")
def revoke(here: Here, key: Annotated[str, typer.Argument(metavar="KEY", help="Its id.")]) -> None:
    """Have a key open nothing any more, at once."""
    here.app.keys.revoke(key)
    say("It opens nothing any more.")
