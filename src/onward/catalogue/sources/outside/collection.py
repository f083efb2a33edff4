"""What kind of source a folder holds, and its documents."""

from __future__ import annotations

from onward.catalogue.sources.outside.documents import Documents
from onward.catalogue.sources.outside.pages import FolderDocuments, PageDocuments, html_files
from onward.catalogue.sources.outside.pdf import PdfDocuments, pdf_names
from onward.catalogue.sources.outside.source_folder import BACKUP, SourceFolder
from onward.catalogue.sources.outside.zim import ZimDocuments
from onward.errors import OnwardError


def kind_of(folder: SourceFolder) -> str | None:
    """``pages``, ``zim``, ``folder``, ``pdf`` or None when there is nothing."""
    if (folder.path / BACKUP).is_file():
        return "pages"
    if zim_file(folder):
        return "zim"
    if next(html_files(folder.path), None):
        return "folder"
    return "pdf" if pdf_names(folder.path) else None


def open_documents(folder: SourceFolder) -> Documents:
    """The source's documents. Raises ``OnwardError`` when there are none that can be read."""
    match kind_of(folder.require()):
        case "pages":
            return PageDocuments(folder)
        case "zim":
            return ZimDocuments(folder.file(zim_file(folder)))
        case "folder":
            return FolderDocuments(folder)
        case "pdf":
            return PdfDocuments(folder)
    raise OnwardError(f"The source {folder.source_id!r} holds no documents.", hint="Scrape or import it first.")


def zim_file(folder: SourceFolder) -> str:
    """The name of the source's ZIM file, or an empty string."""
    names = sorted(path.name for path in folder.path.glob("*.zim") if path.is_file() and not path.is_symlink())
    return names[0] if names else ""
