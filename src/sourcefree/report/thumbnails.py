"""Pictures of the gallery, made small enough to stand inside one HTML file."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

_LONGEST_SIDE = 176  # about twice the shown size, so that it stays sharp on dense screens
_QUALITY = 88


def data_uri(content: bytes, *, mime: str) -> str:
    """Return the content as a data URI.

    Args:
        content: bytes of the file.
        mime: media type, such as image/svg+xml.
    """
    return f"data:{mime};base64,{base64.b64encode(content).decode('ascii')}"


def thumbnail_uri(path: Path | None) -> str | None:
    """Return the picture as a small JPEG data URI, None if there is none or it cannot be read.

    Pictures above 8 bits are stretched from their smallest to their largest value for display.

    Args:
        path: picture inside the run folder.
    """
    if path is None:
        return None
    try:
        with Image.open(path) as opened:
            image = _eight_bit(opened)
    except (OSError, UnidentifiedImageError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None  # the page shows an empty frame in its place
    image.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, format="JPEG", quality=_QUALITY, subsampling=0)
    return data_uri(buffer.getvalue(), mime="image/jpeg")


def _eight_bit(image: Image.Image) -> Image.Image:
    """Return the image in mode L or RGB."""
    if image.mode.startswith(("I", "F")):
        values = np.asarray(image, dtype=np.float64)
        low, high = float(np.nanmin(values)), float(np.nanmax(values))
        scaled = (values - low) / (high - low) if high > low else np.zeros_like(values)
        return Image.fromarray((np.nan_to_num(scaled) * 255).round().astype(np.uint8))
    return image.convert("L" if image.mode in ("1", "L", "LA") else "RGB")
