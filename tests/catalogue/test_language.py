"""Which language a document is in, and how bytes become text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onward.catalogue.sources.plan import charset, language

ENGLISH = "It was the best of times and it was the worst of times for all of us who have seen that which is not here."
GERMAN = "Es war einmal ein König, der hatte eine Tochter, und die war nicht nur schön, sondern auch klug, als sie kam."


@pytest.mark.parametrize(
    ("url", "declared", "title", "text", "expected"),
    [
        ("http://e.com/de/seite", "en", "", ENGLISH, "de"),
        ("http://e.com/pt-br/x", "", "", "", "pt"),
        ("http://e.com/x?lang=fr", "", "", "", "fr"),
        ("http://e.com/de", "en-GB", "", "", "en"),
        ("http://e.com/xx/a", "EN_us", "", GERMAN, "en"),
        ("http://e.com/a", "", "Handbuch (Deutsch)", ENGLISH, "de"),
        ("http://e.com/a", "", "Manual - Français", "", "fr"),
        ("http://e.com/a", "", "Cheese", ENGLISH, "en"),
        ("http://e.com/a", "klingon", "", GERMAN, "de"),
        ("a.html", "", "", "これは日本語の文章です。とても短いですけれども。", "ja"),
        ("a.html", "", "", "Это русский текст, в котором довольно много слов и букв.", "ru"),
        ("a.html", "", "", "Це український текст, де є їжак, ґанок та єнот.", "uk"),
        ("a.html", "", "", "12345 67890", ""),
        ("a.html", "", "", "", ""),
    ],
)
def test_language_is_told(url: str, declared: str, title: str, text: str, expected: str) -> None:
    assert language.detect(url, declared, title, text) == expected


def test_unknown_languages_pass_every_filter() -> None:
    assert language.is_wanted("", "de")
    assert language.is_wanted("de", None)
    assert language.is_wanted("de", "de-AT")
    assert not language.is_wanted("en", "de")


@pytest.mark.parametrize(
    ("data", "declared", "expected"),
    [
        ("Größe".encode(), "", "Größe"),
        ("Größe".encode("latin-1"), "", "Größe"),
        ("Größe".encode("latin-1"), "iso-8859-1", "Größe"),
        ("\ufeffGröße".encode(), "latin-1", "Größe"),
        ("Größe".encode("utf-16"), "", "Größe"),
        ('<meta charset="shift_jis">日本'.encode("shift_jis"), "", '<meta charset="shift_jis">日本'),
        (b"caf\xe9", "zip", "café"),
        (b"caf\xe9", "no-such", "café"),
        (b"a\xffb", "utf-8", "a\ufffdb"),
    ],
)
def test_bytes_become_text(data: bytes, declared: str, expected: str) -> None:
    assert charset.decode(data, declared) == expected


@given(st.binary(max_size=200), st.sampled_from(["", "utf-8", "utf-16", "ascii", "big5", "idna", "rot13", "undefined"]))
def test_any_bytes_become_some_text(data: bytes, declared: str) -> None:
    assert isinstance(charset.decode(data, declared), str)
