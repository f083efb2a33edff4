"""Commands with ``--server`` say and do what they say and do on the database that the server has."""

from __future__ import annotations

import re
import shlex
import threading
from collections.abc import Iterator

import pytest
import uvicorn

from onward import JobPhase, Onward
from onward.cli import exits
from onward.cli.main import run
from onward.model.ids import shown
from onward.remote import Remote
from onward.server.app import create_app
from onward.server.run import listen
from tests.app_fixtures import quick_settings, until
from tests.cli import sample
from tests.cli.conftest import Cli, Said, end_of

AGE = re.compile(r"\b(in )?\d+ s( ago)?\b|\bnow\b|\bjust now\b")


@pytest.fixture(scope="module")
def sqlite_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One database for all tests of this module: each steers what it has made itself."""
    return f"sqlite:///{tmp_path_factory.mktemp('server') / 'onward.db'}"


@pytest.fixture(scope="module")
def app(sqlite_url: str) -> Iterator[Onward]:
    """The sample's job types on that database."""
    made = Onward(settings=quick_settings(sqlite_url))
    made.include(sample.app.job_types)
    yield made
    made.close()


@pytest.fixture(scope="module")
def server(app: Onward) -> Iterator[str]:
    """The address of a server that has the test's database."""
    listening = uvicorn.Server(uvicorn.Config(create_app(app), log_config=None, timeout_graceful_shutdown=1))
    with listen("127.0.0.1", 0) as socket:
        thread = threading.Thread(target=listening.run, kwargs={"sockets": [socket]})
        thread.start()
        until(lambda: listening.started, "the start")
        yield f"http://127.0.0.1:{socket.getsockname()[1]}"
        listening.should_exit = True
        thread.join()


@pytest.fixture
def far(server: str, capfd: pytest.CaptureFixture[str]) -> Cli:
    """Call the command line, which has nothing but the server's address."""

    def call(*words: str) -> Said:
        capfd.readouterr()
        code = run([*words, "--server", server])
        out, err = capfd.readouterr()
        return Said(code, out, err)

    return call


@pytest.fixture(scope="module")
def story(app: Onward) -> dict[str, str]:
    """A job of each kind, a question, a schedule, a saved chain; names to ids."""
    ids = {"added": app.submit("add", {"a": 1, "token": "canary"}, tags=["t"]).id}
    ids["failed"] = app.submit("fail").id
    ids["interrupted"] = app.submit("count", {"n": 5, "fail_at": 3}, source_id="docs").id
    ids["chain"] = app.submit("both").id
    ids["asks"] = app.submit("publish").id
    work(app)
    ids["later"] = app.submit("add", {"a": 2}, delay=36_000).id
    ids["queued"] = app.submit("count", {"n": 3}, queue="other").id
    ids["paused"] = app.pause(app.submit("add", {"a": 3}, queue="other").id, actor="ana", reason="not now").id
    app.schedules.add("nightly", "add", cron="0 3 * * *", params={"a": 1}, timezone="Europe/Berlin")
    app.schedules.add("hourly", "fail", interval_minutes=60)
    app.schedules.pause("hourly", reason="broken", by="ana")
    app.queues.pause("other", "ana", "new driver")
    app.templates.save("weekly", [JobPhase("add", params={"a": 1}), JobPhase("count", weight=80)], saved_by="ana")
    return ids


def work(app: Onward) -> None:
    """Do all that can be done now."""
    app.worker(concurrency=1).run(until_idle=True)


LOOKS = (
    "job list", "job list --json", "job list --filter 'state=failed,interrupted job_type=c*'", "job list -n 2",
    "job list --filter tag=t -q", "job show {chain}", "job show {interrupted} --trace", "job show {asks} --json",
    "job show {later}", "job show {paused}", "job logs {interrupted}", "job logs {interrupted} --json", "job types",
    "job types --json", "interrupted list", "input list", "input list --state all --json", "input show {asks}",
    "schedule list", "schedule list --json", "schedule show nightly", "schedule show hourly --json",
    "schedule next nightly --json", "schedule forecast --hours 48", "chain list", "chain list --json",
    "chain show weekly --json", "chain validate weekly --json", "chain graph weekly", "chain export weekly",
    "queue list --json", "resource list --json", "resource show desk", "workers list", "checkpoint list {interrupted}",
    "job cancel {queued} --dry-run", "job export", "resource show desk --json",
)  # fmt: skip


