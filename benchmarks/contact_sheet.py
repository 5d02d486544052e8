"""One picture that shows every object family of the simulated data in colour and depth: docs/images/simulated.jpg.

python benchmarks/contact_sheet.py docs/images/simulated.jpg [--families mug tree] [--examples 3] [--size 96]
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from sourcefree.data.simulated.plan import split_key
from sourcefree.data.simulated.registry import families, irrelevant_families, task_families
from sourcefree.data.simulated.render import render
from sourcefree.data.simulated.scene import random_scene
from sourcefree.data.simulated.sensor import sense_depth

_GAP, _CAPTION = 4, 13
_COLUMNS = 2
_SEED = 4
_MISSING = (40, 50, 140)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--families", nargs="+", choices=families(), help="default: all, first the task's")
    parser.add_argument("--examples", type=int, default=3)
    parser.add_argument("--size", type=int, default=96)
    options = parser.parse_args()

    def cells(names: Sequence[str], examples: int) -> list[Image.Image]:
        return [_cell(name, examples, options.size) for name in names]

    if options.families:
        sheet = _grid(cells(options.families, options.examples), _COLUMNS)
    else:
        task = _grid(cells(task_families("all"), options.examples), _COLUMNS)
        others = _grid(cells(irrelevant_families(), 1), _COLUMNS * options.examples)
        sheet = _below(task, others)
    sheet.save(options.out, quality=82, optimize=True)


def _shown_depth(millimetres: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """Return (H, W, 3) uint8: near bright, far dark, missing blue."""
    seen = millimetres > 0
    if not seen.any():
        return np.broadcast_to(np.array(_MISSING, np.uint8), (*millimetres.shape, 3)).copy()
    # Inverse depth spreads the object's range; the far background takes the dark end.
    nearness = 1 / np.maximum(millimetres, 1).astype(float)
    low, high = np.percentile(nearness[seen], [2, 99.5])
    grey = 25 + 230 * np.clip((nearness - low) / max(high - low, 1e-9), 0, 1)
    return np.where(seen[..., None], grey[..., None], np.array(_MISSING, float)).astype(np.uint8)


def _cell(name: str, examples: int, size: int) -> Image.Image:
    """One family's caption over `examples` pairs of views."""
    cell = Image.new("RGB", (2 * size * examples, size + _CAPTION), "white")
    ImageDraw.Draw(cell).text((2, 0), name.replace("_", " "), fill="black")
    for i in range(examples):
        rng = np.random.default_rng([_SEED, split_key("contact sheet"), split_key(name), i])
        frame = render(random_scene(families()[name], rng), size)
        depth = sense_depth(frame, rng)
        if frame.rgb is not None:
            cell.paste(Image.fromarray(frame.rgb), (2 * size * i, _CAPTION))
        cell.paste(Image.fromarray(_shown_depth(depth)), (2 * size * i + size, _CAPTION))
    return cell


def _grid(cells: Sequence[Image.Image], columns: int) -> Image.Image:
    width, height = cells[0].width + _GAP, cells[0].height + _GAP
    rows = -(-len(cells) // columns)
    sheet = Image.new("RGB", (columns * width - _GAP, rows * height), "white")
    for i, cell in enumerate(cells):
        sheet.paste(cell, (i % columns * width, i // columns * height))
    return sheet


def _below(upper: Image.Image, lower: Image.Image) -> Image.Image:
    sheet = Image.new("RGB", (max(upper.width, lower.width), upper.height + 8 + lower.height), "white")
    sheet.paste(upper, (0, 0))
    ImageDraw.Draw(sheet).line([(0, upper.height + 2), (sheet.width, upper.height + 2)], fill="black")
    sheet.paste(lower, (0, upper.height + 8))
    return sheet


if __name__ == "__main__":
    main()
