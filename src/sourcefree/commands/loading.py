"""From folders to data sets, a part of them held out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sourcefree.commands.loading_notes import empty_note, enlarged_note, folder_note, image_notes, pair_notes
from sourcefree.data.datasets import ImagePairs, LabelledImages, UnlabelledImages
from sourcefree.data.folders import PairedFiles, find_images, find_labelled_images
from sourcefree.data.held_out import split_held_out
from sourcefree.data.left_out import Origin
from sourcefree.data.modality import MODALITIES, Modality
from sourcefree.data.scenes import without_classes
from sourcefree.data.store import ImageStore, load_images, load_pairs
from sourcefree.defaults import LEAST_PAIRS
from sourcefree.engine.progress import Progress, counter
from sourcefree.errors import ConfigError, DataError

_LEAST_TARGET = 3  # of which a third can be held out
_PAIR_SCENES = 12  # held out: which model is delivered hangs on them, and six often prove nothing
_TARGET_SCENES = 6  # held out: for the estimate alone
_MORE_IMAGES = "give a folder with more images: some dozens at the very least, for a model worth having"


@dataclass(frozen=True)
class TargetData:
    """Unlabelled target images, a part of them held out from training.

    Attributes:
        train: augmenting view for training.
        whole: un-augmented view of all of them.
        held_out: positions in it of those that are kept to estimate accuracy by.
        held_out_scenes: number of the scene that each of these shows.
        modality: the sensor with the statistics of these images.
        unreadable: (file, reason).
        notes: plain sentences for the user.
    """

    train: UnlabelledImages
    whole: UnlabelledImages
    held_out: list[int]
    held_out_scenes: list[int]
    modality: Modality
    unreadable: list[tuple[str, str]]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class PairData:
    """Task-irrelevant pairs, a part of them held out from training.

    Attributes:
        train: augmenting view for training.
        held_out: un-augmented view for label-free evidence.
        held_out_scenes: number of the scene of each held-out pair.
        whole: un-augmented view of all of them.
        scenes: number of the scene of each.
        unreadable: (file, reason).
        notes: plain sentences for the user.
    """

    train: ImagePairs
    held_out: ImagePairs
    held_out_scenes: list[int]
    whole: ImagePairs
    scenes: list[int]
    unreadable: list[tuple[str, str]]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class LabelledData:
    """Labelled images.

    Attributes:
        images: augmenting view.
        labels: class names.
        class_index: (N,) class of each image.
        modality: the sensor with statistics.
        unreadable: (file, reason).
        notes: plain sentences for the user.
        pixels: longer side of the median image.
    """

    images: LabelledImages
    labels: tuple[str, ...]
    class_index: NDArray[np.int64]
    modality: Modality
    unreadable: list[tuple[str, str]]
    notes: tuple[str, ...] = ()
    pixels: int = 0


def load_target(
    folder: Path,
    *,
    modality: Modality,
    classes: Sequence[str],
    size: int,
    max_unreadable: float,
    held_out: float,
    seed: int,
    progress: Progress,
    chosen: Sequence[int] | None = None,
) -> TargetData:
    """Return the target images of a folder, split into training and held-out ones.

    Statistics are measured where the modality has none, on all of them.

    Class folders are no error: their names are ignored, and the user is told.

    Args:
        folder: images, nested or not.
        modality: the target sensor.
        classes: of the source model, whose names say nothing of scenes.
        size: of the network's input in pixels.
        max_unreadable: share of unreadable files above which it is an error.
        held_out: share of the images that is kept to estimate accuracy by.
        seed: of the split and the augmentations.
        progress: shows the reading.
        chosen: positions in the sorted list of files that are used; default: all.

    Raises:
        DataError: the folder or too many of its files cannot be read.
    """
    files = find_images(folder)
    files = files if chosen is None else [files[position] for position in chosen]
    store = load_images(
        files,
        modality=modality,
        size=size,
        max_unreadable=max_unreadable,
        progress=counter(progress, f"reading {folder.name}"),
        origin=_origin(folder, modality),
    )
    measured = modality if modality.measured else store.measure(modality)
    notes = [
        *image_notes(store, folder, modality),
        *enlarged_note(folder, pixels=store.pixels, size=size),
        *folder_note(files, folder),
    ]
    images = UnlabelledImages(store, modality=measured, size=size, seed=seed)
    if len(images) < _LEAST_TARGET:
        raise DataError(
            f"{folder}: expected at least {_LEAST_TARGET} usable images, one of them held out, found {len(images)}",
            hint=_MORE_IMAGES,
        )
    names = without_classes(images.names, classes)
    split = split_held_out(names, share=held_out, scenes=_TARGET_SCENES, seed=seed, of="target images")
    return TargetData(
        train=images.subset(split.train),
        whole=images.plain(),
        held_out=split.held_out,
        held_out_scenes=split.held_out_scenes,
        modality=measured,
        unreadable=store.unreadable,
        notes=tuple(notes),
    )


def load_pair_data(
    paired: PairedFiles,
    *,
    source_modality: Modality,
    target_modality: Modality,
    size: int,
    max_unreadable: float,
    held_out: float,
    seed: int,
    progress: Progress,
    change_target: Callable[[ImageStore], None] | None = None,
) -> PairData:
    """Return the pairs, split into training and held-out ones.

    Args:
        paired: matched files.
        source_modality: the source sensor with the statistics of the source model.
        target_modality: the target sensor with statistics.
        size: of the network's input in pixels.
        max_unreadable: share of unreadable files above which it is an error.
        held_out: share of the pairs that is kept for label-free evidence.
        seed: of the split and the augmentations.
        progress: shows the reading.
        change_target: changes the decoded target images in place, for studies of bad pairs.

    Raises:
        DataError: too many files cannot be read, or there are too few pairs to learn from.
    """
    sources, targets = load_pairs(
        paired,
        source_modality=source_modality,
        target_modality=target_modality,
        size=size,
        max_unreadable=max_unreadable,
        progress=counter(progress, "reading pairs"),
    )
    if len(sources.names) < LEAST_PAIRS:
        raise DataError(
            f"expected at least {LEAST_PAIRS} readable pairs, found {len(sources.names)}",
            hint="pairs are files of the same relative path without extension: see sourcefree inspect --help",
        )
    if change_target is not None:
        change_target(targets)
    pairs = ImagePairs(
        sources,
        targets,
        source_modality=source_modality,
        target_modality=target_modality,
        size=size,
        seed=seed,
    )
    split = split_held_out(pairs.names, share=held_out, scenes=_PAIR_SCENES, seed=seed)
    unreadable = sorted([*sources.unreadable, *targets.unreadable])
    notes = pair_notes(paired, sources.unreadable, targets.unreadable)
    return PairData(
        train=pairs.subset(split.train),
        held_out=pairs.subset(split.held_out).plain(),
        held_out_scenes=split.held_out_scenes,
        whole=pairs.plain(),
        scenes=split.scenes,
        unreadable=unreadable,
        notes=notes,
    )


def load_labelled(
    folder: Path,
    *,
    modality: Modality,
    size: int,
    max_unreadable: float,
    progress: Progress,
    labels: Sequence[str] | None = None,
    seed: int = 0,
) -> LabelledData:
    """Return the images of a folder of class folders.

    Args:
        folder: class folders.
        modality: the sensor; statistics are measured where it has none.
        size: of the network's input in pixels.
        max_unreadable: share of unreadable files above which it is an error.
        progress: shows the reading.
        labels: names and order that the folders must fit; default: the folder names, sorted.
        seed: of the augmentations.

    Raises:
        DataError: the folder, its classes or too many of its files do not fit.
    """
    found = find_labelled_images(folder, labels=labels)
    store = load_images(
        found.files,
        modality=modality,
        size=size,
        max_unreadable=max_unreadable,
        progress=counter(progress, f"reading {folder.name}"),
        origin=_origin(folder, modality),
    )
    measured = modality if modality.measured else store.measure(modality)
    class_index = np.asarray(found.class_index, dtype=np.int64)[store.kept]
    notes = (*image_notes(store, folder, modality), *empty_note(folder, found.files))
    images = LabelledImages(store, class_index, modality=measured, size=size, seed=seed)
    return LabelledData(images, tuple(found.labels), class_index, measured, store.unreadable, notes, store.pixels)


def check_enough(count: int, *, where: Path, batch_size: int, processes: int = 1) -> None:
    """Refuse a training that cannot be, before a folder is made for it: batch norm needs two images in each process.

    Args:
        count: images to train on.
        where: their folder.
        batch_size: images a step, over all processes.
        processes: how many take part.

    Raises:
        DataError: there are too few images.
        ConfigError: the batches are too small.
    """
    least = 2 * processes
    over = f" over {processes} processes" if processes > 1 else ""
    if count < least:
        raise DataError(
            f"{where}: expected at least {least} usable images to train on{over}, found {count}",
            hint=_MORE_IMAGES,
        )
    if batch_size < least:
        raise ConfigError(
            f"batch_size: expected at least {least}{over}, found {batch_size}",
            hint="give a larger --batch-size, or start fewer processes",
        )


def _origin(folder: Path, modality: Modality) -> Origin:
    sensor = modality.name if modality.name in MODALITIES else "SENSOR.yaml"
    hint = f"are they images of {modality.name}? sourcefree inspect {folder} --modality {sensor} lists them all"
    return Origin(str(folder), modality.name, lambda: hint)
