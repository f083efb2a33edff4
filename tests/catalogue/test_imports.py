"""ZIM and PDF files as pages, and where documents stand on the web."""

from __future__ import annotations

import json
import os
import re
import signal
from pathlib import Path
from typing import Any

import pytest
from fpdf import FPDF

from onward.catalogue.sources import search
from onward.catalogue.sources.outside import pdf
from onward.catalogue.sources.outside.pdf import PdfFile
from onward.catalogue.sources.plan import base_url, sections
from onward.catalogue.sources.plan.sections import Entry
from onward.errors import InvalidValue, JobCancelled, OnwardError
from tests.catalogue.corpus import SUBJECTS, html, write_folder, write_zim
from tests.catalogue.desk import Desk

LONG = {name: " ".join([text] * 3) for name, text in SUBJECTS.items()}


def read(backup: Path, name: str) -> Any:
    return json.loads((backup / "lib" / name).read_text())


def write_pdf(path: Path, parts: dict[str, str], outline: bool = True, title: str = "Manual") -> None:
    """A PDF of a section a page, three sections of one line each on the last."""
    path.parent.mkdir(parents=True, exist_ok=True)
    paper = FPDF()
    paper.set_title(title)
    paper.set_font("helvetica", size=12)
    for name, text in parts.items():
        paper.add_page()
        if outline:
            paper.start_section(name)
        paper.multi_cell(0, None, f"{name}\n{text}", new_x="LMARGIN", new_y="NEXT")
    paper.add_page()
    for name in ("Salt", "Pepper", "Oil"):
        if outline:
            paper.start_section(name, level=1)
        paper.multi_cell(0, None, f"{name}\nAbout {name.lower()}.", new_x="LMARGIN", new_y="NEXT")
    paper.output(str(path))


# ---- ZIM ----------------------------------------------------------------------------------------------------


def test_pages_of_a_zim_file_are_taken_out_and_its_headers_fill_the_manifest(backup: Path, tmp_path: Path) -> None:
    pages = LONG | {"short": "Hi.", "a/deep": " ".join(["Deep down in the archive there is more."] * 5)}
    write_zim(tmp_path / "x.zim", pages, Title="Things", Source="https://e.com/wiki/", Creator="Ann")
    result = Desk("zim_import", backup, "lib", zim_path=str(tmp_path / "x.zim")).run()
    assert (result["pages"], result["too_short"], result["error_count"]) == (5, 1, 0)
    manifest = read(backup, "_manifest.json")
    assert (manifest["name"], manifest["attribution"], manifest["kind"]) == ("Things", "Ann", "pages")
    listed = read(backup, "backup_manifest.json")["pages"]
    assert sorted(page["url"] for page in listed) == sorted([*LONG, "a/deep"])
    assert all((backup / "lib" / page["file"]).is_file() for page in listed)
    Desk("metadata", backup, "lib").run()
    Desk("index_offline", backup, "lib").run()
    assert search(backup, "repair my bike", k=1)[0].url == "https://e.com/wiki/bicycle"


