"""Whether the two images of a pair show the same scene from the same place, as far as their edges tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sourcefree.data.folders import ImageFile, PairedFiles
from sourcefree.data.image_io import read_image
from sourcefree.data.physical import NO_VALUE, resize_antialiased
from sourcefree.errors import DataError

_SIDE = 48
_MOST = 96  # pairs that are looked at
_LEAST = 8  # with fewer nothing can be said
_SAME = 0.98  # correlation above which two sensors can hardly be told apart

Maps = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Alignment:
    """How well edges agree.

    Attributes:
        pairs: how many were compared.
        true: mean correlation of edge strengths between the two images of a pair.
        shuffled: likewise between images of different pairs: what chance gives.
        error: standard error of the difference of the two.
        values: mean correlation of brightness between the two images of a pair.
    """

    pairs: int
    true: float
    shuffled: float
    error: float
    values: float

    @property
    def lines_up(self) -> bool:
        """Whether true pairs agree better than chance, beyond two standard errors."""
        return self.true > self.shuffled + 2 * self.error

    @property
    def identical(self) -> bool:
        """Whether the two sensors look the same."""
        return self.values > _SAME


def measure_alignment(paired: PairedFiles, *, seed: int = 0) -> Alignment | None:
    """Return how well edges agree over a sample of the pairs; None where too few can be read.

    Args:
        paired: matched files.
        seed: of the sample and of the shuffled partners.
    """
    generator = np.random.default_rng(seed)
    chosen = sorted(generator.permutation(len(paired.source))[:_MOST].tolist())
    maps = [_both(paired.source[position], paired.target[position]) for position in chosen]
    read = [both for both in maps if both is not None]
    if len(read) < _LEAST:
        return None
    values = [np.stack(side) for side in zip(*read, strict=True)]
    edges = [_edges(side) for side in values]
    # Every image against its own partner, and against that of the next pair in a random row.
    order = generator.permutation(len(read))
    wrong = np.empty_like(order)
    wrong[order] = np.roll(order, 1)
    true, shuffled = _correlation(edges[0], edges[1]), _correlation(edges[0], edges[1][wrong])
    error = float((true - shuffled).std() / len(read) ** 0.5)
    brightness = float(_correlation(values[0], values[1]).mean())
    return Alignment(len(read), float(true.mean()), float(shuffled.mean()), error, brightness)


def _both(source: ImageFile, target: ImageFile) -> tuple[Maps, Maps] | None:
    try:
        return _grey(source), _grey(target)
    except DataError:
        return None


def _grey(file: ImageFile) -> Maps:
    """Return (S, S), the mean of the channels; numbers that no sensor measures become the image's median."""
    with np.errstate(over="ignore"):
        bands = read_image(file.path).astype(np.float32).transpose(2, 0, 1)
    grey = resize_antialiased(np.where(np.abs(bands) < NO_VALUE, bands, np.nan), _SIDE).mean(0)
    valid = grey[np.isfinite(grey)]
    return np.where(np.isfinite(grey), grey, np.median(valid) if valid.size else 0.0).astype(np.float32)


def _edges(values: Maps) -> Maps:
    rows, columns = np.gradient(values, axis=1), np.gradient(values, axis=2)
    return np.asarray(np.hypot(rows, columns), np.float32)


def _correlation(first: Maps, second: Maps) -> npt.NDArray[np.float64]:
    """Return the correlation of each pair of maps, (N,); 0 where one is constant."""
    a, b = (side.reshape(len(side), -1).astype(np.float64) for side in (first, second))
    a, b = a - a.mean(1, keepdims=True), b - b.mean(1, keepdims=True)
    scale = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return np.asarray((a * b).sum(1) / np.maximum(scale, 1e-12), np.float64)


def alignment_warnings(alignment: Alignment | None) -> Sequence[str]:
    """Return plain sentences on what looks like a mistake."""
    if alignment is None:
        return []
    found = []
    if alignment.identical:
        found.append(
            f"The two sensors look the same (brightness correlates at {alignment.values:.2f}): is one folder the other's copy?"
        )
    if not alignment.lines_up:
        found.append(
            f"The edges of true pairs agree no better than those of wrong ones ({alignment.true:.2f} against "
            f"{alignment.shuffled:.2f} over {alignment.pairs} pairs): do the pairs line up? Sensors that share little "
            "structure, such as colour and radar, can look like this too."
        )
    return found
