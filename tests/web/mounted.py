"""The pages under a prefix, inside another application: ``python -m tests.web.mounted PREFIX PORT``."""

from __future__ import annotations

import sys

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

from onward.server.app import create_app
from tests.web.jobs_app import app


def main(prefix: str, port: int) -> None:
    app.database.version()
    with app.worker():
        uvicorn.run(
            Starlette(routes=[Mount(prefix, create_app(app))]), host="127.0.0.1", port=port, log_level="warning"
        )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
