"""The adopter: writes back the journals of processes that died while the database was away."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from onward.engine.pen import Pen
from onward.engine.replay import Act, Replay
from onward.model.ids import Ids
from onward.store import Store
from onward.store.endings import Ending
from onward.store.journal import SUFFIX, Journal, place_of

_log = logging.getLogger("onward.engine")


class Adopter:
    """Looks for journals in this place whose owner is dead: the lock that the owner held on the file has gone."""

    def __init__(self, store: Store, ids: Ids, on_end: Callable[[Sequence[Ending]], None], act: Act) -> None:
        self._store = store
        self._on_end = on_end
        self._act = act
        # Every record names the worker that wanted it.
        self._pen = Pen(store, ids, lambda: "")

    def adopt(self) -> int:
        """Write back every journal that nobody owns; how many there were. Raises ``StoreUnavailable``."""
        folder = place_of(self._store)
        if not folder.is_dir():
            return 0
        count = 0
        for path in sorted(folder.glob(f"*{SUFFIX}")):
            journal = Journal.adopt(path)
            count += self._adopt_one(journal) if journal is not None else 0
        return count

    def _adopt_one(self, journal: Journal) -> int:
        replay = Replay(self._store, self._pen, journal, lambda _run_id: None, self._on_end, self._act)
        try:
            replay.run()
            replay.finish()
        except BaseException:
            journal.close()
            raise
        _log.warning(
            "The journal %s of a process that is no more: %d records written, %d refused.",
            journal.path,
            replay.written,
            replay.refused,
        )
        self._store.doorbell.ring()
        return 1
