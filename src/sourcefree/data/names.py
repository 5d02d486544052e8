"""What names of images have in common, however a file system or another program writes them."""

from __future__ import annotations

import unicodedata
from pathlib import PurePosixPath

from sourcefree.data.image_io import IMAGE_SUFFIXES, OTHER_IMAGE_SUFFIXES

_EXTENSIONS = IMAGE_SUFFIXES | OTHER_IMAGE_SUFFIXES


def one_form(text: str) -> str:
    """Return the text with its accents composed (NFC), to compare it with others.

    macOS and some archives store them decomposed (NFD): names that look the same and are not equal. Files are opened by the
    name that they have, never by this one.
    """
    return unicodedata.normalize("NFC", text)


def stem_of(name: str) -> str:
    """Return a relative path without extension, in one form: what pairs are matched by."""
    return one_form(without_extension(name))


def without_extension(name: str) -> str:
    """Return a relative path without the extension of an image file; a name of a manifest may have none, but dots."""
    path = PurePosixPath(name)
    return str(path.with_suffix("")) if path.suffix.lower() in _EXTENSIONS else str(path)
