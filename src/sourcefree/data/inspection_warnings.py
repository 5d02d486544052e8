"""What is unusual about a folder of images or about pairs, in plain sentences."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sourcefree.data.alignment import alignment_warnings
from sourcefree.data.folders import ignored_images
from sourcefree.data.image_facts import Facts, Kind
from sourcefree.data.inspection_reports import FolderReport, PairsReport
from sourcefree.data.left_out import clipping_warning
from sourcefree.data.modality import Modality
from sourcefree.data.physical import to_physical
from sourcefree.data.scenes import LEAST_SCENES
from sourcefree.defaults import LEAST_PAIRS, MAX_UNREADABLE
from sourcefree.errors import DataError

_COLOUR = 3  # channels
_DARK = 2**14  # levels of 16 bits: no photograph ends below a quarter of the range, those of 10, 12 and 14 bits do
_SMALL_PART = 0.2  # of the range of 16 bits: depth in millimetres stays below it up to 13 m
_MARKS = (-999.0, -9999.0, -32767.0, -32768.0, -99999.0)  # what files use for pixels without a measurement
_FAR_BELOW = 20  # standard deviations; values of a sensor end a few below their mean, however far some lie above it
_ZEROS = 0.01  # share of values; a dark picture has a black level and noise, so that hardly any is exactly 0


def folder_warnings(report: FolderReport, facts: Sequence[Facts], modality: Modality | None) -> list[str]:
    """Return what a user should know of a folder before training on it.

    Args:
        report: what it holds.
        facts: of each of its files.
        modality: the sensor; without it, nothing is said of values.
    """
    return [
        *_content_warnings(report, facts),
        *_usability_warnings(report),
        *_range_warnings(report, modality),
        *clipping_warning(modality, report.values.clipped if report.values else 0.0),
        *_mark_warnings(report, modality),
    ]


def pairs_warnings(report: PairsReport, *, same: int) -> list[str]:
    """Return what a user should know of pairs before training on them.

    Args:
        report: what the two folders hold.
        same: pairs of which both files have the same content.
    """
    found = []
    if report.scenes < LEAST_SCENES:
        found.append(
            f"The names tell {report.scenes} scene{'s' if report.scenes > 1 else ''}, fewer than {LEAST_SCENES}: runs of "
            "neighbours in the order of names stand for scenes. Where pairs of one scene (frames, crops) lie in several runs, "
            "evidence looks surer than it is: give them names that are equal up to their last number."
        )
    if report.usable < LEAST_PAIRS:
        found.append(
            f"{report.usable} pairs can be used: adapt would refuse fewer than {LEAST_PAIRS}, and wants some hundreds."
        )
    if lonely := len(report.unpaired_source) + len(report.unpaired_target):
        found.append(f"{lonely} files have no partner and would not be used.")
    if lost := report.pairs - report.usable:
        found.append(f"{lost} pairs have an image that cannot be used and would be left out.")
    if skewed := len(report.different_aspect):
        found.append(
            f"The two images of {skewed} pairs differ in aspect ratio: do they show the same part of the scene?"
        )
    if same:
        found.append(f"{same} pairs hold the same file twice: is one folder really the other sensor?")
    return [*found, *alignment_warnings(report.alignment)]


def _content_warnings(report: FolderReport, facts: Sequence[Facts]) -> list[str]:
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
