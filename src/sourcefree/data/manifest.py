"""Manifests: a CSV that stands for a folder of images that lie elsewhere.

Two columns, ``name`` and ``file``. The name is what the image would be called in a folder, so it is relative and stays inside:
its first part is the class where labels are read, pairs are matched by it without extension, and what is made of the image is
written under it. It may lack an extension. The file is a path, relative to the manifest's folder or
absolute.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable
from pathlib import Path

from sourcefree.errors import DataError
from sourcefree.files import write_text

MANIFEST_SUFFIX = ".csv"
_COLUMNS = ["name", "file"]


def is_manifest(path: Path) -> bool:
    """Return whether a path is that of a manifest, as far as its name tells."""
    return path.suffix.lower() == MANIFEST_SUFFIX and path.is_file()


def read_manifest(path: Path) -> list[tuple[str, Path]]:
    """Return (name, file) of each image, sorted by name.

    Raises:
        DataError: the manifest cannot be read, has other columns, no row, a name twice or one that no image in a folder has,
            or names a file that is missing.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            if not set(_COLUMNS) <= set(reader.fieldnames or ()):
                found = ", ".join(reader.fieldnames or ()) or "nothing"
                raise DataError(
                    f"{path}: expected a manifest with the columns name and file, found {found}",
                    hint="see docs/data.md; sourcefree prepare writes manifests",
                )
            rows = [(row["name"] or "", row["file"] or "") for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read as a manifest ({error})") from error
    _check(path, rows)
    return sorted((name, path.parent / file) for name, file in rows)


def write_manifest(path: Path, images: Iterable[tuple[str, Path]]) -> None:
    """Write (name, file) rows, whole or not at all; files are stored relative to the manifest where that is shorter."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(_COLUMNS)
    here = path.parent.resolve()
    for name, file in sorted(images):
        relative = os.path.relpath(file.resolve(), here)
        writer.writerow([name, min(Path(relative).as_posix(), file.resolve().as_posix(), key=len)])
    write_text(path, buffer.getvalue())


def _lies_inside(name: str) -> bool:
    """Return whether what is written under a name in a folder lies in that folder."""
    path = Path(name)
    return bool(path.parts) and not path.anchor and ".." not in path.parts


def _check(path: Path, rows: list[tuple[str, str]]) -> None:
    if not rows:
        raise DataError(f"{path}: the manifest names no image")
    seen: set[str] = set()
    for line, (name, file) in enumerate(rows, start=2):
        if not name or not file:
            raise DataError(f"{path}, line {line}: expected a name and a file, found {name!r} and {file!r}")
        if not _lies_inside(name):
            raise DataError(
                f"{path}, line {line}: the name {name!r} is no path inside a folder",
                hint="a name is what the image would be called in the folder, class first: cat/1.png; where it lies is said "
                "by the column file",
            )
        if name in seen:
            raise DataError(f"{path}, line {line}: the name {name!r} occurs twice", hint="names must differ")
        seen.add(name)
    missing = [file for _, file in rows if not (path.parent / file).is_file()]
    if missing:
        raise DataError(
            f"{path}: {len(missing)} of {len(rows)} files are missing, for example {missing[0]}",
            hint="were the images moved? run sourcefree prepare again",
        )
