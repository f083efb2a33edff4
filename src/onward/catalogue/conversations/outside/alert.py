"""Tells somebody that a clean-up has failed: a signed message to a web address.

The signature is that of the time and the body together (``sha256=`` and the HMAC in hex of ``TIME.BODY``), so that a
receiver can refuse what others have made up and what is sent again later.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

_log = logging.getLogger(__name__)
_SECONDS = 10
USER_AGENT = "onward"


def sign(secret: str, at: int, body: bytes) -> str:
    """What the header ``X-Onward-Signature`` holds for a body sent at ``at`` (seconds since 1970)."""
    return "sha256=" + hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()


def send(url: str, secret: str | None, delivery: str, at: int, content: Mapping[str, Any]) -> bool:
    """Send it once. A message that cannot be delivered is logged: the failure it tells of is the one to be raised."""
    if urlsplit(url).scheme not in ("http", "https"):
        _log.warning("The alert was not sent: langgraph.alert_url is no web address.")
        return False
    body = json.dumps(content, ensure_ascii=False, sort_keys=True).encode()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": USER_AGENT,
        "X-Onward-Delivery": delivery,
        "X-Onward-Timestamp": str(at),
    }
    if secret:
        headers["X-Onward-Signature"] = sign(secret, at, body)
    request = urllib.request.Request(url, body, headers, method="POST")  # noqa: S310 - the scheme was looked at above
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS):  # noqa: S310 - the same
            return True
    except (OSError, ValueError) as error:
        _log.warning("The alert could not be delivered to %s: %s", urlsplit(url).hostname, error)
        return False
