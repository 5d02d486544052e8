"""TIFF of any band count and number type to (H, W, C)."""

from __future__ import annotations

import io
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from sourcefree.data.pixels import orient, pillow_pixels
from sourcefree.errors import DataError

Array = npt.NDArray[Any]

_NO_DATA_TAG = 42113  # GDAL_NODATA: text


def decode_tiff(data: bytes, *, bands: int | None = None) -> Array:
    """Return (H, W, C) of the first image of a TIFF in its own number type.

    Alpha is dropped, unless ``bands`` are expected and it is one of them: four bands of a multispectral image are often
    written as colours and alpha.

    Bands stored as planes or as pages become channels. Palette, CMYK and YCbCr files, and compressions that tifffile
    leaves to its optional ``imagecodecs`` package (LZW, JPEG, packbits), are read by Pillow where it keeps all levels.
    Floats that GDAL's no-data tag names become NaN; of integers, which have no such number, the sensor says what is missing.

    Raises:
        DataError: reading needs ``imagecodecs``, or the file is not an image.
        ValueError, OSError, KeyError: the file is damaged or truncated.
    """
    import tifffile

    try:
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            # A thumbnail may stand before the image itself.
            series = next((one for one in file.series if not one.keyframe.is_reduced), file.series[0])
            page = series.keyframe
            orientation = int(page.tags.valueof(274, 1))
            simple = page.photometric in (0, 1, 2) and (page.bitspersample >= 8 or page.bitspersample == 1)
            if not simple:
                return _with_pillow(data, page)
            try:
                array = series.asarray()
            except (KeyError, ValueError, NotImplementedError) as error:
                if "imagecodecs" not in str(error):
                    raise
                return _with_pillow(data, page)
            array = _drop_alpha(_channels_last(array, series.axes), page, bands)
            array = _no_data_as_nan(array, page)
            inverted = page.photometric == 0
    except (tifffile.TiffFileError, zlib.error) as error:
        raise ValueError(str(error)) from error
    return orient(_plain_numbers(array, inverted=inverted), orientation)


def _channels_last(array: Array, axes: str) -> Array:
    if "Y" not in axes or "X" not in axes:
        raise DataError(f"the TIFF holds no image (axes {axes})")
    others = [i for i, axis in enumerate(axes) if axis not in "YX"]
    array = array.transpose(axes.index("Y"), axes.index("X"), *others)
    return array.reshape(*array.shape[:2], -1)


def _no_data_as_nan(array: Array, page: Any) -> Array:
    tag = page.tags.get(_NO_DATA_TAG)
    if tag is None or array.dtype.kind != "f":
        return array
    try:
        mark = array.dtype.type(str(tag.value).strip("\0 "))
    except ValueError:  # not a number: whatever it is, no pixel has it
        return array
    return np.where(array == mark, array.dtype.type(np.nan), array)


def _drop_alpha(array: Array, page: Any, bands: int | None) -> Array:
    if array.shape[2] == bands:
        return array
    extra = tuple(int(sample) for sample in page.extrasamples)
    has_alpha = bool(extra) and extra[-1] in (1, 2) and array.shape[2] == page.samplesperpixel
    return array[..., : array.shape[2] - 1] if has_alpha else array


def _plain_numbers(array: Array, *, inverted: bool) -> Array:
    if array.dtype == np.bool_:
        array = array.astype(np.uint8) * np.uint8(255)
    if array.dtype.kind not in "uif":
        raise DataError(f"numbers of type {array.dtype} are not supported", hint="save real numbers")
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    if inverted and array.dtype.kind == "u":  # 0 means white
        array = np.iinfo(array.dtype).max - array
    return array


def _with_pillow(data: bytes, page: Any) -> Array:
    bits = page.bitspersample
    lossy = DataError(
        f"this TIFF stores {bits}-bit values in a form that cannot be read without loss here",
        hint="pip install imagecodecs, or save the file with deflate or no compression",
    )
    try:
        image = Image.open(io.BytesIO(data))
    except UnidentifiedImageError as error:  # a number type that Pillow has no mode for
        raise lossy from error
    with image:
        wide = image.mode.startswith(("I", "F"))
        if bits > 8 and not wide:
            raise lossy
        image.load()
        array = pillow_pixels(image)
        if wide or image.mode == "L":
            array = _own_numbers(array, page)
        # Newer Pillow turns TIFF upright while loading and then drops the tag.
        return orient(_no_data_as_nan(array, page), int(image.getexif().get(274, 1)))


def _own_numbers(array: Array, page: Any) -> Array:
    """Return the numbers in the type of the file: Pillow reads int8 as uint8, and other integers as int32 of equal bits."""
    if page.dtype is not None and page.dtype.kind in "ui":
        array = array.astype(page.dtype.newbyteorder("="), copy=False)
    if page.photometric == 0 and array.dtype.kind == "u" and array.dtype.itemsize > 1:  # Pillow inverts 8 bits only
        array = np.iinfo(array.dtype).max - array
    return array
