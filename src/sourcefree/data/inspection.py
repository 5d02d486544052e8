"""What is in a folder of images, before anyone trains on it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from sourcefree.data.alignment import Alignment, alignment_warnings, measure_alignment
from sourcefree.data.folders import ImageFile, PairedFiles, find_images, ignored_files, ignored_images, match_pairs
from sourcefree.data.image_facts import Facts, Kind, Values, gather_facts, kinds_of, values_of
from sourcefree.data.left_out import clipping_warning
from sourcefree.data.modality import Modality, load_modality
from sourcefree.data.physical import to_physical
from sourcefree.data.progress import CountProgress, counted_on
from sourcefree.data.scenes import LEAST_SCENES, scenes_told
from sourcefree.defaults import LEAST_PAIRS, MAX_UNREADABLE
from sourcefree.errors import DataError

_ASPECT_TOLERANCE = 0.02  # rounding to whole pixels changes the aspect of a small image by this much
_COLOUR = 3  # channels
_DARK = 2**14  # levels of 16 bits: no photograph ends below a quarter of the range, those of 10, 12 and 14 bits do
_SMALL_PART = 0.2  # of the range of 16 bits: depth in millimetres stays below it up to 13 m
_MARKS = (-999.0, -9999.0, -32767.0, -32768.0, -99999.0)  # what files use for pixels without a measurement
_FAR_BELOW = 20  # standard deviations; values of a sensor end a few below their mean, however far some lie above it
_ZEROS = 0.01  # share of values; a dark picture has a black level and noise, so that hardly any is exactly 0


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
        ignored: files of types that are not read, by suffix; text files are not counted.
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
    ignored: dict[str, int]

    @property
    def size_range(self) -> dict[str, tuple[float, float, float]]:
        """Smallest, median and largest height and width in pixels; empty where nothing can be decoded."""
        sides = {"height": 0, "width": 1} if self.sizes else {}
        listed = {name: [size[i] for size, n in self.sizes.items() for _ in range(n)] for name, i in sides.items()}
        return {name: (min(values), median(values), max(values)) for name, values in listed.items()}

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data."""
        return {
            **asdict(self),
            "sizes": [{"height": h, "width": w, "count": n} for (h, w), n in self.sizes.items()],
            "size_range": {
                name: dict(zip(("minimum", "median", "maximum"), values, strict=True))
                for name, values in self.size_range.items()
            },
            "unreadable": [list(entry) for entry in self.unreadable],
        }


