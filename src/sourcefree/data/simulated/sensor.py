"""What a real depth camera does to exact depth: range noise, missing pixels, 16-bit millimetres."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sourcefree.data.simulated.render import Frame
from sourcefree.data.simulated.scene import Float


def sense_depth(
    frame: Frame, rng: np.random.Generator, *, noise: float = 1.0, holes: float = 1.0
) -> NDArray[np.uint16]:
    """Return (H, W) uint16, millimetres along the optical axis, 0 = missing.

    Args:
        frame: an exact view.
        rng: used for noise and holes only.
        noise: multiple of a structured-light sensor's range noise, which grows with the square of the
        distance
            (standard deviation 1.2 mm + 1.9 mm/m^2 (z - 0.4 m)^2, blurred a little over neighbouring
            pixels); 0 = exact.
        holes: multiple of the usual missing area (shadow beside depth edges, grazing surfaces, blobs); 0 =
        none.

    Reference:
        Nguyen, Izadi, Lovell: Modeling Kinect sensor noise for improved 3D reconstruction and tracking,
        3DIMPVT 2012,
        equation for axial noise.
    """
    depth = frame.depth.astype(np.float32)
    seen = depth > 0
    if noise > 0:
        depth = depth + noise * _range_noise(depth, rng)
    if holes > 0:
        seen &= ~_holes(frame, rng, holes)
    millimetres = np.clip(np.rint(depth * 1000), 1, 65535)
    return np.where(seen, millimetres, 0).astype(np.uint16)


def _range_noise(depth: Float, rng: np.random.Generator) -> Float:
    sigma = 0.0012 + 0.0019 * (depth - 0.4) ** 2
    # Structured light matches small windows, so errors of neighbouring pixels go together.
    white = rng.standard_normal(depth.shape, dtype=np.float32)
    smooth = ndimage.uniform_filter(white, 3, mode="nearest") * 3
    result: Float = (sigma * (0.5 * white + 0.5 * smooth)).astype(np.float32)
    return result


def _holes(frame: Frame, rng: np.random.Generator, amount: float) -> NDArray[np.bool_]:
    depth = frame.depth
    size = depth.shape[0]
    step = np.zeros_like(depth)
    step[:, :-1] = depth[:, 1:] - depth[:, :-1]
    # The projector sits beside the camera: right of a near edge a strip of the background stays unlit.
    width = max(1, round(size / 96 * rng.uniform(0.6, 2.6) * amount))
    shadow = step > 0.05
    for k in range(1, width + 1):
        shadow[:, k:] |= step[:, :-k] > 0.05 + 0.03 * k
    shadow &= rng.random(depth.shape) < min(0.85, 0.75 * amount)
    grazing = frame.facing < 0.16 * rng.random(depth.shape, dtype=np.float32) * amount
    holes = shadow | grazing
    rows, columns = np.mgrid[:size, :size]
    for _ in range(int(rng.poisson(1.2 * amount))):
        cy, cx = rng.uniform(0, size, 2)
        ry, rx = rng.uniform(0.012, 0.05, 2) * size
        holes |= ((rows - cy) / ry) ** 2 + ((columns - cx) / rx) ** 2 < rng.uniform(0.5, 1.2, depth.shape)
    holes |= rng.random(depth.shape, dtype=np.float32) < 0.004 * amount
    return holes
