"""Pixels out of Pillow without losing levels, and turned upright."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from sourcefree.errors import DataError

Array = npt.NDArray[Any]


def pillow_pixels(image: Image.Image) -> Array:
    """Return (H, W, C) of a Pillow image, converting between 8-bit modes only.

    Raises:
        DataError: the mode is one Pillow cannot hand over without loss.
    """
    if image.mode in ("L", "RGB", "F"):
        array = np.asarray(image)
    elif image.mode.startswith("I"):
        # Older Pillow opens 16-bit grey PNG as 32-bit integers.
        array = np.asarray(image)
        narrow = image.format == "PNG" or image.mode.startswith("I;16")
        array = array.astype(np.uint16 if narrow else np.int32)
    elif image.mode == "1":
        array = np.asarray(image).astype(np.uint8) * np.uint8(255)
    elif image.mode in ("LA", "La"):
        array = np.asarray(image)[..., 0]
    elif image.mode in ("P", "PA", "RGBA", "RGBX", "RGBa", "CMYK", "YCbCr", "LAB", "HSV"):
        array = np.asarray(image)[..., :3] if image.mode in ("RGBA", "RGBX") else np.asarray(image.convert("RGB"))
    else:
        raise DataError(f"pixels of type {image.mode!r} are not supported", hint="save it as PNG or TIFF")
    return array[..., None] if array.ndim == 2 else array


def orient(array: Array, orientation: int) -> Array:
    """Return (H, W, C) turned upright from its EXIF orientation (1 to 8; others are taken as upright)."""
    if orientation in (5, 6, 7, 8):
        array = array.transpose(1, 0, 2)
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    if orientation in (2, 3, 6, 7):
        array = array[:, ::-1]
    return array
