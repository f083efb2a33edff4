"""The web site that the demo reads: Python's own documentation server, on this machine, while the demo runs."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from pathlib import Path
from queue import Empty, Queue
from typing import Self
from urllib.parse import urlsplit

from onward.errors import OnwardError

_READY_SECONDS = 30
_ADDRESS = re.compile(r"http://[\w.:\[\]-]+/")

PAGES = """\
abc argparse array asyncio base64 bisect calendar cmath codecs collections configparser contextlib copy
csv dataclasses datetime decimal difflib dis email enum fileinput fnmatch fractions ftplib functools gc
getpass gettext glob graphlib gzip hashlib heapq hmac html http imaplib inspect ipaddress itertools json
keyword linecache locale logging lzma mailbox math mimetypes multiprocessing netrc operator pathlib pdb
pickle platform plistlib pprint profile queue random re sched secrets selectors shelve shlex shutil
signal smtplib socket socketserver sqlite3 ssl statistics string struct subprocess tarfile tempfile
textwrap threading timeit tokenize tomllib traceback types typing unittest urllib uuid venv warnings wave
weakref webbrowser xml zipfile zlib zoneinfo
""".split()  # noqa: SIM905 - a hundred names in quotes are hard to read
"""Modules whose pages are read: those that do nothing when they are loaded."""


class Site:
    """``python -m pydoc`` on a free port of this machine; it ends when its input ends, also if we are killed."""

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-u", "-m", "pydoc", "-n", "127.0.0.1", "-p", "0"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=folder,
            process_group=0,
        )
        self.url = self._address()

    @property
    def host(self) -> str:
        """``host:port``."""
        return urlsplit(self.url).netloc

    def _address(self) -> str:
        lines: Queue[str] = Queue()
        stream = self._process.stdout

        def read() -> None:
            for line in stream or ():
                lines.put(line)
            lines.put("")

        threading.Thread(target=read, daemon=True).start()
        try:
            while line := lines.get(timeout=_READY_SECONDS):
                found = _ADDRESS.search(line)
                if found:
                    return found[0]
        except Empty:
            pass
        self.close()
        raise OnwardError("Python's documentation server did not start.", hint="onward demo --source FOLDER")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End it."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(3)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
