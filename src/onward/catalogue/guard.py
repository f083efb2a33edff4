"""Which addresses a job may connect to: the public internet, and what the operator allowed by name.

A host is resolved once and the connection goes to the address that was checked, so that a name cannot answer
with another address the second time. Every redirect passes here again.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from onward.errors import OnwardError

Resolve = Callable[[str, int], list[str]]
_PORTS = {"http": 80, "https": 443}
_NUMERIC = re.compile(r"^(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+))*\.?$", re.IGNORECASE)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class AddressRefused(OnwardError):
    """The address lies where jobs may not look: inside the operator's network, or not on the web."""

    code = "address-refused"
    exit_code = 6


@dataclass(frozen=True, slots=True)
class Target:
    """A checked address: the connection goes to one of ``addresses``."""

    host: str
    port: int
    addresses: tuple[str, ...]


def resolve_host(host: str, port: int) -> list[str]:
    """The addresses of a host, IPv4 first; empty when it is not known."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    addresses = dict.fromkeys(str(item[4][0]) for item in found)
    return sorted(addresses, key=lambda address: ":" in address)


class Guard:
    """``allowed_hosts``: each ``host:port`` (or host, for the usual ports) may be reached wherever it is."""

    def __init__(self, allowed_hosts: Iterable[str] = (), resolve: Resolve = resolve_host) -> None:
        self._allowed = {item.lower().rstrip("/") for item in allowed_hosts}
        self._resolve = resolve

    def admit(self, url: str) -> Target:
        """Where to connect for ``url``. Raises ``AddressRefused``."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise self._refused(url, "it cannot be read") from None
        host = (parts.hostname or "").rstrip(".")
        if parts.scheme not in _PORTS or not host:
            raise self._refused(url, "only http and https are read")
        if "@" in parts.netloc:
            raise self._refused(url, "it carries a user name")
        port = _PORTS[parts.scheme] if port is None else port
        allowed = self._is_allowed(host, port)
        if not allowed:
            self._check_name(url, host, port)
        addresses = self._resolve(host, port)
        if not addresses:
            raise AddressRefused(f"The host {host!r} is not known.", hint="Check the address and the name service.")
        if not allowed and not all(is_public(address) for address in addresses):
            raise self._refused(url, f"{host} is inside the operator's network", f"{host}:{port}")
        return Target(host, port, tuple(addresses))

    def _check_name(self, url: str, host: str, port: int) -> None:
        if port not in _PORTS.values():
            raise self._refused(url, f"port {port} is neither 80 nor 443", f"{host}:{port}")
        if _NUMERIC.match(host) and not _is_dotted_quad(host):
            raise self._refused(url, "the host is a number in an unusual form")

    def _is_allowed(self, host: str, port: int) -> bool:
        name = f"[{host}]" if ":" in host else host
        return f"{name}:{port}" in self._allowed or (name in self._allowed and port in _PORTS.values())

    def _refused(self, url: str, why: str, name: str = "") -> AddressRefused:
        hint = f"If this is meant, add {name!r} to allowed_hosts." if name else "Use a public http or https address."
        return AddressRefused(f"{url[:200]} is not read: {why}.", hint=hint)


def is_public(text: str) -> bool:
    """Whether an address is on the public internet, also where one hides within another."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return all(_is_global(item) for item in _with_embedded(address))


def _with_embedded(address: _Address) -> list[_Address]:
    found: list[_Address] = [address]
    if isinstance(address, ipaddress.IPv6Address):
        inner = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
        if address in _NAT64 or int(address) < 1 << 32:
            inner.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        found.extend(item for item in inner if item is not None)
        if address.ipv4_mapped is not None:
            found.remove(address)
    return found


def _is_global(address: _Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address):
        if address in _NAT64:
            return True
        if address.is_site_local:
            return False
    odd = address.is_multicast or address.is_reserved or address.is_unspecified or address.is_link_local
    return address.is_global and not odd


def _is_dotted_quad(host: str) -> bool:
    try:
        return str(ipaddress.IPv4Address(host)) == host
    except ValueError:
        return False
