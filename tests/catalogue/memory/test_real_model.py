"""The jobs of a memory with a real small language model: what it says is taken only where it holds.

A model of 135 million parameters keeps to the form that it is asked for, and is often wrong. So these tests ask that a
profile is made of what was learnt, or is refused and left as it was; and that a merge says what its originals said.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from onward import Onward
from onward.catalogue.memory import JOB_TYPES, AssistantMemory
from tests.app_fixtures import Apps
from tests.catalogue import real_model
from tests.catalogue.memory.runs import TEAS, done

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(real_model.path() is None, reason="there is no packaged model for this machine"),
]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with real_model.serving() as found:
        yield found


@pytest.fixture
def app(apps: Apps, address: str) -> Onward:
    made = apps(models={"local_address": address, "attempts": 2, "timeout_seconds": 600})
    made.include(JOB_TYPES)
    return made


def test_a_profile_holds_or_is_refused(app: Onward) -> None:
    memory = AssistantMemory(app.connect, app.settings)
    memory.learn("user", "ana", "food", "likes", "green tea")
    job = done(app, "profile_maintenance")
    profile = memory.profile("user", "ana")
    report = job.result["bots"]["default"] if job.status == "completed" else None
    assert job.result is None or job.result["model"]["is_local"]
    if report is not None and report["updated"]:
        assert profile is not None
        assert profile.summary
        assert memory.summaries("user", "ana")[0].facts
    else:
        assert job.error is not None
        assert "ana" in job.error.message
        assert profile is None or not profile.summary, "nothing was touched"


def test_a_merge_says_what_its_originals_said(app: Onward) -> None:
    memory = AssistantMemory(app.connect, app.settings)
    for text in TEAS:
        memory.add(text)
    job = done(app, "memory_consolidation")
    assert job.status == "completed", job.error
    [merged] = memory.list()
    assert "tea" in merged.content.lower()
    assert len(memory.unmerge(merged.id)) == len(TEAS)
