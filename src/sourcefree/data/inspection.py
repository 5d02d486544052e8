"""What is in a folder of images, before anyone trains on it."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sourcefree.data.folders import ImageFile, find_images, match_pairs
from sourcefree.data.image_io import decode_image, read_bytes
from sourcefree.data.modality import Modality, to_physical
from sourcefree.errors import DataError

_WORKERS = 2
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Kind:
    """Images of one number type and channel count.

    Attributes:
        dtype: number type of the file.
        channels: channels of the file.
        count: number of images.
        minimum: smallest stored number.
        maximum: largest stored number.
        mean: mean stored number.
    """

    dtype: str
    channels: int
    count: int
    minimum: float
    maximum: float
    mean: float


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
    """

    unit: str
    minimum: float
    maximum: float
    mean: float
    std: float
    missing: float


@dataclass(frozen=True)
class FolderReport:
    """What a folder holds.

    Attributes:
        folder: the folder.
        count: image files, readable or not.
        folders: images by first sub-folder; "." for images directly in the folder.
        sizes: images by (height, width), most frequent first.
        kinds: images by number type and channels.
        values: in the modality's unit; None where no modality was given or nothing fits it.
        unreadable: (file, reason); with a modality, also files that do not fit it.
        duplicates: groups of files with the same content.
        warnings: plain sentences.
    """

    folder: str
    count: int
    folders: dict[str, int]
    sizes: dict[tuple[int, int], int]
    kinds: list[Kind]
    values: Values | None
    unreadable: list[tuple[str, str]]
    duplicates: list[list[str]]
    warnings: list[str]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data."""
        return {**asdict(self), "sizes": [{"height": h, "width": w, "count": n} for (h, w), n in self.sizes.items()]}


@dataclass(frozen=True)
class PairsReport:
    """What two folders of pairs hold.

    Attributes:
        source: the source sensor's folder.
        target: the target sensor's folder.
        pairs: scenes seen by both.
        unpaired_source: files without a partner.
        unpaired_target: files without a partner.
        warnings: plain sentences on the pairing.
    """

    source: FolderReport
    target: FolderReport
    pairs: int
    unpaired_source: list[str]
    unpaired_target: list[str]
    warnings: list[str]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data."""
        return {**asdict(self), "source": self.source.to_dict(), "target": self.target.to_dict()}


@dataclass(frozen=True)
class _Facts:
    """What one file says."""

    digest: str
    problem: str | None = None
    size: tuple[int, int] = (0, 0)
    kind: tuple[str, int] = ("", 0)
    stored: tuple[float, float, float] = (0.0, 0.0, 0.0)
    valid: tuple[float, float, float, float, int, int] | None = None


def inspect_folder(folder: Path, *, modality: Modality | None = None, progress: Progress | None = None) -> FolderReport:
    """Return counts, sizes, number types, value ranges, unreadable files and duplicates of a folder of images.

    Args:
        folder: images, nested or not.
        modality: the sensor; adds values in its unit and checks that files fit it.
        progress: called with (done, total).

    Raises:
        DataError: the folder is missing or holds no image.
    """
    files = find_images(Path(folder))
    facts: list[_Facts] = []
    with ThreadPoolExecutor(_WORKERS) as pool:
        for done, fact in enumerate(pool.map(lambda file: _read(file, modality), files), start=1):
            facts.append(fact)
            if progress is not None:
                progress(done, len(files))
    readable = [fact for fact in facts if fact.size != (0, 0)]
    unreadable = [(file.name, fact.problem) for file, fact in zip(files, facts, strict=True) if fact.problem]
    by_content: dict[str, list[str]] = defaultdict(list)
    for file, fact in zip(files, facts, strict=True):
        by_content[fact.digest or file.name].append(file.name)
    kinds, values = _kinds(readable), _values(readable, modality)
    duplicates = [names for names in by_content.values() if len(names) > 1]
    return FolderReport(
        folder=str(folder),
        count=len(files),
        folders=dict(sorted(Counter(_first_folder(file) for file in files).items())),
        sizes=dict(Counter(fact.size for fact in readable).most_common()),
        kinds=kinds,
        values=values,
        unreadable=unreadable,
        duplicates=duplicates,
        warnings=_warnings(kinds, values, unreadable, duplicates, readable),
    )


