"""Unpacking of archives that come from elsewhere: nothing outside the folder, no bombs, resumable."""

from __future__ import annotations

import lzma
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from sourcefree.data.progress import CountProgress
from sourcefree.errors import DataError
from sourcefree.files import whole_file

ARCHIVE_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
# Photographs hardly shrink; a file that grows this much is no photograph.
_MOST_GROWTH = 200
_SMALL = 1 << 26  # below 64 MB growth does no harm, and headers may compress well


def is_archive(path: Path) -> bool:
    """Return whether the file's name is that of an archive we unpack."""
    return path.is_file() and path.name.lower().endswith(ARCHIVE_SUFFIXES)


def unpack(archive: Path, folder: Path, *, progress: CountProgress | None = None) -> Path:
    """Return the folder that holds the archive's files; what is there already is not unpacked again.

    Args:
        archive: zip or tar file.
        folder: where to unpack; made.
        progress: called with (done, total).

    Raises:
        DataError: the archive is damaged, names places outside the folder, would grow beyond reason, or does not fit the disk.
    """
    done = folder / ".unpacked"
    if done.is_file() and done.read_text(encoding="utf-8") == _stamp(archive):
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    try:
        if archive.name.lower().endswith(".zip"):
            _unpack_zip(archive, folder, progress)
        else:
            _unpack_tar(archive, folder, progress)
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, OSError, zlib.error, lzma.LZMAError) as error:
        raise DataError(f"{archive}: cannot be unpacked ({error})", hint="download it again") from error
    except (NotImplementedError, RuntimeError) as error:  # a compression that Python lacks, or a password
        raise DataError(f"{archive}: cannot be unpacked ({error})", hint="unpack it yourself into a folder") from error
    done.write_text(_stamp(archive), encoding="utf-8")
    return folder


def _unpack_zip(archive: Path, folder: Path, progress: CountProgress | None) -> None:
    with zipfile.ZipFile(archive) as file:
        members = [member for member in file.infolist() if not member.is_dir()]
        _check(archive, folder, [(member.filename, member.file_size) for member in members])
        for number, member in enumerate(members, start=1):
            target = folder / PurePosixPath(member.filename)
            if not _is_there(target, member.file_size):
                target.parent.mkdir(parents=True, exist_ok=True)
                with file.open(member) as source, whole_file(target) as temporary, temporary.open("wb") as sink:
                    shutil.copyfileobj(source, sink)
            if progress is not None:
                progress(number, len(members))


def _unpack_tar(archive: Path, folder: Path, progress: CountProgress | None) -> None:
    with tarfile.open(archive) as file:
        members = [member for member in file.getmembers() if member.isfile()]  # links and devices are left out
        # gzip's checksum stands behind the tar's end: checked before anything is written that would pass for unpacked.
        while file.fileobj is not None and file.fileobj.read(1 << 20):
            pass
        _check(archive, folder, [(member.name, member.size) for member in members])
        for number, member in enumerate(members, start=1):
            target = folder / PurePosixPath(member.name)
            if not _is_there(target, member.size):
                source = file.extractfile(member)
                if source is None:
                    continue
                target.parent.mkdir(parents=True, exist_ok=True)
                with whole_file(target) as temporary, temporary.open("wb") as sink:
                    shutil.copyfileobj(source, sink)
            if progress is not None:
                progress(number, len(members))


def _check(archive: Path, folder: Path, members: Sequence[tuple[str, int]]) -> None:
    for name, _ in members:
        path = PurePosixPath(name.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or (path.parts and ":" in path.parts[0]):
            raise DataError(f"{archive}: holds {name!r}, a place outside the folder", hint="do not trust this archive")
    total, packed = sum(size for _, size in members), archive.stat().st_size
    if total > _SMALL and total > _MOST_GROWTH * packed:
        raise DataError(
            f"{archive}: would grow from {packed:,} to {total:,} bytes: this is no archive of images",
            hint="do not trust this archive",
        )
    needed = sum(size for name, size in members if not _is_there(folder / PurePosixPath(name), size))
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise DataError(
            f"{archive}: needs {needed:,} bytes, the disk has {free:,} free", hint="choose --out on another disk"
        )


def _is_there(target: Path, size: int) -> bool:
    return target.is_file() and target.stat().st_size == size


def _stamp(archive: Path) -> str:
    return f"{archive.name} {archive.stat().st_size}"
