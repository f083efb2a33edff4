"""Fetching: redirects, sizes, encodings, and connections to the checked address only."""

from __future__ import annotations

import gzip
import socket
import threading
from collections.abc import Iterator

import pytest

from onward.catalogue.guard import AddressRefused, Guard
from onward.catalogue.sources.outside.web import MEGABYTE, FetchFailed, Web
from onward.clock import SystemClock
from tests.catalogue.conftest import LocalSite


@pytest.fixture
def web(site: LocalSite) -> Iterator[Web]:
    with Web(Guard([site.host]), SystemClock(), lambda seconds: None, max_bytes=2 * MEGABYTE) as found:
        yield found


def test_a_redirect_to_another_port_of_this_machine_is_refused(site: LocalSite, web: Web) -> None:
    inside = LocalSite()
    inside.html("/", "Secret", "secret")
    site.redirect("/a", f"{inside.url}/")
    with pytest.raises(AddressRefused):
        web.get(f"{site.url}/a")
    assert inside.asked == []
    inside.server.shutdown()


@pytest.mark.parametrize("target", ["http://169.254.169.254/", "http://[::1]/", "http://0x7f000001/"])
def test_redirects_are_checked_like_any_address(site: LocalSite, web: Web, target: str) -> None:
    site.redirect("/a", "/b")
    site.redirect("/b", target)
    with pytest.raises(AddressRefused):
        web.get(f"{site.url}/a")


def test_a_redirect_to_something_that_is_no_web_address_fails(site: LocalSite, web: Web) -> None:
    site.redirect("/a", "file:///etc/passwd")
    with pytest.raises(FetchFailed, match="no web address"):
        web.get(f"{site.url}/a")


def test_a_circle_of_redirects_ends(site: LocalSite, web: Web) -> None:
    site.redirect("/a", "/a")
    with pytest.raises(FetchFailed, match="more than 5"):
        web.get(f"{site.url}/a")


def test_the_name_is_resolved_once_and_sent_as_the_host(site: LocalSite) -> None:
    asked: list[str] = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    site.html("/", "Named", "x")
    name = f"pages.test:{site.port}"
    with Web(Guard([name], resolve), SystemClock(), lambda seconds: None) as web:
        assert web.get(f"http://{name}/").status == 200
    assert asked == ["pages.test"]
    assert site.hosts == [name]


def test_a_name_that_answers_differently_the_second_time_is_refused(site: LocalSite) -> None:
    answers = iter([["93.184.216.34"], ["127.0.0.1"]])
    guard = Guard(resolve=lambda host, port: next(answers))
    assert guard.admit("http://rebind.test/").addresses == ("93.184.216.34",)
    with pytest.raises(AddressRefused):
        guard.admit("http://rebind.test/")


def test_too_large_a_body_is_cut_off(site: LocalSite, web: Web) -> None:
    site.raw("/big", b"x" * (2 * MEGABYTE + 1))
    with pytest.raises(FetchFailed, match="larger than 2 MiB"):
        web.get(f"{site.url}/big")


def test_a_small_file_that_unpacks_to_a_large_one_is_cut_off(site: LocalSite, web: Web) -> None:
    site.raw("/bomb", gzip.compress(bytes(200 * MEGABYTE)), Content_Encoding="gzip")
    with pytest.raises(FetchFailed, match="larger than 2 MiB"):
        web.get(f"{site.url}/bomb")


def test_packed_pages_are_unpacked(site: LocalSite, web: Web) -> None:
    site.raw("/page", gzip.compress(b"<p>hello"), "text/html; charset=latin-1", Content_Encoding="gzip")
    document = web.get(f"{site.url}/page")
    assert (document.body, document.content_type, document.charset) == (b"<p>hello", "text/html", "latin-1")


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip"])
def test_codings_that_were_not_asked_for_are_refused(site: LocalSite, web: Web, coding: str) -> None:
    site.raw("/page", b"....", Content_Encoding=coding)
    with pytest.raises(FetchFailed, match="not asked for"):
        web.get(f"{site.url}/page")


def test_what_is_not_packed_as_it_says_fails(site: LocalSite, web: Web) -> None:
    site.raw("/page", b"plain", Content_Encoding="gzip")
    with pytest.raises(FetchFailed, match="not compressed as it says"):
        web.get(f"{site.url}/page")


def test_an_overloaded_server_is_asked_once_more(site: LocalSite) -> None:
    answers = [(503, {"Retry-After": "7"}, b""), (200, {"Content-Type": "text/html"}, b"up")]
    site.pages["/"] = lambda: answers.pop(0)
    pauses: list[float] = []
    with Web(Guard([site.host]), SystemClock(), pauses.append) as web:
        assert web.get(f"{site.url}/").body == b"up"
    assert pauses == [7.0]


def test_a_server_that_dribbles_is_given_up() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    name = f"127.0.0.1:{listener.getsockname()[1]}"
    done = threading.Event()

    def dribble() -> None:
        for _ in range(2):
            peer, _ = listener.accept()
            threading.Thread(target=drip, args=(peer,), daemon=True).start()

    def drip(peer: socket.socket) -> None:
        with peer:
            peer.recv(10_000)
            peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            try:
                while not done.wait(0.05):
                    peer.sendall(b"x")
            except OSError:
                pass

    threading.Thread(target=dribble, daemon=True).start()
    web = Web(Guard([name]), SystemClock(), lambda seconds: None, seconds=0.3)
    with web, pytest.raises(FetchFailed, match="longer than"):
        web.get(f"http://{name}/")
    done.set()
    listener.close()


def test_proxies_of_the_environment_are_not_used(site: LocalSite, web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    site.html("/", "Direct", "x")
    assert web.get(f"{site.url}/").status == 200


def test_a_server_that_is_not_there_is_named() -> None:
    other = Web(Guard(["127.0.0.1:1"]), SystemClock(), lambda seconds: None)
    with other, pytest.raises(FetchFailed, match="could not be reached"):
        other.get("http://127.0.0.1:1/")
