"""The models that these jobs use: which one, why, and what there is without one."""

from __future__ import annotations

import threading

from onward.authoring.context import Context
from onward.catalogue.models import embedder
from onward.catalogue.models.chat import Chat, is_configured, open_chat
from onward.catalogue.models.embedder import Embedder
from onward.errors import InvalidConfig, MissingExtra

_STEP_SECONDS = 0.5


def find_chat(ctx: Context, model: str | None) -> Chat | None:
    """The language model of this name, or the one that is found; None when none is configured."""
    models = ctx.settings.models
    if not is_configured(models):
        return None
    return open_chat(models, model, clock=ctx.clock, pause=lambda seconds: pause(ctx, seconds))


def find_embedder(ctx: Context) -> tuple[Embedder | None, str]:
    """The embedding model, and why there is none."""
    try:
        chosen = embedder.choose(ctx.settings.models, clock=ctx.clock, pause=lambda seconds: pause(ctx, seconds))
    except (MissingExtra, InvalidConfig) as error:
        return None, str(error)
    return chosen, ""


def pause(ctx: Context, seconds: float) -> None:
    """Wait a while for a service that is busy, and leave when the job is asked to."""
    end = ctx.clock.monotonic() + seconds
    never = threading.Event()
    while (left := end - ctx.clock.monotonic()) > 0:
        ctx.check()
        ctx.clock.wait(never, min(left, _STEP_SECONDS))
    ctx.check()
