"""A scheduler that dies before or after any statement of a look leaves each due time to be decided about once."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from tests.crash.zygote import Zygote


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_death_between_any_two_statements_of_a_look_decides_once(
    kind: str, zygote: Zygote, memory: Path, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{memory / 'ticks.db'}" if kind == "sqlite" else request.getfixturevalue("postgres_url")
    ledger = memory / "ledger"

    def ask(role: str, **more: Any) -> dict[str, Any]:
        return zygote.run(role=role, url=url, ledger=str(ledger), **more)

    def begin() -> None:
        ledger.unlink(missing_ok=True)
        answer = ask("schedules")
        assert not answer["said"], answer["said"]

    begin()
    whole = ask("look")
    assert not whole["said"], whole["said"]
    deaths = 0
    for at in range(whole["places"]):
        begin()
        deaths += ask("look", at=at)["signal"] == signal.SIGKILL
        answer = ask("look again")
        assert not answer["said"], f"killed at {at} of {whole['places']}: {answer['said']}"
    assert whole["places"] > 40
    assert deaths >= 0.95 * whole["places"]
