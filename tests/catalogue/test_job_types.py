"""What the catalogue offers: names, forms, resources, order and chains; and the small pure parts."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from onward.authoring.registry import JobTypes
from onward.catalogue import include_in, memory
from onward.catalogue.sources import CHAINS, JOB_TYPES, build_phases
from onward.catalogue.sources.plan import manifest, passages, topics
from onward.catalogue.sources.search import snippet
from onward.errors import InvalidParams
from onward.model.chain import JobPhase, check_chain

TABLE = {
    "scrape": ("Scrape", "content"),
    "zim_import": ("ZIM Import", "content"),
    "zim_index": ("ZIM Index", "content"),
    "pdf_import": ("PDF Import", "content"),
    "detect_base_url": ("Detect Base URL", "content"),
    "check_addresses": ("Check Addresses", "content"),
    "index_online": ("Index (Online)", "indexing"),
    "index_dimensions": ("Index (Several Dimensions)", "indexing"),
    "metadata": ("Metadata", "content"),
    "index_offline": ("Index (Offline)", "indexing"),
    "clear_vectors": ("Clear Vectors", "indexing"),
    "suggest_tags": ("Suggest Tags", "maintenance"),
    "delete_source": ("Delete", "maintenance"),
    "install_source": ("Install", "cloud"),
    "upload": ("Upload", "cloud"),
    "pinecone_sync": ("Pinecone", "cloud"),
    "pinecone_sync_dry": ("Pinecone (Dry)", "cloud"),
    "visualisation": ("Visualize", "cloud"),
    "translate_source": ("Translate", "content"),
    "localize_source": ("Localize", "content"),
}
WITHOUT_SOURCE = {
    "model_download": ("Model Download", "models"),
    "language_download": ("Language Download", "models"),
}


def test_labels_and_categories_are_those_of_the_table() -> None:
    assert {name: (JOB_TYPES.get(name).label, JOB_TYPES.get(name).category) for name in TABLE} == TABLE
    assert all(JOB_TYPES.get(name).needs_source for name in TABLE)
    assert {name: (kind.label, kind.category) for name in WITHOUT_SOURCE if (kind := JOB_TYPES.get(name))} == (
        WITHOUT_SOURCE
    )
    assert all(kind.description.endswith(".") for kind in JOB_TYPES if not kind.is_chain)


def test_order_rules_name_job_types_that_there_are() -> None:
    for kind in JOB_TYPES:
        for name in {*kind.runs_before, *kind.runs_after, *kind.conflicts_with}:
            assert name in JOB_TYPES, f"{kind.name} names {name}"


def test_deleting_a_source_conflicts_with_everything_after_it() -> None:
    types = JOB_TYPES.as_mapping()
    for name in TABLE.keys() - {"delete_source"}:
        report = check_chain([JobPhase("delete_source"), JobPhase(name, params={})], types)
        assert any(issue.code != "params" for issue in report.errors), name


def test_an_index_before_metadata_is_a_warning() -> None:
    report = check_chain([JobPhase("index_online"), JobPhase("metadata")], JOB_TYPES.as_mapping())
    assert report.valid
    assert report.warnings


def test_the_catalogue_can_be_included_twice() -> None:
    registry = JobTypes()
    for _ in range(2):
        include_in(registry, prune=dict, prune_checkpoints=dict)
    shipped = {*TABLE, *WITHOUT_SOURCE, *CHAINS}
    assert set(JOB_TYPES.names()) == shipped
    others = {*memory.JOB_TYPES.names(), "prune_jobs", "prune_checkpoints", "cleanup_checkpoints"}
    assert shipped | others <= set(registry.names())


def test_older_names_still_resolve() -> None:
    assert JOB_TYPES.get("index").name == "index_offline"
    assert JOB_TYPES.get("reindex").name == "reindex_offline"
    assert JOB_TYPES.get("download").name == "install_source"
    assert {"index", "reindex"} <= JOB_TYPES.as_mapping().keys()
    online, given = JOB_TYPES.resolve_with("index", {"dimension": 1536, "max_passages": 3})
    assert (online.name, given["max_passages"]) == ("index_online", 3)
    online.validate(given)
    assert JOB_TYPES.resolve_with("index", {"dimension": 768})[0].name == "index_offline"
    assert JOB_TYPES.resolve_with("reindex", {"dimension": 1536})[0].name == "reindex_online"
    chain, given = JOB_TYPES.resolve_with("reindex", {"dimension": 1024})
    assert (chain.name, given["params"]["index_offline"]) == ("reindex_offline", {"dimension": 1024})
    job_type, preset = JOB_TYPES.resolve("vectors_768")
    assert (job_type.name, preset) == ("index_offline", {"dimension": 768})


@pytest.mark.parametrize(("dimension", "resource"), [(None, "vectors:384"), (384, "vectors:384"), (768, "vectors:768")])
@pytest.mark.parametrize("name", ["index_offline", "clear_vectors"])
def test_a_job_occupies_its_database_and_its_source(name: str, dimension: int | None, resource: str) -> None:
    job_type = JOB_TYPES.get(name)
    needs = job_type.needs(job_type.validate({"dimension": dimension}), "wiki")
    assert [need.resource for need in needs] == ["source:wiki", resource]


def test_forms_say_what_each_parameter_is() -> None:
    properties = JOB_TYPES.get("scrape").schema()["properties"]
    assert properties["page_limit"] == {
        "default": 100,
        "description": "Most pages to save.",
        "maximum": 10000,
        "minimum": 1,
        "title": "Page Limit",
        "type": "integer",
    }
    forms = [JOB_TYPES.get(name).schema()["properties"] for name in TABLE]
    assert all("description" in entry for form in forms for entry in form.values())


@pytest.mark.parametrize("params", [{}, {"url": "http://e.com", "page_limit": 0}, {"url": "http://e.com", "depth": 3}])
def test_wrong_parameters_are_refused(params: dict[str, object]) -> None:
    with pytest.raises(InvalidParams):
        JOB_TYPES.get("scrape").validate(params)


def test_index_comes_after_metadata() -> None:
    assert "metadata" in JOB_TYPES.get("index_offline").runs_after
    assert "index_offline" in JOB_TYPES.get("clear_vectors").runs_before


def test_chains_are_made_of_job_types_that_there_are() -> None:
    def of(name: str) -> list[tuple[str | None, float]]:
        return [(phase.type_name, phase.weight) for phase in CHAINS[name].phases]

    assert of("reindex_offline") == [("clear_vectors", 10), ("index_offline", 90)]
    assert of("cloud_publish") == [("pinecone_sync", 80), ("visualisation", 20)]
    assert of("reindex_online") == [("clear_vectors", 10), ("index_online", 90)]
    assert [name for name, _ in of("generate_source")] == ["metadata", "index_online", "index_offline", "suggest_tags"]
    named = [phase for chain in CHAINS.values() for phase in chain.phases if phase.type_name != "scrape"]
    for chain in CHAINS.values():
        assert sum(phase.weight for phase in chain.phases) == 100
    for phase in [*named, *build_phases("http://e.com", max_passages=3, request_delay=0)]:
        assert phase.type_name is not None
        JOB_TYPES.get(phase.type_name).validate(phase.params or {})
    assert JOB_TYPES.get("reindex_offline").is_chain


def test_listing_the_catalogue_loads_none_of_the_large_libraries() -> None:
    script = """import sys, json; import onward.catalogue.sources, onward.catalogue.conversations
