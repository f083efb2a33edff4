from __future__ import annotations

import pytest
import yaml

from onward.errors import InvalidConfig
from onward.settings.editing_yaml import with_yaml_value

FILE = """\
# for all of us
backup_path: old   # on the large disk

worker:   # those of the night
  concurrency: 2   # one for each core
  queues:
    - a  # first
    - b
  name: "a # b"

# of everybody
log:
    level: INFO
ui:
"""


@pytest.mark.parametrize(
    ("key", "given", "old", "new"),
    [
        ("worker.concurrency", "8", "concurrency: 2 ", "concurrency: 8 "),
        ("backup_path", "/var/x", " old ", ' "/var/x" '),
        ("worker.name", 'say "hi" # now', 'name: "a # b"', 'name: "say \\"hi\\" # now"'),
        ("worker.lease_seconds", "45s", 'name: "a # b"\n', 'name: "a # b"\n  lease_seconds: "45s"\n'),
        ("log.format", "json", "level: INFO\n", 'level: INFO\n    format: "json"\n'),
        ("ui.read_only", "yes", "ui:\n", "ui:\n  read_only: true\n"),
        ("server.port", "9000", "ui:\n", "ui:\nserver:\n  port: 9000\n"),
        ("automation_pause", "on", "ui:\n", "ui:\nautomation_pause: true\n"),
    ],
)
def test_one_value_is_another_and_all_else_stays(key: str, given: str, old: str, new: str) -> None:
    assert FILE.count(old) == 1
    assert with_yaml_value(FILE, key, given) == FILE.replace(old, new)


def test_list_is_written_in_one_line_and_comments_around_it_stay() -> None:
    changed = with_yaml_value(FILE, "worker.queues", "a, c")
    assert yaml.safe_load(changed)["worker"] == {"concurrency": 2, "queues": ["a", "c"], "name": "a # b"}
    for comment in ("# for all of us", "# those of the night", "# one for each core", "# of everybody"):
        assert comment in changed


@pytest.mark.parametrize("text", ["", "# only a comment\n", "log:\n  level: INFO", "---\nlog: {level: INFO}\n"])
def test_file_that_says_nothing_of_it_is_gone_on_with(text: str) -> None:
    changed = with_yaml_value(text, "worker.concurrency", "8")
    assert changed.startswith(text)
    assert yaml.safe_load(changed)["worker"] == {"concurrency": 8}


@pytest.mark.parametrize(
    ("text", "key", "given", "said"),
    [
        ("", "worker.concurency", "8", "Did you mean worker.concurrency"),
        ("", "worker.concurrency", "many", "does not fit"),
        ("worker: [", "worker.concurrency", "8", "not YAML"),
        ("worker: {name: x}\n", "worker.concurrency", "8", "cannot be changed here"),
        ("a: &one {concurrency: 2}\nworker: *one\n", "worker.concurrency", "8", "cannot be changed here"),
        ("- 1\n", "worker.concurrency", "8", "cannot be changed here"),
        ("worker: 7\n", "worker.concurrency", "8", "cannot be changed here"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(text: str, key: str, given: str, said: str) -> None:
    with pytest.raises(InvalidConfig, match=said):
        with_yaml_value(text, key, given)


@pytest.mark.parametrize(
    "odd", ["yes", "null", "1.5", "0x1f", "- a", "a: b", "'", '"', "\\n", "ü😀", "\x7f", " x ", "#"]
)
def test_odd_texts_come_back_as_they_were(odd: str) -> None:
    assert yaml.safe_load(with_yaml_value(FILE, "worker.name", odd))["worker"]["name"] == odd
