"""A process that has imported everything and opened nothing: it forks one child for each life, in a millisecond.

Commands come as JSON lines on its input; each is answered by one line: how the child ended, and what it says.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

from tests.crash import kill, life, ticks
from tests.crash.jobs import Ledger, make_app

_ROOT = Path(__file__).parents[2]


class Zygote:
    """The caller's end."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.zygote"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=_ROOT,
            env={**os.environ, "PYTHONPATH": f"{_ROOT}{os.pathsep}{_ROOT / 'src'}"},
            text=True,
        )

    def run(self, **command: Any) -> dict[str, Any]:
        """Have a child do this; ``signal`` is what ended it, ``said`` its last word, ``places`` how far it came."""
        to, back = self._process.stdin, self._process.stdout
        assert to is not None
        assert back is not None
        to.write(json.dumps(command) + "\n")
        to.flush()
        found: dict[str, Any] = json.loads(back.readline())
        return found

    def close(self) -> None:
        self._process.communicate()


def _serve() -> None:
    for line in sys.stdin:
        command = json.loads(line)
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reader)
            _child(command, writer)
        os.close(writer)
        with open(reader, encoding="utf-8") as said:
            text = said.read()
        _, status = os.waitpid(child, 0)
        ended = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        answer = {"signal": ended, **(json.loads(text) if text else {"said": "", "places": 0, "failed": 0})}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _child(command: dict[str, Any], writer: int) -> None:
    said = ""
    trap = kill.Trap()
    try:
        logging.getLogger("onward").setLevel(logging.CRITICAL)
        trap.at, trap.until = command.get("at"), command.get("until")
        kill.watch(command["url"], trap)
        _act(command, trap)
    except BaseException:  # noqa: BLE001 - the parent is told
        said = traceback.format_exc()
    os.write(writer, json.dumps({"said": said[-4000:], "places": trap.place, "failed": trap.failed}).encode())
    os.close(writer)
    os._exit(1 if said else 0)


def _act(command: dict[str, Any], trap: kill.Trap) -> None:
    ledger = Ledger(Path(command["ledger"]))
    app = make_app(command["url"], ledger, command.get("fault", ""))
    role = command["role"]
    if role == "schedules":
        ticks.begin(app, ledger)
    elif role == "look":
        app._store.prepare()
        trap.is_set = True
        ticks.look(app, ledger)
    elif role == "look again":
        ticks.recover(app, ledger)
        ticks.check(app, ledger)
    elif role == "clean":
        life.clean(app)
    elif role == "live":
        app._store.prepare()
        trap.is_set = True
        life.live(app, ledger, command["seed"])
    else:
        app._store.prepare()
        trap.is_set = True
        life.recover(app, ledger, threads=command["threads"])
        trap.is_set = False
        life.check(app, ledger, wholly=command["wholly"])
    app.close()


if __name__ == "__main__":
    _serve()