def test_every_look_says_the_same_as_on_the_database(story: dict[str, str], cli: Cli, far: Cli) -> None:
    names = {name: end_of(job_id) for name, job_id in story.items()}
    for look in LOOKS:
        words = shlex.split(look.format(**names))
        near, over_http = cli(*words), far(*words)
        assert near.code == exits.DONE, f"{look}: {near.err}"
        assert (over_http.code, over_http.err) == (0, near.err), look
        assert AGE.sub("then", over_http.out) == AGE.sub("then", near.out), look


def test_a_sensitive_parameter_does_not_leave_the_server(story: dict[str, str], far: Cli) -> None:
    said = far("job", "show", shown(story["added"]), "--json")
    assert said.json["params"]["token"] == "***"
    assert "canary" not in said.out + far("job", "list", "--json").out + far("input", "list", "--json").out


def test_a_job_is_run_watched_and_steered(app: Onward, far: Cli) -> None:
    with app.worker(concurrency=1):
        said = far("run", "count", "-a", "n=3", "--source", "news", "--watch")
    assert said.code == exits.DONE, said.err
    assert "Succeeded" in said.err
    job = app.get(said.out.strip())
    assert (job.params["n"], job.source_id, job.user_id) == (3, "news", "local")
    waiting = far("run", "add", "-a", "a=1", "--in", "10m", "-q").out.strip()
    assert far("job", "pause", waiting, "--reason", "later").code == exits.DONE
    assert app.get(waiting).paused_reason == "later"
    assert far("job", "resume", waiting).code == exits.DONE
    assert far("job", "cancel", waiting).code == exits.DONE
    assert far("job", "ack", waiting, "--note", "seen").code == exits.DONE
    assert app.get(waiting).acknowledged_note == "seen"
    assert far("watch", waiting).code == exits.CANCELLED
    assert far("job", "delete", waiting).code == exits.DONE
    assert far("job", "show", waiting).code == exits.NOT_FOUND


def test_steps_in_doubt_are_the_same_over_http(app: Onward, server: str) -> None:
    job = app.submit("pay")
    work(app)
    (near,) = app.checkpoints.in_doubt(job.id)
    (over_http,) = Remote(server).checkpoints.in_doubt(job.id)
    assert (over_http.step, over_http.scope, over_http.times, over_http.attempt) == ("transfer", "", 1, 1)
    assert abs((over_http.begun_at - near.begun_at).total_seconds()) < 0.001


def test_unfinished_work_is_met_as_on_the_database(story: dict[str, str], app: Onward, cli: Cli, far: Cli) -> None:
    words = ("run", "count", "-a", "n=5", "-a", "fail_at=3", "--source", "docs")
    near, over_http = cli(*words), far(*words)
    assert over_http.code == near.code == exits.CONFLICT
    assert over_http.err.splitlines()[:2] == near.err.splitlines()[:2]
    assert "n 5 to 6" in far("run", "count", "-a", "n=6", "-a", "fail_at=3", "--source", "docs", "--resume").err
    assert far(*words, "--resume").code == exits.DONE
    assert app.get(story["interrupted"]).generation == 2


@pytest.mark.parametrize(
    ("words", "code", "error"),
    [
        ("job show 7K2M9Q", exits.NOT_FOUND, "job-not-found"),
        ("run add", exits.INVALID, "params-invalid"),
        ("run ad -a a=1", exits.USAGE, "job-type-unknown"),
        ("job resume {added}", exits.CONFLICT, "illegal-transition"),
        ("schedule show daily", exits.NOT_FOUND, "schedule-not-found"),
        ("schedule add x add --cron 'a b c d e' -a a=1", exits.INVALID, "schedule-invalid"),
        ("input answer {asks} --set approve=7 --set where=web", exits.INVALID, "answer-invalid"),
        ("chain delete monthly", exits.NOT_FOUND, "chain-not-found"),
        ("db status", exits.USAGE, "needs-database"),
        ("worker", exits.USAGE, "needs-database"),
        ("scheduler", exits.USAGE, "needs-database"),
        ("dev", exits.USAGE, "needs-database"),
        ("serve", exits.USAGE, "needs-database"),
        ("schedule load file.yaml", exits.USAGE, "needs-database"),
    ],
)
def test_errors_have_the_codes_of_the_database(
    words: str, code: int, error: str, story: dict[str, str], cli: Cli, far: Cli
) -> None:
    typed = shlex.split(words.format(**{name: end_of(job_id) for name, job_id in story.items()}))
    said = far(*typed)
    assert (said.code, said.err.partition("]")[0]) == (code, f"error[{error}")
    if error != "needs-database":
        assert cli(*typed).code == code


