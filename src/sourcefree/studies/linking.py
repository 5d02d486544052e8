"""From two folders of real images to the parts of a task, split by scene: links, since nothing is copied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sourcefree.data.folders import ImageFile, LabelledFiles, find_images, find_labelled_images
from sourcefree.data.image_io import IMAGE_SUFFIXES
from sourcefree.errors import ConfigError, did_you_mean
from sourcefree.seeds import stream_seed
from sourcefree.studies.splits import scene_of, split_by_scene
from sourcefree.studies.tasks import FolderData


def link_folders(data: FolderData, *, seed: int, out: Path) -> None:
    """Write the parts of a task: ``train`` and ``test`` in ``source`` and ``target``, ``source`` and ``target`` in ``pairs``.

    Args:
        data: the two folders, with paths that can be read from here.
        seed: fixes the split.
        out: folder to write to.

    Raises:
        ConfigError: classes, scenes or partners do not fit.
        DataError: a folder cannot be read.
    """
    found = find_labelled_images(data.source)
    _check_classes(data, found.labels)
    task = _task_images(data, found)
    scenes = [scene_of(file.name, data.group) for file, _ in task]
    shares = [data.source_share * 0.9, data.source_share * 0.1, data.target_share]
    shares.append(1 - sum(shares))
    parts = _split(scenes, [index for _, index in task], shares, seed)
    # Pairs may show scenes of the source images, never those of the target images.
    pairs = _pair_files(data, found, {scenes[position] for part in parts[2:] for position in part})
    if not pairs:
        raise ConfigError(
            f"{data.pool_source or data.source}: no pair is left", hint="pairs may not show scenes of the target images"
        )
    targets = {file.stem: file for file in find_images(data.target)}
    places = (("source/train", False), ("source/test", False), ("target/train", True), ("target/test", True))
    for (place, is_target), positions in zip(places, parts, strict=True):
        for position in positions:
            file = task[position][0]
            link(_partner(targets, file, data.target) if is_target else file, out / place)
    pool = targets if data.pool_target is None else {file.stem: file for file in find_images(data.pool_target)}
    for file in pairs:
        link(file, out / "pairs" / "source")
        link(_partner(pool, file, data.pool_target or data.target), out / "pairs" / "target")


def _task_images(data: FolderData, found: LabelledFiles) -> list[tuple[ImageFile, int]]:
    """Return the images of the task's classes, each with the number of its class."""
    labels = data.classes or tuple(name for name in found.labels if name not in data.irrelevant)
    task = [(file, labels.index(name)) for file, name in _named(found) if name in labels]
    missing = set(labels) - {labels[index] for _, index in task}
    if missing:
        raise ConfigError(f"{data.source}: no images of the classes {', '.join(sorted(missing))}")
    return task


def _check_classes(data: FolderData, names: Sequence[str]) -> None:
    """Refuse classes that are no folder or have two parts to play: a wrong name would silently make another task."""
    for what, wanted in (("classes", data.classes), ("irrelevant", data.irrelevant)):
        for name in wanted:
            if name not in names:
                raise ConfigError(f"{data.source}: {what}: no class folder {name!r}", hint=did_you_mean(name, names))
    both = sorted(set(data.classes) & set(data.irrelevant))
    if both:
        raise ConfigError(f"{data.source}: {both[0]!r} is in classes and in irrelevant", hint="leave it in one of them")


def _split(scenes: list[str], class_index: list[int], shares: list[float], seed: int) -> list[NDArray[np.int64]]:
    """Split off the source test images only where there are enough scenes of every class for it."""
    try:
        return split_by_scene(scenes, class_index, shares=shares, seed=seed)
    except ConfigError:
        joined = [shares[0] + shares[1], *shares[2:]]
        source, target, test = split_by_scene(scenes, class_index, shares=joined, seed=seed)
        order = np.random.default_rng(stream_seed(seed, "source test")).permutation(source)
        kept = len(source) // 10
        return [np.sort(order[kept:]), np.sort(order[:kept]), target, test]


def _named(found: LabelledFiles) -> list[tuple[ImageFile, str]]:
    return [(file, found.labels[index]) for file, index in zip(found.files, found.class_index, strict=True)]


def _pair_files(data: FolderData, found: LabelledFiles, used: set[str]) -> list[ImageFile]:
    """Return the source side of the pairs: of a pool or of the irrelevant classes, without the scenes in ``used``."""
    if data.pool_source is not None:
        files = find_images(data.pool_source)
    else:
        files = [file for file, name in _named(found) if name in data.irrelevant]
    return [file for file in files if scene_of(file.name, data.group) not in used]


def _partner(targets: Mapping[str, ImageFile], file: ImageFile, folder: Path) -> ImageFile:
    if file.stem not in targets:
        raise ConfigError(
            f"{folder}: no image {file.stem} of the other sensor",
            hint="both folders must hold the same relative names",
        )
    return targets[file.stem]


def link(file: ImageFile, folder: Path) -> None:
    """Link an image under its relative name in a folder; one of a manifest, whose name may lack it, with its file's ending."""
    name = file.name if Path(file.name).suffix.lower() in IMAGE_SUFFIXES else file.name + file.path.suffix
    place = folder / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(file.path.resolve())
