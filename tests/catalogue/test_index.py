"""The jobs ``index_offline``, ``clear_vectors``, ``suggest_tags`` and ``delete_source``, with the real model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from onward.catalogue.models.packaged import OnnxEmbedder
from onward.catalogue.sources import search
from onward.catalogue.sources.outside import vector_store
from onward.catalogue.sources.outside.vector_store import open_store
from onward.errors import InvalidParams, JobCancelled, MissingExtra, OnwardError
from tests.catalogue.corpus import SUBJECTS, html, write_folder, write_zim
from tests.catalogue.desk import Desk

LONG = {name: " ".join([text] * 20) for name, text in SUBJECTS.items()}


@pytest.fixture
def lib(backup: Path) -> Path:
    """A described source of four long documents."""
    write_folder(backup / "lib", LONG)
    Desk("metadata", backup, "lib").run()
    return backup / "lib"


@pytest.fixture
def embedded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that the model was given."""
    texts: list[str] = []
    real = OnnxEmbedder.embed

    def embed(self: OnnxEmbedder, given: Sequence[str]) -> Any:
        texts.extend(given)
        return real(self, given)

    monkeypatch.setattr(OnnxEmbedder, "embed", embed)
    return texts


def index(backup: Path, **params: Any) -> Any:
    return Desk("index_offline", backup, "lib", **params).run()


def test_what_was_indexed_is_found_by_meaning(backup: Path, lib: Path) -> None:
    desk = Desk("index_offline", backup, "lib")
    result = desk.run()
    assert (result["documents"], result["dimension"], result["model"]) == (4, 384, "all-MiniLM-L6-v2")
    assert result["added"] == result["passages"] > 4
    assert desk.dimensions == [(384, "index"), (None, None)]
    hits = search(backup, "how do I fix my two-wheeler?", k=2)
    assert hits[0].title == "Bicycle"
    assert hits[0].score > hits[1].score
    assert hits[0].url == "bicycle.html"
    assert search(backup, "music lessons", source_id="lib", dimension=384, k=1)[0].title == "Guitar"
    assert search(backup, "anything", source_id="other") == []
    assert (backup / "chroma_db_384" / "chroma.sqlite3").is_file()


def test_the_index_file_names_the_metadata_it_was_made_from(backup: Path, lib: Path) -> None:
    index(backup)
    entry = json.loads((lib / "_index.json").read_text())["dimensions"]["384"]
    assert entry["metadata_hash"] == json.loads((lib / "_metadata.json").read_text())["hash"]
    assert entry["chunk_words"] == 120


def test_only_what_has_changed_is_embedded_again(backup: Path, lib: Path, embedded: list[str]) -> None:
    total = index(backup)["passages"]
    assert len(embedded) == total
    embedded.clear()
    assert index(backup)["unchanged_documents"] == 4
    assert embedded == []
    (lib / "bread.html").write_text(html("Bread", "Rye only."))
    (lib / "guitar.html").unlink()
    (lib / "tea.html").write_text(html("Tea", "Pour hot water on leaves."))
    Desk("metadata", backup, "lib").run()
    result = index(backup)
    assert sorted(embedded) == ["Bread. Rye only.", "Tea. Pour hot water on leaves."]
    assert (result["changed_documents"], result["vanished_documents"], result["added"]) == (1, 1, 2)
    assert {hit.title for hit in search(backup, "guitar chords", k=10)} == {"Bread", "Tea", "Bicycle", "Planets"}
    embedded.clear()
    assert index(backup, force_reindex=True)["added"] == len(embedded) == result["passages"]


def vectors_of(backup: Path) -> dict[str, Any]:
    with open_store(backup, 384)._open() as collection:
        found = collection.get(include=["embeddings", "metadatas", "documents"])
    rows = zip(found["ids"], found["embeddings"], found["metadatas"], found["documents"], strict=True)
    return {key: ([round(float(x), 3) for x in vector[:8]], data, text) for key, vector, data, text in rows}


