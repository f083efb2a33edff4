"""A source's folder: nothing outside it is written or read."""

from __future__ import annotations

from pathlib import Path

import pytest

from onward.catalogue.sources.outside.source_folder import SourceFolder, check_source_id
from onward.errors import InvalidValue, OnwardError

BAD_IDS = [
    "",
    ".",
    "..",
    "../x",
    "a/b",
    "/etc",
    "a\\b",
    "%2e%2e",
    "a\x00b",
    "a\n",
    "a b",
    "ä",
    "x" * 129,
    "_jobs",
    "chroma_db_384",
    None,
]
BAD_FILES = ["../x", "a/../../x", "/etc/passwd", "", "a//b", ".", "a/..", "a\\..\\b", "a\x00b"]


@pytest.mark.parametrize("source_id", BAD_IDS)
def test_ids_that_are_no_names_are_refused_and_nothing_is_made(tmp_path: Path, source_id: str | None) -> None:
    with pytest.raises(InvalidValue):
        SourceFolder(tmp_path / "backup", source_id, create=True)
    assert list(tmp_path.iterdir()) == []


def test_plain_ids_are_names() -> None:
    for source_id in ("wiki", "a.b-c_d", ".hidden", "x" * 128, "CON"):
        assert check_source_id(source_id) == source_id


@pytest.mark.parametrize("relative", BAD_FILES)
def test_files_outside_are_neither_written_nor_read(tmp_path: Path, relative: str) -> None:
    folder = SourceFolder(tmp_path, "s", create=True)
    with pytest.raises(InvalidValue):
        folder.write_bytes(relative, b"x")
    with pytest.raises(InvalidValue):
        folder.read_bytes(relative)
    assert [path.name for path in tmp_path.rglob("*")] == ["s"]


def test_links_are_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    folder = SourceFolder(tmp_path / "backup", "s", create=True)
    (folder.path / "pages").symlink_to(outside)
    (folder.path / "_manifest.json").symlink_to(outside / "secret")
    for name in ("pages/secret", "_manifest.json"):
        with pytest.raises(InvalidValue, match="link"):
            folder.read_bytes(name)
        with pytest.raises(InvalidValue, match="link"):
            folder.write_bytes(name, b"x")
    (tmp_path / "backup" / "linked").symlink_to(outside)
    with pytest.raises(InvalidValue, match="link"):
        SourceFolder(tmp_path / "backup", "linked")
    assert (outside / "secret").read_text() == "secret"
    assert len(list(outside.iterdir())) == 1


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    folder = SourceFolder(tmp_path, "s", create=True)
    folder.write_json("_index.json", {"a": 1})

    def fail() -> None:
        with folder.replacing("_index.json") as file:
            file.write(b"half")
            raise EOFError

    with pytest.raises(EOFError):
        fail()
    assert folder.read_json("_index.json") == {"a": 1}
    assert [path.name for path in folder.path.iterdir()] == ["_index.json"]


def test_damaged_json_is_named_and_left_as_it_is(tmp_path: Path) -> None:
    folder = SourceFolder(tmp_path, "s", create=True)
    folder.write_bytes("_index.json", b"{")
    with pytest.raises(OnwardError, match=r"_index\.json"):
        folder.read_json("_index.json")
    assert folder.read_bytes("_index.json") == b"{"
    assert folder.read_json("_other.json") == {}
