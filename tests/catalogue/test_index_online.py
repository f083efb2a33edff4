"""Indexes by a service, in ranges, and in several dimensions, on the real engine; and a person's word on addresses."""

from __future__ import annotations

import dataclasses
import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from onward import Onward
from onward.catalogue.models.packaged import OnnxEmbedder
from onward.catalogue.models.service import ModelUnavailable
from onward.catalogue.sources import search
from onward.catalogue.sources.outside.vector_store import open_store
from onward.errors import InvalidConfig, JobCancelled
from onward.settings import Models, Settings
from tests.app_fixtures import PATIENCE, ended, quick_settings, run_all, until
from tests.catalogue.corpus import SUBJECTS, write_folder
from tests.catalogue.desk import Desk
from tests.catalogue.model_server import ModelServer

LONG = {name: " ".join([text] * 20) for name, text in SUBJECTS.items()}


def described(backup: Path, source_id: str = "lib", pages: dict[str, str] = LONG) -> None:
    write_folder(backup / source_id, pages)
    Desk("metadata", backup, source_id).run()


def online_desk(backup: Path, server: ModelServer | None, **params: Any) -> Desk:
    desk = Desk("index_online", backup, "lib", **params)
    models = {"address": server.url, "attempts": 1} if server else {}
    desk.settings = Settings(backup_path=str(backup), models=models)
    return desk


@pytest.fixture
def app(sqlite_template: Path, tmp_path: Path, backup: Path, model_server: ModelServer) -> Iterator[Onward]:
    """An application with the catalogue, whose sources lie in ``backup`` and whose service is on this machine."""
    shutil.copy(sqlite_template, tmp_path / "onward.db")
    settings = quick_settings(f"sqlite:///{tmp_path / 'onward.db'}", models={"address": model_server.url})
    made = Onward(settings=dataclasses.replace(settings, backup_path=str(backup)))
    made.include_catalogue()
    yield made
    made.close()


def test_an_index_by_a_service_is_found_by_meaning(backup: Path, model_server: ModelServer) -> None:
    described(backup)
    desk = online_desk(backup, model_server)
    result = desk.run()
    assert (result["dimension"], result["model"]) == (1536, "text-embedding-3-small")
    assert desk.dimensions == [(1536, "index"), (None, None)]
    assert (backup / "chroma_db_1536" / "chroma.sqlite3").is_file()
    hits = search(backup, "how do I fix my two-wheeler?", dimension=1536, models=Models(address=model_server.url), k=1)
    assert hits[0].title == "Bicycle"
    assert {body["dimensions"] for _, body in model_server.asked} == {1536}