large = ["boto3", "pinecone", "pypdf", "chromadb", "onnxruntime", "numpy", "httpx", "selectolax", "libzim", "tokenizers"]
large += ["protego", "redis", "psycopg", "msgpack", "langgraph"]
print(json.dumps([name for name in large if name in sys.modules]))"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []


def test_passages_cover_the_text_and_end_with_sentences() -> None:
    text = " ".join(f"Sentence number {number} has some words." for number in range(100))
    found = passages.split(text, 50)
    assert " ".join(found) == text
    assert all(part.endswith(".") and len(part.split()) <= 50 for part in found)
    assert passages.split(text, 50, 3) == found[:3]
    assert passages.split("", 50) == []


def test_code_and_languages_without_spaces_make_shorter_passages() -> None:
    assert max(len(part.split()) for part in passages.split("f(x[i],y)=='z'; " * 100, 60)) < 20
    assert len(passages.split("日本語の文章" * 500, 60)) > 5


def test_keywords_leave_out_what_says_little() -> None:
    documents = [{"title": f"Zebra {n}", "description": "the stripes of it", "terms": ["herd"]} for n in range(3)]
    assert topics.keywords(documents, 3) == ["zebra", "herd", "stripes"]


def test_tags_of_people_and_other_owners_stay() -> None:
    first = manifest.tag({"tags": ["mine"]}, "zim", ["kitchen"])
    second = manifest.tag(first, "suggested", ["cooking", "mine", "kitchen"])
    assert second["tags"] == ["mine", "kitchen", "cooking"]
    second["tags"].remove("cooking")
    third = manifest.tag(second, "suggested", ["cooking", "bread"])
    assert third["tags"] == ["mine", "kitchen", "bread"]


def test_snippets_show_the_words_that_were_asked_for() -> None:
    text = "filler " * 100 + "the needle is here " + "filler " * 100
    found = snippet(text, "Needle")
    assert "needle" in found
    assert len(found) <= 260
    assert found.startswith("… ")
