"""The same sync on a graph server, over Neo4j's protocol."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from onward.catalogue.vault import JOB_TYPES
from onward.catalogue.vault.outside.databases import GraphUnavailable, open_graph
from onward.catalogue.vault.outside.graph import VaultGraph
from onward.errors import InvalidConfig
from onward.settings import Settings
from tests.catalogue.vault.graphs import Place, bolt_server, mark


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with bolt_server(tmp_path_factory.mktemp("graph")) as found:
        yield found


@pytest.fixture
def server(tmp_path: Path, running: dict[str, str]) -> dict[str, str]:
    """A graph server with nothing in it."""
    settings = Settings(vault=dict(running))
    graph = open_graph(settings.vault, settings.backup_path)
    graph.run("MATCH (n) DETACH DELETE n")
    graph.close()
    return running


def test_a_server_and_the_file_come_to_the_same(tmp_path: Path, server: dict[str, str]) -> None:
    for name in ("file", "server"):
        (tmp_path / name).mkdir()
    places = [Place(tmp_path / "file"), Place(tmp_path / "server", **server)]

    def all_sync() -> None:
        reports = [place.sync() for place in places]
        for report in reports:
            report.pop("duration")
        assert reports[0] == reports[1]
        assert places[0].state() == places[1].state()

    for number in range(30):
        for place in places:
            place.write(f"tier1/{number}.md", f'text {number}: "quoted" \\ {{x}} ü {mark(f"b{number}")}\n')
    all_sync()
    for place in places:
        place.write("tier1/0.md", f"another {mark('b0')}\n\nnew {mark('n')}\n\ntext {mark('b1')}\n")
        place.write("tier1/1.md", "nothing\n")
        place.write("tier1/2.md", f"older {mark('b2', 0)}\n")
        (place.folder / "tier1/3.md").unlink()
    all_sync()
    all_sync()


def test_what_fails_within_a_transaction_leaves_nothing(tmp_path: Path, server: dict[str, str]) -> None:
    for place in (Place(tmp_path / "file"), Place(tmp_path / "server", **server)):
        graph = VaultGraph(open_graph(place.settings.vault, place.settings.backup_path))
        with pytest.raises(ZeroDivisionError), graph.transaction():
            graph.set_files({"never.md": "mark"})
            raise ZeroDivisionError
        assert "never.md" not in graph.files()
        graph.close()


def test_a_server_that_is_not_there_or_refuses_is_told(tmp_path: Path, server: dict[str, str]) -> None:
    for wrong in ({"graph_password": "wrong"}, {"graph_address": "bolt://127.0.0.1:1"}):
        place = Place(tmp_path / next(iter(wrong)), **{**server, **wrong})
        with pytest.raises(GraphUnavailable) as caught:
            place.sync()
        retry = JOB_TYPES.get("vault_sync").retry
        assert retry.retries(caught.value, 1), "it may be there again soon"
        assert not retry.retries(InvalidConfig("wrong"), 1)


def test_two_syncs_at_once_come_to_the_same_as_one(tmp_path: Path, server: dict[str, str]) -> None:
    """Jobs of one application wait for each other; two applications may meet, and the server then refuses one."""
    for name in ("alone", "server"):
        (tmp_path / name).mkdir()
    alone, place = Place(tmp_path / "alone"), Place(tmp_path / "server", **server)
    for each in (alone, place):
        for number in range(120):
            each.write(f"tier1/{number}.md", f"text {number} {mark(f'b{number}')}\n\nmore {mark(f'c{number}')}\n")
    refused: list[GraphUnavailable] = []

    def sync() -> None:
        try:
            place.sync()
        except GraphUnavailable as error:
            refused.append(error)

    threads = [threading.Thread(target=sync) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) <= 1, "one of them goes through"
    alone.sync()
    if refused:
        place.sync()
    assert place.state() == alone.state()
    assert place.counts() == {}
