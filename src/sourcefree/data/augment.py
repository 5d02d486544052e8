"""Crop and flip, drawn from (seed, epoch, index): the same in any batch, any order and any process."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

_MASK = np.uint64(0xFFFFFFFFFFFFFFFF)


class CropFlips(NamedTuple):
    """Where to cut and whether to mirror, for N images.

    Attributes:
        top: (N,) int64 first row.
        left: (N,) int64 first column.
        flip: (N,) bool.
    """

    top: NDArray[np.int64]
    left: NDArray[np.int64]
    flip: NDArray[np.bool_]


def load_size(size: int) -> int:
    """Return the side in pixels that images are kept at, so that crops of ``size`` can move: 8/7 of it.

    Reference: the 256 and 224 of [SHOT].
    """
    return round(size * 8 / 7)


def draw_crop_flips(*, seed: int, epoch: int, indices: NDArray[np.int64], load: int, size: int) -> CropFlips:
    """Return uniform crops and fair flips, a pure function of seed, epoch and each index.

    Args:
        seed: of the run.
        epoch: number of the epoch.
        indices: (N,) positions of the images in their data set.
        load: side of the kept images.
        size: side of the crops.
    """
    keys = _hash(_hash(np.uint64(seed & 0xFFFFFFFF) << np.uint64(32) | np.uint64(epoch)) ^ indices.astype(np.uint64))
    room = np.uint64(load - size + 1)
    top = (keys >> np.uint64(8) & np.uint64(0xFFFF)) % room
    left = (keys >> np.uint64(24) & np.uint64(0xFFFF)) % room
    return CropFlips(top.astype(np.int64), left.astype(np.int64), (keys >> np.uint64(63)).astype(bool))


def centre_crops(*, count: int, load: int, size: int) -> CropFlips:
    """Return ``count`` centre crops without flip."""
    start = np.full(count, (load - size) // 2, dtype=np.int64)
    return CropFlips(start, start, np.zeros(count, dtype=bool))


def apply_crop_flip(image: Any, crops: CropFlips, position: int, size: int) -> Any:
    """Return (C, size, size) cut out of one (C, H, W) tensor, mirrored where the draw says so."""
    top, left = int(crops.top[position]), int(crops.left[position])
    cut = image[:, top : top + size, left : left + size]
    return cut.flip(-1) if crops.flip[position] else cut


def _hash(values: Any) -> Any:
    """SplitMix64's output function (Steele et al., OOPSLA 2014): every input bit reaches every output bit."""
    with np.errstate(over="ignore"):
        x = (values + np.uint64(0x9E3779B97F4A7C15)) & _MASK
        x = ((x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)) & _MASK
        x = ((x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)) & _MASK
        return x ^ (x >> np.uint64(31))