def test_an_interrupted_import_ends_like_an_undisturbed_one(
    backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from onward.catalogue.sources.jobs import zim_import

    monkeypatch.setattr(zim_import, "_AT_ONCE", 2)
    write_zim(tmp_path / "x.zim", LONG)
    params = {"zim_path": str(tmp_path / "x.zim"), "min_text_length": 0}
    expected = Desk("zim_import", tmp_path / "whole", "lib", **params).run()
    desk = Desk("zim_import", backup, "lib", **params)
    for done in (2, 6):
        with pytest.raises(JobCancelled):
            desk.run(stop_when=lambda report, done=done: (report["done"] or 0) >= done)
    assert desk.run() == expected
    whole = {path.name: path.read_bytes() for path in (tmp_path / "whole" / "lib").rglob("*") if path.is_file()}
    assert {path.name: path.read_bytes() for path in (backup / "lib").rglob("*") if path.is_file()} == whole


def test_a_second_import_removes_pages_that_are_gone(backup: Path, tmp_path: Path) -> None:
    write_zim(tmp_path / "x.zim", LONG)
    Desk("zim_import", backup, "lib", zim_path=str(tmp_path / "x.zim")).run()
    write_zim(tmp_path / "y.zim", {"tea": LONG["bread"]})
    Desk("zim_import", backup, "lib", zim_path=str(tmp_path / "y.zim")).run()
    assert len(list((backup / "lib" / "pages").iterdir())) == 1


@pytest.mark.parametrize("path", ["../other/x.zim", "/etc/passwd", "nothing.zim", "a\x00.zim", "x.zip"])
def test_what_is_no_zim_file_is_refused(backup: Path, path: str) -> None:
    with pytest.raises(OnwardError):
        Desk("zim_import", backup, "lib", zim_path=path).run()


def test_jobs_bring_in_files_from_named_folders_only(backup: Path, tmp_path: Path) -> None:
    write_zim(tmp_path / "in" / "x.zim", LONG)
    write_zim(tmp_path / "out" / "x.zim", LONG)
    (tmp_path / "in" / "link.zim").symlink_to(tmp_path / "out" / "x.zim")

    def run(path: Path) -> Any:
        desk = Desk("zim_import", backup, "lib", zim_path=str(path))
        desk.settings = type(desk.settings)(
            backup_path=str(backup), sources={"import_folders": (str(tmp_path / "in"),)}
        )
        return desk.run()

    assert run(tmp_path / "in" / "x.zim")["pages"] == 4
    for path in (tmp_path / "out" / "x.zim", tmp_path / "in" / "link.zim", tmp_path / "in" / ".." / "out" / "x.zim"):
        with pytest.raises(InvalidValue, match="import_folders"):
            run(path)


def test_an_article_that_unpacks_to_a_huge_one_is_an_entry_in_errors(backup: Path, tmp_path: Path) -> None:
    write_zim(tmp_path / "x.zim", LONG | {"bomb": "x" * (60 * 1024 * 1024)})
    assert (tmp_path / "x.zim").stat().st_size < 1_000_000
    result = Desk("zim_import", backup, "lib", zim_path=str(tmp_path / "x.zim")).run()
    assert (result["pages"], result["error_count"]) == (4, 1)
    assert "more than" in result["errors"][0]["error"]


def test_a_zim_file_is_described_and_indexed_in_one_job(backup: Path) -> None:
    write_zim(backup / "lib" / "x.zim", LONG)
    result = Desk("zim_index", backup, "lib").run()
    assert (result["documents"], result["dimension"]) == (4, 384)
    assert search(backup, "astronomy", k=1)[0].title == "Planets"
    write_folder(backup / "other")
    with pytest.raises(OnwardError, match="not a ZIM file"):
        Desk("zim_index", backup, "other").run()


# ---- PDF ----------------------------------------------------------------------------------------------------


def test_sections_of_a_pdf_keep_their_numbers_and_pages(backup: Path) -> None:
    write_pdf(backup / "lib" / "m.pdf", {"1. Bread": LONG["bread"], "2. Bicycle": LONG["bicycle"]})
    result = Desk("pdf_import", backup, "lib").run()
    assert (result["documents"], result["error_count"]) == (5, 0)
    listed = read(backup, "backup_manifest.json")["pages"]
    assert [(page["section"], page["title"], page["first_page"], page["last_page"]) for page in listed] == [
        ("1", "1 Bread", 1, 1),
        ("2", "2 Bicycle", 2, 2),
        ("2.1", "2.1 Salt", 3, 3),
        ("2.2", "2.2 Pepper", 3, 3),
        ("2.3", "2.3 Oil", 3, 3),
    ]
    Desk("metadata", backup, "lib").run()
    described = {item["title"]: item for item in read(backup, "_metadata.json")["documents"].values()}
    assert described["2.2 Pepper"]["description"].endswith("About pepper.")
    assert "oil" not in described["2.2 Pepper"]["description"].lower()
    assert (described["2 Bicycle"]["url"], described["2 Bicycle"]["first_page"]) == ("m.pdf#page=2", 2)
    assert read(backup, "_manifest.json")["name"] == "Manual"


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"processing_mode": "full"}, [(1, 3)]),
        ({"processing_mode": "full", "start_page": 2, "end_page": 2}, [(2, 2)]),
        ({"processing_mode": "chunked", "chunk_size": 250}, None),
        ({"processing_mode": "sectioned", "end_page": 1}, [(1, 1)]),
    ],
)
def test_a_pdf_is_cut_as_asked(backup: Path, params: dict[str, Any], expected: list[tuple[int, int]] | None) -> None:
    write_pdf(backup / "lib" / "m.pdf", {"Bread": LONG["bread"], "Bicycle": LONG["bicycle"]})
    Desk("pdf_import", backup, "lib", **params).run()
    spans = [(page["first_page"], page["last_page"]) for page in read(backup, "backup_manifest.json")["pages"]]
    assert spans == expected if expected else len(spans) > 2
    assert spans == sorted(spans)


