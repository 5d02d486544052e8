"""Images of one sensor decoded once, as physical values in one array."""

from __future__ import annotations

import math
import os
import shutil
import tempfile
import weakref
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import interpolate

from sourcefree.data.augment import load_size
from sourcefree.data.folders import ImageFile, PairedFiles
from sourcefree.data.image_io import read_image
from sourcefree.data.left_out import Origin, check_share
from sourcefree.data.modality import Modality, measure_statistics
from sourcefree.data.physical import HALF, Measured, Physical, measured_image
from sourcefree.data.progress import CountProgress, counted_on
from sourcefree.defaults import MAX_UNREADABLE
from sourcefree.errors import DataError

_WORKERS = 4
_CHUNK = 256
_TRIED = 3  # images that tell whether a folder fits a sensor


@dataclass(frozen=True)
class ImageStore:
    """Decoded images.

    Attributes:
        names: relative path of each image.
        kept: position of each image in the list of files that was given.
        values: (N, C, L, L) float32 in the modality's unit, NaN where missing; L is 8/7 of the network's input.
        unreadable: (file, reason) of what was left out.
        pixels: longer side of the median image as stored; 0 where that is not known.
        clipped: share of the measured values that lay outside the sensor's valid range.
    """

    names: list[str]
    kept: list[int]
    values: NDArray[np.float32]
    unreadable: list[tuple[str, str]]
    pixels: int = 0
    clipped: float = 0.0

    def measure(self, modality: Modality) -> Modality:
        """Return the modality with the mean and std of these images.

        Raises:
            DataError: no value is valid.
        """
        return measure_statistics(modality, (self.values[i : i + _CHUNK] for i in range(0, len(self.values), _CHUNK)))

    def standardised(self, modality: Modality) -> torch.Tensor:
        """Return (N, C, L, L) of (x - mean) / std with missing values at 0, the mean.

        The array is changed in place and handed over: a large data set must not stand in memory twice. Use the store for
        nothing else afterwards.
        """
        if modality.mean is None or modality.std is None:
            raise DataError(f"{modality.name}: mean and std are not measured", hint="use ImageStore.measure first")
        mean = np.asarray(modality.mean, np.float32)[:, None, None]
        std = np.asarray(modality.std, np.float32)[:, None, None]
        for start in range(0, len(self.values), _CHUNK):
            part = self.values[start : start + _CHUNK]
            part -= mean
            part /= std
            np.nan_to_num(part, copy=False, nan=0.0)
        return torch.from_numpy(self.values)


def load_images(
    files: Sequence[ImageFile],
    *,
    modality: Modality,
    size: int,
    max_unreadable: float = MAX_UNREADABLE,
    cache_bytes: int = 4 << 30,
    progress: CountProgress | None = None,
    origin: Origin | None = None,
) -> ImageStore:
    """Return the images of one sensor; unreadable ones are left out and listed.

    Args:
        files: the images.
        modality: the sensor.
        size: of the network's input in pixels.
        max_unreadable: share of unreadable files above which it is an error.
        cache_bytes: memory for one call.
        progress: called with (done, total).
        origin: where the files come from, for errors.

    Raises:
        DataError: too many files cannot be read, or the temporary folder has no space for them.
    """
    store = decode_images(files, modality=modality, size=size, cache_bytes=cache_bytes, progress=progress)
    check_share(store.unreadable, len(files), max_unreadable, origin or Origin())
    return store


def decode_images(
    files: Sequence[ImageFile],
    *,
    modality: Modality,
    size: int,
    cache_bytes: int = 4 << 30,
    progress: CountProgress | None = None,
) -> ImageStore:
    """Return the images of one sensor, however many cannot be read.

    Images become squares of 8/7 of ``size``: the aspect is not kept, as in [SHOT] and [SOCKET], so that nothing at the
    border is lost. Above ``cache_bytes`` the values lie in a temporary file that is mapped into memory.

    Args:
        files: the images.
        modality: the sensor.
        size: of the network's input in pixels.
        cache_bytes: memory for one call.
        progress: called with (done, total).

    Raises:
        DataError: the temporary folder has no space for them.
    """
    side = load_size(size)
    values = _allocate((len(files), modality.bands, side, side), cache_bytes)
    kept: list[int] = []
    longer: list[int] = []
    clipped: list[float] = []
    unreadable: list[tuple[str, str]] = []

    def decode(file: ImageFile) -> tuple[Physical, int, float] | str:
        try:
            bands, outside = _read(file, modality)
        except DataError as error:
            return error.message.removeprefix(f"{file.path}: ")  # the file is named beside its reason
        return resize_physical(bands, side), max(bands.shape[1:]), outside

    with ThreadPoolExecutor(_WORKERS) as pool:
        for position, result in enumerate(pool.map(decode, files)):
            if isinstance(result, str):
                unreadable.append((files[position].name, result))
            else:
                values[len(kept)] = result[0]
                longer.append(result[1])
                clipped.append(result[2])
                kept.append(position)
            if progress is not None:
                progress(position + 1, len(files))
    names = [files[i].name for i in kept]
    pixels, share = (round(median(longer)), fmean(clipped)) if kept else (0, 0.0)
    return ImageStore(names, kept, values[: len(kept)], unreadable, pixels, share)