@dataclass(frozen=True)
class PairsReport:
    """What two folders of pairs hold.

    Attributes:
        source: the source sensor's folder.
        target: the target sensor's folder.
        pairs: scenes seen by both.
        usable: pairs of which both images can be used.
        unpaired_source: files without a partner.
        unpaired_target: files without a partner.
        scenes: how many the names of the pairs tell.
        different_aspect: (source file, target file) whose height to width ratios differ.
        alignment: how well the edges of a sample of pairs agree; None where too few can be read.
        warnings: plain sentences on the pairing.
    """

    source: FolderReport
    target: FolderReport
    pairs: int
    usable: int
    unpaired_source: list[str]
    unpaired_target: list[str]
    scenes: int
    different_aspect: list[tuple[str, str]]
    alignment: Alignment | None
    warnings: list[str]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data."""
        return {
            **asdict(self),
            "source": self.source.to_dict(),
            "target": self.target.to_dict(),
            "different_aspect": [list(entry) for entry in self.different_aspect],
        }


def inspect_folder(
    folder: Path | str, *, modality: Modality | Path | str | None = None, progress: CountProgress | None = None
) -> FolderReport:
    """Return counts, sizes, number types, value ranges, unreadable files and duplicates of a folder of images.

    Args:
        folder: images, nested or not.
        modality: the sensor, or its name or YAML file; adds values in its unit and checks that files fit it.
        progress: called with (done, total).

    Raises:
        DataError: the folder is missing or holds no image.
    """
    sensor, files = _sensor(modality), find_images(Path(folder))
    facts = gather_facts(files, modality=sensor, progress=progress)
    return _folder_report(Path(folder), files, facts, sensor)


def inspect_pairs(
    source: Path | str,
    target: Path | str,
    *,
    source_modality: Modality | Path | str | None = None,
    target_modality: Modality | Path | str | None = None,
    progress: CountProgress | None = None,
) -> PairsReport:
    """Return what both folders of pairs hold, which files have no partner and which pairs do not fit together.

    Args:
        source: images of the source sensor.
        target: images of the target sensor.
        source_modality: the source sensor, or its name or YAML file.
        target_modality: the target sensor, likewise.
        progress: called with (done, total) over both folders.

    Raises:
        DataError: a folder is missing or empty, or no file of one matches one of the other.
    """
    paired = match_pairs(Path(source), Path(target))
    sides = [(Path(source), _sensor(source_modality)), (Path(target), _sensor(target_modality))]
    listings = [find_images(folder) for folder, _ in sides]
    total = sum(len(files) for files in listings)
    reports: list[FolderReport] = []
    by_name: list[dict[str, Facts]] = []
    for (folder, modality), files in zip(sides, listings, strict=True):
        show = counted_on(progress, before=sum(len(facts) for facts in by_name), total=total)
        facts = gather_facts(files, modality=modality, progress=show)
        reports.append(_folder_report(folder, files, facts, modality))
        by_name.append({file.name: fact for file, fact in zip(files, facts, strict=True)})
    return _pairs_report(reports, paired, by_name, measure_alignment(paired))


def _sensor(modality: Modality | Path | str | None) -> Modality | None:
    return modality if modality is None or isinstance(modality, Modality) else load_modality(modality)


def _folder_report(
    folder: Path, files: Sequence[ImageFile], facts: Sequence[Facts], modality: Modality | None
) -> FolderReport:
    by_content: dict[str, list[str]] = defaultdict(list)
    for file, fact in zip(files, facts, strict=True):
        by_content[fact.digest or file.name].append(file.name)
    report = FolderReport(
        folder=str(folder),
        count=len(files),
        folders=dict(sorted(Counter(_first_folder(file) for file in files).items())),
        sizes=dict(Counter(fact.size for fact in facts if fact.size is not None).most_common()),
        kinds=kinds_of(facts),
        values=values_of(facts, modality),
        unreadable=[(file.name, fact.problem) for file, fact in zip(files, facts, strict=True) if fact.problem],
        duplicates=[names for names in by_content.values() if len(names) > 1],
        warnings=[],
        ignored=ignored_files(folder),
    )
    report.warnings.extend(
        [
            *_folder_warnings(report, facts),
            *_usability_warnings(report),
            *_range_warnings(report, modality),
            *clipping_warning(modality, report.values.clipped if report.values else 0.0),
            *_mark_warnings(report, modality),
        ]
    )
    return report


def _folder_warnings(report: FolderReport, facts: Sequence[Facts]) -> list[str]:
    found = [
        f"{kind.count} {kind.dtype} images use levels up to {kind.maximum:.0f} only: {max(8, int(kind.maximum).bit_length())}"
        "-bit data in 16-bit files? Check the scale of the modality."
        for kind in report.kinds
        if kind.dtype == "uint16" and kind.maximum is not None
        if kind.maximum < (_DARK if kind.channels == _COLOUR else 256)
    ]
    if len(report.kinds) > 1:
        found.append(f"The images are of {len(report.kinds)} different kinds (number type and channels).")
    constant = sum(fact.constant for fact in facts)
    if constant:
        found.append(f"{constant} images are constant: every pixel has the same value.")
    values = report.values
    if values is not None and values.missing > 0.5:
        found.append(f"{100 * values.missing:.0f} % of all values are missing: check 'missing' and the valid range.")
    if report.duplicates:
        found.append(f"{len(report.duplicates)} groups of files have the same content.")
    return found


def _usability_warnings(report: FolderReport) -> list[str]:
    found = []
    if images := ignored_images(report.ignored):
        found.append(images)
    unusable = len(report.unreadable)
    if unusable == report.count:
        found.append(f"None of the {unusable} files can be used: adapt and train-source would refuse them.")
    elif unusable > MAX_UNREADABLE * report.count:
        found.append(
            f"{unusable} of {report.count} files cannot be used: that is more than {100 * MAX_UNREADABLE:.0f} %, so adapt "
            "and train-source would refuse them unless --max-unreadable is raised."
        )
    elif unusable:
        found.append(f"{unusable} files cannot be used and would be left out.")
    return found


def _range_warnings(report: FolderReport, modality: Modality | None) -> list[str]:
    """Return a question where 16-bit files look like depth in millimetres, and the sensor is another."""
    if modality is None or modality.scale != "full-range" or modality.missing:
        return []
    return [
        f"The values fill only {100 * kind.maximum / 65535:.0f} % of the range of {kind.dtype}, and {100 * kind.zeros:.0f} % "
        f"of them are exactly 0: is {modality.name} the right modality? Depth in millimetres looks like this."
        for kind in report.kinds
        if kind.dtype == "uint16" and kind.maximum is not None and kind.zeros is not None
        if 255 < kind.maximum < _SMALL_PART * 65535 and kind.zeros > _ZEROS
    ]


def _mark_warnings(report: FolderReport, modality: Modality | None) -> list[str]:
    """Return a question where the smallest number looks like a mark for pixels without a measurement, and is taken as one."""
    if modality is None or report.values is None:
        return []
    advice = (
        "one such pixel spoils mean and std. If it marks pixels without a measurement, name it under 'missing' of the "
        "modality."
    )
    found = [
        f"The smallest number in {kind.count} {kind.dtype} images is {kind.minimum:g}, and counts as a measurement: {advice}"
        for kind in report.kinds
        if kind.minimum in _MARKS and _is_valid(kind.minimum, kind, modality)
    ]
    values = report.values
    if not found and values.mean - values.minimum > _FAR_BELOW * values.std > 0:
        found.append(
            f"The smallest value, {values.minimum:.4g}, lies {(values.mean - values.minimum) / values.std:.0f} standard "
            f"deviations below the mean: {advice}"
        )
    return found


def _is_valid(number: float | None, kind: Kind, modality: Modality) -> bool:
    """Return whether a stored number is a measurement to the sensor."""
    try:
        values = to_physical(modality.encoded("plain"), np.full((1, 1, kind.channels), number, kind.dtype))
    except DataError:  # files of this kind do not fit the sensor
        return False
    return bool(np.isfinite(values).any())


def _pairs_report(
    reports: Sequence[FolderReport],
    paired: PairedFiles,
    by_name: Sequence[dict[str, Facts]],
    alignment: Alignment | None,
) -> PairsReport:
    names = [(first.name, second.name) for first, second in zip(paired.source, paired.target, strict=True)]
    facts = [(by_name[0][first], by_name[1][second]) for first, second in names]
    usable = sum(first.problem is None and second.problem is None for first, second in facts)
    skewed = [both for both, (first, second) in zip(names, facts, strict=True) if _aspects_differ(first, second)]
    same = sum(first.digest == second.digest != "" for first, second in facts)
    lonely = len(paired.unpaired_source) + len(paired.unpaired_target)
    scenes = scenes_told([first for first, _ in names])
    warnings = []
    if scenes < LEAST_SCENES:
        warnings.append(
            f"The names tell {scenes} scene{'s' if scenes > 1 else ''}, fewer than {LEAST_SCENES}: runs of neighbours in the "
            "order of names stand for scenes. Where pairs of one scene (frames, crops) lie in several runs, evidence looks "
            "surer than it is: give them names that are equal up to their last number."
        )
    if usable < LEAST_PAIRS:
        warnings.append(
            f"{usable} pairs can be used: adapt would refuse fewer than {LEAST_PAIRS}, and wants some hundreds."
        )
    if lonely:
        warnings.append(f"{lonely} files have no partner and would not be used.")
    if usable < len(names):
        warnings.append(f"{len(names) - usable} pairs have an image that cannot be used and would be left out.")
    if skewed:
        warnings.append(
            f"The two images of {len(skewed)} pairs differ in aspect ratio: do they show the same part of the scene?"
        )
    if same:
        warnings.append(f"{same} pairs hold the same file twice: is one folder really the other sensor?")
    return PairsReport(
        source=reports[0],
        target=reports[1],
        pairs=len(names),
        usable=usable,
        unpaired_source=paired.unpaired_source,
        unpaired_target=paired.unpaired_target,
        scenes=scenes,
        different_aspect=skewed,
        alignment=alignment,
        warnings=[*warnings, *alignment_warnings(alignment)],
    )


def _aspects_differ(first: Facts, second: Facts) -> bool:
    if first.size is None or second.size is None:
        return False
    (height, width), (other_height, other_width) = first.size, second.size
    ratio = (height * other_width) / (width * other_height)
    return max(ratio, 1 / ratio) > 1 + _ASPECT_TOLERANCE


def _first_folder(file: ImageFile) -> str:
    return file.name.partition("/")[0] if "/" in file.name else "."
