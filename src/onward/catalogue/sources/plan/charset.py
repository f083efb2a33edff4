"""Bytes to text: byte order mark, what was declared, what the page says, then a guess that never fails."""

from __future__ import annotations

import codecs
import re

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_META = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([a-zA-Z0-9_:.-]{1,40})", re.IGNORECASE)
_NOT_FOR_PAGES = frozenset({"idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape", "utf-7"})
_WINDOWS = {"iso-8859-1": "cp1252", "ascii": "cp1252", "iso8859-1": "cp1252"}


def decode(data: bytes, declared: str = "") -> str:
    """The text of a page; unknown bytes become replacement characters."""
    for mark, name in _MARKS:
        if data.startswith(mark):
            return data.decode(name, "replace")
    found = _META.search(data[:2048])
    for name in (declared, found[1].decode() if found else "", "utf-8"):
        codec = _known(name)
        if codec is None:
            continue
        try:
            return data.decode(codec)
        except UnicodeError:
            if name == declared:
                return data.decode(codec, "replace")
    return data.decode("cp1252", "replace")


def _known(name: str) -> str | None:
    try:
        info = codecs.lookup(name.strip())
    except (LookupError, ValueError):
        return None
    # Codecs such as zip or rot13 are not character sets.
    if info.name in _NOT_FOR_PAGES or not getattr(info, "_is_text_encoding", True):
        return None
    return _WINDOWS.get(info.name, info.name)