def load_pairs(
    paired: PairedFiles,
    *,
    source_modality: Modality,
    target_modality: Modality,
    size: int,
    max_unreadable: float,
    cache_bytes: int = 4 << 30,
    progress: CountProgress | None = None,
) -> tuple[ImageStore, ImageStore]:
    """Return both sides of the pairs in the same order; a pair with an unreadable side is left out.

    Args:
        paired: matched files.
        source_modality: the source sensor.
        target_modality: the target sensor.
        size: of the network's input in pixels.
        max_unreadable: share of unreadable files of one side above which it is an error.
        cache_bytes: memory for each side.
        progress: called with (done, total) over both sides.

    Raises:
        DataError: too many files cannot be read.
    """
    total = len(paired.source) + len(paired.target)
    sensors = (source_modality, target_modality)
    stores = [
        load_images(
            files,
            modality=modality,
            size=size,
            max_unreadable=max_unreadable,
            cache_bytes=cache_bytes,
            progress=counted_on(progress, before=before, total=total),
            origin=_origin_of_side(paired, side, sensors),
        )
        for side, files, modality, before in (
            (0, paired.source, source_modality, 0),
            (1, paired.target, target_modality, len(paired.source)),
        )
    ]
    both = sorted(set(stores[0].kept) & set(stores[1].kept))
    return _select(stores[0], both), _select(stores[1], both)


def resize_physical(values: Physical, side: int) -> Physical:
    """Return (C, side, side) of (C, H, W), antialiased; missing values (NaN) are never mixed into valid ones.

    A pixel is the weighted mean of the valid values below it, and missing where they carry less than half of the weight.
    """
    image = torch.from_numpy(np.ascontiguousarray(values))[None]
    valid = torch.isfinite(image)
    if bool(valid.all()):
        return _shrink(image, side)[0].numpy()
    weight = _shrink(valid.float(), side)
    total = _shrink(torch.where(valid, image, torch.zeros(())), side)
    mean = total / weight.clamp_min(1e-6)
    return torch.where(weight >= HALF, mean, torch.full((), float("nan")))[0].numpy()


def _read(file: ImageFile, modality: Modality) -> Measured:
    return measured_image(modality, read_image(file.path, bands=modality.channels))


def _origin_of_side(paired: PairedFiles, side: int, sensors: tuple[Modality, Modality]) -> Origin:
    """Return where the images of one side of the pairs come from, with a hint where the sides look swapped."""
    folder, option, whose = (
        (paired.source_folder, "--pairs-source", "the source model's sensor"),
        (paired.target_folder, "--pairs-target", "the target sensor (--modality)"),
    )[side]
    own, other = sensors[side], sensors[1 - side]
    files = (paired.source, paired.target)

    def hint() -> str:
        if _all_fit(files[side], other) and _all_fit(files[1 - side], own):
            return (
                f"are the two folders swapped? These images can be read as {other.name}, and those of the other folder as "
                f"{own.name}"
            )
        return f"{option} takes images of {own.name}, {whose}; sourcefree inspect shows what the files are"

    return Origin(option if folder is None else f"{option} {folder}", f"{own.name}, {whose}", hint)


def _all_fit(files: Sequence[ImageFile], modality: Modality) -> bool:
    try:
        return all(_read(file, modality).bands.size > 0 for file in files[:_TRIED])
    except DataError:
        return False


def _shrink(image: torch.Tensor, side: int) -> torch.Tensor:
    return interpolate(image, size=(side, side), mode="bilinear", antialias=True, align_corners=False)


def _allocate(shape: tuple[int, ...], cache_bytes: int) -> NDArray[np.float32]:
    needed = 4 * math.prod(shape)
    if needed <= cache_bytes:
        return np.empty(shape, np.float32)
    # The mapped file takes its space only when it is written to: a full disk would kill the process without a word.
    folder = tempfile.gettempdir()
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise DataError(
            f"{folder}: the decoded images need {needed:,} bytes of temporary space, the folder has {free:,} free",
            hint="set TMPDIR to a folder on a larger disk",
        )
    with tempfile.NamedTemporaryFile(prefix="sourcefree-", suffix=".cache", delete=False) as file:
        path = Path(file.name)
    values = np.memmap(path, np.float32, mode="w+", shape=shape)
    if os.name == "posix":
        # A mapped file needs no name, and gives its space back with the last process: even one that is killed.
        path.unlink()
    else:
        weakref.finalize(values, path.unlink, missing_ok=True)
    return values


def _select(store: ImageStore, positions: Sequence[int]) -> ImageStore:
    """Return the images whose position among the given files is listed."""
    if list(positions) == store.kept:
        return store
    row_of = {position: row for row, position in enumerate(store.kept)}
    rows = [row_of[position] for position in positions]
    for new, row in enumerate(rows):  # rows only move up, so this needs no second array
        store.values[new] = store.values[row]
    names = [store.names[row] for row in rows]
    return ImageStore(names, list(positions), store.values[: len(rows)], store.unreadable, store.pixels, store.clipped)