def test_an_interrupted_index_does_only_the_rest_and_ends_the_same(
    backup: Path, lib: Path, tmp_path: Path, embedded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from onward.catalogue.sources.jobs import indexing as job

    monkeypatch.setattr(job, "_BATCH", 2)
    monkeypatch.setattr(OnnxEmbedder, "at_once", 1)
    whole = tmp_path / "whole"
    write_folder(whole / "lib", LONG)
    Desk("metadata", whole, "lib").run()
    total = index(whole)["passages"]
    embedded.clear()
    desk = Desk("index_offline", backup, "lib")
    for documents in (1, 2):
        with pytest.raises(JobCancelled):
            desk.run(stop_when=lambda report, documents=documents: report["done"] == documents)
    assert 0 < open_store(backup, 384).count("lib") < total
    desk.run()
    assert len(embedded) == total, "each passage was embedded once"
    assert vectors_of(backup) == vectors_of(whole)


def test_a_limit_of_passages_keeps_the_first_ones(backup: Path, lib: Path) -> None:
    assert index(backup, max_passages=1)["passages"] == 4
    assert index(backup)["passages"] > 4


def test_a_zim_file_is_indexed_without_unpacking(backup: Path) -> None:
    write_zim(backup / "lib" / "x.zim")
    Desk("metadata", backup, "lib").run()
    index(backup)
    assert search(backup, "astronomy", k=1)[0].title == "Planets"
    assert sorted(path.name for path in (backup / "lib").iterdir()) == [
        "_index.json",
        "_manifest.json",
        "_metadata.json",
        "x.zim",
    ]


def test_index_without_metadata_says_what_to_do(backup: Path) -> None:
    write_folder(backup / "lib")
    with pytest.raises(OnwardError, match="metadata first"):
        index(backup)


@pytest.mark.parametrize("dimension", [768, 1024])
def test_a_dimension_without_a_model_names_the_command(backup: Path, lib: Path, dimension: int) -> None:
    with pytest.raises(MissingExtra, match="pip install sentence-transformers"):
        index(backup, dimension=dimension)
    with pytest.raises(InvalidParams):
        index(backup, dimension=1536)


def test_clearing_takes_one_source_out_in_batches(backup: Path, lib: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from onward.catalogue.sources.jobs import vectors

    monkeypatch.setattr(vectors, "AT_ONCE", 3)
    write_folder(backup / "other")
    Desk("metadata", backup, "other").run()
    Desk("index_offline", backup, "other").run()
    total = index(backup)["passages"]
    desk = Desk("clear_vectors", backup, "lib")
    with pytest.raises(JobCancelled):
        desk.run(stop_when=lambda report: report["done"] == 6)
    assert open_store(backup, 384).count("lib") == total - 6
    assert desk.run() == {"dimension": 384, "cleared": total}
    assert desk.dimensions[0] == (384, "delete")
    assert search(backup, "bread", source_id="lib") == []
    assert search(backup, "bread", k=1)[0].source_id == "other"
    assert "384" not in json.loads((lib / "_index.json").read_text())["dimensions"]
    assert index(backup)["added"] == total


def test_an_emptied_database_begins_anew_without_its_old_log(backup: Path, lib: Path) -> None:
    index(backup)
    store = vector_store.open_store(backup, 384)
    Desk("clear_vectors", backup, "lib").run()
    assert not store.exists()
    with pytest.raises(OnwardError, match="Nothing is indexed"):
        search(backup, "bread")
    index(backup)
    assert search(backup, "bread", k=1)[0].title == "Bread"


def test_tags_are_suggested_and_those_of_people_stay(backup: Path, lib: Path) -> None:
    manifest = lib / "_manifest.json"
    manifest.write_text(json.dumps({"tags": ["mine"]}))
    result = Desk("suggest_tags", backup, "lib", count=6).run()
    assert result["tags"][0] == "mine"
    assert 0 < len(result["suggested"]) <= 6
    assert set(result["suggested"]) & {"cooking", "space", "music", "transport", "repair"}
    again = Desk("suggest_tags", backup, "lib").run()
    assert again["suggested"] == []
    dropped = result["suggested"][0]
    kept = json.loads(manifest.read_text())
    kept["tags"].remove(dropped)
    manifest.write_text(json.dumps(kept))
    forced = Desk("suggest_tags", backup, "lib", count=6, force=True).run()
    assert dropped not in forced["tags"]
    assert "mine" in forced["tags"]


def test_deleting_a_source_leaves_nothing_and_no_one_else_alone(backup: Path, lib: Path) -> None:
    write_folder(backup / "other")
    Desk("metadata", backup, "other").run()
    Desk("index_offline", backup, "other").run()
    index(backup)
    (lib / "link").symlink_to(backup / "other")
    result = Desk("delete_source", backup, "lib").run()
    assert result["files_removed"]
    assert not lib.exists()
    assert open_store(backup, 384).count("lib") == 0
    assert len(list((backup / "other").glob("*.html"))) == 4
    assert {path.name for path in backup.iterdir()} == {"other", "chroma_db_384"}
    assert Desk("delete_source", backup, "lib").run()["files_removed"] is False
