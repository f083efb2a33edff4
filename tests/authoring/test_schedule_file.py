"""Schedules in a file: what is read, and that every problem is said with file, line and key."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onward.authoring import schedule_file
from onward.authoring.registry import JobTypes
from onward.errors import InvalidConfig
from onward.model.schedule_entry import ScheduleEntry, compare

GOOD = """\
logging: {anything: [of, another, program]}
scheduler:
  check: 5
  jobs:
    vault_sync:
      cron: "*/30 * * * *"
      description: "Sync vault files"
    my_custom_job:
      custom_param: "value"
      folders: [a, b]
    nightly:
      job_type: index
      enabled: true
      cron: 30 2 * * 1-5
      timezone: Europe/Berlin
      misfire_grace_seconds: 60
      catch_up: all
      max_instances: 2
      overlap: queue
      start_at: 2026-12-01T00:00:00+01:00
      bot_id: "*"
      params: {description: mine, at: 12:30, day: 2026-01-01}
    often: {interval_seconds: 90, enabled: yes}
"""


def read(text: str, label: str = "schedules.yaml", job_types: JobTypes | None = None) -> list[ScheduleEntry]:
    return schedule_file.read_text(text, label, job_types)


def problems(text: str, label: str = "schedules.yaml", job_types: JobTypes | None = None) -> list[str]:
    with pytest.raises(InvalidConfig) as caught:
        read(text, label, job_types)
    return list(caught.value.problems)


def jobs(body: str) -> str:
    indented = "".join(f"    {line}\n" for line in body.splitlines())
    return f"scheduler:\n  jobs:\n{indented}"


# ---- what is read ---------------------------------------------------------------------------------------------


def test_entries_have_policies_and_every_other_key_is_a_parameter() -> None:
    vault, custom, nightly, often = read(GOOD)
    assert vault == ScheduleEntry(
        name="vault_sync", job_type="vault_sync", cron="*/30 * * * *", description="Sync vault files", enabled=True
    )
    assert vault.origin == "schedules.yaml:5"
    assert custom.params == {"custom_param": "value", "folders": ["a", "b"]}
    assert (custom.cron, custom.enabled, custom.job_type) == ("0 2 * * *", False, "my_custom_job")
    assert nightly == ScheduleEntry(
        name="nightly",
        job_type="index",
        cron="30 2 * * 1-5",
        timezone="Europe/Berlin",
        misfire_grace_seconds=60,
        coalesce=False,
        max_instances=2,
        overlap="queue",
        start_at=datetime(2026, 11, 30, 23, tzinfo=UTC),
        bot_id="*",
        params={"description": "mine", "at": "12:30", "day": "2026-01-01"},
    )
    assert (often.interval_seconds, often.cron, often.enabled) == (90, None, True)


def test_toml_says_the_same() -> None:
    text = """\
[scheduler.jobs.vault_sync]
cron = "*/30 * * * *"
description = "Sync vault files"

[scheduler.jobs.my_custom_job]
custom_param = "value"
folders = ["a", "b"]

[scheduler.jobs.nightly]
job_type = "index"
enabled = true
cron = "30 2 * * 1-5"
timezone = "Europe/Berlin"
misfire_grace_seconds = 60
catch_up = "all"
max_instances = 2
overlap = "queue"
start_at = 2026-12-01T00:00:00+01:00
bot_id = "*"
params = {description = "mine", at = "12:30", day = "2026-01-01"}

[scheduler.jobs.often]
interval_seconds = 90
enabled = true
"""
    assert read(text, "schedules.toml") == read(GOOD)
    assert read(text, "schedules.toml")[2].origin == "schedules.toml:9"


def test_project_file_need_not_have_schedules(tmp_path: Path) -> None:
    assert read("[worker]\nconcurrency = 2\n", "onward.toml") == []
    assert read("", "onward.yaml") == []
    assert schedule_file.project_file(tmp_path) is None
    (tmp_path / "onward.yaml").write_text(GOOD)
    assert schedule_file.project_file(tmp_path) == tmp_path / "onward.yaml"
    assert len(schedule_file.read(tmp_path / "onward.yaml")) == 4


def test_settings_of_a_project_file_pass_over_its_schedules(tmp_path: Path) -> None:
    from onward import Settings

    (tmp_path / "onward.yaml").write_text(jobs("nightly: {enabled: true}") + "worker: {concurrency: 3}\n")
    assert Settings.load(tmp_path, {}).worker.concurrency == 3


def test_same_definition_has_the_same_digest_wherever_it_stands() -> None:
    one, two = read(jobs("a: {x: 1, y: 2}")), read("# moved\n" + jobs("a:\n  y: 2\n  x: 1\n"))
    assert one[0].digest == two[0].digest
    assert one[0].origin != two[0].origin
    assert read(jobs("a: {x: 1, y: 3}"))[0].digest != one[0].digest


# ---- what is refused ------------------------------------------------------------------------------------------


def test_all_problems_are_said_at_once_each_with_line_and_key() -> None:
    text = jobs(
        """\
