"""Handwritten digits in colour and as two made-up sensors see them: objects and sensors that no method here was made on.

python benchmarks/digits.py DATA/digits [--picture docs/images/digits.jpg]
sourcefree compare digits --data DATA --out OUT

The digits are scikit-learn's (UCI, 43 writers); nothing is downloaded. `rgb`, `thermal` and `sar` hold the same images under
the same names, in a folder for each digit. In colour a digit is lighter or darker than its ground, of any hue. The thermal
sensor sees it warmer or colder than a ground that drifts, blurred, with rows of an offset of their own. The radar sees its
outline alone, in speckle.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from sklearn.datasets import load_digits

from sourcefree.data.image_io import read_image, write_image

Values = NDArray[np.float64]
Look = Callable[[Values, np.random.Generator], NDArray[Any]]

_SIDE = 64
_VIEWS = 2  # of each handwritten digit, at another place and angle
_NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_SEED = 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--digits", type=int, help="only so many of the 1,797")
    parser.add_argument(
        "--picture", type=Path, help="also write the first view of each digit, by sensor, to one picture"
    )
    options = parser.parse_args()
    looks: dict[str, Look] = {"rgb": _colours, "thermal": _heat, "sar": _echo}
    written = load_digits()
    for number, (image, digit) in enumerate(zip(written.images[: options.digits], written.target, strict=False)):
        for view in range(_VIEWS):
            rng = np.random.default_rng([_SEED, number, view])
            shape = _placed(image / 16, rng)
            for sensor, look in looks.items():
                write_image(options.out / sensor / _NAMES[digit] / f"{number:04d}_{view}.png", look(shape, rng))
    if options.picture:
        rows = [np.hstack([_first(options.out / sensor / name) for name in _NAMES]) for sensor in looks]
        Image.fromarray(np.vstack(rows)).save(options.picture, quality=85)


def _first(folder: Path) -> NDArray[np.uint8]:
    """Return the first image of a folder for the eye: (H, W, 3), all but the brightest hundredth in range."""
    image = read_image(min(folder.iterdir())).astype(float)
    shown = np.clip(255 * image / np.quantile(image, 0.99), 0, 255).astype(np.uint8)
    return np.broadcast_to(shown, (_SIDE, _SIDE, 3))


def _placed(image: Values, rng: np.random.Generator) -> Values:
    """Return the digit, 0 to 1, somewhere in the picture."""
    large = ndimage.gaussian_filter(ndimage.zoom(image, 5, order=1), 1.5)
    turned = ndimage.rotate(large, rng.uniform(-12, 12), reshape=False, order=1)
    canvas = np.zeros((_SIDE, _SIDE))
    top, left = rng.integers(4, _SIDE - 4 - len(turned), 2)
    canvas[top : top + len(turned), left : left + len(turned)] = turned
    return np.clip(4 * (canvas - 0.35), 0, 1)


def _colours(shape: Values, rng: np.random.Generator) -> NDArray[np.uint8]:
    dark = rng.uniform(0, 0.25, 3) + rng.uniform(0.1, 0.35) * np.stack([_cloud(rng) for _ in range(3)], -1)
    light = rng.uniform(0.45, 1, 3) * (0.8 + 0.2 * _cloud(rng)[..., None])
    ground, digit = (dark, light) if rng.random() < 0.7 else (light, dark)
    seen = ground + shape[..., None] * (digit - ground) + rng.normal(0, 0.02, (_SIDE, _SIDE, 3))
    return np.asarray(np.clip(255 * seen, 0, 255), np.uint8)


def _heat(shape: Values, rng: np.random.Generator) -> NDArray[np.uint16]:
    drift = 0.3 * _cloud(rng) + np.linspace(0, rng.uniform(-0.3, 0.3), _SIDE)[:, None]
    rows = rng.normal(0, 0.02, (_SIDE, 1))
    contrast = rng.choice([-1, 1]) * rng.uniform(0.2, 0.4)
    seen = 0.4 + drift + contrast * ndimage.gaussian_filter(shape, 1.5) + rows + rng.normal(0, 0.02, shape.shape)
    return _levels(seen)


def _echo(shape: Values, rng: np.random.Generator) -> NDArray[np.uint16]:
    outline = ndimage.gaussian_gradient_magnitude(shape, 1.2)
    returned = 0.05 + 0.2 * outline / outline.max() + 0.05 * ndimage.gaussian_filter(shape, 3)
    return _levels(returned * rng.gamma(6, 1 / 6, shape.shape))


def _cloud(rng: np.random.Generator) -> Values:
    """Return a random texture, 0 to 1."""
    field = ndimage.gaussian_filter(rng.normal(size=(_SIDE, _SIDE)), rng.uniform(2, 8))
    return np.asarray((field - field.min()) / np.ptp(field))


def _levels(seen: Values) -> NDArray[np.uint16]:
    return np.asarray(np.clip(65535 * seen, 0, 65535), np.uint16)


if __name__ == "__main__":
    main()
