"""``onward resource``: what jobs occupy while they run."""

from __future__ import annotations

from onward.cli.command import noun, verb
from onward.cli.here import Here
from onward.cli.show.output import Column
from onward.model.ids import shown

verbs = noun("resource", "What jobs occupy while they run.")


@verb(verbs, "list", "onward resource list", "onward resource list --json", data=True)
def list_resources(here: Here) -> None:
    """List resources, how many jobs may share each, and who holds them."""
    records = [{**item, "holders": [shown(holder) for holder in item["holders"]]} for item in here.app.resources.list()]
    columns = (Column("name"), Column("capacity"), Column("holders", "held by"))
    here.out.records(records, columns, empty="No job declares a resource.")
