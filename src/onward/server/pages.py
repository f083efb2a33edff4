"""The pages: files of the package, and one page for every address that is none of the interface's."""

from __future__ import annotations

import html
import mimetypes
from collections.abc import Callable
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response

from onward.server.problems import Problem

STATIC = Path(__file__).parent / "static"
_BASE = '<base href="/" />'
_FOREVER = "public, max-age=31536000, immutable"
_MISSING = """\
<!doctype html><html lang="en"><head><meta charset="utf-8"><base href="/" /><title>onward</title></head>
<body><h1>onward</h1><p>The server runs; its pages were not built into this installation.
The interface is there: <a href="api/v1/openapi.json">api/v1/openapi.json</a>.</p></body></html>
"""


def pages(folder: Path = STATIC) -> Callable[[Request], Response]:
    """What answers to every address of the pages."""
    root = folder.resolve()

    def answer(request: Request) -> Response:
        wanted = request.path_params.get("path", "")
        file = (root / wanted).resolve() if "\0" not in wanted else root
        if wanted and file.is_relative_to(root) and file.is_file() and file.name != "index.html":
            kind, _ = mimetypes.guess_type(file.name)
            age = _FOREVER if file.parent.name == "assets" else "no-cache"
            return FileResponse(file, media_type=kind, headers={"Cache-Control": age})
        if wanted.startswith(("api/", "assets/")) or wanted in ("healthz", "readyz", "metrics"):
            raise Problem(404, "not-found", f"There is nothing at /{wanted[:200]}.")
        return HTMLResponse(_page(root, request.scope.get("root_path", "")), headers={"Cache-Control": "no-cache"})

    return answer


def _page(root: Path, prefix: str) -> str:
    index = root / "index.html"
    text = index.read_text(encoding="utf-8") if index.is_file() else _MISSING
    return text.replace(_BASE, f'<base href="{html.escape(prefix)}/" />', 1)
