"""Images of one sensor decoded once, as physical values in one array."""

from __future__ import annotations

import math
import shutil
import tempfile
import weakref
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import interpolate

from sourcefree.data.augment import load_size
from sourcefree.data.folders import ImageFile, PairedFiles
from sourcefree.data.image_io import read_image
from sourcefree.data.modality import Modality, measure_statistics
from sourcefree.data.physical import HALF, Physical, to_physical
from sourcefree.data.progress import CountProgress
from sourcefree.defaults import MAX_UNREADABLE
from sourcefree.errors import DataError

_WORKERS = 4
_CHUNK = 256
_SHOWN = 5


@dataclass(frozen=True)
class ImageStore:
    """Decoded images.

    Attributes:
        names: relative path of each image.
        kept: position of each image in the list of files that was given.
        values: (N, C, L, L) float32 in the modality's unit, NaN where missing; L is 8/7 of the network's input.
        unreadable: (file, reason) of what was left out.
    """

    names: list[str]
    kept: list[int]
    values: NDArray[np.float32]
    unreadable: list[tuple[str, str]]

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
) -> ImageStore:
    """Return the images of one sensor; unreadable ones are left out and listed.

    Images become squares of 8/7 of ``size``: the aspect is not kept, as in [SHOT] and [SOCKET], so that nothing at the
    border is lost. Above ``cache_bytes`` the values lie in a temporary file that is mapped into memory.

    Args:
        files: the images.
        modality: the sensor.
        size: of the network's input in pixels.
        max_unreadable: share of unreadable files above which it is an error.
        cache_bytes: memory for one call.
        progress: called with (done, total).

    Raises:
        DataError: too many files cannot be read, or the temporary folder has no space for them.
    """
    side = load_size(size)
    values = _allocate((len(files), modality.bands, side, side), cache_bytes)
    kept: list[int] = []
    unreadable: list[tuple[str, str]] = []

    def decode(file: ImageFile) -> Physical | DataError:
        try:
            return resize_physical(to_physical(modality, read_image(file.path, bands=modality.channels)), side)
        except DataError as error:
            return error

    with ThreadPoolExecutor(_WORKERS) as pool:
        for position, result in enumerate(pool.map(decode, files)):
            if isinstance(result, DataError):
                unreadable.append((files[position].name, result.message))
            else:
                values[len(kept)] = result
                kept.append(position)
            if progress is not None:
                progress(position + 1, len(files))
    _check_share(unreadable, len(files), max_unreadable)
    return ImageStore([files[i].name for i in kept], kept, values[: len(kept)], unreadable)


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

    def shifted(before: int) -> CountProgress | None:
        return None if progress is None else lambda done, _: progress(before + done, total)

    stores = [
        load_images(
            files,
            modality=modality,
            size=size,
            max_unreadable=max_unreadable,
            cache_bytes=cache_bytes,
            progress=shifted(before),
        )
        for files, modality, before in (
            (paired.source, source_modality, 0),
            (paired.target, target_modality, len(paired.source)),
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
    return ImageStore(names, list(positions), store.values[: len(rows)], store.unreadable)


def _check_share(unreadable: list[tuple[str, str]], total: int, limit: float) -> None:
    if not unreadable or (len(unreadable) < total and len(unreadable) <= limit * total):
        return
    shown = "; ".join(f"{reason if file in reason else f'{file}: {reason}'}" for file, reason in unreadable[:_SHOWN])
    more = f"; and {len(unreadable) - _SHOWN} more" if len(unreadable) > _SHOWN else ""
    if len(unreadable) == total:
        raise DataError(
            f"none of {total} images can be used: {shown}{more}",
            hint="are they images of this sensor? sourcefree inspect lists them all",
        )
    raise DataError(
        f"{len(unreadable)} of {total} images cannot be used, more than the allowed {100 * limit:.0f} %: {shown}{more}",
        hint="sourcefree inspect lists them all; repair or remove them, or raise --max-unreadable",
    )
