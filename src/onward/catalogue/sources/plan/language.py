"""A document's language: from its address, its declaration, its title, then its words; empty is unknown."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

_CODES = frozenset(
    """af ar az be bg bn bs ca cs cy da de el en eo es et eu fa fi fr ga gl he hi hr hu hy id is it ja ka kk ko
    lt lv mk ms nb nl nn no pl pt ro ru sk sl sq sr sv sw ta te th tl tr uk ur uz vi zh""".split()  # noqa: SIM905 - a table of words reads better than a column
)
_SEGMENT = re.compile(r"^([a-z]{2})(?:[-_][a-z]{2,4})?$", re.IGNORECASE)
_SUFFIX = re.compile(r"(?:\(|[-\u2013|/]\s*)([^\W\d_]{2,20})\)?\s*$")
_NAMES = {
    "de": "deutsch german",
    "en": "english",
    "es": "español spanish",
    "fr": "français french",
    "it": "italiano italian",
    "pt": "português portuguese",
    "nl": "nederlands dutch",
    "sv": "svenska swedish",
    "pl": "polski polish",
    "ru": "русский russian",
    "ja": "日本語 japanese",
    "zh": "中文 chinese",
    "ar": "العربية arabic",
    "ko": "한국어 korean",
}
_CODE_OF_NAME = {name: code for code, names in _NAMES.items() for name in names.split()}
STOPWORDS = {
    "en": "the of and to in is that for it as was with on are by this be at from or an not which but have",
    "de": "der die das und ist nicht ein eine zu den von mit sich des auf für im dem als auch werden aus bei",
    "fr": "le la les de des et est une un en du que pour dans qui sur pas au avec ce il par plus sont se",
    "es": "el la los las de que y en un una es por con para del se no su al como más pero sus este",
    "it": "il la di che e un una per non in del della sono con si da come le dei nel anche alla gli",
    "pt": "o a os as de que e do da em um uma para com não no na por mais dos se como mas foi ao",
    "nl": "de het een van en in is dat op te voor met niet zijn aan er om ook als bij maar wordt door",
    "sv": "och att det som en på är av för med till den inte har de ett om var jag från eller",
    "pl": "i w na z do się nie jest to że o jak po przez od dla oraz był które tym może",
}
_WORDS = {code: frozenset(words.split()) for code, words in STOPWORDS.items()}
_SCRIPTS = (
    (re.compile(r"[\u3040-\u30ff]"), "ja"),
    (re.compile(r"[\uac00-\ud7af]"), "ko"),
    (re.compile(r"[\u4e00-\u9fff]"), "zh"),
    (re.compile(r"[\u0370-\u03ff]"), "el"),
    (re.compile(r"[\u0590-\u05ff]"), "he"),
    (re.compile(r"[\u0600-\u06ff]"), "ar"),
    (re.compile(r"[\u0900-\u097f]"), "hi"),
    (re.compile(r"[\u0e00-\u0e7f]"), "th"),
)
_UKRAINIAN = re.compile(r"[іїєґІЇЄҐ]")
_CYRILLIC = re.compile(r"[\u0400-\u04ff]")
ALL_STOPWORDS = frozenset().union(*_WORDS.values())


def detect(url: str, declared: str, title: str, text: str) -> str:
    """A two-letter code, or an empty string when nothing tells."""
    return of_address(url) or of_tag(declared) or of_title(title) or of_text(text)


def of_address(url: str) -> str:
    """From the first part of the path (``/de/``, ``/pt-br/``) or a parameter (``?lang=de``)."""
    parts = urlsplit(url)
    for name, value in parse_qsl(parts.query, max_num_fields=None):
        if name.lower() in ("lang", "hl", "locale"):
            return of_tag(value)
    first, slash, _ = parts.path.lstrip("/").partition("/")
    match = _SEGMENT.match(first) if slash else None
    return match[1].lower() if match and match[1].lower() in _CODES else ""


def of_tag(tag: str) -> str:
    """From a language tag such as ``de-AT``."""
    code = re.split(r"[-_]", tag.strip().lower(), maxsplit=1)[0]
    return code if code in _CODES else ""


def of_title(title: str) -> str:
    """From a name at the end of the title: ``Handbook (Deutsch)``, ``Handbook - Français``."""
    match = _SUFFIX.search(title)
    return _CODE_OF_NAME.get(match[1].lower(), "") if match else ""


def of_text(text: str) -> str:
    """From the script, or from which language's small words occur most."""
    sample = text[:8000]
    letters = sum(char.isalpha() for char in sample)
    if letters < 20:
        return ""
    for pattern, code in _SCRIPTS:
        if len(pattern.findall(sample)) > letters * 0.2:
            return code
    if len(_CYRILLIC.findall(sample)) > letters * 0.5:
        return "uk" if _UKRAINIAN.search(sample) else "ru"
    return _by_small_words(sample.lower().split())


def _by_small_words(words: list[str]) -> str:
    if len(words) < 8:
        return ""
    scores = sorted(((sum(word in small for word in words), code) for code, small in _WORDS.items()), reverse=True)
    best, second = scores[0], scores[1]
    enough = best[0] >= max(3, len(words) * 0.06)
    return best[1] if enough and best[0] > second[0] * 1.2 else ""


def is_wanted(language: str, wanted: str | None) -> bool:
    """Whether a document passes the filter; those of unknown language do."""
    return not wanted or not language or language == of_tag(wanted)
