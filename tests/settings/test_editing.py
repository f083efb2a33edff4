from __future__ import annotations

import tomllib

import pytest

from onward.errors import InvalidConfig
from onward.settings.editing import with_value

FILE = """\
# for all of us
backup_path = "old"   # on the large disk

[worker]   # those of the night
concurrency = 2   # one for each core
queues = [
  "a",  # first
  "b",
]
name = "a # b"

[log]
level = "INFO"
"""


@pytest.mark.parametrize(
    ("key", "given", "old", "new"),
    [
        ("worker.concurrency", "8", "concurrency = 2 ", "concurrency = 8 "),
        ("backup_path", "/var/x", '"old" ', '"/var/x" '),
        ("worker.name", 'say "hi" # now', 'name = "a # b"', 'name = "say \\"hi\\" # now"'),
        ("worker.queues", "a, c", '[\n  "a",  # first\n  "b",\n]', '["a", "c"]'),
        ("worker.lease_seconds", "45s", 'name = "a # b"\n', 'name = "a # b"\nlease_seconds = "45s"\n'),
        ("worker.lease_seconds", "7.5", 'name = "a # b"\n', 'name = "a # b"\nlease_seconds = 7.5\n'),
        ("ui.read_only", "yes", '"INFO"\n', '"INFO"\n\n[ui]\nread_only = true\n'),
        ("automation_pause", "on", "\n\n[worker]", "\nautomation_pause = true\n\n[worker]"),
    ],
)
def test_one_value_is_another_and_all_else_stays(key: str, given: str, old: str, new: str) -> None:
    assert FILE.count(old) == 1
    assert with_value(FILE, key, given) == FILE.replace(old, new)


def test_file_that_is_not_there_or_has_no_last_line_end_is_begun() -> None:
    assert with_value("", "worker.concurrency", "8") == "[worker]\nconcurrency = 8\n"
    assert with_value("[log]", "log.level", "INFO") == '[log]\nlevel = "INFO"\n'


@pytest.mark.parametrize(
    ("text", "key", "given", "said"),
    [
        ("", "worker.concurency", "8", "Did you mean worker.concurrency"),
        ("", "worker.concurrency", "many", "does not fit"),
        ("", "worker.concurrency", "0", "at least 1"),
        ("[worker", "worker.concurrency", "8", "not TOML"),
        ("worker = { concurrency = 2 }\n", "worker.concurrency", "8", "cannot be changed here"),
        ("worker.concurrency = 2\n", "worker.concurrency", "8", "cannot be changed here"),
    ],
)
def test_what_would_not_be_meant_is_refused(text: str, key: str, given: str, said: str) -> None:
    with pytest.raises(InvalidConfig, match=said):
        with_value(text, key, given)


def test_whatever_is_typed_is_read_back() -> None:
    odd = "\x7f\u2028 'x' \\ \"y\" # \t"
    assert tomllib.loads(with_value(FILE, "worker.name", odd))["worker"]["name"] == odd
