"""Where a scrape may not go."""

from __future__ import annotations

import pytest

from onward.catalogue.guard import AddressRefused, Guard, is_public

PUBLIC = "93.184.216.34"

REFUSED = [
    "http://127.0.0.1/",
    "http://localhost/",
    "http://127.1/",
    "http://127.0.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.1/",
    "http://0177.0.0.1/",
    "http://017700000001/",
    "http://0x7f.0x0.0x0.0x1/",
    "http://127.0.0.1./",
    "http://0/",
    "http://0.0.0.0/",
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://172.31.255.255/",
    "http://192.168.1.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://0xa9fea9fe/",
    "http://2852039166/",
    "http://100.64.0.1/",
    "http://100.100.100.200/",
    "http://192.0.0.1/",
    "http://198.18.0.1/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://240.0.0.1/",
    "http://[::1]/",
    "http://[::]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[::127.0.0.1]/",
    "http://[fe80::1]/",
    "http://[fc00::1]/",
    "http://[fd00:ec2::254]/",
    "http://[ff02::1]/",
    "http://[2002:7f00:1::]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/",
    "http://[fec0::1]/",
    "http://[::ffff:169.254.169.254]/",
    "http://user@example.com/",
    "http://user:secret@example.com/",
    "http://example.com:22/",
    "http://example.com:8080/",
    "http://example.com:6379/",
    "https://example.com:8443/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://example.com/",
    "javascript:alert(1)",
    "data:text/html,x",
    "http:///",
    "http://[::1",
    "http://example.com:99999/",
    "//example.com/",
    "example.com",
]


def resolve(host: str, port: int) -> list[str]:
    from onward.catalogue.guard import resolve_host

    return [PUBLIC] if host == "example.com" else resolve_host(host, port)


@pytest.mark.parametrize("url", REFUSED)
def test_inside_and_odd_addresses_are_refused(url: str) -> None:
    with pytest.raises(AddressRefused):
        Guard(resolve=resolve).admit(url)


@pytest.mark.parametrize("url", ["http://example.com/", "https://example.com/a?b", "http://example.com:80/"])
def test_public_addresses_are_admitted_with_the_address_to_connect_to(url: str) -> None:
    assert Guard(resolve=resolve).admit(url).addresses == (PUBLIC,)


@pytest.mark.parametrize("inside", ["10.1.2.3", "::1", "169.254.169.254", "fd00::1", "::ffff:10.0.0.1"])
def test_a_name_that_leads_inside_is_refused_even_beside_a_public_address(inside: str) -> None:
    with pytest.raises(AddressRefused, match="inside"):
        Guard(resolve=lambda host, port: [PUBLIC, inside]).admit("http://example.com/")


def test_an_allowed_host_is_admitted_with_its_port_only() -> None:
    guard = Guard(["127.0.0.1:8000", "[::1]:8000", "intranet"], resolve=lambda host, port: ["127.0.0.1"])
    assert guard.admit("http://127.0.0.1:8000/x").port == 8000
    assert guard.admit("http://[::1]:8000/").port == 8000
    assert guard.admit("http://intranet/").port == 80
    for url in (
        "http://127.0.0.1:8001/",
        "http://intranet:8000/",
        "http://127.0.0.1/",
        "http://localhost:8000/",
    ):
        with pytest.raises(AddressRefused):
            guard.admit(url)


def test_the_refusal_says_how_to_allow_it() -> None:
    with pytest.raises(AddressRefused, match="allowed_hosts"):
        Guard().admit("http://127.0.0.1:8000/")


def test_public_addresses_are_told_from_others() -> None:
    assert is_public("8.8.8.8")
    assert is_public("2606:4700:4700::1111")
    assert is_public("64:ff9b::808:808")
    assert not is_public("not an address")
    assert not is_public("fe80::1%eth0")
