"""``prepare``: from a published data set to manifests, a sensor description and a ready study."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from sourcefree.benchmarks import diml, nirscene, sunrgbd
from sourcefree.benchmarks.archives import ARCHIVE_SUFFIXES, is_archive, unpack
from sourcefree.benchmarks.frames import Frame, Reading, counts
from sourcefree.data.manifest import write_manifest
from sourcefree.data.modality import Modality
from sourcefree.engine.progress import Progress, Silent, counter
from sourcefree.errors import ConfigError, DataError, did_you_mean
from sourcefree.files import check_place, whole_file, write_text
from sourcefree.presets import read_preset

_SENSORS = {"sunrgbd": sunrgbd.DEPTH, "diml": diml.DEPTH, "nirscene": nirscene.NIR}
_RUNS = 10  # of consecutive frames of a class, in turn one half and the other
DATASETS = tuple(_SENSORS)


@dataclass(frozen=True)
class PrepareResult:
    """What was written.

    Attributes:
        out: the folder: ``rgb/*.csv``, ``target/*.csv``, ``pairs/{rgb,target}.csv``, ``sensor.yaml``, ``study.yaml``,
            ``summary.json``.
        classes: the task's.
        counts: images by part.
        notes: what is missing or unusual.
    """

    out: Path
    classes: list[str]
    counts: dict[str, int]
    notes: list[str]


@dataclass(frozen=True)
class _Task:
    """A name in the study, and the frames it learns from and adapts to."""

    name: str
    source: str
    target: str


def prepare(
    *,
    dataset: str,
    path: Path | str,
    out: Path | str,
    classes: Sequence[str] = (),
    split: int | None = None,
    depth: Literal["raw", "filled"] = "raw",
    disjoint: bool = False,
    copy: bool = False,
    progress: Progress | None = None,
) -> PrepareResult:
    """Turn a data set as its authors publish it into manifests that every command reads.

    Args:
        dataset: "sunrgbd", "diml" or "nirscene".
        path: the unpacked folder or one that holds it, an archive (zip or tar), or a folder of archives. Archives beside an
            unpacked data set are not read.
        out: folder to write; the same call again changes nothing, and unpacking goes on where it stopped.
        classes: the task's classes; default: the data set's (see ``sourcefree.benchmarks``).
        split: number of the 6/3 split, for nirscene, in place of classes.
        depth: measured or in-painted depth, for sunrgbd.
        disjoint: give half of the task's frames to the source model and the other half to the target, runs of frames in turn,
            where the data set itself has no separate parts (DIML with train and test has); the papers are understood to use all
            frames for both.
        copy: copy the images in place of naming where they are.
        progress: receives progress; silent by default.

    Raises:
        ConfigError: an option or class is unknown, or an option does not fit the data set.
        DataError: the data set is not found, or is damaged.
    """
    out, progress = Path(out), progress or Silent()
    if dataset not in DATASETS:
        raise ConfigError(f"no data set {dataset!r}", hint=did_you_mean(dataset, DATASETS))
    _check_options(dataset, classes, split, depth)
    check_place(out)
    root, reading = _find(dataset, Path(path), out, depth, progress)
    chosen, notes = _task_classes(dataset, root, reading, classes, split)
    frames, sensor = reading.frames, _SENSORS[dataset]
    task = [frame for frame in frames if frame.label in chosen]
    pairs = [frame for frame in frames if frame.label not in chosen]
    if not pairs:
        raise DataError(f"{path}: every frame is of a task class, so there are no task-irrelevant pairs")
    parts = _parts(dataset, task, disjoint=disjoint)
    written = _write(out, parts, pairs, copy=copy, progress=progress)
    tasks = _tasks(dataset, parts)
    write_text(out / "sensor.yaml", yaml.safe_dump(sensor.model_dump(mode="json", exclude_none=True), sort_keys=False))
    write_text(out / "study.yaml", _study(dataset, tasks, sensor))
    summary = {"dataset": dataset, "classes": chosen, "images": written, "frames": counts(frames), "notes": notes}
    write_text(out / "summary.json", json.dumps(summary, indent=1))
    return PrepareResult(out, chosen, written, notes)


def _check_options(dataset: str, classes: Sequence[str], split: int | None, depth: Literal["raw", "filled"]) -> None:
    """Refuse what the data set has no use for."""
    if split is not None and dataset != "nirscene":
        raise ConfigError(
            f"--split is for nirscene, found {dataset}", hint="leave it out and choose the classes with --classes"
        )
    if split is not None and classes:
        raise ConfigError("--split and --classes both name the task's classes", hint="leave one of them out")
    if depth == "filled" and dataset != "sunrgbd":
        raise ConfigError(
            f"--depth filled is for sunrgbd, found {dataset}",
            hint="leave it out: this data set has one target image a frame",
        )


def _find(
    dataset: str, path: Path, out: Path, depth: Literal["raw", "filled"], progress: Progress
) -> tuple[Path, Reading]:
    """Return where the data set lies and what is there: in the folder, else in archives, unpacked to ``out/unpacked``."""
    if not path.exists():
        raise DataError(f"{path}: no such file or folder")
    if path.is_file() and not is_archive(path):
        raise DataError(f"{path}: expected a folder or an archive ({', '.join(ARCHIVE_SUFFIXES)})")
    archives = [path] if path.is_file() else sorted(entry for entry in path.iterdir() if is_archive(entry))
    unpacked = out / "unpacked"
    # What an interrupted call unpacked below the folder is not what the user has there.
    ours = archives and unpacked.is_dir() and unpacked.resolve().is_relative_to(path.resolve())
    if path.is_dir() and not ours:
        try:
            reading = _read(dataset, path, depth)
        except DataError:
            if not archives:
                raise
        else:
            names = ", ".join(archive.name for archive in archives)
            note = [f"Archives beside the unpacked data set are not read: {names}."] if archives else []
            return path, Reading(reading.frames, [*reading.notes, *note])
    for archive in archives:
        unpack(archive, unpacked / archive.name, progress=counter(progress, f"unpacking {archive.name}"))
    root = unpacked / archives[0].name if len(archives) == 1 else unpacked
    return root, _read(dataset, root, depth)


def _read(dataset: str, root: Path, depth: Literal["raw", "filled"]) -> Reading:
    if dataset == "sunrgbd":
        return sunrgbd.read(root, depth=depth)
    return diml.read(root) if dataset == "diml" else nirscene.read(root)


def _task_classes(
    dataset: str, root: Path, reading: Reading, classes: Sequence[str], split: int | None
) -> tuple[list[str], list[str]]:
    """Return the task's classes, and what is missing or unusual."""
    notes = reading.notes
    known = {frame.label for frame in reading.frames}
    if dataset == "sunrgbd":
        default = sunrgbd.task_classes(reading)
        notes = [*notes, *sunrgbd.check(reading, default)]
    elif dataset == "diml":
        default = diml.default_classes(reading)
    else:
        irrelevant = nirscene.irrelevant_classes(nirscene.DEFAULT_SPLIT if split is None else split)
        default = sorted(known - set(irrelevant))
    for name in classes:
        if name not in known:
            raise ConfigError(f"{dataset} has no class {name!r}", hint=did_you_mean(name, known))
    chosen = sorted(classes) if classes else default
    if len(chosen) < 2:
        raise DataError(f"{root}: expected at least two task classes, found {len(chosen)}: {', '.join(chosen)}")
    return chosen, notes


def _parts(dataset: str, task: list[Frame], *, disjoint: bool) -> dict[str, tuple[list[Frame], list[Frame]]]:
    """Return, by part, the frames whose RGB images train a source model and those whose target images are adapted to."""
    groups = sorted({frame.group for frame in task})
    if dataset == "diml" and set(groups) == set(diml.SPLITS):
        if disjoint:
            raise ConfigError(
                "--disjoint is for frames without separate parts, found train and test of diml",
                hint="leave it out: the source model gets train, the target test",
            )
        split = {name: [frame for frame in task if frame.group == name] for name in groups}
        return {"task": (split["train"], split["test"])}
    parts = {}
    for group in groups:
        frames = [frame for frame in task if frame.group == group]
        parts[group or "task"] = _halves(frames) if disjoint else (frames, frames)
    return parts


def _halves(frames: list[Frame]) -> tuple[list[Frame], list[Frame]]:
    """Return half of every class and the other half: ten runs of consecutive frames, in turn.

    Neighbours often show one room, which both halves must not. Two runs would do, but cameras and places follow each other too.
    """
    halves: tuple[list[Frame], list[Frame]] = ([], [])
    for label in sorted({frame.label for frame in frames}):
        own = [frame for frame in frames if frame.label == label]
        runs = min(_RUNS, len(own))
        for place, frame in enumerate(own):
            halves[place * runs // len(own) % 2].append(frame)
    return halves


def _write(
    out: Path,
    parts: dict[str, tuple[list[Frame], list[Frame]]],
    pairs: list[Frame],
    *,
    copy: bool,
    progress: Progress,
) -> dict[str, int]:
    """Write all manifests; return how many images each names."""
    lists: dict[str, list[tuple[str, Path]]] = {}
    for name, (source, target) in parts.items():
        lists[f"rgb/{name}"] = [frame.entry("source") for frame in source]
        lists[f"target/{name}"] = [frame.entry("target") for frame in target]
    lists["pairs/rgb"] = [frame.entry("source") for frame in pairs]
    lists["pairs/target"] = [frame.entry("target") for frame in pairs]
    for name, images in lists.items():
        placed = _copied(out / "images" / name, images, counter(progress, f"copying {name}")) if copy else images
        write_manifest(out / f"{name}.csv", placed)
    return {name: len(images) for name, images in lists.items()}


def _copied(folder: Path, images: list[tuple[str, Path]], show: Callable[[int, int], None]) -> list[tuple[str, Path]]:
    placed = []
    for number, (name, file) in enumerate(images, start=1):
        target = folder / name
        if not (target.is_file() and target.stat().st_size == file.stat().st_size):
            target.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(target) as temporary:
                shutil.copyfile(file, temporary)
        placed.append((name, target))
        show(number, len(images))
    return placed


def _tasks(dataset: str, parts: dict[str, Any]) -> list[_Task]:
    if dataset == "sunrgbd":
        return [_Task(f"{a}-rgb-to-{b}-depth", a, b) for a in parts for b in parts]
    return [_Task(f"{dataset}-{name}" if len(parts) > 1 else dataset, name, name) for name in parts]


def _study(dataset: str, tasks: list[_Task], sensor: Modality) -> str:
    preset = read_preset(dataset)
    definitions = {
        task.name: {
            "given": {
                "source": f"rgb/{task.source}.csv",
                "target": f"target/{task.target}.csv",
                "pairs_source": "pairs/rgb.csv",
                "pairs_target": "pairs/target.csv",
                "modality": "sensor.yaml",
            },
            "source": preset["train"]["source"],
        }
        for task in tasks
    }
    study = {
        "title": f"{dataset}: RGB to {sensor.name}",
        "question": "Run it with --data set to this folder. Measured on the images that are adapted to, as the field does.",
        "tasks": [task.name for task in tasks],
        "methods": ["source-only", "adabn", "shot", "socket", "tgmb-tgkt", "multilevel"],
        "seeds": [0, 1, 2],
        "budget": preset["budget"],
        "definitions": definitions,
    }
    return yaml.safe_dump(study, sort_keys=False)
