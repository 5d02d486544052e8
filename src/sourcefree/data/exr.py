"""OpenEXR files: 16-bit and 32-bit floats, any channels."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sourcefree.errors import DataError

MAGIC = b"\x76\x2f\x31\x01"
_COLOURS = ("R", "G", "B")


def decode_exr(data: bytes) -> npt.NDArray[Any]:
    """Return (H, W, C) float32 or uint32 of the bytes of an EXR file.

    Channels come in alphabetical order, as the format keeps them, except that R, G and B come in this order; alpha is left out
    beside colours.

    Raises:
        DataError: the package OpenEXR is not installed, or channels differ in size.
        RuntimeError: the file is damaged.
    """
    try:
        import OpenEXR
    except ImportError as error:
        raise DataError("OpenEXR is needed to read this file", hint="pip install 'sourcefree[exr]'") from error
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "image.exr"  # the library reads files only
        path.write_bytes(data)
        with OpenEXR.File(str(path), separate_channels=True) as file:
            channels = {name: np.asarray(channel.pixels) for name, channel in file.channels().items()}
    names = list(_COLOURS) if set(_COLOURS) <= channels.keys() else sorted(channels)
    planes = [channels[name] for name in names]
    if len({plane.shape for plane in planes}) != 1:
        raise DataError(f"channels of different sizes: {', '.join(f'{n} {channels[n].shape}' for n in names)}")
    stacked = np.stack(planes, axis=-1)
    return stacked.astype(np.float32) if stacked.dtype == np.float16 else stacked
