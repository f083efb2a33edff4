"""Publishing to storage and to Pinecone, and maps, against servers on this machine."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from onward.catalogue.sources import search
from onward.catalogue.sources.outside.pinecone_index import PineconeFailed
from onward.catalogue.sources.outside.source_folder import SourceFolder
from onward.catalogue.sources.outside.vector_store import open_store
from onward.catalogue.sources.plan import projection
from onward.errors import InvalidConfig, InvalidValue, JobCancelled, OnwardError
from onward.settings import Settings
from tests.catalogue.cloud_servers import PineconeServer, moto_url
from tests.catalogue.corpus import SUBJECTS, html, write_folder
from tests.catalogue.desk import Desk
from tests.catalogue.test_index_online import vectors_of

__all__ = ["moto_url"]
LONG = {name: " ".join([text] * 20) for name, text in SUBJECTS.items()}


@pytest.fixture
def bucket(moto_url: str, request: pytest.FixtureRequest) -> dict[str, Any]:
    """Settings of an empty bucket."""
    name = re.sub(r"[^a-z0-9]+", "-", f"b-{request.node.name.lower()}")[:60].strip("-")
    cloud = {"endpoint": moto_url, "bucket": name, "access_key": "a", "secret_key": "s", "region": "us-east-1"}
    client(cloud).create_bucket(Bucket=name)
    return cloud


def client(cloud: dict[str, Any]) -> Any:
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "s", "region_name": "us-east-1"}
    return boto3.client("s3", endpoint_url=cloud["endpoint"], **keys)


def names_in(cloud: dict[str, Any]) -> list[str]:
    found = client(cloud).list_objects_v2(Bucket=cloud["bucket"]).get("Contents", [])
    return [item["Key"] for item in found]


def desk(job: str, backup: Path, cloud: dict[str, Any], source_id: str = "lib", **params: Any) -> Desk:
    made = Desk(job, backup, source_id, **params)
    made.settings = Settings(backup_path=str(backup), cloud=cloud)
    return made


@pytest.fixture
def lib(backup: Path) -> Path:
    """An indexed source."""
    write_folder(backup / "lib", LONG)
    Desk("metadata", backup, "lib").run()
    Desk("index_offline", backup, "lib").run()
    return backup / "lib"


def test_a_published_source_is_installed_elsewhere_without_a_model(
    backup: Path, lib: Path, tmp_path: Path, bucket: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from onward.catalogue.models.packaged import OnnxEmbedder

    result = desk("upload", backup, bucket).run()
    assert (result["files"], result["sent"], result["skipped"]) == (4, 4, 0)
    again = desk("upload", backup, bucket).run()
    assert (again["sent"], again["skipped"], again["removed"]) == (0, 4, 0)
    there = tmp_path / "there"
    with monkeypatch.context() as patch:
        patch.setattr(OnnxEmbedder, "embed", None)
        installed = desk("install_source", there, bucket, "copy", cloud_source_id="lib").run()
    total = open_store(backup, 384).count("lib")
    assert installed["vectors_added"] == {"384": total}
    assert search(there, "repair my bike", k=1)[0].title == "Bicycle"
    assert search(there, "repair my bike", k=1)[0].source_id == "copy"
    second = desk("install_source", there, bucket, "copy", cloud_source_id="lib").run()
    assert (second["fetched"], second["vectors_added"]) == (0, {"384": 0})
    assert not list(there.rglob("*.html"))


def test_backups_go_along_as_asked_and_old_objects_go(
    backup: Path, lib: Path, tmp_path: Path, bucket: dict[str, Any]
) -> None:
    desk("upload", backup, bucket, include_backup=True).run()
    (lib / "bread.html").write_text(html("Bread", "Rye."))
    (lib / "guitar.html").unlink()
    before = names_in(bucket)
    result = desk("upload", backup, bucket, include_backup=True).run()
    assert (result["sent"], result["removed"]) == (1, 2)
    assert len(names_in(bucket)) == len(before) - 1
    there = tmp_path / "there"
    (there / "lib").mkdir(parents=True)
    (there / "lib" / "mine.html").write_text("mine")
    (there / "lib" / "_manifest.json").write_text(json.dumps({"name": "Mine"}))
    desk("install_source", there, bucket, include_backup=True).run()
    assert (there / "lib" / "bread.html").read_text() == (lib / "bread.html").read_text()
    assert json.loads((there / "lib" / "_manifest.json").read_text())["name"] == "Mine"
    assert (there / "lib" / "mine.html").exists()
    desk("install_source", there, bucket, include_backup=True, sync_mode="replace").run()
    assert not (there / "lib" / "mine.html").exists()
    assert (there / "lib" / "_manifest.json").read_bytes() == (lib / "_manifest.json").read_bytes()


def test_an_interrupted_upload_sends_no_part_twice(
    backup: Path, lib: Path, tmp_path: Path, bucket: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from onward.catalogue.sources.outside.storage import Storage

    size = 5 * 1024 * 1024
    (lib / "large.zim").write_bytes(bytes(range(256)) * (2 * size // 256) + b"end")
    sent: list[int] = []
    real = Storage._send_parts

    def counted(self: Storage, *arguments: Any) -> None:
        upload = self._client.upload_part

        def upload_part(**given: Any) -> Any:
            sent.append(given["PartNumber"])
            return upload(**given)

        self._client.upload_part = upload_part
        try:
            real(self, *arguments)
        finally:
            self._client.upload_part = upload

    monkeypatch.setattr(Storage, "_send_parts", counted)
    job = desk("upload", backup, bucket | {"part_bytes": size}, include_backup=True)
    with pytest.raises(JobCancelled):
        job.run(stop_when=lambda report: len(sent) == 2)
    assert "sources/lib/listing.json" not in names_in(bucket)
    job.run()
    assert sent == [1, 2, 3]
    there = tmp_path / "there"
    install = desk("install_source", there, bucket, include_backup=True)
    with pytest.raises(JobCancelled):
        install.run(stop_when=lambda report: bool(list(there.rglob(".large.zim.*.part"))) and report["done"] > size)
    install.run()
    assert (there / "lib" / "large.zim").read_bytes() == (lib / "large.zim").read_bytes()
    assert not list(there.rglob(".*.part"))


def test_what_is_published_by_others_is_not_believed(tmp_path: Path, bucket: dict[str, Any]) -> None:
    def publish(name: str, data: bytes, digest: str | None = None) -> None:
        sha = digest or hashlib.sha256(data).hexdigest()
        files = [{"name": name, "size": len(data), "sha256": sha}]
        listing = {"version": 1, "source_id": "lib", "files": files}
        s3 = client(bucket)
        s3.put_object(Bucket=bucket["bucket"], Key=f"sources/lib/files/{sha[:32]}/{name}", Body=data)
        s3.put_object(Bucket=bucket["bucket"], Key="sources/lib/listing.json", Body=json.dumps(listing).encode())

    for name in ("../evil", "/etc/evil", "a/../../evil", "a\\..\\evil", "a//b"):
        publish(name, b"x")
        with pytest.raises(InvalidValue):
            desk("install_source", tmp_path / "b", bucket, include_backup=True).run()
    publish("_index.json", b"{}", "0" * 64)
    with pytest.raises(OnwardError, match="another content"):
        desk("install_source", tmp_path / "b", bucket).run()
    publish("_vectors_384.json", b'{"version":1,"passages":[\n{"id":"x","vector":"AAAA"}\n]}\n')
    with pytest.raises(OnwardError, match="damaged"):
        desk("install_source", tmp_path / "b", bucket).run()
    assert {path.name for path in tmp_path.iterdir()} == {"b"}
    with pytest.raises(OnwardError, match="is published"):
        desk("install_source", tmp_path / "b", bucket, cloud_source_id="nothing").run()
    with pytest.raises(InvalidConfig, match="ONWARD_CLOUD_BUCKET"):
        desk("install_source", tmp_path / "b", {}).run()


# ---- Pinecone -----------------------------------------------------------------------------------------------


@pytest.fixture
def pinecone() -> Iterator[PineconeServer]:
    server = PineconeServer(dimension=384)
    yield server
    server.close()


def at(server: PineconeServer, **more: Any) -> dict[str, Any]:
    return {"pinecone_key": "key", "pinecone_host": server.url} | more


def test_pinecone_is_brought_into_line_by_difference(backup: Path, lib: Path, pinecone: PineconeServer) -> None:
    total = open_store(backup, 384).count("lib")
    dry = desk("pinecone_sync_dry", backup, at(pinecone), dimension=384).run()
    assert (dry["to_add"], dry["to_remove"], dry["added"], dry["dry_run"]) == (total, 0, 0, True)
    assert "/vectors/upsert" not in pinecone.asked
    assert desk("pinecone_sync", backup, at(pinecone), dimension=384, dry_run=True).run()["added"] == 0
    assert desk("pinecone_sync", backup, at(pinecone), dimension=384).run()["added"] == total
    space = pinecone.vectors["sources"]
    space["other:doc:0:abc"] = {"id": "other:doc:0:abc"}
    found = next(item for item in space.values() if item.get("metadata", {}).get("title") == "Guitar")
    assert "strings" in found["metadata"]["text"]
    assert len(found["values"]) == 384
    (lib / "bread.html").write_text(html("Bread", "Rye only."))
    (lib / "guitar.html").unlink()
    Desk("metadata", backup, "lib").run()
    Desk("index_offline", backup, "lib").run()
    result = desk("pinecone_sync", backup, at(pinecone), dimension=384).run()
    assert (result["added"], result["removed"]) == (1, result["to_remove"])
    assert result["removed"] > 0
    assert len(space) == open_store(backup, 384).count("lib") + 1
    assert desk("pinecone_sync", backup, at(pinecone), dimension=384).run()["to_add"] == 0


def test_a_sync_that_fails_goes_on_with_the_rest(
    backup: Path, lib: Path, pinecone: PineconeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from onward.catalogue.sources.jobs import pinecone as job

    monkeypatch.setattr(job, "_PUT_AT_ONCE", 2)
    pinecone.fails_after = 2
    with pytest.raises(PineconeFailed, match="out of room"):
        desk("pinecone_sync", backup, at(pinecone), dimension=384).run()
    pinecone.fails_after = -1
    total = open_store(backup, 384).count("lib")
    assert desk("pinecone_sync", backup, at(pinecone), dimension=384).run()["added"] == total - 4


def test_an_index_of_another_size_or_a_wrong_key_is_said(backup: Path, lib: Path, pinecone: PineconeServer) -> None:
    with pytest.raises(PineconeFailed, match="Invalid API key"):
        desk("pinecone_sync_dry", backup, at(pinecone, pinecone_key="wrong"), dimension=384).run()
    pinecone.dimension = 8
    with pytest.raises(InvalidConfig, match="of 8 numbers, not of 384"):
        desk("pinecone_sync", backup, at(pinecone), dimension=384).run()
    with pytest.raises(OnwardError, match="no vectors of 1536"):
        desk("pinecone_sync", backup, at(pinecone)).run()
    with pytest.raises(InvalidConfig, match="PINECONE"):
        desk("pinecone_sync", backup, {}, dimension=384).run()


# ---- maps ---------------------------------------------------------------------------------------------------


def test_points_of_a_map_stay_where_they_are(backup: Path, lib: Path) -> None:
    result = Desk("visualisation", backup, "lib").run()
    path = lib / "_map" / "384.json"
    first = path.read_bytes()
    data = json.loads(first)
    assert result["points"] == len(data["points"]) == open_store(backup, 384).count("lib")
    assert sum(item["size"] for item in data["clusters"]) == result["points"]
    assert all(len(point["at"]) == 3 and max(map(abs, point["at"])) <= 1.001 for point in data["points"])
    Desk("visualisation", backup, "lib").run()
    assert path.read_bytes() == first
    (lib / "tea.html").write_text(html("Tea", LONG["bread"].replace("bread", "tea") * 5))
    Desk("metadata", backup, "lib").run()
    Desk("index_offline", backup, "lib").run()
    Desk("visualisation", backup, "lib").run()
    places = {point["id"]: point["at"] for point in json.loads(path.read_text())["points"]}
    assert all(places[point["id"]] == point["at"] for point in data["points"])
    assert len(places) > len(data["points"])
    Desk("visualisation", backup, "lib", refit=True).run()
    assert path.read_bytes() != first
    assert Desk("metadata", backup, "lib").run()["documents"] == 5, "a map is no document"


def test_the_page_of_a_map_asks_nobody_and_shows_markup_as_text(backup: Path, lib: Path) -> None:
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"
    (lib / "evil.html").write_text(f"<title>{evil.replace('<', '&lt;')}</title><p>{'word ' * 60}")
    (lib / "_manifest.json").write_text(json.dumps({"name": f"<b>{evil}"}))
    Desk("metadata", backup, "lib").run()
    Desk("index_offline", backup, "lib").run()
    Desk("visualisation", backup, "lib", max_points=10).run()
    page = (lib / "_map" / "384.html").read_text()
    assert page.count("<script") == page.count("</script>") == 1
    assert "<img" not in page
    assert "default-src 'none'" in page
    assert not re.search(r"""(src|href)=["']?https?:""", page)
    data = re.search(r"^const data = (.*);$", page, re.MULTILINE)
    assert data is not None
    assert len(json.loads(data[1])["points"]) == 10


