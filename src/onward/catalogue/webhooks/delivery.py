"""The job type ``webhook``: one message to one address, again and again until it is taken."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

from onward.authoring.context import Context
from onward.authoring.registry import JobTypes
from onward.catalogue.guard import Guard
from onward.catalogue.webhooks.post import post
from onward.catalogue.webhooks.signature import DELIVERY, SIGNATURE, TIMESTAMP, sign
from onward.errors import OnwardError
from onward.settings.groups import Webhooks

_ATTEMPTS = 12
_LONGEST_SECONDS = 3600.0


class NotDelivered(OnwardError):
    """The other side did not answer, or did not take the message; it is sent again."""

    code = "webhook-not-delivered"


class NotConfigured(OnwardError):
    """The address is not among those that the settings name, or there is no secret; nothing was sent."""

    code = "webhook-not-configured"


def job_types(settings: Webhooks) -> JobTypes:
    """The job type, bound to the settings of one application: secrets stand in no job."""
    types = JobTypes()
    guard = Guard(settings.allowed_hosts)

    @types.job(
        label="Webhook",
        category="maintenance",
        sensitive=["url"],
        max_attempts=_ATTEMPTS,
        backoff=(settings.retry_seconds, 2, _LONGEST_SECONDS, 0.2),
        retry_on=NotDelivered,
        timeout=60,
    )
    def webhook(ctx: Context, url: str, message: dict[str, Any]) -> dict[str, int]:
        """Tell a web address what has happened to a job."""
        if url not in settings.urls or settings.secret is None:
            raise NotConfigured("The settings do not name this address, or no secret. Nothing was sent.")
        body = json.dumps({"delivery": ctx.job_id, **message}, ensure_ascii=False, sort_keys=True).encode()
        at = int(ctx.clock.now().timestamp())
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "onward",
            DELIVERY: ctx.job_id,
            TIMESTAMP: str(at),
            SIGNATURE: sign(settings.secret, at, body),
        }
        host = urlsplit(url).hostname
        try:
            status = post(guard, url, headers, body)
        except (OSError, http.client.HTTPException) as error:
            raise NotDelivered(f"{host} did not answer: {str(error) or type(error).__name__}.") from error
        if not 200 <= status < 300:
            raise NotDelivered(f"{host} answered {status}.")
        return {"status": status}

    return types
