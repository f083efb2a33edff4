"""Models by name from a hub, and what language models do for a source: tags and translations."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from onward.catalogue.models.embedder import choose
from onward.catalogue.models.service import ModelRefused, ModelUnavailable
from onward.catalogue.sources import search
from onward.errors import InvalidParams, InvalidValue, JobCancelled, MissingExtra, OnwardError
from onward.settings import Models, Settings
from tests.catalogue.cloud_servers import HubServer, packaged_model
from tests.catalogue.corpus import SUBJECTS, write_folder
from tests.catalogue.desk import Desk
from tests.catalogue.model_server import ModelServer

NAME = "sentence-transformers/all-MiniLM-L6-v2"


@pytest.fixture
def hub() -> Iterator[HubServer]:
    server = HubServer()
    server.files[NAME] = packaged_model()
    yield server
    server.close()


def desk(job: str, place: Path, hub: HubServer, **params: Any) -> Desk:
    made = Desk(job, place, "", **params)
    models = {"hub": hub.url, "folder": str(place / "models"), "attempts": 1}
    made.settings = Settings(backup_path=str(place), models=models)
    return made


def test_a_downloaded_model_makes_the_same_vectors(tmp_path: Path, hub: HubServer) -> None:
    result = desk("model_download", tmp_path, hub, model="all-MiniLM-L6-v2").run()
    assert (result["files"], result["fetched"]) == (4, 4)
    models = Models(folder=str(tmp_path / "models"), embedding="all-MiniLM-L6-v2")
    here = choose(models)
    assert here is not choose(Models())
    assert abs(float(here.embed(["bread"])[0] @ choose(Models(), 384).embed(["bread"])[0]) - 1) < 1e-4
    again = desk("model_download", tmp_path, hub, model="all-MiniLM-L6-v2").run()
    assert again["fetched"] == 0
    assert not (tmp_path / "models").joinpath("pytorch_model.bin").exists()


def test_an_interrupted_download_goes_on_where_it_was(tmp_path: Path, hub: HubServer) -> None:
    job = desk("model_download", tmp_path, hub, model="all-MiniLM-L6-v2")
    with pytest.raises(JobCancelled):
        job.run(stop_when=lambda report: (report["done"] or 0) > 3_000_000)
    with pytest.raises(MissingExtra):
        choose(Models(folder=str(tmp_path / "models")), 768)
    hub.ranges.clear()
    hub.cuts.append(2_000_000)
    with pytest.raises(ModelUnavailable, match="kept"):
        job.run()
    job.run()
    starts = [int(text.split("bytes=")[1].rstrip("-")) for text in hub.ranges if text.startswith("onnx/model.onnx")]
    assert starts[0] >= 3_000_000
    assert starts[0] < starts[1] <= starts[0] + 2_000_000
    assert not list(tmp_path.rglob(".*.part"))


def test_what_is_not_what_the_hub_says_is_refused(tmp_path: Path, hub: HubServer) -> None:
    model = hub.files[NAME]
    hub.lies["onnx/model.onnx"] = bytes(len(model["onnx/model.onnx"]))
    with pytest.raises(ModelRefused, match="another content"):
        desk("model_download", tmp_path, hub, model="all-MiniLM-L6-v2").run()
    hub.lies["onnx/model.onnx"] = bytes(len(model["onnx/model.onnx"]) + 1)
    with pytest.raises(ModelRefused, match="larger"):
        desk("model_download", tmp_path, hub, model="all-MiniLM-L6-v2").run()
    hub.files["a/b"] = {"../../evil.json": b"{}"}
    with pytest.raises(InvalidValue, match="no plain name"):
        desk("model_download", tmp_path, hub, model="a/b", files=["*.json"]).run()
    with pytest.raises(ModelRefused, match="404"):
        desk("model_download", tmp_path, hub, model="no/model").run()
    with pytest.raises(InvalidValue):
        desk("model_download", tmp_path, hub, model="../x").run()
    hub.files["a/c"] = {"config.json": b"{}"}
    with pytest.raises(OnwardError, match=r"no tokenizer\.json"):
        desk("model_download", tmp_path, hub, model="a/c").run()


def test_a_language_pack_comes_by_its_languages(tmp_path: Path, hub: HubServer) -> None:
    hub.files["Xenova/opus-mt-en-de"] = {"config.json": b"{}", "source.spm": b"x" * 10, "README.md": b"no"}
    result = desk("language_download", tmp_path, hub, language="de").run()
    assert (result["files"], result["bytes"]) == (2, 12)
    assert (Path(result["folder"]) / "source.spm").read_bytes() == b"x" * 10
    with pytest.raises(InvalidParams):
        desk("language_download", tmp_path, hub, language="../de").run()


# ---- language models ----------------------------------------------------------------------------------------


@pytest.fixture
def lib(backup: Path) -> Path:
    write_folder(backup / "lib", SUBJECTS)
    Desk("metadata", backup, "lib").run()
    return backup / "lib"


def speaking(job: str, backup: Path, server: ModelServer, **params: Any) -> Desk:
    made = Desk(job, backup, "lib", **params)
    made.settings = Settings(backup_path=str(backup), models={"local_address": server.url, "attempts": 1})
    return made


def to_german(body: dict[str, Any]) -> str:
    """Answers as a translator would, in words that can be told from the others."""
    pieces = body["messages"][1]["content"].split("\n\n[")
    words = {"Bread": "Brot", "Bicycle": "Fahrrad", "Planets": "Planeten", "Guitar": "Gitarre"}
    found = []
    for piece in pieces:
        text = piece.partition("] ")[2]
        found.append(words.get(text, f"Auf Deutsch: {text}"))
    return json.dumps({"translations": found})


def test_tags_come_from_a_language_model_where_there_is_one(backup: Path, lib: Path, model_server: ModelServer) -> None:
    model_server.say = lambda body: json.dumps({"tags": ["Home Baking", "cycling!", "cycling", "<b>", "x"]})
    result = speaking("suggest_tags", backup, model_server, count=5).run()
    assert result["suggested"] == ["home-baking", "cycling"]
    assert result["by"] == "model tiny-chat"
    model_server.say = lambda body: "no"
    fallen = speaking("suggest_tags", backup, model_server, force=True).run()
    assert fallen["by"] == "words"
    assert fallen["suggested"]


def test_translations_are_kept_a_document_each(backup: Path, lib: Path, model_server: ModelServer) -> None:
    model_server.say = to_german
    job = speaking("translate_source", backup, model_server, language="de")
    with pytest.raises(JobCancelled):
        job.run(stop_when=lambda report: report["done"] == 2)
    result = job.run()
    assert (result["translated"], result["cached"], result["error_count"]) == (4, 0, 0)
    asked = len(model_server.asked)
    again = speaking("translate_source", backup, model_server, language="de").run()
    assert (again["translated"], again["cached"]) == (0, 4)
    assert not [path for path, _ in model_server.asked[asked:] if path.endswith("completions")]
    kept = [json.loads(path.read_text()) for path in (lib / "_translations" / "de").iterdir()]
    assert sorted(item["title"] for item in kept) == ["Brot", "Fahrrad", "Gitarre", "Planeten"]
    (lib / "bread.html").write_text("<title>Bread</title><p>Rye only.")
    Desk("metadata", backup, "lib").run()
    assert speaking("translate_source", backup, model_server, language="de").run()["translated"] == 1
    assert speaking("translate_source", backup, model_server, language="de", skip_cached=False).run()["translated"] == 4


def test_a_document_that_cannot_be_translated_is_an_entry_in_errors(
    backup: Path, lib: Path, model_server: ModelServer
) -> None:
    def say(body: dict[str, Any]) -> str:
        return "{}" if "Guitar" in body["messages"][1]["content"] else to_german(body)

    model_server.say = say
    result = speaking("translate_source", backup, model_server, language="de").run()
    assert (result["translated"], result["error_count"]) == (3, 1)
    assert "BadAnswer" in result["errors"][0]["error"]


def test_a_localized_source_has_pages_and_an_index_of_its_own(
    backup: Path, lib: Path, model_server: ModelServer
) -> None:
    model_server.say = to_german
    result = speaking("localize_source", backup, model_server, language="de").run()
    assert (result["source_id"], result["pages"], result["documents"]) == ("lib-de", 4, 4)
    found = search(backup, "repair a bicycle", source_id="lib-de", k=1)[0]
    assert (found.title, found.source_id, found.url) == ("Fahrrad", "lib-de", "bicycle.html")
    manifest = json.loads((backup / "lib-de" / "_manifest.json").read_text())
    assert (manifest["language"], manifest["translated_from"]) == ("de", "lib")
    described = json.loads((backup / "lib-de" / "_metadata.json").read_text())["documents"].values()
    assert {item["language"] for item in described} == {"de"}
    with pytest.raises(InvalidValue, match="into itself"):
        speaking("localize_source", backup, model_server, language="de", target_source_id="lib").run()