def test_questions_schedules_chains_and_queues_are_steered(
    story: dict[str, str], app: Onward, far: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("onward.cli.nouns.chain.confirm", lambda *_: None)
    asks = end_of(story["asks"])  # the tests above leave it open
    assert far("input", "claim", asks).code == exits.DONE
    said = far("input", "answer", asks, "--set", "approve=true", "--set", "where=web", "--reason", "read it")
    assert said.code == exits.DONE, said.err
    assert app.questions.list("answered")[0].response == {"approve": True, "where": "web"}
    assert far("input", "answer", asks, "--set", "approve=true", "--set", "where=web").code == exits.CONFLICT
    assert far("schedule", "resume", "hourly").code == exits.DONE
    assert far("schedule", "edit", "hourly", "--every", "90s").code == exits.DONE
    assert app.schedules.get("hourly").seconds == 90
    assert far("schedule", "add", "hourly", "fail", "--cron", "0 4 * * *").code == exits.DONE
    assert app.schedules.get("hourly").rule_text == "0 4 * * *"
    made = far("schedule", "run", "nightly", "--json").json
    assert app.get(made["id"]).scheduled_job_id == app.schedules.get("nightly").id
    assert far("chain", "run", "weekly", "--source", "docs2", "-q").code == exits.DONE
    assert far("chain", "save", "monthly", "weekly").code == exits.DONE
    assert far("chain", "delete", "monthly").code == exits.DONE
    assert far("queue", "resume", "other").code == exits.DONE
    assert app.queues.list()[1].paused_by is None


def test_ids_by_their_ending_and_older_pages_are_found(story: dict[str, str], cli: Cli, far: Cli) -> None:
    pages = [
        far("job", "list", "-q", "-n", "3"),
        far("job", "list", "-q", "-n", "3", "--after", end_of(story["later"])),
    ]
    everything = cli("job", "list", "-q").lines
    assert pages[0].lines == everything[:3]
    assert pages[1].lines[0] == everything[everything.index(shown(story["later"])) + 1]
    assert far("job", "show", "@last", "--json").json["id"] == cli("job", "show", "@last", "--json").json["id"]


def test_a_key_from_the_environment_says_who_it_is(
    app: Onward, far: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    _, secret = app.keys.create("board", "viewer")
    job = app.submit("add", {"a": 1}, delay=600)
    monkeypatch.setenv("ONWARD_KEY", secret)
    assert far("job", "list", "-q").lines[0] == shown(job.id)
    refused = far("job", "cancel", shown(job.id))
    assert (refused.code, refused.err.partition("]")[0]) == (exits.NOT_ALLOWED, "error[not-allowed")
    assert secret not in refused.err + far("config", "show", "--all").out
    monkeypatch.setenv("ONWARD_KEY", "onw_wrong")
    assert far("job", "list").code == exits.NOT_ALLOWED


def test_the_environment_names_the_server_and_a_database_in_the_call_wins(
    server: str, app: Onward, cli: Cli, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ONWARD_SERVER", server)
    assert run(["queue", "list", "--verbose"]) == exits.DONE
    assert f"Server: {server}" in capfd.readouterr().err
    assert run(["db", "status"]) == exits.USAGE
    assert cli("db", "status").code == exits.DONE
    assert run(["job", "list", "--server", server, "--database", "sqlite:///x.db"]) == exits.INVALID


def test_no_server_is_said_in_a_sentence(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["job", "list", "--server", "http://127.0.0.1:9"]) == exits.UNREACHABLE
    assert capfd.readouterr().err.startswith("error[server-unreachable]: The server http://127.0.0.1:9 does not answer")
    assert run(["job", "list", "--server", "ftp://example.org"]) == exits.INVALID


def test_a_listener_hears_of_changes(server: str, app: Onward) -> None:
    remote, rang = Remote(server), threading.Event()
    quit_listening = remote.listen(rang.set)
    assert rang.wait(20)  # it is connected
    rang.clear()
    app.submit("add", {"a": 1})
    assert rang.wait(20)
    quit_listening()
    remote.close()
