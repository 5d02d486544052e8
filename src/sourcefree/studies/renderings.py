"""Target sensors made of the simulated RGB images: steps between RGB and depth."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sourcefree.data.folders import find_images
from sourcefree.data.image_io import read_image, write_image
from sourcefree.seeds import stream_seed

Picture = NDArray[np.uint8]


def grey(rgb: Picture, _rng: np.random.Generator) -> Picture:
    """Return luma, (H, W, 1)."""
    luma = rgb.astype(np.float64) @ np.array([0.299, 0.587, 0.114])
    picture: Picture = np.round(luma).astype(np.uint8)[..., None]
    return picture


def inverted(rgb: Picture, rng: np.random.Generator) -> Picture:
    """Return inverted luma."""
    return 255 - grey(rgb, rng)


def noisy(rgb: Picture, rng: np.random.Generator) -> Picture:
    """Return luma at a third of its contrast under noise of 25 levels."""
    values = 128 + (grey(rgb, rng).astype(np.float64) - 128) / 3 + rng.normal(0, 25, (*rgb.shape[:2], 1))
    return np.clip(np.round(values), 0, 255).astype(np.uint8)


def edges(rgb: Picture, rng: np.random.Generator) -> Picture:
    """Return the strength of luma's gradient, four times amplified."""
    luma = grey(rgb, rng)[..., 0].astype(np.float64)
    rows, columns = np.gradient(luma)
    picture: Picture = np.clip(np.round(4 * np.hypot(rows, columns)), 0, 255).astype(np.uint8)[..., None]
    return picture


def same(rgb: Picture, _rng: np.random.Generator) -> Picture:
    """Return the image itself: no gap at all."""
    return rgb


RENDERINGS: dict[str, Callable[[Picture, np.random.Generator], Picture]] = {
    "rgb": same,
    "grey": grey,
    "inverted": inverted,
    "noisy": noisy,
    "edges": edges,
}


def render_folder(source: Path, target: Path, *, rendering: str, seed: int) -> None:
    """Write every RGB image of a folder as the other sensor would see it, under the same relative name."""
    for file in find_images(source):
        rng = np.random.default_rng(stream_seed(seed, rendering, file.name))
        picture = RENDERINGS[rendering](read_image(file.path).astype(np.uint8), rng)
        write_image(target / f"{file.stem}.png", picture)


def replace_by_noise(folder: Path, *, seed: int) -> None:
    """Replace every image by one whose pixels are drawn evenly from its range of values: nothing of the scene is left."""
    for file in find_images(folder):
        picture = read_image(file.path)
        rng = np.random.default_rng(stream_seed(seed, "noise", file.name))
        noise = rng.integers(picture.min(), picture.max(), picture.shape, endpoint=True)
        write_image(file.path, noise.astype(picture.dtype))
