"""DIML RGB-D, indoor: Kinect v2 frames by scene.

Layout: ``{train,test}/HR/<scene>/color/*_c.png`` with ``depth_filled/*_depth_filled.png``, 16-bit millimetres.

Reference: Cho et al., "DIML/CVL RGB-D dataset: 2M RGB-D images of natural indoor and outdoor scenes", 2021. Which six classes
the papers take is not known: the default is the six with the most frames, the others are the pairs.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from sourcefree.benchmarks.frames import Frame, Reading
from sourcefree.data.modality import Modality
from sourcefree.errors import DataError

SPLITS = ("train", "test")
_COLOUR, _DEPTH = "_c.png", "_depth_filled.png"

DEPTH = Modality(
    name="depth",
    channels=1,
    unit="m",
    scale={"uint16": 0.001},
    valid_max=10.0,
    missing=(0.0,),
    description="DIML: millimetres, filled; 0 is missing",
)


def read(root: Path) -> Reading:
    """Return all frames of both splits.

    Args:
        root: the folder that holds ``train`` and ``test``, or one of the two.

    Raises:
        DataError: nothing of the layout is found.
    """
    frames: list[Frame] = []
    lonely = 0
    for colour in sorted(root.rglob(f"*{_COLOUR}")):
        if colour.parent.name != "color" or "HR" not in colour.parts:
            continue
        stem = colour.name.removesuffix(_COLOUR)
        depth = colour.parent.parent / "depth_filled" / f"{stem}{_DEPTH}"
        if not depth.is_file():
            lonely += 1
            continue
        place = colour.relative_to(root).parts
        split = next((part for part in place if part in SPLITS), "train")
        scene = colour.parent.parent.name
        frames.append(Frame(f"{split}/{scene}/{stem}", _label(scene), split, colour, depth))
    if not frames:
        raise DataError(
            f"{root}: no frame of DIML found",
            hint="expected {train,test}/HR/<scene>/color/*_c.png and depth_filled beside",
        )
    return Reading(frames, [f"{lonely} colour images have no filled depth and are left out."] if lonely else [])


def default_classes(reading: Reading) -> list[str]:
    """Return the six classes with the most frames, sorted by name."""
    found = Counter(frame.label for frame in reading.frames)
    return sorted(label for label, _ in sorted(found.items(), key=lambda item: (-item[1], item[0]))[:6])


def _label(scene: str) -> str:
    """Return the class of a scene's folder: "cafe_2" and "Cafe-03" are both cafe."""
    return re.sub(r"[\s_-]*\d+$", "", scene.strip()).lower().replace(" ", "_") or scene.lower()
