"""What a one-channel sensor's values are turned into before a network sees them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from sourcefree.errors import DataError

Values = npt.NDArray[np.float32]

_FIELD_OF_VIEW = np.deg2rad(
    60.0
)  # of the image's width, where no camera is known; the usual depth camera has 57 to 70 degrees
_NEAREST = 1e-3  # values below it have no disparity


def inverted(values: Values) -> Values:
    """Return the negative: near becomes bright, as colour cameras with a flash see it. (1, H, W) -> (1, H, W)."""
    return -values


def disparity(values: Values) -> Values:
    """Return 1 / value; values at or below a thousandth of the unit become missing. (1, H, W) -> (1, H, W)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(values > _NEAREST, 1 / values, np.nan).astype(np.float32)


def jet(values: Values) -> Values:
    """Return the colour map jet over the image's own 1st to 99th percentile. (1, H, W) -> (3, H, W) in 0..1.

    Reference: Eitel et al., "Multimodal deep learning for robust RGB-D object recognition", IROS 2015.
    """
    scaled = _unit_range(values[0])
    red, green, blue = (np.clip(1.5 - np.abs(4 * scaled - centre), 0, 1) for centre in (3, 2, 1))
    colours: Values = np.stack([red, green, blue]).astype(np.float32)
    return colours


def normals(values: Values) -> Values:
    """Return unit surface normals in the camera's frame. (1, H, W) depth -> (3, H, W) in -1..1.

    The camera is taken to see 60 degrees over the image's width.

    Raises:
        DataError: the image is one pixel high or wide, where nothing has a slope.
    """
    height, width = values.shape[-2:]
    if min(height, width) < 2:
        raise DataError(f"surface normals need 2 x 2 pixels at least, found {height} x {width}")
    points = _points(values[0])
    vector = np.cross(np.gradient(points, axis=2), np.gradient(points, axis=1), axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        unit = vector / np.linalg.norm(vector, axis=0, keepdims=True)
    away = (unit * points).sum(0) > 0  # a surface that is seen faces the camera
    facing = np.where(away, -unit, unit)
    found: Values = np.where(np.isfinite(values), facing, np.nan).astype(np.float32)
    return found


def hha(values: Values) -> Values:
    """Return disparity, height and angle with the vertical, an HHA-like code. (1, H, W) depth -> (3, H, W).

    Reference: Gupta et al., "Learning rich features from RGB-D images", ECCV 2014. Deviation: neither camera nor gravity are
    known, so the view is 60 degrees wide, the image's vertical is down, and the ground is where the 1st percentile of the
    image's heights is.

    Raises:
        DataError: the image is one pixel high or wide, as for :func:`normals`.
    """
    height = -_points(values[0])[1]
    height = height - _percentile(height, 1)
    up = -normals(values)[1]
    with np.errstate(invalid="ignore"):
        angle = np.arccos(np.clip(up, -1, 1)) / np.float32(np.pi)
    return np.stack([disparity(values)[0], height, angle]).astype(np.float32)


# Name -> (function, bands it makes).
ENCODINGS: dict[str, tuple[Callable[[Values], Values], int]] = {
    "inverted": (inverted, 1),
    "disparity": (disparity, 1),
    "jet": (jet, 3),
    "normals": (normals, 3),
    "hha": (hha, 3),
}


def _points(depth: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return (3, H, W) points right, down and forward of the camera, in depth's unit."""
    height, width = depth.shape
    focal = width / (2 * np.tan(_FIELD_OF_VIEW / 2))
    right = (np.arange(width) - (width - 1) / 2) / focal
    down = (np.arange(height) - (height - 1) / 2) / focal
    points: Values = np.stack([depth * right[None, :], depth * down[:, None], depth]).astype(np.float32)
    return points


def _unit_range(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    low, high = _percentile(values, 1), _percentile(values, 99)
    scaled: npt.NDArray[np.float32] = np.clip((values - low) / max(high - low, 1e-6), 0, 1)
    return scaled


def _percentile(values: npt.NDArray[np.float32], share: float) -> float:
    valid = values[np.isfinite(values)]
    return float(np.percentile(valid, share)) if valid.size else 0.0
