"""The page of a map: one file with all that it needs, which asks nobody for anything."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

import orjson

_TEMPLATE = Path(__file__).with_name("map_page.html")


def render(title: str, data: dict[str, Any]) -> bytes:
    """The page for this data."""
    # Within a script only this could end it early or be read as markup.
    text = orjson.dumps(data).replace(b"<", b"\\u003c").replace(b"\xe2\x80\xa8", b"\\u2028")
    page = _TEMPLATE.read_bytes()
    return page.replace(b"@TITLE@", html.escape(title).encode()).replace(b'"@DATA@"', text)
