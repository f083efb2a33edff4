"""The room of saved chains: kept under a name, versioned, taken along as YAML, and run again."""

from __future__ import annotations

import builtins
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from onward.authoring.chain_file import read_chain, read_chain_file, write_chain
from onward.authoring.registry import JobTypes
from onward.engine.chainer import phases_of
from onward.errors import ChainNotFound, InvalidChain, VersionConflict
from onward.model.chain import ChainReport, ChainTemplate, JobPhase, check_chain, with_params
from onward.model.ids import check_name
from onward.model.job import Job, Json
from onward.store import Connection, Store, templates

Phases = Sequence[JobPhase | Mapping[str, Json]]


class Templates:
    """Chains that are saved under a name."""

    def __init__(self, store: Store, registry: JobTypes, submit_chain: Callable[..., Job]) -> None:
        self._store = store
        self._registry = registry
        self._submit_chain = submit_chain

    def save(
        self,
        name: str,
        phases: Phases,
        *,
        label: str = "",
        description: str = "",
        expect_version: int | None = None,
        allow_unknown: bool = False,
        saved_by: str | None = None,
    ) -> ChainTemplate:
        """Save a chain; under a name that is there it becomes the next version. Jobs keep the phases they began with.

        ``phases``: ``JobPhase``, or mappings with job_type, name, weight and params. ``expect_version``: the version
        that you have changed, 0 for a new one. ``allow_unknown``: job types may be unknown here. Raises
        ``InvalidChain`` with a report, ``VersionConflict`` when somebody has saved another version meanwhile, and
        ``InvalidValue`` for a name that is none.
        """
        check_name(name, "The name of a chain")
        if name in self._registry:
            raise InvalidChain(f"{name!r} is the name of a job type.", hint="Save the chain under another name.")
        listed = self._checked(phases, allow_unknown=allow_unknown)

        def work(conn: Connection) -> ChainTemplate:
            now = self._store.now()
            before = templates.get_template(conn, self._store.dialect, name, lock=True)
            _check_version(name, before, expect_version)
            if before is None:
                new = ChainTemplate(name, listed, label, description, 1, now, now, saved_by)
                templates.insert_template(conn, self._store.dialect, new)
                return new
            new = dataclasses.replace(
                before,
                phases=listed,
                label=label,
                description=description,
                version=before.version + 1,
                updated_at=now,
                updated_by=saved_by,
            )
            templates.update_template(conn, self._store.dialect, new)
            return new

        return self._store.write(work)

    def list(self) -> builtins.list[ChainTemplate]:
        """All saved chains, by name."""
        with self._store.read() as conn:
            return templates.list_templates(conn, self._store.dialect)

    def get(self, name: str) -> ChainTemplate:
        """The saved chain of this name. Raises ``ChainNotFound``."""
        with self._store.read() as conn:
            found = templates.get_template(conn, self._store.dialect, name)
        if found is None:
            raise _not_found(name)
        return found

    def delete(self, name: str, *, expect_version: int | None = None) -> None:
        """Delete a saved chain; jobs that were made of it stay. Raises ``ChainNotFound`` and ``VersionConflict``."""

        def work(conn: Connection) -> None:
            before = templates.get_template(conn, self._store.dialect, name, lock=True)
            if before is None:
                raise _not_found(name)
            _check_version(name, before, expect_version)
            templates.delete_template(conn, self._store.dialect, name)

        self._store.write(work)

    def export(self, name: str) -> str:
        """A saved chain as YAML. Raises ``ChainNotFound``."""
        found = self.get(name)
        return write_chain(found.name, found.label, found.description, found.phases)

    def import_(
        self,
        source: str | Path,
        *,
        name: str | None = None,
        expect_version: int | None = None,
        allow_unknown: bool = False,
        saved_by: str | None = None,
    ) -> ChainTemplate:
        """Save the chain of a YAML text, or of a file (a ``Path``), under its own name or ``name``. See ``save``."""
        found = read_chain_file(source) if isinstance(source, Path) else read_chain(source)
        chosen = name or found.name
        if chosen is None:
            raise InvalidChain(f"{found.label} has no name.", hint="Write `name:` into it, or give one.")
        return self.save(
            chosen,
            found.phases,
            label=found.title,
            description=found.description,
            expect_version=expect_version,
            allow_unknown=allow_unknown,
            saved_by=saved_by,
        )

    def submit(self, name: str, *, params: Mapping[str, Mapping[str, Json]] | None = None, **options: Any) -> Job:
        """Run a saved chain as it is now. ``params`` adds to the parameters of phases, by their names.

        ``options`` are those of ``Onward.submit_chain``: ``source_id``, ``user_id``, ``resume``, ``on_conflict``.
        """
        return self._submit_chain(with_params(name, self.get(name).phases, params or {}), name=name, **options)

    def _checked(self, phases: Phases, *, allow_unknown: bool) -> tuple[JobPhase, ...]:
        listed = [phase if isinstance(phase, JobPhase) else phases_of([dict(phase)])[0] for phase in phases]
        report = check_chain(listed, self._registry.as_mapping(), allow_functions=False)
        if allow_unknown:
            kept = [issue for issue in report.errors if issue.code != "job-type-unknown"]
            report = ChainReport(kept, report.warnings)
        report.require_valid()
        return tuple(listed)


def _check_version(name: str, before: ChainTemplate | None, expected: int | None) -> None:
    found = before.version if before else 0
    if expected is not None and found != expected:
        who = f" by {before.updated_by}" if before and before.updated_by else ""
        what = f"is at version {found}{who}" if found else "is not there"
        raise VersionConflict(
            f"The chain {name!r} {what}, not at version {expected}. Nothing was saved.",
            hint="Look at what is there now, and save your changes on top of it.",
            version=found,
        )


def _not_found(name: str) -> ChainNotFound:
    return ChainNotFound(f"No chain is saved as {name!r}.", hint="See: onward chain list.")