def test_a_sample_is_the_same_whatever_is_added(backup: Path, lib: Path) -> None:
    Desk("visualisation", backup, "lib", max_points=10).run()
    first = {point["id"] for point in json.loads((lib / "_map" / "384.json").read_text())["points"]}
    assert len(first) == 10
    Desk("visualisation", backup, "lib", max_points=12).run()
    second = {point["id"] for point in json.loads((lib / "_map" / "384.json").read_text())["points"]}
    assert first < second


def test_a_few_vectors_can_be_placed_too() -> None:
    import numpy

    for count in (1, 2, 3):
        vectors = numpy.eye(count, 8)
        kept = projection.fit(vectors, 8)
        points, groups = projection.place(kept, vectors)
        assert (len(points), len(set(groups))) == (count, count)
        assert numpy.isfinite(points).all()
    assert not projection.is_usable({}, 8)


def test_vectors_written_out_are_read_back_as_they_were(backup: Path, lib: Path) -> None:
    from onward.catalogue.sources.outside.vector_file import read_vectors, write_vectors

    folder = SourceFolder(backup, "lib")
    store = open_store(backup, 384)
    write_vectors(folder, 384, store)
    first = (lib / "_vectors_384.json").read_bytes()
    assert len(json.loads(first)["passages"]) == store.count("lib")
    read = list(read_vectors(lib / "_vectors_384.json", "lib", 384))
    before = vectors_of(backup, 384)
    assert {passage.id for passage, _ in read} == set(before)
    write_vectors(folder, 384, store)
    assert (lib / "_vectors_384.json").read_bytes() == first
    with pytest.raises(OnwardError, match="not of 768 numbers"):
        list(read_vectors(lib / "_vectors_384.json", "lib", 768))
