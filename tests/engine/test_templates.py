"""Chains that are saved under a name."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from onward import ChainNotFound, InvalidChain, InvalidValue, JobPhase, Onward, VersionConflict
from tests.app_fixtures import Apps, run_all


@pytest.fixture
def app(apps: Apps) -> Onward:
    made = apps()

    @made.job()
    def fetch(url: str = "", pages: int = 1) -> str:
        return f"{pages} pages of {url}"

    @made.job(needs_source=True)
    def embed(model: str = "small") -> str:
        return model

    return made


PHASES = [
    JobPhase("fetch", job_type="fetch", weight=20, params={"url": "a"}),
    JobPhase("second", job_type="embed", weight=80, params={}),
]


def test_saved_chain_comes_back_and_each_save_is_a_version(app: Onward) -> None:
    first = app.templates.save("nightly", PHASES, label="Nightly", description="At night.", saved_by="ana")
    second = app.templates.save("nightly", PHASES[:1], label="Nightly")
    found = app.templates.get("nightly")
    assert (first.version, second.version, found.version) == (1, 2, 2)
    assert list(found.phases) == PHASES[:1]
    assert (found.label, found.description, found.updated_by) == ("Nightly", "", None)
    assert found.created_at == first.created_at < found.updated_at
    assert [saved.name for saved in app.templates.list()] == ["nightly"]


def test_two_who_change_the_same_version_do_not_overwrite_each_other(app: Onward) -> None:
    app.templates.save("nightly", PHASES, expect_version=0)
    app.templates.save("nightly", PHASES[:1], expect_version=1, saved_by="ben")
    with pytest.raises(VersionConflict, match="at version 2 by ben, not at version 1") as caught:
        app.templates.save("nightly", PHASES, expect_version=1)
    assert caught.value.version == 2
    with pytest.raises(VersionConflict):
        app.templates.delete("nightly", expect_version=1)
    with pytest.raises(VersionConflict, match="is not there"):
        app.templates.save("other", PHASES, expect_version=3)
    assert len(app.templates.get("nightly").phases) == 1


def test_many_who_save_at_once_get_a_version_each(app: Onward) -> None:
    versions: list[int] = []
    threads = [
        threading.Thread(target=lambda: versions.append(app.templates.save("nightly", PHASES).version))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(versions) == [1, 2, 3, 4, 5, 6]


def test_chain_that_does_not_fit_is_not_saved(app: Onward) -> None:
    with pytest.raises(InvalidChain, match="no job type 'chunk'") as caught:
        app.templates.save("nightly", [*PHASES, JobPhase("chunk")])
    assert caught.value.report.errors[0].phase == 2
    with pytest.raises(InvalidChain):
        app.templates.save("nightly", [JobPhase("fetch", params={"pages": "many"})], allow_unknown=True)
    for phases in ([], [JobPhase("a function", lambda: None)]):
        with pytest.raises(InvalidChain):
            app.templates.save("nightly", phases, allow_unknown=True)
    with pytest.raises(InvalidChain, match="name of a job type"):
        app.templates.save("fetch", PHASES)
    with pytest.raises(InvalidValue):
        app.templates.save("../nightly", PHASES)
    assert app.templates.list() == []
    assert app.templates.save("nightly", [*PHASES, JobPhase("chunk")], allow_unknown=True).version == 1


def test_saved_chain_runs_with_what_is_added(app: Onward) -> None:
    app.templates.save("nightly", [{"job_type": "fetch", "params": {"url": "a"}}, {"job_type": "embed"}])
    job = app.templates.submit("nightly", source_id="wiki", params={"fetch": {"pages": 3}})
    app.templates.save("nightly", PHASES[:1])
    app.templates.delete("nightly")
    run_all(app)
    done = app.get(job.id)
    assert done.params["name"] == "nightly"
    assert [phase["result"] for phase in done.result["phase_results"]] == ["3 pages of a", "small"]
    with pytest.raises(ChainNotFound, match="nightly"):
        app.templates.submit("nightly")


def test_added_parameters_of_no_phase_are_refused(app: Onward) -> None:
    app.templates.save("nightly", PHASES)
    with pytest.raises(InvalidChain, match="no phase 'fletch'"):
        app.templates.submit("nightly", source_id="wiki", params={"fletch": {}})
    with pytest.raises(InvalidChain, match="needs a source"):
        app.templates.submit("nightly")


def test_yaml_goes_out_and_comes_back_the_same(app: Onward, tmp_path: Path) -> None:
    phases = [*PHASES, JobPhase("third", job_type="fetch", weight=0.5, params={"url": "ü: #\n- x", "pages": 2})]
    app.templates.save("nightly", phases, label="Jede Nacht", description="two\nlines")
    text = app.templates.export("nightly")
    assert text.startswith("name: nightly\nlabel: Jede Nacht\n")
    app.templates.delete("nightly")
    (tmp_path / "chain.yaml").write_text(text, "utf-8")
    for found in (
        app.templates.import_(text),
        app.templates.import_(tmp_path / "chain.yaml", name="weekly", expect_version=0),
    ):
        assert list(found.phases) == phases
        assert (found.label, found.description) == ("Jede Nacht", "two\nlines")
    assert [saved.name for saved in app.templates.list()] == ["nightly", "weekly"]
    with pytest.raises(InvalidChain, match="has no name"):
        app.templates.import_("phases: [fetch]")


LAUGHS = "a: &a [1,1,1,1,1,1,1,1,1,1]\n" + "".join(
    f"{new}: &{new} [*{old},*{old},*{old},*{old},*{old},*{old},*{old}]\n"
    for old, new in zip("abcdefg", "bcdefgh", strict=True)
)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        pytest.param("phases: !!python/object/apply:os.getcwd []", "tag", id="an object"),
        pytest.param(LAUGHS + "phases: [*h]", "stands for more than", id="aliases of aliases"),
        pytest.param("phases: &p\n  - job_type: fetch\n    params: {again: *p}", "nested deeper", id="a circle"),
        pytest.param("phases: " + "[" * 5000, "nested deeper", id="a deep nest"),
        pytest.param("phases: " + "[" * 100 + "]" * 100, "nested deeper", id="a nest"),
        pytest.param("phases: [fetch]\n# " + "x" * 2**20, "longer than", id="a long text"),
        pytest.param("phases: [{job_type: fetch, params: {url: 2026-01-01}}]", "date", id="a date"),
        pytest.param("phases: [{job_type: fetch, colour: red}]", "colour", id="an unknown key"),
        pytest.param("phases: [{job_type: fetch, weight: heavy}]", "weight is 'heavy'", id="a weight"),
        pytest.param("name: x", "expected `phases:`", id="no phases"),
        pytest.param("phases: [\x00]", "not YAML|special characters", id="no text"),
        pytest.param("", "expected `phases:`", id="nothing"),
    ],
)
def test_text_that_is_no_chain_is_refused(app: Onward, text: str, what: str) -> None:
    with pytest.raises(InvalidChain, match=what):
        app.templates.import_(text, name="x")
    assert app.templates.list() == []
