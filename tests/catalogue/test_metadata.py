"""The job ``metadata``: folders, scraped pages and ZIM files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from onward.catalogue.sources import import_documents
from onward.errors import InvalidValue, JobCancelled, OnwardError
from tests.catalogue.corpus import SUBJECTS, html, write_folder, write_zim
from tests.catalogue.desk import Desk


def read(backup: Path, name: str = "_metadata.json") -> dict[str, Any]:
    found: dict[str, Any] = json.loads((backup / "lib" / name).read_text())
    return found


def titles(backup: Path) -> list[str]:
    return sorted(document["title"] for document in read(backup)["documents"].values())


def test_each_document_is_described(backup: Path) -> None:
    write_folder(backup / "lib")
    page = html("Pie (Deutsch)", "Ein Kuchen. <a href='bread.html#x'>Brot</a> <a href='http://e.com/'>e</a>", "")
    page = page.replace("</title>", "</title><meta name='description' content='Vom Kuchen'>")
    (backup / "lib" / "deep").mkdir()
    (backup / "lib" / "deep" / "pie.html").write_text(page)
    result = Desk("metadata", backup, "lib").run()
    assert (result["documents"], result["error_count"]) == (5, 0)
    pie = next(item for item in read(backup)["documents"].values() if item["title"].startswith("Pie"))
    assert pie["url"] == "deep/pie.html"
    assert pie["description"] == "Vom Kuchen"
    assert pie["language"] == "de"
    assert pie["links"] == ["deep/bread.html", "http://e.com/"]
    assert pie["words"] == 4
    assert result["hash"] == read(backup)["hash"]


def test_a_document_that_cannot_be_read_is_an_entry_in_errors(backup: Path) -> None:
    write_folder(backup / "lib")
    (backup / "lib" / "huge.html").write_bytes(b"")
    with (backup / "lib" / "huge.html").open("wb") as file:
        file.truncate(30 * 1024 * 1024)
    result = Desk("metadata", backup, "lib").run()
    assert (result["documents"], result["error_count"]) == (4, 1)
    assert read(backup)["errors"][0]["article_index"] == 3


def test_documents_of_another_language_are_left_out_and_unknown_ones_kept(backup: Path) -> None:
    write_folder(backup / "lib")
    (backup / "lib" / "kuchen.html").write_text(html("Kuchen", "Backe, backe.", "de-AT"))
    (backup / "lib" / "what.html").write_text(html("What", "x y z", ""))
    result = Desk("metadata", backup, "lib", language_filter="en").run()
    assert (result["documents"], result["language_filtered"]) == (5, 1)
    assert "Kuchen" not in titles(backup)


@pytest.mark.parametrize("stops", [[1], [2, 3], [1, 2, 3]])
def test_an_interrupted_run_ends_like_an_undisturbed_one(backup: Path, stops: list[int]) -> None:
    write_folder(backup / "lib")
    expected = Desk("metadata", backup, "lib").run()
    whole = (backup / "lib" / "_metadata.json").read_bytes()
    (backup / "lib" / "_metadata.json").unlink()
    desk = Desk("metadata", backup, "lib")
    for done in stops:
        with pytest.raises(JobCancelled):
            desk.run(stop_when=lambda report, done=done: report["done"] == done)
        assert json.loads(desk.saved or "")["state"]["last_article_index"] == done - 1
    assert desk.run() == expected
    assert (backup / "lib" / "_metadata.json").read_bytes() == whole


def test_unchanged_documents_are_not_read_again_unless_asked(backup: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from onward.catalogue.sources.plan import page

    seen: list[str] = []
    real = page.read
    monkeypatch.setattr(page, "read", lambda text, url: seen.append(url) or real(text, url))
    write_folder(backup / "lib")
    Desk("metadata", backup, "lib").run()
    first = (backup / "lib" / "_metadata.json").read_bytes()
    seen.clear()
    Desk("metadata", backup, "lib").run()
    assert seen == []
    assert (backup / "lib" / "_metadata.json").read_bytes() == first
    (backup / "lib" / "bread.html").write_text(html("Bread", "Rye."))
    Desk("metadata", backup, "lib").run()
    assert len(seen) == 1
    Desk("metadata", backup, "lib", force_regenerate=True).run()
    assert len(seen) == 5


def test_a_zim_file_is_read_where_it_lies_and_its_headers_fill_the_manifest(backup: Path) -> None:
    headers = {"Title": "Useful Things", "Creator": "Ann", "Language": "eng", "Date": "2026-01-02"}
    write_zim(backup / "lib" / "x.zim", **headers, Tags="hobby;_category:x;kitchen", Source="https://e.com")
    result = Desk("metadata", backup, "lib").run()
    assert result["documents"] == len(SUBJECTS)
    assert titles(backup) == sorted(name.title() for name in SUBJECTS)
    assert all(key.startswith("zim_") for key in read(backup)["documents"])
    manifest = read(backup, "_manifest.json")
    assert manifest["name"] == "Useful Things"
    assert manifest["attribution"] == "Ann"
    assert manifest["base_url"] == "https://e.com"
    assert manifest["zim_date"] == "2026-01-02"
    assert manifest["tags"] == ["hobby", "kitchen"]


def test_what_a_person_wrote_in_the_manifest_stays(backup: Path) -> None:
    write_zim(backup / "lib" / "x.zim", Title="From the file", Creator="Ann")
    path = backup / "lib" / "_manifest.json"
    path.write_text(json.dumps({"name": "Mine", "tags": ["own"], "note": 1}))
    Desk("metadata", backup, "lib").run()
    assert read(backup, "_manifest.json")["name"] == "Mine"
    changed = read(backup, "_manifest.json") | {"attribution": "Bea"}
    path.write_text(json.dumps(changed))
    Desk("metadata", backup, "lib", force_regenerate=True).run()
    manifest = read(backup, "_manifest.json")
    assert (manifest["attribution"], manifest["note"], manifest["tags"]) == ("Bea", 1, ["own"])


def test_a_broken_zim_file_fails_with_its_name(backup: Path) -> None:
    (backup / "lib").mkdir(parents=True)
    (backup / "lib" / "x.zim").write_bytes(b"ZIM\x04" + b"\xff" * 200)
    with pytest.raises(OnwardError, match=r"x\.zim cannot be read"):
        Desk("metadata", backup, "lib").run()


def test_a_source_that_is_not_there_or_is_empty_says_so(backup: Path) -> None:
    with pytest.raises(OnwardError, match="no source"):
        Desk("metadata", backup, "lib").run()
    (backup / "lib").mkdir(parents=True)
    with pytest.raises(OnwardError, match="no documents"):
        Desk("metadata", backup, "lib").run()
    (backup / "lib" / "x.pdf").write_bytes(b"%PDF")
    with pytest.raises(OnwardError, match=r"x\.pdf cannot be read"):
        Desk("metadata", backup, "lib").run()


def test_a_folder_or_a_zim_file_can_be_brought_in(backup: Path, tmp_path: Path) -> None:
    write_folder(tmp_path / "given")
    (tmp_path / "given" / "link.html").symlink_to("/etc/hostname")
    assert import_documents(backup, "lib", tmp_path / "given") == 4
    assert Desk("metadata", backup, "lib").run()["documents"] == 4
    write_zim(tmp_path / "given.zim")
    assert import_documents(backup, "zim", tmp_path / "given.zim") == 1
    assert Desk("metadata", backup, "zim").run()["documents"] == 4
    with pytest.raises(OnwardError, match="neither"):
        import_documents(backup, "none", tmp_path / "nothing")
    with pytest.raises(InvalidValue):
        import_documents(backup, "../lib", tmp_path / "given")
