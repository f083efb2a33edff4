"""Job types that are classes with `run_job`."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from onward import Context, Onward
from onward.authoring.registry import JobTypes
from onward.errors import InvalidJobType, InvalidParams


class MyCustomJob:
    """Counts what it was given."""

    def __init__(self, config: Any = None) -> None:
        self.config = config or {"count": 7}

    def run_job(self) -> dict[str, Any]:
        """Do the work."""
        return {"success": True, "items_processed": self.config["count"], "config": self.config}


class Failing:
    def __init__(self, config: Any = None) -> None: ...

    def run_job(self) -> dict[str, Any]:
        return {"success": False, "error": "nothing to read"}


class Options(BaseModel):
    folder: str
    deep: bool = False


class Typed:
    def __init__(self, config: Options) -> None:
        self.options = config

    def run_job(self) -> str:
        return f"{self.options.folder} {self.options.deep}"


class Named:
    def __init__(self, folder: str, deep: bool = False) -> None:
        self.said = (folder, deep)

    async def run_job(self, ctx: Context) -> list[Any]:
        return [ctx.job_id, *self.said]


class Bare:
    def run_job(self, ctx: Context) -> str:
        return ctx.source_id or ""


@pytest.fixture
def app(tmp_path: Any) -> Any:
    app = Onward(f"sqlite:///{tmp_path}/onward.db")
    for job_class in (MyCustomJob, Failing, Typed, Named, Bare):
        assert app.job(job_class) is job_class
    yield app
    app.close()


def test_class_gets_its_mapping_as_config_and_its_statistics_are_the_result(app: Onward) -> None:
    mapped = app.submit("my_custom_job", {"count": 3, "custom_param": ["value"]})
    empty = app.submit(MyCustomJob)
    failing = app.submit("failing", {"any": 1})
    typed = app.submit(Typed, {"folder": "a"})
    named = app.submit(Named, {"folder": "b", "deep": True})
    bare = app.submit(Bare, source_id="wiki")
    app.worker(concurrency=2).run(until_idle=True)
    result = app.get(mapped.id).result
    assert result == {"success": True, "items_processed": 3, "config": {"count": 3, "custom_param": ["value"]}}
    assert app.get(empty.id).result["items_processed"] == 7
    assert app.get(failing.id).status == "failed"
    assert app.get(failing.id).error.message == "nothing to read"
    assert app.get(typed.id).result == "a False"
    assert app.get(named.id).result == [named.id, "b", True]
    assert app.get(bare.id).result == "wiki"


def test_class_is_described_as_a_function_would_be(app: Onward) -> None:
    kind = app.job_types.get("my_custom_job")
    assert (kind.label, kind.description) == ("My custom job", "Counts what it was given.")
    assert app.job_types.get(Named).isolation == "async"
    assert app.job_types.get(Typed).schema()["required"] == ["folder"]


def test_parameters_are_checked_where_they_are_described(app: Onward) -> None:
    with pytest.raises(InvalidParams, match="folder"):
        app.submit(Typed, {})
    with pytest.raises(InvalidParams, match="depth"):
        app.submit(Named, {"folder": "a", "depth": 1})


def test_collection_of_job_types_is_included_with_its_classes() -> None:
    one, other = JobTypes(), JobTypes()
    one.job(name="mine")(MyCustomJob)
    other.include(one)
    assert other.get(MyCustomJob).name == "mine"


class NoMethod:
    pass


class TooMuch:
    def run_job(self, ctx: Context, more: int) -> None: ...


class NeedsMore:
    def __init__(self, client: Any, config: Any = None) -> None: ...

    def run_job(self) -> None: ...


@pytest.mark.parametrize(
    ("job_class", "words"),
    [(NoMethod, "has no method `run_job`"), (TooMuch, "takes ctx, more"), (NeedsMore, "needs client beside `config`")],
)
def test_class_that_cannot_be_a_job_is_refused(job_class: type, words: str) -> None:
    with pytest.raises(InvalidJobType, match=words):
        JobTypes().job(job_class)


def test_class_runs_in_a_process_of_its_own(app: Onward) -> None:
    app.job(name="apart", isolation="process")(MyCustomJob)
    job = app.submit("apart", {"count": 5})
    app.worker().run(until_idle=True)
    assert app.get(job.id).result["items_processed"] == 5
