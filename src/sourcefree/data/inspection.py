"""What is in a folder of images, before anyone trains on it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from sourcefree.data.alignment import Alignment, measure_alignment
from sourcefree.data.folders import ImageFile, PairedFiles, find_images, ignored_files, match_pairs
from sourcefree.data.image_facts import Facts, gather_facts, kinds_of, values_of
from sourcefree.data.inspection_reports import FolderReport, PairsReport
from sourcefree.data.inspection_warnings import folder_warnings, pairs_warnings
from sourcefree.data.modality import Modality, load_modality
from sourcefree.data.progress import CountProgress, counted_on
from sourcefree.data.scenes import scenes_told

_ASPECT_TOLERANCE = 0.02  # rounding to whole pixels changes the aspect of a small image by this much


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
    report.warnings.extend(folder_warnings(report, facts, modality))
    return report


def _pairs_report(
    reports: Sequence[FolderReport],
    paired: PairedFiles,
    by_name: Sequence[dict[str, Facts]],
    alignment: Alignment | None,
) -> PairsReport:
    names = [(first.name, second.name) for first, second in zip(paired.source, paired.target, strict=True)]
    facts = [(by_name[0][first], by_name[1][second]) for first, second in names]
    report = PairsReport(
        source=reports[0],
        target=reports[1],
        pairs=len(names),
        usable=sum(first.problem is None and second.problem is None for first, second in facts),
        unpaired_source=paired.unpaired_source,
        unpaired_target=paired.unpaired_target,
        scenes=scenes_told([first for first, _ in names]),
        different_aspect=[both for both, (a, b) in zip(names, facts, strict=True) if _aspects_differ(a, b)],
        alignment=alignment,
        warnings=[],
    )
    same = sum(first.digest == second.digest != "" for first, second in facts)
    report.warnings.extend(pairs_warnings(report, same=same))
    return report


def _aspects_differ(first: Facts, second: Facts) -> bool:
    if first.size is None or second.size is None:
        return False
    (height, width), (other_height, other_width) = first.size, second.size
    ratio = (height * other_width) / (width * other_height)
    return max(ratio, 1 / ratio) > 1 + _ASPECT_TOLERANCE


def _first_folder(file: ImageFile) -> str:
    return file.name.partition("/")[0] if "/" in file.name else "."
