"""A store in an empty folder, with a clock that stands still."""

from pathlib import Path

import pytest

from onward.checkpoints import FileCheckpointStore
from onward.clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def store(tmp_path: Path, clock: ManualClock) -> FileCheckpointStore:
    return FileCheckpointStore(tmp_path / "_jobs", clock=clock)
