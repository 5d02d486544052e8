"""SUN RGB-D: four depth cameras, scene labels in scene.txt.

Layout: ``SUNRGBD/<sensor>/<origin>/.../<frame>/{image/*.jpg, depth/*.png, depth_bfx/*.png, scene.txt}``; sensors kv1, kv2,
realsense and xtion. Depth is 16-bit, its bits rotated left by 3; millimetres, 0 is missing, clipped at 8 m.

Reference: Song et al., "SUN RGB-D: a RGB-D scene understanding benchmark suite", CVPR 2015.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Literal

from sourcefree.benchmarks.frames import Frame, Reading, common_labels, plausible
from sourcefree.data.modality import Modality
from sourcefree.errors import DataError

SENSORS = ("kv1", "kv2", "realsense", "xtion")
# The scene classes found in all four sensors, and how many frames of them each sensor has (counted on the published set; 40
# frames had no label in the list that was counted, hence the tolerance).
CLASSES = (
    *("bathroom", "classroom", "computer_room", "conference_room", "corridor", "discussion_area", "home_office", "idk"),
    *("kitchen", "lab", "living_room", "office", "office_kitchen", "printer_room", "reception_room", "rest_space"),
    "study_space",
)
_EXPECTED = {"kv1": 1256, "kv2": 2243, "realsense": 723, "xtion": 2516}
_EXPECTED_PAIRS = 3557
_TOLERANCE = 16
_LEVELS = 4  # of folders that are searched for the sensors': OUT/unpacked/SUNRGBD.zip/SUNRGBD

DEPTH = Modality(
    name="depth",
    channels=1,
    unit="m",
    scale={"uint16": 0.001},
    rotated_bits=3,
    valid_max=8.0,
    missing=(0.0,),
    description="SUN RGB-D: millimetres with the bits rotated left by 3; 0 is missing, clipped at 8 m",
)


def read(root: Path, *, depth: Literal["raw", "filled"] = "raw") -> Reading:
    """Return all frames with a label, an image and a depth map.

    Args:
        root: the folder SUNRGBD, or one that holds it, a few levels below too.
        depth: "raw" takes ``depth``, "filled" the in-painted ``depth_bfx``.

    Raises:
        DataError: no sensor's folder is found.
    """
    base = _base(root)
    frames: list[Frame] = []
    lost: Counter[str] = Counter()
    for sensor in SENSORS:
        for label_file in sorted((base / sensor).rglob("scene.txt")):
            frame = _frame(label_file, base, sensor, "depth" if depth == "raw" else "depth_bfx")
            if isinstance(frame, str):
                lost[frame] += 1
            else:
                frames.append(frame)
    if not frames:
        raise DataError(
            f"{root}: no frame of SUN RGB-D found below {base}", hint="expected <frame>/{image,depth,scene.txt}"
        )
    notes = [f"{count} frames are left out: {reason}." for reason, count in sorted(lost.items())]
    missing = [sensor for sensor in SENSORS if not any(frame.group == sensor for frame in frames)]
    notes += [f"No frame of {sensor}: the study's tasks with it cannot run." for sensor in missing]
    return Reading(frames, notes)


def check(reading: Reading, task_classes: list[str]) -> list[str]:
    """Return what is not as in the whole published set."""
    notes = []
    if set(task_classes) != set(CLASSES):
        extra, absent = sorted(set(task_classes) - set(CLASSES)), sorted(set(CLASSES) - set(task_classes))
        notes.append(
            f"{len(task_classes)} classes are common to all sensors, the published set has {len(CLASSES)}"
            f"{': more: ' + ', '.join(extra) if extra else ''}{': missing: ' + ', '.join(absent) if absent else ''}."
        )
    for sensor, expected in _EXPECTED.items():
        found = sum(frame.group == sensor and frame.label in task_classes for frame in reading.frames)
        notes += plausible(found, expected, f"task frames of {sensor}", tolerance=_TOLERANCE)
    pairs = sum(frame.label not in task_classes for frame in reading.frames)
    return notes + plausible(pairs, _EXPECTED_PAIRS, "task-irrelevant pairs", tolerance=4 * _TOLERANCE)


def task_classes(reading: Reading) -> list[str]:
    """Return the classes that occur in every sensor that is there."""
    return common_labels(reading.frames, sorted({frame.group for frame in reading.frames}))


def _base(root: Path) -> Path:
    """Return the folder that holds the sensors' folders: the root, or one a few levels below it."""
    level = [root]
    for _ in range(_LEVELS):
        found = {folder: sum((folder / sensor).is_dir() for sensor in SENSORS) for folder in level}
        best = max(found, key=lambda folder: found[folder], default=root)
        if found.get(best):
            return best
        level = [entry for folder in level for entry in sorted(folder.glob("[!.]*")) if entry.is_dir()]
    raise DataError(
        f"{root}: none of the folders {', '.join(SENSORS)} found in it or below it",
        hint="give the unpacked SUNRGBD folder or SUNRGBD.zip",
    )


def _frame(label_file: Path, base: Path, sensor: str, depth_folder: str) -> Frame | str:
    """Return the frame, or why it cannot be used."""
    folder = label_file.parent
    label = "_".join(label_file.read_text(encoding="utf-8", errors="replace").split()).strip().lower()
    if not label:
        return "scene.txt is empty"
    images = _files(folder / "image", (".jpg", ".jpeg", ".png"))
    depths = _files(folder / depth_folder, (".png",))
    if not images:
        return "no image"
    if not depths:
        return f"no {depth_folder}"
    return Frame(folder.relative_to(base).as_posix(), label, sensor, images[0], depths[0])


def _files(folder: Path, suffixes: tuple[str, ...]) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(
        path for path in folder.iterdir() if path.suffix.lower() in suffixes and not path.name.startswith(".")
    )
