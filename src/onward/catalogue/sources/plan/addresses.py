"""Addresses of pages: one spelling each, whether they belong to a site, and the file name of a page."""

from __future__ import annotations

import fnmatch
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, urljoin, urlsplit, urlunsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}
_NOT_PAGES = frozenset(
    """7z avi bin bmp bz2 css csv deb dmg doc docx epub exe gif gz ico iso jar jpeg jpg js json m4a mkv mov mp3
    mp4 mpeg msi ogg otf pdf png ppt pptx rar rpm svg tar tgz tif tiff ttf wav webm webp whl woff woff2 xls xlsx
    xml xz zip""".split()  # noqa: SIM905 - a table of words reads better than a column
)
_SAFE = "/%:@!$&'()*+,;=~-._"
MAX_LENGTH = 2000


def canonical(address: str, base: str = "") -> str | None:
    """One spelling of an http or https address without its fragment; None when it is none."""
    address = "".join(char for char in address.strip() if char not in "\t\r\n")
    try:
        parts = urlsplit(urljoin(base, address))
        port = parts.port
    except ValueError:
        return None
    host = (parts.hostname or "").rstrip(".")
    if parts.scheme not in _DEFAULT_PORTS or not host:
        return None
    found = urlunsplit(
        (parts.scheme, _netloc(parts, host, port), _path(parts.path), quote(parts.query, _SAFE + "?"), "")
    )
    return found if len(found) <= MAX_LENGTH else None


def _netloc(parts: SplitResult, host: str, port: int | None) -> str:
    name = f"[{host}]" if ":" in host else host
    user = parts.netloc.rpartition("@")[0]
    shown = "" if port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{port}"
    return f"{user}@{name}{shown}" if user else f"{name}{shown}"


def _path(path: str) -> str:
    kept: list[str] = []
    segments = path.split("/")[1:] if path.startswith("/") else path.split("/")
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments and segments[-1] in (".", ".."):
        kept.append("")
    return quote("/" + "/".join(kept), _SAFE)


def is_same_site(one: str, other: str) -> bool:
    """Whether both are of one site: the same host, with or without ``www.``, and the same port."""
    return _site(one) == _site(other)


def _site(address: str) -> tuple[str, int | None]:
    parts = urlsplit(address)
    return (parts.hostname or "").removeprefix("www."), parts.port


def root(address: str) -> str:
    """Scheme, host and port alone."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def may_be_page(address: str) -> bool:
    """False when the end of the path says that it is an image, an archive or the like."""
    name = urlsplit(address).path.rpartition("/")[2]
    return "." not in name or name.rpartition(".")[2].lower() not in _NOT_PAGES


def is_sitemap(address: str) -> bool:
    """Whether the address is that of a sitemap and not of a page."""
    return urlsplit(address).path.lower().endswith((".xml", ".xml.gz"))


@dataclass(frozen=True, slots=True)
class PathRules:
    """Patterns for path and query, such as ``/blog/*``: one of ``include`` must match, no ``exclude``."""

    include: Sequence[str] = ()
    exclude: Sequence[str] = ()

    def allows(self, address: str) -> bool:
        """Whether pages of this address are wanted."""
        parts = urlsplit(address)
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        if self.include and not any(_matches(target, pattern) for pattern in self.include):
            return False
        return not any(_matches(target, pattern) for pattern in self.exclude)


def _matches(target: str, pattern: str) -> bool:
    return fnmatch.fnmatchcase(target, pattern if pattern.startswith(("/", "*")) else f"/{pattern}")


def file_name(address: str, suffix: str) -> str:
    """A file name for a page: readable, safe everywhere, and never the same for two addresses."""
    parts = urlsplit(address)
    words = re.sub(r"[^a-z0-9]+", "-", f"{parts.path} {parts.query}".lower().removesuffix(".html")).strip("-")
    digest = hashlib.sha256(address.encode()).hexdigest()[:12]
    return f"{words[:60].strip('-') or 'index'}-{digest}{suffix}"