def test_a_service_that_fails_half_way_costs_no_passage_twice(
    backup: Path, model_server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from onward.catalogue.sources.jobs import indexing

    monkeypatch.setattr(indexing, "_BATCH", 10)
    described(backup)
    desk = online_desk(backup, model_server)
    desk.run(stop_when=lambda report: bool(model_server.troubles.clear()))
    total = len(model_server.texts)
    Desk("clear_vectors", backup, "lib", dimension=1536).run()
    model_server.texts.clear()
    desk = online_desk(backup, model_server)

    def fail(report: dict[str, Any]) -> bool:
        if 10 <= len(model_server.texts) < 20:
            model_server.troubles.append((500, {}, {"error": {"message": "boom"}}))
        return False

    with pytest.raises(ModelUnavailable, match="boom"):
        desk.run(stop_when=fail)
    assert open_store(backup, 1536).count("lib") == 10
    model_server.troubles.clear()
    assert online_desk(backup, model_server).run()["passages"] == total == len(model_server.texts)


def test_without_a_service_it_says_so_or_does_nothing_as_asked(backup: Path) -> None:
    described(backup)
    with pytest.raises(InvalidConfig, match="ONWARD_MODELS_KEY"):
        online_desk(backup, None).run()
    result = online_desk(backup, None, if_configured=True).run()
    assert result["skipped"]
    assert "models.key" in result["reason"]


def vectors_of(backup: Path, dimension: int) -> dict[str, Any]:
    with open_store(backup, dimension)._open() as collection:
        found = collection.get(include=["embeddings", "metadatas", "documents"])
    rows = zip(found["ids"], found["embeddings"], found["metadatas"], found["documents"], strict=True)
    return {key: ([round(float(x), 3) for x in vector[:8]], data, text) for key, vector, data, text in rows}


def test_an_index_in_ranges_is_the_same_as_one_in_a_piece(app: Onward, backup: Path, tmp_path: Path) -> None:
    described(tmp_path / "whole")
    Desk("index_offline", tmp_path / "whole", "lib").run()
    described(backup)
    job = app.submit("index_offline", {"parts": 3}, source_id="lib")
    run_all(app)
    done = app.get(job.id)
    assert done.error is None
    assert done.result["added"] == done.result["passages"] > 4
    assert [str(child.range) for child in app.children(job.id)] == [f"range {n} of 3" for n in (1, 2, 3)]
    assert vectors_of(backup, 384) == vectors_of(tmp_path / "whole", 384)
    again = app.submit("index_offline", {"parts": 2}, source_id="lib")
    run_all(app)
    assert app.get(again.id).result["added"] == 0


def test_a_merge_that_is_interrupted_adds_the_rest(backup: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from onward.catalogue.sources.jobs import ranges

    monkeypatch.setattr(ranges, "_BATCH", 2)
    described(backup)
    desk = Desk("index_offline", backup, "lib", parts=2)
    with pytest.raises(JobCancelled):
        desk.run(stop_when=lambda report: report["message"] == "4 passages added")
    assert open_store(backup, 384).count("lib") == 4
    result = desk.run()
    assert result["added"] == result["passages"] - 4


def test_two_dimensions_are_indexed_at_once_and_the_board_shows_it(
    app: Onward, backup: Path, model_server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    described(backup)
    seen = threading.Event()
    real = OnnxEmbedder.embed

    def wait(self: OnnxEmbedder, texts: Any) -> Any:
        assert seen.wait(PATIENCE), "nobody looked at the board"
        return real(self, texts)

    # Both wait for the look at the board: the service makes its vectors by this model, too.
    monkeypatch.setattr(OnnxEmbedder, "embed", wait)
    job = app.submit("index_dimensions", {"dimensions": [384, 1536]}, source_id="lib")
    with app.worker(concurrency=3):
        until(lambda: len(busy(app)) == 2, "work on both")
        board = busy(app)
        seen.set()
        done = ended(app, job)
    assert done.error is None
    assert sorted(item["dimension"] for item in done.result["dimensions"]) == [384, 1536]
    assert set(board) == {"384", "1536"}
    assert {(state["operation"], state["source_id"]) for state in board.values()} == {("index", "lib")}
    assert busy(app) == {}


def busy(app: Onward) -> dict[str, Any]:
    board = app.jobs.get_dimension_status()
    return {str(dimension): state for dimension, state in board.items() if state["operation"]}


def test_the_free_dimension_goes_first(app: Onward, backup: Path) -> None:
    described(backup)
    app.resources.hold("vectors:384", by="ann", reason="a copy is made")
    job = app.submit("index_dimensions", {"dimensions": [384, 1536], "parallel": False}, source_id="lib")
    with app.worker(concurrency=1):
        until(lambda: "1536" in index_of(backup), "the free one")
        assert not open_store(backup, 384).exists()
        app.resources.unhold("vectors:384")
        done = ended(app, job)
    assert [item["dimension"] for item in done.result["dimensions"]] == [1536, 384]


def index_of(backup: Path) -> Any:
    path = backup / "lib" / "_index.json"
    return json.loads(path.read_text())["dimensions"] if path.is_file() else {}


def test_a_source_is_made_in_two_stages_with_a_persons_word_between(app: Onward, backup: Path) -> None:
    write_folder(backup / "lib", LONG)
    first = app.submit("prepare_source", source_id="lib")
    with app.worker(concurrency=2):
        until(lambda: bool(app.questions.list()))
        question = app.questions.list()[0]
        assert question.data["examples"][0]["document"] == "bicycle.html"
        app.answer(question.job_id, {"correct": False, "base_url": "https://e.com/help/"}, answered_by="ann")
        assert ended(app, first).error is None
        second = ended(app, app.submit("finish_source", source_id="lib"))
    assert second.error is None
    hits = search(backup, "bake a loaf", k=1)
    assert hits[0].url == "https://e.com/help/bread.html"


def test_older_names_are_understood_in_submissions(app: Onward, backup: Path) -> None:
    described(backup)
    jobs = [
        app.submit("index", {"dimension": 1536}, source_id="lib", on_conflict="wait"),
        app.submit("vectors_768", source_id="lib", on_conflict="wait"),
        app.submit("reindex", {"dimension": 1536}, source_id="lib", on_conflict="wait"),
    ]
    assert [job.job_type for job in jobs] == ["index_online", "index_offline", "reindex_online"]
