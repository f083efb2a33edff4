"""The signature of a message: whoever knows the secret sees that it is ours, unchanged and new."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

DELIVERY = "X-Onward-Delivery"
TIMESTAMP = "X-Onward-Timestamp"
SIGNATURE = "X-Onward-Signature"
LONGEST_SECONDS = 300
"""How far the clocks of both sides may differ; what is older is taken for a copy that somebody sends again."""


def sign(secret: str, at: int, body: bytes) -> str:
    """What stands in ``X-Onward-Signature`` of a body that is sent at ``at`` (seconds since 1970)."""
    return "sha256=" + hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: float) -> bool:
    """Whether a message that has arrived at ``now`` is to be believed. Its delivery may still have come before."""
    at, signature = headers.get(TIMESTAMP, ""), headers.get(SIGNATURE, "")
    if not at.isdecimal() or len(at) > 15 or abs(now - int(at)) > LONGEST_SECONDS:
        return False
    return hmac.compare_digest(signature.encode(), sign(secret, int(at), body).encode())
