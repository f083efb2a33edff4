from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field

from onward import Backoff, Context, InvalidJobType, InvalidParams, JobPhase, JobTypes, UnknownJobType


@pytest.fixture
def types() -> JobTypes:
    return JobTypes()


class Color(Enum):
    RED = "red"


class Crawl(BaseModel):
    url: str
    depth: int = Field(3, ge=0, le=9)


def test_name_label_and_description_come_from_the_function(types: JobTypes) -> None:
    @types.job
    def word_count(folder: str) -> None:
        """Count words.

        More of it.
        """

    kind = types.get("word_count")
    assert (kind.name, kind.label, kind.description) == ("word_count", "Word count", "Count words.")
    assert (kind.queue, kind.priority, kind.isolation, kind.weight, kind.version) == ("default", 0, "thread", 50, 1)
    assert kind.retry.max_attempts == 1
    assert word_count("x") is None


def test_parameters_are_typed_and_defaults_filled_in(types: JobTypes) -> None:
    @types.job()
    def work(ctx: Context, path: Path, color: Color = Color.RED, mode: Literal["a", "b"] = "a", n: float = 1) -> None:
        pass

    kind = types.get("work")
    model = kind.validate({"path": "x", "n": 2})
    assert kind.dump(model) == {"path": "x", "color": "red", "mode": "a", "n": 2.0}
    assert kind.arguments(model) == {"path": Path("x"), "color": Color.RED, "mode": "a", "n": 2.0}
    assert kind.schema()["required"] == ["path"]
    with pytest.raises(InvalidParams) as wrong:
        kind.validate({"color": "blue", "mode": "c", "more": 1})
    assert {problem["field"] for problem in wrong.value.errors} == {"path", "color", "mode", "more"}
    assert "path, color (optional)" in wrong.value.hint


def test_one_model_is_handed_over_whole(types: JobTypes) -> None:
    @types.job()
    def crawl(ctx: Context, wanted: Crawl) -> None:
        pass

    @types.job()
    def plain(wanted: Crawl) -> None:
        pass

    for name in ("crawl", "plain"):
        kind = types.get(name)
        model = kind.validate({"url": "u"})
        assert kind.arguments(model) == {"wanted": Crawl(url="u")}
        assert kind.dump(model) == {"url": "u", "depth": 3}
        with pytest.raises(InvalidParams, match="depth"):
            kind.validate({"url": "u", "depth": 10})


def test_context_is_known_by_name_or_annotation_and_is_optional(types: JobTypes) -> None:
    types.job(name="by_name")(lambda ctx, a: None)
    types.job(name="without")(lambda a=1: None)

    @types.job()
    def by_annotation(job: Context, a: int) -> None:
        pass

    assert [types.get(name).context_name for name in ("by_name", "without", "by_annotation")] == ["ctx", None, "job"]


@pytest.mark.parametrize(
    ("backoff", "found"),
    [
        (None, Backoff()),
        (7, Backoff(7)),
        ((1, 3, 9), Backoff(1, 3, 9)),
        (Backoff(2), Backoff(2)),
    ],
)
def test_backoff_is_given_in_short_or_long(types: JobTypes, backoff: Any, found: Backoff) -> None:
    types.job(name="work", backoff=backoff, max_attempts=2)(lambda: None)
    assert types.get("work").retry.backoff == found


async def coroutine() -> None:
    """Do nothing."""


def test_isolation_follows_the_function(types: JobTypes) -> None:
    types.job(coroutine)
    assert types.get("coroutine").isolation == "async"