one:
  enabled: maybe
  cron: "*/90 * * * *"
two:
  timezone: Europe/Berln
  interval_minutes: 0
three:
  cron: "@daily"
  interval_seconds: 5
four: [a]
"""
    )
    found = problems(text)
    assert [problem.partition(" ")[0] for problem in found] == [
        "schedules.yaml:4:",
        "schedules.yaml:5:",
        "schedules.yaml:8:",
        "schedules.yaml:7:",
        "schedules.yaml:11:",
        "schedules.yaml:12:",
    ]
    assert "scheduler.jobs.one.enabled is 'maybe', expected true or false" in found[0]
    assert "scheduler.jobs.one.cron `*/90 * * * *`: the field minute has the step 90" in found[1]
    assert "scheduler.jobs.two.interval_minutes is 0, expected a whole number from 1" in found[2]
    assert "Did you mean `Europe/Berlin`" in found[3]
    assert "scheduler.jobs.three.interval_seconds is said beside `cron`" in found[4]
    assert "scheduler.jobs.four is a list, expected a mapping" in found[5]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (jobs("a:\n  cron: */5 * * * *\n"), "schedules.yaml:4: A value that begins with `*` or `@` needs quotes"),
        (jobs("a:\n  cron: @daily\n"), "schedules.yaml:4: A value that begins with `*` or `@` needs quotes"),
        (jobs("a: &x {b: 1}\nc: *x\n"), "schedules.yaml:4: `*x` stands for something elsewhere"),
        (jobs("a: {b: 1}\na: {b: 2}\n"), "schedules.yaml:4: scheduler.jobs.a is there twice, first in line 3"),
        (jobs("a: {b: 1, b: 2}\n"), "scheduler.jobs.a.b is there twice"),
        (jobs("a: {b: !!python/object/apply:os.system [x]}\n"), "schedules.yaml:3:"),
        (jobs("a: {b: " + "[" * 40 + "]" * 40 + "}\n"), "nested deeper than 32"),
        (jobs("a: {b: " + "[" * 5000 + "]" * 5000 + "}\n"), "nested deeper than 32"),
        (jobs("a: {1: 2}\n"), "The key '1' is not a text"),
        (jobs("a: {b: .inf}\n") + "x: [", "schedules.yaml:"),
        (jobs("a: {b: !!binary aGk=}\n"), "scheduler.jobs.a.b cannot be kept"),
        (jobs("a: {b: 12345678901234567890}\n"), "scheduler.jobs.a.b cannot be kept"),
        (jobs("a: {crom: '@daily'}\n"), "scheduler.jobs.a.crom is not a key of a schedule. Did you mean `cron`"),
        (jobs("a: {enable: true}\n"), "Did you mean `enabled`"),
        (jobs("a: {x: 1, params: {x: 2}}\n"), "scheduler.jobs.a.params.x is said twice"),
        (jobs("a: {coalesce: true, catch_up: all}\n"), "scheduler.jobs.a.catch_up is said beside `coalesce`"),
        (jobs("a: {start_at: 2026-12-01}\n"), "expected a time with its offset"),
        (jobs("a: {run_at: 2026-12-01T02:00:00}\n"), "expected a time with its offset"),
        (jobs("a: {job_type: 5}\n"), "scheduler.jobs.a.job_type is 5, expected a name"),
        (jobs("a: {overlap: never}\n"), "expected skip, queue or cancel_running"),
        (jobs("a: {max_instances: true}\n"), "expected a whole number from 1"),
        (jobs("a: {cron: 5}\n"), "scheduler.jobs.a.cron is 5, expected a text"),
        (jobs('"": {}\n'), "is no name"),
        (jobs('"a\\tb": {}\n'), "is no name"),
        ("scheduler: {job: {}}\n", "scheduler has no `jobs`: schedules stand below `scheduler: jobs:`. Did you mean"),
        ("schedule: {}\n", "the file has no `scheduler`"),
        ("- a\n", "schedules.yaml: the file is a list, expected a mapping"),
        ("scheduler: {jobs: [a]}\n", "scheduler.jobs is a list"),
        ("a: b: c\n", "schedules.yaml:1:"),
        ("x" * (1 << 20 | 1), "longer than 1,048,576 bytes"),
    ],
)
def test_refusal_says_where_and_what(text: str, words: str) -> None:
    assert any(words in problem for problem in problems(text)), problems(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[scheduler.jobs.a]\ncron = '@dayly'\n", "schedules.toml:2: scheduler.jobs.a.cron `@dayly`"),
        ("[scheduler.jobs.a]\n[scheduler.jobs.a]\n", "schedules.toml:2"),
        ("[scheduler.jobs.a]\nx = 2026-01-01\n", "schedules.toml:2: scheduler.jobs.a.x cannot be kept"),
        ("[scheduler.jobs\n", "schedules.toml:1"),
        (f"[scheduler.jobs.a]\nx = {'[' * 2000}{']' * 2000}\n", "schedules.toml"),
    ],
)
def test_refusal_of_toml_says_where_and_what(text: str, words: str) -> None:
    assert any(words in problem for problem in problems(text, "schedules.toml")), problems(text, "schedules.toml")


def test_unreadable_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes(b"a: \xff\xfe")
    for name in ("none.yaml", "latin.yaml", "."):
        with pytest.raises(InvalidConfig, match="cannot be read"):
            schedule_file.read(tmp_path / name)


def test_job_types_and_their_parameters_are_checked_where_they_are_known() -> None:
    types = JobTypes()

    @types.job
    def index(folder: str, crom: int = 1) -> None:
        """Has a parameter that looks like a key of a schedule."""

    text = jobs("index: {folder: a, crom: 2}\nother: {job_type: indx}\nthird:\n  job_type: index\n  folder: 5\n")
    found = problems(text, job_types=types)
    assert len(found) == 2
    assert found[0].startswith("schedules.yaml:4: scheduler.jobs.other.job_type No job type is called 'indx'. Did you")
    assert found[1].startswith("schedules.yaml:7: scheduler.jobs.third.folder Input should be a valid string")
    assert read(jobs("index: {folder: a, crom: 2}"), job_types=types)[0].params == {"folder": "a", "crom": 2}


# ---- fuzzing --------------------------------------------------------------------------------------------------

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
_SHARDS = st.sampled_from(
    ["scheduler", "jobs", ":", "\n", "  ", "    ", "- ", "{", "}", "[", "]", "cron", "'", '"', "&a ", "*a", "<<: ", "!!set ",
     "? ", "|", "> ", "#", ",", "a", "0 2 * * *", "enabled", "true", "%", "---\n", "...\n", "\t", "@", "=", "\x00", "é"]
)  # fmt: skip


@settings(max_examples=300, deadline=2000)
@given(st.lists(_SHARDS, max_size=40).map("".join) | st.text(max_size=200), st.sampled_from(["s.yaml", "s.toml"]))
def test_any_text_is_read_or_refused(text: str, label: str) -> None:
    for begin in ("", "scheduler:\n  jobs:\n    "):
        try:
            entries = read(begin + text, label)
        except InvalidConfig as refused:
            entries, said = [], refused.problems
        else:
            said = ()
        assert all(problem.startswith(label) for problem in said)
        assert all(entry.digest for entry in entries)


@settings(max_examples=200, deadline=2000)
@given(st.dictionaries(st.text(min_size=1, max_size=8), st.dictionaries(st.text(max_size=8), _VALUES, max_size=4)))
def test_any_values_are_read_or_refused_and_come_back_as_they_were(body: dict[str, object]) -> None:
    import yaml

    text = yaml.safe_dump({"scheduler": {"jobs": body}})
    try:
        entries = read(text)
    except InvalidConfig as refused:
        said = refused.problems
        assert all(problem.startswith("schedules.yaml") for problem in said)
        return
    assert [entry.name for entry in entries] == sorted(body)
    assert [entry.digest for entry in read(text)] == [entry.digest for entry in entries]


# ---- what loading would change --------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Existing(ScheduleEntry):
    """As a schedule of the database looks to the comparison."""

    origin_digest: str | None = None


def stored(entry: ScheduleEntry, **changed: object) -> Existing:
    return Existing(**entry.arguments() | {"origin": entry.origin, "origin_digest": entry.digest} | changed)  # type: ignore[arg-type]


def test_loading_adds_changes_disables_and_keeps() -> None:
    same, new, other = read(jobs("same: {x: 1}\nnew: {x: 1}\nother: {x: 2, enabled: true}\n"))
    before = dataclasses.replace(other, params={"x": 1})
    gone = dataclasses.replace(same, name="gone", enabled=True)
    known = {
        "same": stored(same, cron="0 5 * * *"),  # changed at run time
        "other": stored(before),
        "gone": stored(gone),
        "was gone": stored(dataclasses.replace(gone, name="was gone"), enabled=False),
        "of people": stored(dataclasses.replace(gone, name="of people", origin="")),
    }
    changes = {change.name: change for change in compare([same, new, other], known, "schedules.yaml")}
    assert {name: change.action for name, change in changes.items()} == {
        "same": "keep",
        "new": "add",
        "other": "change",
        "gone": "disable",
        "was gone": "keep",
    }
    assert [(change.name, change.old, change.new) for change in changes["other"].fields] == [
        ("params", {"x": 1}, {"x": 2})
    ]


def test_schedule_of_another_origin_is_taken_over_by_the_file() -> None:
    (entry,) = read(jobs("a: {x: 1}"))
    for origin in ("", "other.yaml:3"):
        (change,) = compare([entry], {"a": stored(entry, origin=origin)}, "schedules.yaml")
        assert (change.action, change.fields) == ("change", ())
