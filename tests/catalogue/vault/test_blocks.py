"""Which blocks a note has, what their text is, and how markers are set and changed."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from onward.catalogue.vault.plan import blocks, markers
from onward.catalogue.vault.plan.blocks import Block, read, text_hash
from onward.catalogue.vault.plan.decisions import Decision, Known, Verdict, decide

some = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def texts(note: str) -> dict[str, str]:
    return {block.id: block.text for block in read(note).blocks}


def test_a_block_is_the_text_before_its_marker_and_anchor() -> None:
    note = (
        "# Tea\n\nGreen tea is\nmade of leaves. <!-- aclarai:id=b1 ver=3 --> ^b1\n\n"
        "- one <!-- aclarai:id=b2 ver=1 --> ^b2\n- two\n  goes on\n<!-- aclarai:id=b3 ver=1 -->\n^b3\n"
    )
    assert texts(note) == {"b1": "Green tea is\nmade of leaves.", "b2": "one", "b3": "two\n  goes on"} | {
        "b2": "- one",
        "b3": "- two\n  goes on",
    }
    first = read(note).blocks[0]
    assert (first.version, first.line, first.is_file) == (3, 4, False)


def test_a_marker_without_an_anchor_is_that_of_the_whole_file() -> None:
    note = "# Tea\n\nGreen. <!-- aclarai:id=b1 ver=1 --> ^b1\n\n<!-- aclarai:id=file1 ver=2 -->\n"
    found = read(note).blocks
    assert [(block.id, block.is_file, block.text) for block in found] == [
        ("b1", False, "Green."),
        ("file1", True, "# Tea\n\nGreen."),
    ]
    without = note.replace(" <!-- aclarai:id=b1 ver=1 --> ^b1", "")
    assert read(without).blocks[0].hash == found[1].hash, "markers are no part of the text"


@pytest.mark.parametrize(
    "note",
    [
        "```\nx <!-- aclarai:id=a ver=1 --> ^a\n```\n",
        "~~~~ md\n```\nx <!-- aclarai:id=a ver=1 --> ^a\n~~~\n~~~~\n",
        "text\n\n    x <!-- aclarai:id=a ver=1 --> ^a\n",
        "text `<!-- aclarai:id=a ver=1 -->` ^a\n",
        "text ``a ` <!-- aclarai:id=a ver=1 -->`` ^a\n",
        "---\ntitle: <!-- aclarai:id=a ver=1 -->\n---\ntext\n",
        "\ufeff---\ntitle: <!-- aclarai:id=a ver=1 -->\n---\ntext\n",
        "```\nnever closed <!-- aclarai:id=a ver=1 -->\n",
        "<!-- aclarai:id= ver=1 --> <!-- aclarai:id=a ver=x --> <!-- aclarai:id=a -->",
        "",
    ],
)
def test_no_block_is_found_in_code_in_properties_and_where_there_is_none(note: str) -> None:
    assert read(note).blocks == ()


def test_of_two_blocks_with_one_id_the_first_counts_and_the_other_is_told() -> None:
    found = read("one <!-- aclarai:id=a ver=1 --> ^a\n\ntwo <!-- aclarai:id=a ver=2 --> ^a\n")
    assert [(block.text, block.version) for block in found.blocks] == [("one", 1)]
    assert found.problems == ("line 3: the id a is in line 1 already",)


def test_line_ends_and_blanks_at_their_ends_are_no_change() -> None:
    assert text_hash("a  \r\nb\r\n") == text_hash("a\nb") == text_hash("\ufeffa\nb <!-- aclarai:id=x ver=9 --> ^x")
    assert text_hash("a\nb") != text_hash("a\n\nb")


lines = st.sampled_from(
    [
        "",
        "",
        "some text",
        "more text",
        "- an item",
        "1. first",
        "# Heading",
        "```",
        "| a | b |",
        "    deep",
        "> said",
        "---",
    ]
)
notes = st.lists(lines, max_size=14).map(lambda found: "\n".join(found) + "\n")


@some
@given(notes, st.sampled_from(["\n", "\r\n"]))
def test_assigning_markers_changes_no_visible_text_and_is_done_once(note: str, end: str) -> None:
    note = note.replace("\n", end)
    numbers = itertools.count()
    marked, count = markers.assign(note, lambda: f"blk{next(numbers)}")
    found = read(marked)
    assert len(found.blocks) == count == next(numbers)
    assert found.problems == ()
    assert not any(block.is_file for block in found.blocks)
    assert blocks.visible(marked) == blocks.visible(note)
    assert markers.assign(marked, lambda: "another") == (marked, 0)
    assert all(block.text for block in found.blocks)
    followed, changed = markers.follow(marked, {block.id: 7 for block in found.blocks})
    assert changed == count
    assert [(block.id, block.version, block.text) for block in read(followed).blocks] == [
        (block.id, 7, block.text) for block in found.blocks
    ]


def test_a_file_that_is_marked_as_a_whole_gets_no_more_markers() -> None:
    note = "text\n\n<!-- aclarai:id=f ver=1 -->\n"
    assert markers.assign(note, lambda: "x") == (note, 0)


versions = st.integers(1, 5)


@some
@given(versions, versions, st.booleans(), st.booleans())
def test_what_becomes_of_a_block(mine: int, theirs: int, is_same: bool, is_archived: bool) -> None:
    block = Block("a", mine, "text", "h1", 1)
    known = Known(theirs, "h1" if is_same else "h2", "a.md", is_archived)
    found = decide(block, "a.md", known)
    if not is_same and mine < theirs:
        assert found == Decision(Verdict.CONFLICT, theirs)
    elif not is_same:
        assert found == Decision(Verdict.UPDATE, mine if mine > theirs else theirs + 1)
    else:
        assert found.version == max(mine, theirs)
        assert (found.verdict is Verdict.UPDATE) == (is_archived or mine > theirs)
    assert decide(block, "a.md", None) == Decision(Verdict.CREATE, mine)
