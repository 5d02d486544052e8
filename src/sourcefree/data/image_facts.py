"""What one image file says about itself, and the sums over many."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any

import numpy as np
import numpy.typing as npt

from sourcefree.data.folders import ImageFile
from sourcefree.data.image_io import decode_image, read_bytes
from sourcefree.data.modality import Modality
from sourcefree.data.physical import measured_image
from sourcefree.data.progress import CountProgress
from sourcefree.errors import DataError

_WORKERS = 2


@dataclass(frozen=True)
class Kind:
    """Images of one number type and channel count.

    Attributes:
        dtype: number type of the file.
        channels: channels of the file.
        count: number of images.
        minimum: smallest stored number; None where no number is finite.
        maximum: largest stored number.
        mean: mean over all pixels.
        zeros: share of numbers that are exactly 0.
    """

    dtype: str
    channels: int
    count: int
    minimum: float | None
    maximum: float | None
    mean: float | None
    zeros: float | None = None


@dataclass(frozen=True)
class Values:
    """Values in a modality's unit.

    Attributes:
        unit: of the numbers.
        minimum: smallest valid value.
        maximum: largest valid value.
        mean: of all valid values.
        std: of all valid values.
        missing: share of missing values.
        clipped: share of the valid values that lay outside the valid range.
    """

    unit: str
    minimum: float
    maximum: float
    mean: float
    std: float
    missing: float
    clipped: float = 0.0


@dataclass(frozen=True)
class Sums:
    """Sums over the finite numbers of an image.

    Attributes:
        minimum: smallest; infinity where nothing is finite.
        maximum: largest; minus infinity where nothing is finite.
        total: sum.
        squares: sum of squares.
        count: finite numbers.
        size: all numbers.
        zeros: numbers that are exactly 0.
    """

    minimum: float
    maximum: float
    total: float
    squares: float
    count: int
    size: int
    zeros: int = 0

    @staticmethod
    def of(array: npt.NDArray[Any]) -> Sums:
        """Return the sums of an array of any shape."""
        finite = array[np.isfinite(array)].astype(np.float64)
        if not finite.size:
            return Sums(np.inf, -np.inf, 0.0, 0.0, 0, array.size)
        total, squares = float(finite.sum()), float((finite**2).sum())
        zeros = finite.size - int(np.count_nonzero(finite))
        return Sums(float(finite.min()), float(finite.max()), total, squares, finite.size, array.size, zeros)

    @staticmethod
    def merged(parts: Sequence[Sums]) -> Sums:
        """Return the sums over several arrays."""
        return Sums(
            minimum=min((part.minimum for part in parts), default=np.inf),
            maximum=max((part.maximum for part in parts), default=-np.inf),
            total=sum(part.total for part in parts),
            squares=sum(part.squares for part in parts),
            count=sum(part.count for part in parts),
            size=sum(part.size for part in parts),
            zeros=sum(part.zeros for part in parts),
        )


@dataclass(frozen=True)
class Facts:
    """What one file says.

    Attributes:
        digest: of the file's content; empty where it cannot be read at all.
        problem: why it cannot be used; None where it can.
        size: (height, width); None where it cannot be decoded.
        kind: number type and channels.
        stored: of the stored numbers.
        valid: of the values in the modality's unit; None without a modality.
        clipped: share of the measured values that lie outside the valid range.
    """

    digest: str
    problem: str | None = None
    size: tuple[int, int] | None = None
    kind: tuple[str, int] = ("", 0)
    stored: Sums | None = None
    valid: Sums | None = None
    clipped: float = 0.0

    @property
    def constant(self) -> bool:
        """Whether every pixel has the same value."""
        return self.stored is not None and self.stored.count > 0 and self.stored.minimum == self.stored.maximum


def gather_facts(
    files: Sequence[ImageFile], *, modality: Modality | None, progress: CountProgress | None
) -> list[Facts]:
    """Return the facts of each file in the given order; every file is read and decoded once."""
    facts: list[Facts] = []
    with ThreadPoolExecutor(_WORKERS) as pool:
        for done, fact in enumerate(pool.map(lambda file: _read(file, modality), files), start=1):
            facts.append(fact)
            if progress is not None:
                progress(done, len(files))
    return facts


def kinds_of(facts: Sequence[Facts]) -> list[Kind]:
    """Return the images by number type and channels, sorted by these."""
    groups: dict[tuple[str, int], list[Sums]] = defaultdict(list)
    for fact in facts:
        if fact.stored is not None:
            groups[fact.kind].append(fact.stored)
    kinds = []
    for (dtype, channels), group in sorted(groups.items()):
        sums = Sums.merged(group)
        if not sums.count:
            kinds.append(Kind(dtype, channels, len(group), None, None, None))
            continue
        mean, zeros = sums.total / sums.count, sums.zeros / sums.count
        kinds.append(Kind(dtype, channels, len(group), sums.minimum, sums.maximum, mean, zeros))
    return kinds


def values_of(facts: Sequence[Facts], modality: Modality | None) -> Values | None:
    """Return the values in the modality's unit; None without a modality or where nothing is valid."""
    sums = Sums.merged([fact.valid for fact in facts if fact.valid is not None])
    if modality is None or not sums.count:
        return None
    mean = sums.total / sums.count
    std = max(0.0, sums.squares / sums.count - mean**2) ** 0.5
    clipped = fmean(fact.clipped for fact in facts if fact.valid is not None)
    return Values(modality.unit, sums.minimum, sums.maximum, mean, std, 1 - sums.count / sums.size, clipped)


def _read(file: ImageFile, modality: Modality | None) -> Facts:
    digest = ""
    try:
        data = read_bytes(file.path)
        digest = hashlib.blake2b(data, digest_size=16).hexdigest()
        array = decode_image(data, file.path, bands=modality.channels if modality else None)
    except DataError as error:
        return Facts(digest, problem=error.message.removeprefix(f"{file.path}: "))
    facts = Facts(digest, None, (array.shape[0], array.shape[1]), (array.dtype.name, array.shape[2]), Sums.of(array))
    if modality is None:
        return facts
    try:
        measured = measured_image(modality, array)
        return replace(facts, valid=Sums.of(measured.bands), clipped=measured.clipped)
    except DataError as error:
        return replace(facts, problem=error.message)
