"""One picture that shows every object family in colour and depth, to look at and for the docs."""

from __future__ import annotations

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
from sourcefree.errors import ConfigError, did_you_mean

_GAP, _CAPTION = 4, 13
_MISSING = (40, 50, 140)


def contact_sheet(
    *,
    out: Path,
    names: Sequence[str] | None = None,
    examples: int = 3,
    columns: int = 2,
    size: int = 96,
    seed: int = 0,
    depth_noise: float = 1.0,
    holes: float = 1.0,
) -> Path:
    """Return `out` after writing a labelled sheet of RGB and depth views (near = bright, missing = blue).

    Args:
        out: image file to write; the suffix chooses the format (.png, .jpg).
        names: families to show, `columns` of them a row; None = all, first the task's, then smaller rows of
        the others.
        examples: views of each family.
        columns: families a row.
        size: pixels of one view.
        seed: fixes the sheet.
        depth_noise: see `simulate`.
        holes: see `simulate`.

    Raises:
        ConfigError: an unknown family.
    """
    known = families()
    for name in names or ():
        if name not in known:
            raise ConfigError(f"unknown object family {name!r}", hint=did_you_mean(name, known))

    def cells(chosen: Sequence[str], count: int) -> list[Image.Image]:
        sensor = {"noise": depth_noise, "holes": holes}
        return [_cell(name, count, size, seed, sensor) for name in chosen]

    if names is not None:
        sheet = _grid(cells(names, examples), columns)
    else:
        task = _grid(cells(task_families("all"), examples), columns)
        others = _grid(cells(irrelevant_families(), 1), columns * examples)
        sheet = _below(task, others)
    out = Path(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(out, quality=82, optimize=True)
    return out


def shown_depth(millimetres: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """Return (H, W, 3) uint8: near bright, far dark, missing blue."""
    seen = millimetres > 0
    if not seen.any():
        return np.broadcast_to(np.array(_MISSING, np.uint8), (*millimetres.shape, 3)).copy()
    # Inverse depth spreads the object's range; the far background takes the dark end.
    nearness = 1 / np.maximum(millimetres, 1).astype(float)
    low, high = np.percentile(nearness[seen], [2, 99.5])
    grey = 25 + 230 * np.clip((nearness - low) / max(high - low, 1e-9), 0, 1)
    return np.where(seen[..., None], grey[..., None], np.array(_MISSING, float)).astype(np.uint8)


def _cell(name: str, examples: int, size: int, seed: int, sensor: dict[str, float]) -> Image.Image:
    """One family's caption over `examples` pairs of views."""
    cell = Image.new("RGB", (2 * size * examples, size + _CAPTION), "white")
    ImageDraw.Draw(cell).text((2, 0), name.replace("_", " "), fill="black")
    for i in range(examples):
        rng = np.random.default_rng([seed, split_key("contact sheet"), split_key(name), i])
        frame = render(random_scene(families()[name], rng), size)
        depth = sense_depth(frame, rng, **sensor)
        if frame.rgb is not None:
            cell.paste(Image.fromarray(frame.rgb), (2 * size * i, _CAPTION))
        cell.paste(Image.fromarray(shown_depth(depth)), (2 * size * i + size, _CAPTION))
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
