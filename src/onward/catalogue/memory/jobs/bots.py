"""Bot by bot: what one job does for several bots, so that the failure of one is not another's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from onward.authoring.context import Context
from onward.catalogue.models.service import ModelUnavailable
from onward.errors import MissingExtra, OnwardError, StoreUnavailable

ALL = "*"
_SHOWN = 500

Record = dict[str, Any]


def for_each_bot(ctx: Context, kind: str, find_bots: Callable[[], list[str]], work: Callable[[str], Record]) -> Record:
    """What ``work`` reports of each bot; a job for ``*``, or for no bot, is for all that ``find_bots`` finds.

    A bot is done once for each time that the job is submitted or resumed. While its turn lasts, the job holds
    ``memory:BOT``, so a second run waits, and then finds little to do. What stands under ``error`` makes the job fail,
    once all bots have had their turn. A model that cannot be reached ends it at once: nobody's turn would go well.
    """
    wanted = ctx.bot_id
    bots = [wanted] if wanted and wanted != ALL else ctx.step(f"bots {turn(ctx)}", find_bots)
    done = _done(ctx)
    for bot in bots:
        if bot in done:
            continue
        with ctx.hold(f"memory:{bot}", wait=True):
            try:
                done[bot] = work(bot)
            except (StoreUnavailable, MissingExtra, ModelUnavailable):
                raise
            except Exception as error:  # noqa: BLE001 - whatever one bot's turn raises is not the others' failure
                reason = error.message if isinstance(error, OnwardError) else str(error)
                ctx.log.error(f"{kind} of bot {bot} failed: {reason}", bot=bot, error=type(error).__name__)
                done[bot] = {"error": f"{type(error).__name__}: {reason}"[:_SHOWN]}
        ctx.checkpoint()
    return _report(kind, done)


def turn(ctx: Context) -> int:
    """Rises when a person resumes the job: what failed before is tried again then."""
    return ctx.facts.generation


def _done(ctx: Context) -> dict[str, Record]:
    """The reports that are there already; those of failures count for this turn only."""
    if ctx.state.get("turn") != turn(ctx):
        kept = {bot: report for bot, report in ctx.state.get("bots", {}).items() if not report.get("error")}
        ctx.state.update(turn=turn(ctx), bots=kept)
    done: dict[str, Record] = ctx.state["bots"]
    return done


def _report(kind: str, done: dict[str, Record]) -> Record:
    failed = {bot: report["error"] for bot, report in done.items() if report.get("error")}
    report: Record = {"success": not failed, "bots": done}
    if failed:
        listed = "; ".join(f"{bot}: {error}" for bot, error in list(failed.items())[:5])
        report["error"] = f"{kind} failed for {len(failed)} of {len(done)} bots: {listed}"
    return report
