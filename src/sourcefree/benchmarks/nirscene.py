"""EPFL RGB-NIR scenes: 477 pairs of nine classes.

Layout: ``nirscene1/<class>/NNNN_rgb.tiff`` and ``NNNN_nir.tiff``.

Reference: Brown and Suesstrunk, "Multi-spectral SIFT for scene category recognition", CVPR 2011. The papers take six classes as
the task and three as task-irrelevant; which ones is not known. All 84 choices can be named by their number.
"""

from __future__ import annotations

import itertools
from pathlib import Path

from sourcefree.benchmarks.frames import Frame, Reading, plausible
from sourcefree.data.modality import MODALITIES
from sourcefree.errors import ConfigError, DataError

CLASSES = ("country", "field", "forest", "indoor", "mountain", "oldbuilding", "street", "urban", "water")
SPLITS = tuple(itertools.combinations(CLASSES, 3))
DEFAULT_SPLIT = SPLITS.index(("country", "mountain", "urban"))
NIR = MODALITIES["nir"]
_EXPECTED = 477


def read(root: Path) -> Reading:
    """Return all pairs.

    Args:
        root: the folder nirscene1, or one that holds it.

    Raises:
        DataError: nothing of the layout is found.
    """
    frames: list[Frame] = []
    lonely = 0
    for colour in sorted(
        path for path in root.rglob("*_rgb.*") if path.suffix.lower() in (".tiff", ".tif", ".png", ".jpg")
    ):
        label = colour.parent.name.lower()
        if label not in CLASSES:
            continue
        stem = colour.stem.removesuffix("_rgb")
        partner = colour.with_name(f"{stem}_nir{colour.suffix}")
        if not partner.is_file():
            lonely += 1
            continue
        frames.append(Frame(f"{label}_{stem}", label, "", colour, partner))
    if not frames:
        raise DataError(
            f"{root}: no pair of the EPFL RGB-NIR scenes found", hint="expected <class>/NNNN_rgb.tiff and NNNN_nir.tiff"
        )
    notes = [f"{lonely} RGB images have no NIR image and are left out."] if lonely else []
    absent = sorted(set(CLASSES) - {frame.label for frame in frames})
    notes += [f"No images of: {', '.join(absent)}."] if absent else []
    return Reading(frames, notes + plausible(len(frames), _EXPECTED, "pairs", tolerance=5))


def irrelevant_classes(split: int) -> tuple[str, ...]:
    """Return the three task-irrelevant classes of a split's number.

    Raises:
        ConfigError: there is no such number.
    """
    if not 0 <= split < len(SPLITS):
        raise ConfigError(f"split: expected 0 to {len(SPLITS) - 1}, found {split}")
    return SPLITS[split]
