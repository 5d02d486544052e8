"""Files and folders that are written whole or not at all."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sourcefree.errors import DataError


def write_text(path: Path, text: str) -> None:
    """Write a text file in place of the one before; who reads it or stops in between never meets half of it.

    Args:
        path: the file; its folder is made where it is missing.
        text: its content; what is no UTF-8, as in names of files from elsewhere, is written with backslashes.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a file to write to that takes the place of ``path`` at the end, or is removed where something fails.

    Its name ends in ``.part``, not as that of ``path`` does, and is another each time: two processes may write one file.

    Args:
        path: the file; its folder must be there.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def whole_folder(out: Path) -> Iterator[Path]:
    """Give a folder to write to whose content is that of ``out`` at the end, or is removed where something fails.

    A folder that exists is filled, not replaced: it may be where the user works, or lie behind a link.

    Args:
        out: the folder; missing or empty.

    Raises:
        DataError: it cannot be made.
    """
    out = out.resolve()
    fill = out.exists()
    above = out if fill else out.parent
    place = above / f".{out.name}.part-{secrets.token_hex(4)}"
    try:
        place.mkdir(parents=True)
    except OSError as error:
        raise DataError(f"{out}: cannot be created: {error}") from error
    try:
        yield place
        if fill:
            for part in list(place.iterdir()):
                part.replace(out / part.name)
        else:
            place.replace(out)
    finally:
        shutil.rmtree(place, ignore_errors=True)