def test_a_source_of_pdf_files_is_described_without_an_import(backup: Path) -> None:
    write_pdf(backup / "lib" / "m.pdf", {"Bread": LONG["bread"]})
    write_pdf(backup / "lib" / "n.pdf", {"Planets": LONG["planets"]}, outline=False)
    assert Desk("metadata", backup, "lib").run()["documents"] == 5
    Desk("index_offline", backup, "lib").run()
    assert search(backup, "Jupiter and Saturn", k=1)[0].url == "n.pdf#page=1"


def test_broken_pdf_files_are_entries_in_errors(backup: Path, tmp_path: Path) -> None:
    write_pdf(backup / "lib" / "good.pdf", {"Bread": LONG["bread"]})
    whole = (backup / "lib" / "good.pdf").read_bytes()
    (backup / "lib" / "cut.pdf").write_bytes(b"%PDF-1.7\n1 0 obj\n<<")
    (backup / "lib" / "noise.pdf").write_bytes(os.urandom(5000))
    (backup / "lib" / "empty.pdf").write_bytes(b"")
    result = Desk("pdf_import", backup, "lib").run()
    assert (result["files"], result["documents"], result["error_count"]) == (4, 4, 3)
    (tmp_path / "cut.pdf").write_bytes(whole[:100])
    with pytest.raises(OnwardError, match=r"None of 1 PDF files.*cut\.pdf"):
        Desk("pdf_import", backup, "other", pdf_path=str(tmp_path / "cut.pdf")).run()


def test_a_page_that_never_ends_or_eats_memory_costs_its_reader_only(tmp_path: Path) -> None:
    write_pdf(tmp_path / "m.pdf", {"Bread": LONG["bread"]})
    with PdfFile(tmp_path / "m.pdf", seconds=30) as file:
        assert "flour" in file.text(1)
        process = file._process
        assert process is not None
        file._seconds = 0.2
        process.send_signal(signal.SIGSTOP)
        with pytest.raises(OnwardError, match="longer than"):
            file.text(2)
        assert process.poll() is not None
        file._seconds = 30
        assert "Salt" in file.text(2)
        assert file._process is not None
        file._process.kill()
        file._texts.clear()
        with pytest.raises(OnwardError, match="broke its reader"):
            file.text(1)


def test_a_pdf_that_unpacks_to_a_huge_one_is_read_within_bounds(tmp_path: Path) -> None:
    import zlib

    packed = zlib.compress(zlib.compress(bytes(200_000_000), 9), 9)
    body = b"<</Length %d/Filter[/FlateDecode/FlateDecode]>>stream\n%s\nendstream" % (len(packed), packed)
    parts = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R>>",
        body,
    ]
    data = b"%PDF-1.4\n"
    places = []
    for number, part in enumerate(parts, 1):
        places.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, part)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    data += b"xref\n0 5\n0000000000 65535 f \n%strailer<</Size 5/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (
        table,
        len(data),
    )
    (tmp_path / "bomb.pdf").write_bytes(data)
    with PdfFile(tmp_path / "bomb.pdf") as file:
        assert file._process is not None
        limits = Path(f"/proc/{file._process.pid}/limits").read_text()
        assert re.search(r"Max address space +2147483648", limits)
        assert re.search(r"Max file size +0 ", limits)
        assert re.search(r"Max cpu time +\d", limits)
        assert [part.text for part in file.parts("full", 1, file.pages, 100)] == []


