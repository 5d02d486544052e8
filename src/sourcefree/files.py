"""Files and folders that are written whole or not at all, and whether they can be written: checked before the work."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sourcefree.errors import ConfigError, DataError


def as_paths(given: Iterable[Path | str] | Path | str) -> list[Path]:
    """Return paths; one may stand by itself."""
    return [Path(one) for one in ([given] if isinstance(given, (str, Path)) else given)]


def unwritable(path: Path, error: Exception) -> DataError:
    """Return the error for a file whose library makes something of its own of an OSError, as of a full disk."""
    return DataError(f"{path}: cannot be written: {error}", hint="is the disk full?")


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
    place = above / f".{out.name}.{secrets.token_hex(4)}.part"
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


def is_leftover(path: Path) -> bool:
    """Return whether a path is of no use to anyone: a lock, or half a file or folder of a process that was killed."""
    return path.name == ".lock" or (path.name.startswith(".") and path.name.endswith(".part"))


def check_output(out: Path, *, resume: bool | None) -> None:
    """Check that a run can be written to ``out``; nothing is changed.

    Args:
        out: the folder.
        resume: whether a run in it is gone on with; None where that is not possible at all.

    Raises:
        ConfigError: the folder holds files and ``resume`` is off, or ``resume`` is on and there is no run.
    """
    check_place(out)
    if resume and not (out / "config.yaml").is_file():
        raise ConfigError(f"{out}: there is no run to resume", hint="leave out --resume to start one")
    if not resume and out.is_dir() and not all(map(is_leftover, out.iterdir())):
        raise ConfigError(
            f"{out}: the folder exists and is not empty",
            hint="choose another --out"
            + ("" if resume is None else ", or use --resume to go on with an unfinished run"),
        )


def check_apart(out: Path, inputs: Sequence[Path]) -> None:
    """Check that a run is not written among the images it reads: its own pictures would be some of them the next time.

    Raises:
        ConfigError: it would be.
    """
    for folder in inputs:
        if folder.is_dir() and out.resolve().is_relative_to(folder.resolve()):
            raise ConfigError(
                f"{out}: lies in {folder}, and pictures of the run would be read as images of that folder",
                hint="choose an --out beside it",
            )


def check_place(out: Path) -> None:
    """Check that a folder can be made or written at ``out``; nothing is changed.

    Raises:
        ConfigError: a file is in the way, or the nearest folder above cannot be written to.
    """
    above = next(place for place in (out, *out.absolute().parents) if place.exists())
    if not above.is_dir():
        raise ConfigError(f"{out}: expected a folder to write to, found a file at {above}", hint="choose another --out")
    if not os.access(above, os.W_OK):
        raise ConfigError(f"{out}: {above} cannot be written to", hint="choose another --out")
