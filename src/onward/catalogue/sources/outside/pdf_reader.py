"""Reads one PDF in a process of its own, with bounds on memory and time: a hostile file ends this and nothing else.

It is started as a program by ``pdf.py``, and imports nothing of the package. The first line that it writes says what
the file is; then it answers each page number that it reads with the page's text, a line each, as JSON.
"""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

_MEMORY = 2 * 1024**3
_SECONDS_A_PAGE = 60
_MOST_ENTRIES = 20_000
_MOST_CHARACTERS = 4_000_000


def main(path: str) -> None:
    """Answer until there are no more questions."""
    _confine()
    import pypdf

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        reader = pypdf.PdfReader(path)
        if reader.is_encrypted and not reader.decrypt(""):
            raise ValueError("it is encrypted with a password")
        _say(_facts(reader))
    except Exception as error:  # noqa: BLE001 - a hostile file may raise anything
        _say({"error": f"{type(error).__name__}: {error}"[:500]})
        return
    for line in sys.stdin:
        _allow_more_time()
        try:
            text = reader.pages[int(line) - 1].extract_text() or ""
            _say({"text": text[:_MOST_CHARACTERS].encode("utf-8", "replace").decode()})
        except Exception as error:  # noqa: BLE001 - as above
            _say({"error": f"{type(error).__name__}: {error}"[:500]})


def _facts(reader: Any) -> dict[str, Any]:
    info = reader.metadata or {}
    return {
        "pages": len(reader.pages),
        "title": str(info.get("/Title") or "")[:500],
        "author": str(info.get("/Author") or "")[:500],
        "outline": list(_entries(reader))[:_MOST_ENTRIES],
    }


def _entries(reader: Any) -> list[tuple[int, str, int]]:
    found: list[tuple[int, str, int]] = []
    waiting: list[tuple[Any, int]] = [(reader.outline, 1)]
    while waiting and len(found) < _MOST_ENTRIES:
        item, level = waiting.pop()
        if isinstance(item, list):
            # A list within a list holds what stands below the entry before it.
            waiting.extend((child, level + isinstance(child, list)) for child in reversed(item))
            continue
        page = reader.get_destination_page_number(item)
        if page is not None and page >= 0:
            found.append((level, str(item.title), page + 1))
    return found


def _say(value: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def _confine() -> None:
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _allow_more_time()


def _allow_more_time() -> None:
    try:
        import resource
    except ImportError:
        return
    spent = resource.getrusage(resource.RUSAGE_SELF)
    limit = int(spent.ru_utime + spent.ru_stime) + _SECONDS_A_PAGE
    resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.getrlimit(resource.RLIMIT_CPU)[1]))


if __name__ == "__main__":
    main(sys.argv[1])
