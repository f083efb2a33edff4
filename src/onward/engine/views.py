"""The room of saved views: filters that people have named, their own or everybody's."""

from __future__ import annotations

import builtins
from typing import Any

from onward.engine.submission import check_text
from onward.errors import InvalidValue
from onward.model.ids import Ids, parsed
from onward.store import Store, views


class Views:
    """Filters of lists under a name."""

    def __init__(self, store: Store, ids: Ids) -> None:
        self._store, self._ids = store, ids

    def list(self, owner: str) -> builtins.list[dict[str, Any]]:
        """Somebody's views and everybody's: ``view_id``, ``name``, ``page``, ``query``, ``owner``, ``created_at``."""
        with self._store.read() as conn:
            return views.list_views(conn, self._store.dialect, owner)

    def save(self, name: str, query: str, *, page: str = "jobs", owner: str | None = None) -> dict[str, Any]:
        """Keep a view; without an owner it is everybody's."""
        check_text("name of a view", name)
        now = self._store.now()
        view = {"view_id": self._ids.new(), "name": name, "page": page, "query": query, "owner": owner}
        values = (*view.values(), self._store.dialect.time(now))
        self._store.write(lambda conn: views.insert_view(conn, self._store.dialect, values))
        return view | {"created_at": now}

    def delete(self, view_id: str, owner: str | None = None) -> None:
        """Delete a view, with an owner only one of theirs. Raises ``InvalidValue``."""
        found = parsed(view_id)
        if not self._store.write(lambda conn: views.delete_view(conn, self._store.dialect, found, owner)):
            raise InvalidValue(f"There is no view {view_id[:60]} of yours.", hint="See the list of views.")
