"""What the user should hear about the files of a data set, in plain sentences."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sourcefree.data.datasets import LabelledImages, UnlabelledImages, image_means
from sourcefree.data.folders import ImageFile, PairedFiles, ignored_files, ignored_images
from sourcefree.data.left_out import by_reason, clipping_warning
from sourcefree.data.modality import Modality
from sourcefree.data.store import ImageStore

_ENLARGED = 2  # times that images may be enlarged without a word
_FAR = 10  # standard deviations of its pixels, which no mean of an image is from that of all


def image_notes(store: ImageStore, folder: Path, modality: Modality) -> list[str]:
    """Return what the user should hear about the images of a folder: what is no image, cannot be used, or is clipped.

    Args:
        store: the images as read.
        folder: of the images.
        modality: the sensor they were read for.
    """
    clipped = [f"{folder}: {warning}" for warning in clipping_warning(modality, store.clipped)]
    return [*_ignored_note(folder), *_unreadable_note(store.unreadable, str(folder)), *clipped]


def enlarged_note(folder: Path, *, pixels: int, size: int) -> list[str]:
    """Return a sentence for the user where the network sees images much larger than they are.

    Args:
        folder: of the images.
        pixels: longer side of the median image; 0 where that is not known.
        size: of the network's input in pixels.
    """
    if not 0 < _ENLARGED * pixels < size:
        return []
    return [
        f"The images of {folder} are {pixels} px (longer side, median), the network sees {size} px: that costs time and adds "
        "no detail."
    ]


def pair_notes(paired: PairedFiles, sources: list[tuple[str, str]], targets: list[tuple[str, str]]) -> tuple[str, ...]:
    """Return what the user should hear about the files of the pairs.

    Args:
        paired: matched files.
        sources: (file, reason) of those of the source side that cannot be used.
        targets: the same of the target side.
    """
    notes = [
        note
        for folder, unreadable, side in (
            (paired.source_folder, sources, "source"),
            (paired.target_folder, targets, "target"),
        )
        for note in (
            *(_ignored_note(folder) if folder else []),
            *_unreadable_note(unreadable, str(folder or f"the pairs' {side} side")),
        )
    ]
    unpaired = len(paired.unpaired_source) + len(paired.unpaired_target)
    if unpaired:
        example = (paired.unpaired_source + paired.unpaired_target)[0]
        notes.append(f"{unpaired} files of the pairs have no partner and are not used, for example {example}.")
    return tuple(notes)


def _ignored_note(folder: Path) -> list[str]:
    images = ignored_images(ignored_files(folder))
    return [f"{folder}: {images}"] if images else []


def _unreadable_note(unreadable: list[tuple[str, str]], where: str) -> list[str]:
    if not unreadable:
        return []
    count = len(unreadable)
    files, are = ("file", "is") if count == 1 else ("files", "are")
    return [f"{count} {files} of {where} cannot be used and {are} left out: {by_reason(unreadable)}."]


def empty_note(folder: Path, files: Sequence[ImageFile]) -> list[str]:
    """Return a sentence for the user where a class folder holds no image that is read.

    Args:
        folder: class folders, or a list of files.
        files: those found.
    """
    if not folder.is_dir():
        return []
    classes = {file.name.partition("/")[0] for file in files}
    folders = [one.name for one in folder.iterdir() if one.is_dir() and not one.name.startswith(".")]
    empty = sorted(set(folders) - classes)
    if not empty:
        return []
    shown = ", ".join(empty[:5]) + (", ..." if len(empty) > 5 else "")
    return [f"{folder}: no image in {shown}, so no class of that name."]


def folder_note(files: Sequence[ImageFile], folder: Path) -> list[str]:
    """Return a sentence for the user where target images lie in sub-folders, which could pass for classes.

    Args:
        files: those found.
        folder: that holds them.
    """
    folders = sorted({Path(file.name).parts[0] for file in files if "/" in file.name})
    if not folders:
        return []
    shown = ", ".join(folders[:3]) + (", ..." if len(folders) > 3 else "")
    return [f"{folder} has {len(folders)} sub-folders ({shown}): no label is read from their names."]


def far_images(images: UnlabelledImages | LabelledImages) -> int:
    """Return how many images have a mean that no image of the sensor has whose statistics they are standardised by.

    Args:
        images: of a sensor whose mean and deviation were measured on other images of it.
    """
    (means,) = image_means(images)
    return int((means.abs().amax(1) > _FAR).sum())


def far_note(far: int, count: int, modality: Modality) -> list[str]:
    """Return a sentence for the user where most images are of another unit or number type than those trained on.

    Args:
        far: :func:`far_images`.
        count: of all images.
        modality: the sensor of the model.
    """
    if 2 * far <= count:
        return []
    return [
        f"{far} of {count} images have values far from all that the model was made for ({modality.name}): are they in another "
        "unit or number type? Its answers mean nothing then; sourcefree inspect shows both."
    ]