def inspect_pairs(
    source: Path,
    target: Path,
    *,
    source_modality: Modality | None = None,
    target_modality: Modality | None = None,
    progress: Progress | None = None,
) -> PairsReport:
    """Return what both folders of pairs hold, and which files have no partner.

    Args:
        source: images of the source sensor.
        target: images of the target sensor.
        source_modality: the source sensor.
        target_modality: the target sensor.
        progress: called with (done, total) for one folder, then for the other.

    Raises:
        DataError: a folder is missing or empty, or no file of one matches one of the other.
    """
    paired = match_pairs(Path(source), Path(target))
    first = inspect_folder(Path(source), modality=source_modality, progress=progress)
    second = inspect_folder(Path(target), modality=target_modality, progress=progress)
    warnings = []
    lonely = len(paired.unpaired_source) + len(paired.unpaired_target)
    if lonely:
        warnings.append(f"{lonely} files have no partner and would not be used.")
    if source_modality is None and _same_numbers(first, second):
        warnings.append("Both folders hold the same files: is one of them the other sensor?")
    return PairsReport(first, second, len(paired.source), paired.unpaired_source, paired.unpaired_target, warnings)


def _read(file: ImageFile, modality: Modality | None) -> _Facts:
    digest = ""
    try:
        data = read_bytes(file.path)
        digest = hashlib.blake2b(data, digest_size=16).hexdigest()
        array = decode_image(data, file.path)
    except DataError as error:
        return _Facts(digest, problem=error.message.removeprefix(f"{file.path}: "))
    numbers = array.astype(np.float64)
    with np.errstate(invalid="ignore"):
        finite = numbers[np.isfinite(numbers)]
    stored = (float(finite.min()), float(finite.max()), float(finite.mean())) if finite.size else (0.0, 0.0, 0.0)
    facts = _Facts(digest, None, (array.shape[0], array.shape[1]), (array.dtype.name, array.shape[2]), stored)
    if modality is None:
        return facts
    try:
        values = to_physical(modality, array)
    except DataError as error:
        return _Facts(digest, error.message, facts.size, facts.kind, stored)
    valid = values[np.isfinite(values)].astype(np.float64)
    if not valid.size:
        return _Facts(digest, None, facts.size, facts.kind, stored, (np.inf, -np.inf, 0.0, 0.0, 0, values.size))
    sums = (float(valid.min()), float(valid.max()), float(valid.sum()), float((valid**2).sum()))
    return _Facts(digest, None, facts.size, facts.kind, stored, (*sums, valid.size, values.size))


def _kinds(facts: Sequence[_Facts]) -> list[Kind]:
    groups: dict[tuple[str, int], list[_Facts]] = defaultdict(list)
    for fact in facts:
        groups[fact.kind].append(fact)
    return [
        Kind(
            dtype,
            channels,
            len(group),
            min(fact.stored[0] for fact in group),
            max(fact.stored[1] for fact in group),
            float(np.mean([fact.stored[2] for fact in group])),
        )
        for (dtype, channels), group in sorted(groups.items())
    ]


def _values(facts: Sequence[_Facts], modality: Modality | None) -> Values | None:
    rows = [fact.valid for fact in facts if fact.valid is not None]
    count, total = sum(row[4] for row in rows), sum(row[5] for row in rows)
    if modality is None or not count:
        return None
    mean = sum(row[2] for row in rows) / count
    variance = max(0.0, sum(row[3] for row in rows) / count - mean**2)
    low, high = min(row[0] for row in rows), max(row[1] for row in rows)
    return Values(modality.unit, low, high, mean, variance**0.5, 1 - count / total)


def _warnings(
    kinds: Sequence[Kind],
    values: Values | None,
    unreadable: Sequence[tuple[str, str]],
    duplicates: Sequence[Sequence[str]],
    facts: Sequence[_Facts],
) -> list[str]:
    found = [
        f"{kind.count} {kind.dtype} images use levels up to {kind.maximum:.0f} only: 8-bit data in 16-bit files? "
        "Check the scale of the modality."
        for kind in kinds
        if kind.dtype == "uint16" and kind.maximum <= 255
    ]
    if len(kinds) > 1:
        found.append(f"The images are of {len(kinds)} different kinds (number type and channels).")
    constant = sum(fact.stored[0] == fact.stored[1] for fact in facts)
    if constant:
        found.append(f"{constant} images are constant: every pixel has the same value.")
    if values is not None and values.missing > 0.5:
        found.append(f"{100 * values.missing:.0f} % of all values are missing: check 'missing' and the valid range.")
    if unreadable:
        found.append(f"{len(unreadable)} files cannot be used and would be left out.")
    if duplicates:
        found.append(f"{len(duplicates)} groups of files have the same content.")
    return found


def _same_numbers(first: FolderReport, second: FolderReport) -> bool:
    return bool(first.kinds) and first.kinds == second.kinds and first.count == second.count


def _first_folder(file: ImageFile) -> str:
    return file.name.partition("/")[0] if "/" in file.name else "."
