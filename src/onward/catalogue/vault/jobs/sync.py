"""The job type ``vault_sync``: brings the graph into line with the marked blocks of a vault's notes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field

from onward.authoring.context import Context
from onward.authoring.registry import JobTypes
from onward.catalogue.vault.outside.databases import GraphUnavailable, open_graph
from onward.catalogue.vault.outside.graph import Node, VaultGraph
from onward.catalogue.vault.outside.notes import Notes, NoteUnreadable, Seen
from onward.catalogue.vault.plan import blocks, markers
from onward.catalogue.vault.plan.blocks import Block
from onward.catalogue.vault.plan.decisions import Known, Verdict, decide
from onward.errors import InvalidConfig
from onward.settings import Vault

types = JobTypes()
Record = dict[str, Any]
_FILES_AT_ONCE = 100
_SHOWN = 100
_ID_BITS = 60
_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"


@types.job(
    name="vault_sync",
    label="Sync Vault",
    category="vault",
    on_conflict="wait",
    resources=["graph"],
    # The server was away, or another application's sync came first: what is done again changes nothing.
    max_attempts=3,
    retry_on=GraphUnavailable,
)
def vault_sync(
    ctx: Context,
    assign_markers: Annotated[bool, Field(description="Give blocks without a marker one, in their files.")] = False,
    write_versions: Annotated[
        bool, Field(description="Write the graph's version into the marker of a block that was changed.")
    ] = False,
) -> dict[str, Any]:
    """Bring the graph into line with the marked blocks of the vault's notes."""
    begun = ctx.clock.monotonic()
    notes = open_notes(ctx.settings.vault)
    graph = VaultGraph(open_graph(ctx.settings.vault, ctx.settings.backup_path))
    try:
        report = Sync(ctx, notes, graph, assign_markers, write_versions).run()
    finally:
        graph.close()
    return {**report, "duration": round(ctx.clock.monotonic() - begun, 3)}


def open_notes(vault: Vault) -> Notes:
    """The notes of the configured vault. Raises ``InvalidConfig``."""
    if vault.path is None:
        raise InvalidConfig("There is no vault, so nothing was synced.", hint="Set ONWARD_VAULT_PATH.")
    tiers = {"tier1": vault.tier1, "tier2": vault.tier2, "tier3": vault.tier3}
    return Notes(vault.path, tiers, vault.most_bytes)


