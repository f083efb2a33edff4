"""An assistant's memory on the command line."""

from __future__ import annotations

from onward.cli import exits
from tests.cli.conftest import Cli


def test_memories_are_added_listed_found_and_forgotten(cli: Cli) -> None:
    tea = cli("memory", "add", "Ana drinks green tea.", "--importance", "0.9", "--tag", "food", "--pin", "--json").json
    assert (tea["content"], tea["tags"], tea["pinned"]) == ("Ana drinks green tea.", ["food"], True)
    slow = cli("memory", "add", "The build is slow.", "--bot", "helper", "--type", "observation", "-q").lines[0]
    assert [one["id"] for one in cli("memory", "list", "--json").json["items"]] == [slow, tea["id"]]
    listed = cli("memory", "list", "--bot", "default")
    assert "pinned" in listed.out
    assert slow not in listed.out
    found = cli("memory", "search", "a hot beverage", "--json").json["items"]
    assert [one["id"] for one in found] == [tea["id"]]
    assert cli("memory", "show", tea["id"], "--json").json["access_count"] == 0, "a look is no access"
    assert not cli("memory", "unpin", tea["id"], "--json").json["pinned"]
    assert "green tea" in cli("memory", "pin", tea["id"]).out
    assert cli("memory", "forget", slow).code == exits.DONE
    said = cli("memory", "show", slow)
    assert said.code == 3
    assert slow in said.err


def test_what_was_merged_is_parted_and_what_has_not_faded_is_not_restored(cli: Cli, app, work) -> None:  # type: ignore[no-untyped-def] # fixtures
    from onward.catalogue.memory import JOB_TYPES

    app.include(JOB_TYPES)
    for text in ("Ana likes tea.", "ana LIKES tea"):
        cli("memory", "add", text)
    app.submit("memory_consolidation", {"use_model": False})
    work()
    (merge,) = cli("memory", "list", "-q").lines
    assert "kept the best" in cli("memory", "show", merge).out
    assert "merged into" in cli("memory", "show", cli("memory", "list", "--archived", "-q").lines[0]).out
    assert len(cli("memory", "unmerge", merge, "-q").lines) == 2
    assert len(cli("memory", "list", "-q").lines) == 2
    assert cli("memory", "restore", merge).code == 3


def test_what_is_known_is_shown_with_its_profile(cli: Cli) -> None:
    cli("memory", "learn", "user", "ana", "about", "age", "41")
    said = cli("memory", "learn", "user", "ana", "food", "likes", "green tea", "--confidence", "0.8")
    assert "food.likes: green tea  (80%)" in said.out
    record = cli("memory", "profile", "user", "ana", "--json").json
    assert [one["value"] for one in record["attributes"]] == [41, "green tea"]
    assert record["summary"] == ""
    assert "nothing" in cli("memory", "profile", "user", "ben").out
