"""What names of images have in common, however a file system or another program writes them."""

from __future__ import annotations

import unicodedata
from pathlib import PurePosixPath


def one_form(text: str) -> str:
    """Return the text with its accents composed (NFC), to compare it with others.

    macOS and some archives store them decomposed (NFD): names that look the same and are not equal. Files are opened by the
    name that they have, never by this one.
    """
    return unicodedata.normalize("NFC", text)


def stem_of(name: str) -> str:
    """Return a relative path without extension, in one form: what pairs are matched by; a name may have no extension."""
    return one_form(str(PurePosixPath(name).with_suffix("")))
