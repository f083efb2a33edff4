"""Small sources made for tests: pages with something to say, and a real ZIM file."""

from __future__ import annotations

from pathlib import Path

from libzim.writer import Creator, Hint, Item, StringProvider

SUBJECTS = {
    "bread": "Bake bread with flour, water, salt and yeast. Knead the dough and let it rise before the oven.",
    "bicycle": "Repair a bicycle: mend a flat tyre, oil the chain and adjust the brakes of the wheels.",
    "planets": "Planets go around the sun. Jupiter is the largest planet, and Saturn has rings of ice.",
    "guitar": "Play the guitar: tune the six strings, learn chords and keep the rhythm of the song.",
}


def html(title: str, text: str, language: str = "en") -> str:
    return f'<html lang="{language}"><head><title>{title}</title></head><body><p>{text}</p></body></html>'


def write_folder(folder: Path, pages: dict[str, str] = SUBJECTS) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages.items():
        (folder / f"{name}.html").write_text(html(name.title(), text))


class Article(Item):  # type: ignore[misc]
    def __init__(self, path: str, title: str, content: str, kind: str = "text/html") -> None:
        super().__init__()
        self._parts = (path, title, content, kind)

    def get_path(self) -> str:
        return self._parts[0]

    def get_title(self) -> str:
        return self._parts[1]

    def get_mimetype(self) -> str:
        return self._parts[3]

    def get_contentprovider(self) -> StringProvider:
        return StringProvider(self._parts[2])

    def get_hints(self) -> dict[Hint, int]:
        return {Hint.FRONT_ARTICLE: True}


def write_zim(path: Path, pages: dict[str, str] = SUBJECTS, **headers: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with Creator(path).config_indexing(False, "eng") as creator:
        creator.set_mainpath(next(iter(pages)))
        for name, text in pages.items():
            creator.add_item(Article(name, name.title(), html(name.title(), text)))
        creator.add_item(Article("style.css", "", "p {}", "text/css"))
        creator.add_redirection("loaf", "Loaf", next(iter(pages)), {Hint.FRONT_ARTICLE: False})
        for name, value in headers.items():
            creator.add_metadata(name, value)
