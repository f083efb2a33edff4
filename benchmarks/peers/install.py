"""``python -m benchmarks.peers.install``: make the peers' environment, versions pinned."""

from __future__ import annotations

import subprocess
import venv

from benchmarks.peers import PINNED, home, python_of_peers


def main() -> None:
    venv.create(home(), with_pip=True)
    pip = [str(python_of_peers()), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    subprocess.run([*pip, *PINNED], check=True)
    print(f"Installed in {home()}: {', '.join(PINNED)}")


if __name__ == "__main__":
    main()