class Sync:
    """One pass over the notes. What is in the graph is the cursor: a pass that was cut off goes on by itself."""

    def __init__(self, ctx: Context, notes: Notes, graph: VaultGraph, assigns: bool, writes: bool) -> None:
        self._ctx = ctx
        self._notes = notes
        self._graph = graph
        self._assigns = assigns
        self._writes = writes
        self._report: Record = ctx.state.setdefault("report", _empty())
        self._here: dict[str, Seen] = {}
        self._marks: dict[str, str] = {}

    def run(self) -> Record:
        """What was done."""
        absent = self._notes.missing_tiers()
        for tier in absent:
            self._complain("folders", f"The folder of {tier} is not there; what is known of it was left alone.")
        for path in self._notes.links():
            self._complain("links", f"{path} is a link, and was passed over.")
        self._here = {seen.path: seen for seen in self._notes.scan()}
        self._marks = self._graph.files()
        work = [seen for path, seen in self._here.items() if self._assigns or self._marks.get(path) != seen.mark]
        self._ctx.progress(done=0, total=len(work), message=f"{len(self._here):,} notes, {len(work):,} to read")
        for start in range(0, len(work), _FILES_AT_ONCE):
            self._take(work[start : start + _FILES_AT_ONCE])
            self._ctx.progress(done=min(start + _FILES_AT_ONCE, len(work)), total=len(work))
            # What was counted is saved with the job; a batch that is done again finds nothing to do.
            self._ctx.checkpoint()
        self._leave_behind(absent)
        return self._finish()

    def _take(self, batch: Sequence[Seen]) -> None:
        """Read some notes and bring their blocks into the graph, in one transaction."""
        read: list[tuple[Seen, list[Block]]] = []
        unfit: set[str] = set()
        for seen in batch:
            try:
                now_seen, found, is_whole = self._read(seen)
            except NoteUnreadable as error:
                self._complain(seen.path, error.message)
                continue
            if not is_whole:
                unfit.add(seen.path)
            read.append((now_seen, found))
        known = self._graph.known([block.id for _, found in read for block in found])
        before = self._graph.ids_in([seen.path for seen, _ in read if seen.path in self._marks])
        nodes: dict[str, Node] = {}
        gone: list[str] = []
        back: set[str] = set()
        disputed: dict[str, list[str]] = {}
        for seen, found in read:
            for block in found:
                verdict = self._judge(seen, block, known.get(block.id), nodes)
                if verdict is None or verdict is Verdict.CONFLICT:
                    unfit.add(seen.path)
                if verdict is Verdict.CONFLICT:
                    disputed.setdefault(seen.path, []).append(block.id)
                back.add(block.id)
            present = {block.id for block in found}
            gone += [each for each in before.get(seen.path, []) if each not in present]
        with self._graph.transaction():
            self._graph.set_missing([each for each in gone if each not in back], True)
            self._graph.set_missing(sorted(back & known.keys() - nodes.keys()), False)
            for seen, _ in read:
                self._graph.place(disputed.get(seen.path, []), seen.path, seen.tier)
            self._graph.put(list(nodes.values()), self._ctx.clock.now())
            # A note with a conflict or a problem is read again each time, so that it is reported until it is solved.
            self._graph.set_files({seen.path: "" if seen.path in unfit else seen.mark for seen, _ in read})
        if self._writes:
            self._write_versions(read, nodes)

    def _read(self, seen: Seen) -> tuple[Seen, list[Block], bool]:
        text, now_seen = self._notes.read(seen.path)
        if self._assigns:
            marked, count = markers.assign(text, self._new_id)
            written = self._notes.write(seen.path, marked, now_seen) if count else None
            if written is not None:
                text, now_seen = marked, written
                self._report["assigned"] += count
            elif count:
                self._complain(seen.path, f"{seen.path} was changed meanwhile; its blocks get their markers next time.")
        reading = blocks.read(text)
        for problem in reading.problems:
            self._complain(seen.path, f"{seen.path}, {problem}.")
        return now_seen, list(reading.blocks), not reading.problems

    def _judge(self, seen: Seen, block: Block, known: Known | None, nodes: dict[str, Node]) -> Verdict | None:
        """Decide on a block; None when it is another's double."""
        other = nodes[block.id].path if block.id in nodes else known.path if known is not None else seen.path
        if other != seen.path and (block.id in nodes or self._is_still_in(other, block.id, known)):
            self._complain(seen.path, f"{seen.path}, line {block.line}: the id {block.id} is in {other} as well.")
            return None
        found = decide(block, seen.path, known)
        if found.verdict is Verdict.CONFLICT:
            version = known.version if known is not None else 0
            self._show(
                "conflict_list",
                f"{seen.path}, line {block.line}: {block.id} has version {block.version}, the graph {version}.",
            )
            self._report["conflicts"] += 1
        elif found.verdict is not Verdict.UNCHANGED:
            is_changed = known is not None and known.hash != block.hash
            self._report[str(found.verdict)] += 1
            nodes[block.id] = Node(
                block.id, seen.path, seen.tier, found.version, block.text, block.hash, block.is_file, is_changed
            )
        return found.verdict

    def _is_still_in(self, path: str, block_id: str, known: Known | None) -> bool:
        """Whether a block that turns up in one note is still in the one where it is known to be."""
        if path not in self._here or (known is not None and known.is_archived):
            return False
        try:
            text, _ = self._notes.read(path)
        except NoteUnreadable:
            return True
        return any(block.id == block_id for block in blocks.read(text).blocks)

    def _write_versions(self, read: list[tuple[Seen, list[Block]]], nodes: dict[str, Node]) -> None:
        for seen, found in read:
            behind = {
                block.id: nodes[block.id].version
                for block in found
                if block.id in nodes and nodes[block.id].version > block.version
            }
            if not behind:
                continue
            try:
                text, now_seen = self._notes.read(seen.path)
            except NoteUnreadable:
                continue
            if now_seen.mark == seen.mark:
                followed, _ = markers.follow(text, behind)
                written = self._notes.write(seen.path, followed, now_seen)
                if written is not None:
                    self._graph.set_files({seen.path: written.mark})

    def _leave_behind(self, absent: list[str]) -> None:
        """Blocks that are nowhere are archived; those of a folder that is not there stay."""
        gone = [
            path
            for path in self._marks
            if path not in self._here and self._notes.tier_of(path) not in (None, *absent) and not self._is_there(path)
        ]
        for start in range(0, len(gone), _FILES_AT_ONCE):
            part = gone[start : start + _FILES_AT_ONCE]
            ids = [each for found in self._graph.ids_in(part).values() for each in found]
            with self._graph.transaction():
                self._graph.set_missing(ids, True)
                self._graph.drop_files(part)
            self._ctx.check()
        with self._graph.transaction():
            archived = self._graph.archive_missing(self._ctx.clock.now())
            self._report["archived"] += len(archived)

    def _is_there(self, path: str) -> bool:
        """It may have come back since the notes were listed."""
        return self._notes.look(path) is not None

    def _finish(self) -> Record:
        report = self._report
        report["files"], report["blocks"] = len(self._here), self._graph.count()
        touched = report["created"] + report["updated"] + report["conflicts"]
        report["unchanged"] = max(0, report["blocks"] - touched)
        return report

    def _new_id(self) -> str:
        number = self._ctx.clock.random_bits(_ID_BITS)
        return "blk" + "".join(_LETTERS[number >> shift & 31] for shift in range(0, _ID_BITS, 5))

    def _complain(self, what: str, message: str) -> None:
        self._report["errors"] += 1
        self._show("error_list", message)
        self._ctx.log.warning(message, note=what)

    def _show(self, name: str, message: str) -> None:
        if len(self._report[name]) < _SHOWN:
            self._report[name].append(message)


def _empty() -> Record:
    counts = ("files", "blocks", "created", "updated", "unchanged", "conflicts", "archived", "assigned", "errors")
    return {**dict.fromkeys(counts, 0), "conflict_list": [], "error_list": []}