def test_parts_on_paper() -> None:
    pages = {1: "Intro\nhello", 2: "1 One\nfirst words", 3: "more\n2 Two\nsecond"}
    outline = [Entry(1, "1 One", 2), Entry(1, "2 Two", 3)]
    found = list(sections.by_outline(outline, 1, 3, pages.__getitem__))
    assert [(part.number, part.title, part.first, part.last) for part in found] == [
        ("", "", 1, 1),
        ("1", "One", 2, 3),
        ("2", "Two", 3, 3),
    ]
    assert found[1].text.endswith("more")
    text = "One sentence is here. " * 50
    pieces = list(sections.by_size(300, 1, 2, lambda page: text))
    assert all(len(piece.text) <= 300 and piece.text.endswith(".") for piece in pieces)
    assert (pieces[0].first, pieces[0].last, pieces[-1].last) == (1, 1, 2)
    assert " ".join(piece.text for piece in pieces).split() == (text + text).split()
    assert list(sections.whole(1, 1, lambda page: " ")) == []


def test_the_reader_of_pdf_files_imports_nothing_of_the_package() -> None:
    assert "onward" not in Path(pdf.pdf_reader.__file__).read_text().replace("onward's", "").partition("import")[2]


# ---- addresses ----------------------------------------------------------------------------------------------


def page_at(title: str, address: str) -> str:
    return html(title, title * 50).replace("</head>", f'<link rel="canonical" href="{address}"></head>')


def test_the_base_is_found_from_what_documents_say_of_themselves(backup: Path) -> None:
    (backup / "lib" / "deep").mkdir(parents=True)
    for name in ("a", "b", "deep/c"):
        (backup / "lib" / f"{name}.html").write_text(page_at(name, f"https://e.com/docs/{name}.html"))
    result = Desk("detect_base_url", backup, "lib").run()
    assert result["base_url"] == "https://e.com/docs/"
    assert result["candidates"][0] == {"base_url": "https://e.com/docs/", "votes": 3, "by": "canonical"}
    assert "https://e.com/docs/deep/c.html" in result["examples"]
    assert read(backup, "_manifest.json")["base_url"] == "https://e.com/docs/"


def test_what_a_person_wrote_is_replaced_only_by_force(backup: Path) -> None:
    (backup / "lib").mkdir(parents=True)
    (backup / "lib" / "a.html").write_text(page_at("a", "https://e.com/a.html"))
    (backup / "lib" / "_manifest.json").write_text(json.dumps({"base_url": "https://mine.org/"}))
    kept = Desk("detect_base_url", backup, "lib").run()
    assert (kept["base_url"], kept["detected"], kept["kept_by_person"]) == ("https://mine.org/", "https://e.com/", True)
    assert Desk("detect_base_url", backup, "lib", force_override=True).run()["base_url"] == "https://e.com/"


@pytest.mark.parametrize(
    ("path", "own", "base"),
    [
        ("a/b.html", "https://e.com/x/a/b.html", "https://e.com/x/"),
        ("b.html", "https://e.com/xb.html", ""),
        ("Main_Page", "https://e.com/wiki/Main_Page", "https://e.com/wiki/"),
        ("b.html", "https://e.com/b", "https://e.com/"),
        ("index.html", "https://e.com/docs/", ""),
        ("ä.html", "https://e.com/%C3%A4.html", "https://e.com/"),
        ("b.html", "javascript:b.html", ""),
    ],
)
def test_bases_on_paper(path: str, own: str, base: str) -> None:
    assert base_url.of_document(path, own) == base


def test_links_between_documents_speak_where_nothing_else_does() -> None:
    links = ["https://e.com/w/one", "https://e.com/w/two", "https://other.org/x"]
    assert base_url.vote({}, links, ["one", "two"])[0] == base_url.Candidate("https://e.com/w/", 2, "links")
    assert base_url.address("https://e.com/w", "one") == "https://e.com/w/one"
    assert base_url.address("https://e.com/w", "http://x.org/") == "http://x.org/"
