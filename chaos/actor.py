"""What every actor is given, and the application that it makes of it."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

from chaos.jobs import types
from onward import Onward
from onward.settings import Settings


@dataclass(frozen=True, slots=True)
class Part:
    """An actor: its name, where its database is, and where it writes down what happens."""

    name: str
    folder: str
    url: str
    seed: int
    lease_seconds: float
    slots: int = 2
    rate: float = 3.0
    plant: str = ""
    is_elsewhere: bool = False
    jobs: list[str] = field(default_factory=list)
    """The job types that a client asks for; all where there are none."""

    def environment(self, preload: str) -> dict[str, str]:
        """The environment of its process."""
        root = Path(__file__).parent.parent
        values = {
            **os.environ,
            "CHAOS_PART": json.dumps(asdict(self)),
            "CHAOS_FOLDER": self.folder,
            "CHAOS_CONTROL": str(self.control),
            "PYTHONPATH": os.pathsep.join((str(root / "src"), str(root))),
        }
        if preload:
            values["LD_PRELOAD"] = preload
        return values

    @property
    def control(self) -> Path:
        """The page that it shares with the harness."""
        return Path(self.folder) / f"control-{self.name}"

    @property
    def journals(self) -> str:
        """Actors of one machine share a place for journals, whatever their way to the database is."""
        return str(Path(self.folder) / f"journals-{self.name if self.is_elsewhere else 'here'}")

    @classmethod
    def mine(cls) -> Part:
        """The one of this process."""
        return cls(**json.loads(os.environ["CHAOS_PART"]))


def settings(url: str, lease_seconds: float, journals: str | None = None) -> Settings:
    """Short times, so that minutes suffice. ``journals``: the place of the actor's machine for them."""
    return Settings.load(
        code={
            "database.url": url,
            "journal.folder": journals,
            "database.pool_size": 4,
            "worker.lease_seconds": lease_seconds,
            "worker.grace_seconds": 3,
            "worker.kill_grace_seconds": 0.5,
            "worker.reap_seconds": 0.25,
            "worker.poll_floor_seconds": 1,
        }
    )


def make_app(url: str, lease_seconds: float, journals: str | None = None) -> Onward:
    """The application of an actor."""
    app = Onward(settings=settings(url, lease_seconds, journals))
    app.include(types)
    return app
