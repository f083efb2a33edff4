"""The job ``vault_sync`` on real notes and a real graph."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from onward.catalogue.vault.jobs import sync as job
from onward.catalogue.vault.outside.notes import Notes
from onward.errors import InvalidConfig
from onward.settings import Settings
from onward.testing import JobBench
from tests.catalogue.vault.graphs import Place, mark


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_blocks_become_nodes_and_follow_their_text(place: Place) -> None:
    place.write("tier1/tea.md", f"Green tea. {mark('a')}\n\nBlack tea. {mark('b', 4)}\n")
    place.write("tier2/sub/all.md", "# All\n\nText.\n\n<!-- aclarai:id=all ver=1 -->\n")
    report = place.sync()
    assert (report["files"], report["blocks"], report["created"], report["unchanged"]) == (2, 3, 3, 0)
    assert report["duration"] >= 0
    assert place.state() == {
        "a": ("tier1/tea.md", 1, "Green tea.", False),
        "b": ("tier1/tea.md", 4, "Black tea.", False),
        "all": ("tier2/sub/all.md", 1, "# All\n\nText.", False),
    }
    assert place.nodes()["all"]["tier"] == "tier2"
    assert not place.nodes()["a"]["needs_reprocessing"]
    assert place.counts() == {}
    place.write("tier1/tea.md", f"Green tea, please. {mark('a')}\n\nBlack tea. {mark('b', 4)}\n")
    report = place.sync()
    assert (report["updated"], report["unchanged"]) == (1, 2)
    node = place.nodes()["a"]
    assert (node["version"], node["text"], node["needs_reprocessing"]) == (2, "Green tea, please.", True)
    assert not place.nodes()["b"]["needs_reprocessing"]
    assert place.counts() == {}


def test_an_older_version_is_a_conflict_and_a_newer_one_is_taken(place: Place) -> None:
    place.write("tier1/a.md", f"one {mark('a', 3)}\n")
    place.sync()
    place.write("tier1/a.md", f"two {mark('a', 2)}\n")
    for _ in range(2):
        report = place.sync()
        assert report["conflicts"] == 1, "it is told until it is solved"
        assert report["conflict_list"] == ["tier1/a.md, line 1: a has version 2, the graph 3."]
    assert place.state()["a"] == ("tier1/a.md", 3, "one", False)
    place.write("tier1/a.md", f"two {mark('a', 7)}\n")
    assert place.counts() == {"updated": 1}
    assert place.state()["a"] == ("tier1/a.md", 7, "two", False)


def test_what_vanishes_is_archived_and_what_comes_back_is_in_use(place: Place) -> None:
    place.write("tier1/a.md", f"one {mark('a')}\n\ntwo {mark('b')}\n")
    place.write("tier1/c.md", f"three {mark('c')}\n")
    place.sync()
    place.write("tier1/a.md", f"one {mark('a')}\n")
    (place.folder / "tier1/c.md").unlink()
    assert place.counts() == {"archived": 2}
    assert {key for key, row in place.state().items() if row[3]} == {"b", "c"}
    assert place.counts() == {}
    place.write("tier3/c.md", f"three {mark('c')}\n")
    assert place.counts() == {"updated": 1}
    assert place.state()["c"] == ("tier3/c.md", 1, "three", False)


def test_a_block_that_moves_between_notes_stays_itself(place: Place) -> None:
    for source, target in (("a", "z"), ("z", "a")):
        place.write(f"tier1/{source}.md", f"one {mark('m')}\n\nrest {mark(source)}\n")
        place.write(f"tier1/{target}.md", f"other {mark(target)}\n")
        place.sync()
        place.write(f"tier1/{source}.md", f"rest {mark(source)}\n")
        place.write(f"tier1/{target}.md", f"other {mark(target)}\n\none {mark('m')}\n")
        assert place.counts() == {"updated": 1}
        assert place.state()["m"] == (f"tier1/{target}.md", 1, "one", False)
        place.write(f"tier1/{target}.md", f"other {mark(target)}\n")
        place.sync()


def test_one_id_in_two_notes_is_told_and_the_known_one_counts(place: Place) -> None:
    place.write("tier1/b.md", f"one {mark('a')}\n")
    place.sync()
    place.write("tier1/a.md", f"copied {mark('a')}\n")
    report = place.sync()
    assert (report["errors"], report["updated"]) == (1, 0)
    assert report["error_list"] == ["tier1/a.md, line 1: the id a is in tier1/b.md as well."]
    assert place.state()["a"][:3] == ("tier1/b.md", 1, "one")


def test_what_cannot_be_read_is_told_and_nothing_of_it_is_archived(place: Place, tmp_path: Path) -> None:
    place.write("tier1/a.md", f"one {mark('a')}\n")
    place.write("tier1/b.md", f"two {mark('b')}\n")
    place.sync()
    place.write("tier1/a.md", b"\xff\xfe not text")
    place.write("tier1/b.md", "x" * (11 * 1024 * 1024))
    (tmp_path / "outside.md").write_text(f"secret {mark('s')}\n")
    (place.folder / "tier1/link.md").symlink_to(tmp_path / "outside.md")
    place.write("tier1/.obsidian/c.md", f"hidden {mark('h')}\n")
    place.write("tier1/notes.txt", f"other {mark('t')}\n")
    report = place.sync()
    told = "\n".join(report["error_list"])
    assert (report["errors"], report["archived"]) == (3, 0)
    for words in ("a.md is not UTF-8 (at byte 0)", "b.md has 11,534,336 bytes", "link.md is a link"):
        assert words in told
    assert set(place.state()) == {"a", "b"}


def test_a_folder_that_is_not_there_archives_nothing(place: Place) -> None:
    place.write("tier1/a.md", f"one {mark('a')}\n")
    place.write("tier2/b.md", f"two {mark('b')}\n")
    place.sync()
    (place.folder / "tier2").rename(place.folder / "away")
    report = place.sync()
    assert (report["archived"], report["errors"]) == (0, 1)
    assert "tier2 is not there" in report["error_list"][0]
    place.folder.rename(place.folder.parent / "moved")
    with pytest.raises(InvalidConfig, match="is not there"):
        place.sync()
    with pytest.raises(InvalidConfig, match="ONWARD_VAULT_PATH"):
        JobBench(place.bench().job_type, settings=Settings()).run()


def test_unchanged_notes_are_not_even_read(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(20):
        place.write(f"tier1/{number}.md", f"text {number} {mark(f'b{number}')}\n")
    place.sync()
    read: list[str] = []
    real = Notes.read

    def reading(self: Notes, path: str) -> object:
        read.append(path)
        return real(self, path)

    monkeypatch.setattr(Notes, "read", reading)
    assert place.sync()["unchanged"] == 20
    assert read == []
    place.write("tier1/7.md", f"text {mark('b7')}\n")
    place.sync()
    assert read == ["tier1/7.md"]


def test_markers_are_set_on_request_and_versions_follow(place: Place) -> None:
    note = "# Tea\n\nGreen tea.\n\n- one\n- two\n\n```\ncode\n```\n"
    place.write("tier1/a.md", note)
    assert place.counts() == {}
    assert place.read("tier1/a.md") == note
    assert place.counts(assign_markers=True) == {"created": 3, "assigned": 3}
    marked = place.read("tier1/a.md")
    assert place.counts(assign_markers=True) == {}
    place.write("tier1/a.md", marked.replace("Green tea.", "White tea."))
    assert place.counts(write_versions=True) == {"updated": 1}
    assert "ver=2" in place.read("tier1/a.md")
    place.write("tier1/a.md", place.read("tier1/a.md").replace("White tea.", "Red tea."))
    assert place.counts(write_versions=True) == {"updated": 1}
    assert {row[1] for row in place.state().values()} == {1, 3}
    assert place.counts() == {}
    assert [path.name for path in (place.folder / "tier1").iterdir()] == ["a.md"], "nothing is left behind"


def test_a_newer_edit_is_never_overwritten(place: Place) -> None:
    place.write("tier1/a.md", "one\n")
    notes = job.open_notes(place.settings.vault)
    text, seen = notes.read("tier1/a.md")
    place.write("tier1/a.md", "edited\n")
    assert notes.write("tier1/a.md", text + "more", seen) is None
    assert place.read("tier1/a.md") == "edited\n"
    _, seen = notes.read("tier1/a.md")
    look = notes.look

    def late(path: str) -> object:
        """Somebody writes after the last look before the exchange."""
        found = look(path)
        notes.look = look  # type: ignore[method-assign]
        place.write(path, "in the last moment\n")
        return found

    notes.look = late  # type: ignore[assignment,method-assign]
    assert notes.write("tier1/a.md", "mine", seen) is None
    assert place.read("tier1/a.md") == "in the last moment\n"
    written = notes.write("tier1/a.md", "mine", notes.read("tier1/a.md")[1])
    assert written == notes.look("tier1/a.md")
    assert place.read("tier1/a.md") == "mine"


def test_a_sync_that_is_cut_off_anywhere_goes_on_and_ends_the_same(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "_FILES_AT_ONCE", 2)
    (tmp_path / "whole").mkdir()
    whole = Place(tmp_path / "whole")
    for each in (place, whole):
        for number in range(9):
            each.write(f"tier1/{number}.md", f"text {number} {mark(f'b{number}')}\n")
        each.sync()
        each.write("tier1/0.md", "nothing\n")
        each.write("tier1/8.md", f"text {mark('b8')}\n\ntext 0 {mark('b0')}\n")
        each.write("tier1/3.md", f"another {mark('b3')}\n")
        (each.folder / "tier1/5.md").unlink()
    bench = place.bench()
    pieces = list(bench.run_in_pieces())
    assert len(pieces) > 2
    expected = whole.sync()
    assert place.state() == whole.state()
    assert {name: pieces[-1][name] for name in ("updated", "archived", "errors")} == {
        name: expected[name] for name in ("updated", "archived", "errors")
    }


ids = st.sampled_from(["a", "b", "c", "d", "e"])
notes = st.dictionaries(
    st.sampled_from(["tier1/x.md", "tier1/y.md", "tier2/z.md"]),
    st.lists(st.tuples(ids, st.sampled_from(["one", "two", "three"]), st.integers(1, 3)), max_size=3),
)


@settings(
    max_examples=12, deadline=None, suppress_health_check=list(HealthCheck), phases=(Phase.generate, Phase.explicit)
)
@given(st.lists(notes, min_size=1, max_size=4))
def test_whatever_is_edited_each_block_is_where_it_stands_or_in_conflict(
    tmp_path_factory: pytest.TempPathFactory, edits: list[dict[str, list[tuple[str, str, int]]]]
) -> None:
    place = Place(tmp_path_factory.mktemp("edited"))
    for vault in edits:
        for path in ("tier1/x.md", "tier1/y.md", "tier2/z.md"):
            if path in vault:
                place.write(path, "".join(f"{text} {mark(key, version)}\n\n" for key, text, version in vault[path]))
            else:
                (place.folder / path).unlink(missing_ok=True)
        before = place.state()
        report = place.sync()
        after = place.state()
        stands: dict[str, set[tuple[str, str]]] = {}
        for path, found in vault.items():
            for key, text, _ in found:
                stands.setdefault(key, set()).add((path, text))
        for key, (path, version, text, is_archived) in after.items():
            assert is_archived == (key not in stands)
            if key in before:
                assert version >= before[key][1]
                assert text == before[key][2] or version > before[key][1] or key in stands
            if key in stands and (path, text) not in stands[key]:
                assert report["conflicts"] + report["errors"] > 0
        assert set(stands) <= set(after)
        again = place.sync()
        assert (again["created"], again["archived"]) == (0, 0)
        assert place.state() == after or again["updated"] > 0
