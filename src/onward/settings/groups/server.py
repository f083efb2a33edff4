"""Settings of the server: where it listens, what it takes in, and what its pages allow."""

from __future__ import annotations

from onward.settings import kinds
from onward.settings.field import Group, group, setting

MIB = 2**20


@group
class Server(Group):
    """HTTP: where it listens and what it takes in."""

    host: str = setting("127.0.0.1", kinds.TEXT, "address to listen on; others than this machine's own need a key")
    port: int = setting(8811, kinds.WHOLE, "port to listen on; 0: any that is free", least=0, most=65535)
    login: str = setting(
        "remote",
        kinds.choice("remote", "always"),
        "remote: whoever sits at this machine needs no key; always: everybody does",
    )
    allowed_hosts: tuple[str, ...] = setting(
        (), kinds.NAMES, "names in the Host header besides this machine's own, such as jobs.example.com"
    )
    public_url: str | None = setting(
        None, kinds.WEB, "address under which people reach the pages, for links: https://jobs.example.org/jobs"
    )
    body_bytes: int = setting(9 * MIB, kinds.BYTES, "larger requests are refused before they are read", least=1024)
    body_depth: int = setting(80, kinds.WHOLE, "JSON that is nested deeper is refused before it is parsed", least=8)
    streams: int = setting(500, kinds.WHOLE, "live event streams at a time; more get 429", least=1)
    requests_per_second: int = setting(
        200, kinds.WHOLE, "requests of one key or address a second, in the mean; more get 429", least=1
    )
    shutdown_seconds: float = setting(10, kinds.SECONDS, "how long requests in flight may take to end", least=0)


@group
class Ui(Group):
    """The pages."""

    read_only: bool = setting(False, kinds.TRUTH, "true: everybody may look and nobody may change anything")
