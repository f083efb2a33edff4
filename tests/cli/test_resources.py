"""Resources on the command line."""

from __future__ import annotations

from collections.abc import Callable

from onward import Onward
from onward.cli import exits
from onward.model.ids import shown
from tests.app_fixtures import Gate, ended
from tests.cli.conftest import Cli, end_of

Work = Callable[[], None]


def test_resource_is_kept_by_a_person_and_given_back(app: Onward, work: Work, cli: Cli) -> None:
    app.job(name="lift", resources=lambda params, source_id: ["crane"], on_conflict="wait")(lambda: 1)
    assert cli("resource", "hold", "crane", "--reason", "new rope").code == exits.DONE
    job = app.submit("lift")
    work()
    listed = cli("resource", "list", "--json").json["items"]
    assert [(item["name"], item["waiting"], item["held_reason"]) for item in listed] == [("crane", 1, "new rope")]
    said = cli("resource", "show", "crane")
    assert "new rope" in said.out
    assert shown(job.id) in said.out
    assert "nobody" in said.out
    assert cli("resource", "unhold", "crane").code == exits.DONE
    work()
    assert app.get(job.id).result == 1
    assert cli("resource", "show", "unknown").code == 6


def test_resource_of_a_living_job_is_not_taken_from_it(app: Onward, cli: Cli) -> None:
    gate = Gate()
    app.job(name="lift", resources=lambda params, source_id: ["crane"])(gate.pass_through)
    with app.worker(concurrency=1):
        job = app.submit("lift")
        gate.await_job()
        assert shown(job.id) in cli("resource", "show", "crane").out
        said = cli("resource", "release", "crane", end_of(job.id))
        assert said.code == exits.CONFLICT
        assert "which is alive" in said.err
        gate.open()
        ended(app, job)
