"""Images in folders or manifests: unlabelled, labelled by class folder, paired by relative path."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sourcefree.data.image_io import IMAGE_SUFFIXES, OTHER_IMAGE_SUFFIXES
from sourcefree.data.manifest import is_manifest, read_manifest
from sourcefree.data.names import one_form, stem_of, without_extension
from sourcefree.errors import DataError, did_you_mean

# What lies beside images and is none.
_SIDE_FILES = frozenset(
    {".txt", ".json", ".csv", ".yaml", ".yml", ".xml", ".md", ".html", ".pdf", ".log", ".ini", ".toml", ".db"}
)


@dataclass(frozen=True)
class ImageFile:
    """An image file.

    Attributes:
        path: where it is.
        name: its path relative to the folder that was given, or its name in the manifest, with forward slashes.
    """

    path: Path
    name: str

    @property
    def stem(self) -> str:
        """The name without extension, in one form: what pairs are matched by."""
        return stem_of(self.name)


@dataclass(frozen=True)
class LabelledFiles:
    """Images in class folders.

    Attributes:
        files: the images.
        class_index: position in ``labels`` for each image.
        labels: class names.
    """

    files: list[ImageFile]
    class_index: list[int]
    labels: tuple[str, ...]


@dataclass(frozen=True)
class PairedFiles:
    """Images of two sensors that show the same scenes.

    Attributes:
        source: images of the source sensor.
        target: images of the target sensor, in the same order.
        unpaired_source: names without a partner.
        unpaired_target: names without a partner.
        source_folder: where the images of the source sensor lie, for errors.
        target_folder: where those of the target sensor lie.
    """

    source: list[ImageFile]
    target: list[ImageFile]
    unpaired_source: list[str]
    unpaired_target: list[str]
    source_folder: Path | None = None
    target_folder: Path | None = None


def find_images(folder: Path) -> list[ImageFile]:
    """Return all images below a folder, or in a manifest (see :mod:`sourcefree.data.manifest`), sorted by name.

    Hidden files and folders are left out.

    Raises:
        DataError: the folder is missing, is another file, cannot be listed, or holds no image.
    """
    if is_manifest(folder):
        return [ImageFile(path, name) for name, path in read_manifest(folder)]
    if not folder.exists():
        raise DataError(f"{folder}: no such folder", hint=_near(folder))
    if not folder.is_dir():
        raise DataError(
            f"{folder}: expected a folder of images or a manifest (.csv), found a file",
            hint="give the folder it lies in",
        )
    files = [path for path in _walk(folder) if path.suffix.lower() in IMAGE_SUFFIXES]
    if not files:
        known = ", ".join(sorted(IMAGE_SUFFIXES))
        others = ignored_files(folder)
        found = f"; found {counted(others)}" if others else ""
        raise DataError(f"{folder}: no image in the folder or below{found}", hint=f"known image files: {known}")
    return sorted((ImageFile(path, path.relative_to(folder).as_posix()) for path in files), key=lambda file: file.name)


def ignored_files(folder: Path) -> dict[str, int]:
    """Return the number of files by suffix, most frequent first, that :func:`find_images` passes over in a folder.

    Files of text and settings are not counted, and a manifest passes over nothing.
    """
    if not folder.is_dir():
        return {}
    suffixes = (path.suffix.lower() for path in _walk(folder))
    left = Counter(suffix for suffix in suffixes if suffix not in IMAGE_SUFFIXES and suffix not in _SIDE_FILES)
    return dict(left.most_common())


def ignored_images(ignored: Mapping[str, int]) -> str | None:
    """Return what the user should hear of the images among :func:`ignored_files`; None where there are none."""
    images = {suffix: n for suffix, n in ignored.items() if suffix in OTHER_IMAGE_SUFFIXES}
    if not images:
        return None
    return f"{counted(images)} ignored: this type is not read. Save them as PNG or TIFF to use them."


def counted(suffixes: Mapping[str, int]) -> str:
    """Return the files of :func:`ignored_files` as words."""
    total = sum(suffixes.values())
    shown = ", ".join(suffix or "no suffix" for suffix in list(suffixes)[:5]) + (", ..." if len(suffixes) > 5 else "")
    return f"{total} other file{'' if total == 1 else 's'} ({shown})"


def _walk(folder: Path) -> list[Path]:
    """Return all files below a folder; hidden files and folders are left out, links to folders are followed."""
    files: list[Path] = []
    ways: dict[Path, tuple[Path, ...]] = {folder: (folder.resolve(),)}  # the places that were walked to get to a folder
    for root, folders, names in os.walk(folder, followlinks=True, onerror=_refuse):
        here = Path(root)
        way = ways.pop(here)
        # A link to a folder further up, or to one that links back, would be walked round and round.
        walked = {*way, *way[-1].parents}
        places = {name: (here / name).resolve() for name in folders if not name.startswith(".")}
        folders[:] = sorted(name for name, place in places.items() if place not in walked)
        ways.update({here / name: (*way, places[name]) for name in folders})
        files += [here / name for name in names if not name.startswith(".")]
    return files


def find_labelled_images(folder: Path, *, labels: Sequence[str] | None = None) -> LabelledFiles:
    """Return the images of a folder of class folders; the class is the first part of the relative path.

    Args:
        folder: holds one folder for each class.
        labels: names and order to use; the folders must be among them. Default: the folder names, sorted.

    Raises:
        DataError: the folder is missing or empty, an image lies outside the class folders, or a class is unknown.
    """
    files = find_images(folder)
    loose = [file.name for file in files if "/" not in file.name]
    if loose:
        raise DataError(
            f"{folder}: {len(loose)} images lie outside the class folders, for example {loose[0]}",
            hint="each class needs a folder of its own: FOLDER/<class>/<image>",
        )
    classes = [one_form(file.name.partition("/")[0]) for file in files]
    known = tuple(labels) if labels is not None else tuple(sorted(set(classes)))
    index = {one_form(label): position for position, label in enumerate(known)}
    unknown = sorted(set(classes) - index.keys())
    if unknown:
        raise DataError(
            f"{folder}: class folder {unknown[0]!r} is no label of the model", hint=did_you_mean(unknown[0], known)
        )
    return LabelledFiles(files, [index[name] for name in classes], known)


def match_pairs(source: Path, target: Path) -> PairedFiles:
    """Return the images that two folders have in common, matched by relative path without extension.

    Raises:
        DataError: both are one folder, one is missing or empty, a name occurs twice in it, or nothing matches.
    """
    if source.exists() and source.resolve() == target.resolve():
        raise DataError(
            f"the pairs need a folder for each sensor, found {source} for both",
            hint="put the same scenes, under the same names, seen by the source model's sensor into one (--pairs-source) and "
            "seen by the target sensor into another (--pairs-target)",
        )
    sources, targets = _by_stem(source), _by_stem(target)
    common = sorted(sources.keys() & targets.keys())
    if not common:
        raise DataError(
            f"no pairs: {source} has for example {next(iter(sources.values())).name}, "
            f"{target} has for example {next(iter(targets.values())).name}",
            hint="both images of a pair need the same relative path, extensions aside",
        )
    return PairedFiles(
        source=[sources[stem] for stem in common],
        target=[targets[stem] for stem in common],
        unpaired_source=[sources[stem].name for stem in sorted(sources.keys() - targets.keys())],
        unpaired_target=[targets[stem].name for stem in sorted(targets.keys() - sources.keys())],
        source_folder=source,
        target_folder=target,
    )


def _by_stem(folder: Path) -> dict[str, ImageFile]:
    found: dict[str, ImageFile] = {}
    for file in find_images(folder):
        stem = file.stem
        if stem in found:
            other = found[stem].name
            same = without_extension(other) == without_extension(file.name)
            raise DataError(
                f"{folder}: {other} and {file.name} differ by {'extension' if same else 'how accents are stored'} only",
                hint="keep one of them: pairs are matched by the name without extension",
            )
        found[stem] = file
    return found


def _refuse(error: OSError) -> None:
    # os.walk would pass over it in silence, and the images in it would be lost.
    raise DataError(f"{error.filename}: the folder cannot be listed ({error.strerror})") from error


def _near(folder: Path) -> str:
    parent = folder.parent
    if not parent.is_dir():
        return f"{parent} does not exist either: check the path"
    siblings = [entry.name for entry in parent.iterdir() if entry.is_dir() and not entry.name.startswith(".")]
    return did_you_mean(folder.name, siblings[:50]) if siblings else f"{parent} holds no folder"