@pytest.mark.parametrize(
    ("function", "options", "words"),
    [
        (coroutine, {"isolation": "thread"}, "is async"),
        (coroutine, {"isolation": "process"}, "importable module"),
        (lambda: None, {"isolation": "async"}, "is not async"),
        (lambda *names: None, {}, r"\*names"),
        (lambda **names: None, {}, r"\*\*names"),
        (lambda: None, {"max_attempts": 0}, "max_attempts is 0"),
        (lambda: None, {"prioritty": 1}, "Did you mean 'priority'"),
        (lambda: None, {"func": 1}, "not an option"),
    ],
)
def test_what_cannot_be_registered_says_why(
    types: JobTypes, function: Any, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(InvalidJobType, match=words):
        types.job(name="work", **options)(function)
    assert len(types) == 0


def test_annotation_that_cannot_be_resolved_is_refused(types: JobTypes) -> None:
    def work(value: Nowhere) -> None:  # type: ignore[name-defined]  # noqa: F821 - that is the point
        pass

    with pytest.raises(InvalidJobType, match="Nowhere"):
        types.job(work)


def test_one_name_cannot_mean_two_functions(types: JobTypes) -> None:
    types.job(name="work")(lambda: 1)

    def other() -> None:
        pass

    with pytest.raises(InvalidJobType, match="registered twice"):
        types.job(name="work")(other)


def test_function_that_is_defined_again_replaces_itself(types: JobTypes) -> None:
    def define(value: int) -> None:
        @types.job()
        def work() -> int:
            return value

    define(1)
    define(2)
    assert types.get("work").func() == 2


def test_aliases_resolve_and_may_preset_parameters(types: JobTypes) -> None:
    types.job(name="index", aliases={"vectors_768": {"dimension": 768}, "reindex": {}})(lambda dimension=384: None)
    kind, preset = types.resolve("vectors_768")
    assert (kind.name, preset) == ("index", {"dimension": 768})
    assert "reindex" in types
    assert types.names() == ("index",)
    assert set(types.as_mapping()) == {"index", "vectors_768", "reindex"}
    with pytest.raises(InvalidJobType, match="alias 'reindex' is taken"):
        types.job(name="other", aliases=["reindex"])(coroutine)


def test_unknown_name_comes_with_near_ones(types: JobTypes) -> None:
    types.job(name="metadata")(lambda: None)
    with pytest.raises(UnknownJobType, match="Did you mean 'metadata'"):
        types.get("metdata")
    with pytest.raises(UnknownJobType, match="Known job types: metadata"):
        types.get("zzz")


def test_sensitive_parameters_are_shown_as_stars(types: JobTypes) -> None:
    types.job(name="upload", sensitive=["key"])(lambda key, bucket: None)
    assert types.get("upload").redacted({"key": "canary", "bucket": "b"}) == {"key": "***", "bucket": "b"}


def test_collections_are_included_in_others(types: JobTypes) -> None:
    more = JobTypes()
    more.job(name="work", aliases=["toil"])(coroutine)
    types.include(more)
    types.include(more)
    assert types.get("toil").func is coroutine


@pytest.mark.parametrize(
    "declared", ["gpu", ["gpu"], lambda params, source_id: ["gpu"], lambda params, source_id: "gpu"]
)
def test_resources_are_a_name_a_list_or_a_function(declared: Any) -> None:
    types = JobTypes()
    types.job(name="work", resources=declared)(lambda: None)
    kind = types.get("work")
    assert [need.resource for need in kind.needs(kind.validate({}), None)] == ["gpu"]


def test_an_older_name_may_stand_for_several_types_by_its_parameters(types: JobTypes) -> None:
    @types.job()
    def small(size: int = 1) -> None:
        pass

    @types.job()
    def large(size: int = 9) -> None:
        pass

    types.older_name("fit", lambda params: ("large" if params.get("size", 0) > 5 else "small", dict(params)))
    other = JobTypes()
    other.include(types)
    for registry in (types, other):
        assert registry.resolve_with("fit", {"size": 7})[0].name == "large"
        assert registry.resolve_with("fit", None)[0].name == "small"
        assert registry.get("fit").name == "small"
        assert "fit" in registry
        assert registry.as_mapping()["fit"].name == "small"


def test_parameters_of_a_chains_phases_may_be_given_by_their_names(types: JobTypes) -> None:
    types.chain("both", [JobPhase("small"), JobPhase("large")])
    given = {"small.size": 3, "params": {"small": {"name": "x"}}, "large.deep.er": 1}
    chain, params = types.resolve_with("both", given)
    assert chain.name == "both"
    assert params == {"params": {"small": {"name": "x", "size": 3}, "large": {"deep.er": 1}}}
    assert types.resolve_with("both", {"params": None})[1] == {"params": None}


def test_default_may_be_a_description_of_the_field() -> None:
    types = JobTypes()
    types.job(name="work")(described)
    kind = types.get("work")
    assert kind.schema()["properties"]["limit"] == {
        "default": 3, "description": "How many.", "minimum": 1, "title": "Limit", "type": "integer",
    }  # fmt: skip
    assert kind.validate({}).model_dump() == {"limit": 3}
    with pytest.raises(InvalidParams):
        kind.validate({"limit": 0})


def described(limit: int = Field(3, ge=1, description="How many.")) -> int:
    return limit
