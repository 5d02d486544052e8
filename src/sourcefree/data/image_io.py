"""Reading and writing images of any sensor with every stored level kept."""

from __future__ import annotations

import io
import lzma
import struct
import tokenize
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from sourcefree.data import exr, png16
from sourcefree.data.pixels import orient, pillow_pixels
from sourcefree.data.quiet import QuietWarnings
from sourcefree.data.tiff import decode_tiff
from sourcefree.errors import DataError
from sourcefree.files import whole_file

Array = npt.NDArray[Any]

IMAGE_SUFFIXES: frozenset[str] = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".tif", ".tiff", ".bmp", ".webp", ".npy", ".exr"}
)
# Images that people have and that are not read here: passed over, but not in silence.
OTHER_IMAGE_SUFFIXES: frozenset[str] = frozenset(
    {
        *(
            ".gif",
            ".heic",
            ".heif",
            ".avif",
            ".jxl",
            ".jp2",
            ".j2k",
            ".jpx",
            ".jxr",
            ".ppm",
            ".pgm",
            ".pnm",
            ".pbm",
            ".pfm",
        ),
        *(
            ".raw",
            ".dng",
            ".cr2",
            ".cr3",
            ".nef",
            ".arw",
            ".orf",
            ".rw2",
            ".raf",
            ".tga",
            ".psd",
            ".pcx",
            ".dcm",
            ".fits",
        ),
    }
)

_ORIENTATION_TAG = 274
_PNG_ORIENTATIONS = (b"eXIf", b"Raw profile type exif", b"XML:com.adobe.xmp")  # where a PNG may hold one
_TIFF_MAGIC = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
# What Pillow, tifffile and numpy raise on damaged bytes (found by flipping bytes at random).
_DAMAGE = (
    *(OSError, ValueError, LookupError, SyntaxError, TypeError, AttributeError, ArithmeticError, AssertionError),
    *(RuntimeError, EOFError, struct.error, zlib.error, lzma.LZMAError, tokenize.TokenError),
)
_QUIET = QuietWarnings()
_DAMAGED = "replace the file (it may be half copied), or remove it"


def read_image(path: Path, *, bands: int | None = None) -> Array:
    """Return the image as (H, W, C) in the file's own number type, every level kept.

    8- and 16-bit PNG (16-bit colour too), JPEG, 8/16-bit and float TIFF with any number of bands, BMP, WebP and NumPy files
    ((H, W) or (H, W, C)), turned upright by their EXIF orientation. The format is taken from the content, not from
    the suffix. A palette becomes RGB, alpha is dropped, one bit becomes 0 or 255.

    Args:
        path: of the file.
        bands: channels of the sensor; a TIFF with as many, the last of them marked as alpha, keeps them all.

    Raises:
        DataError: the file is missing, truncated, damaged, or stored in a way that cannot be read without loss.
    """
    return decode_image(read_bytes(path), path, bands=bands)


def read_bytes(path: Path) -> bytes:
    """Return the file's content.

    Raises:
        DataError: the file cannot be read.
    """
    if not (path := Path(path)).is_file() and path.exists():  # to read from a pipe would wait for who writes to it
        raise DataError(f"{path}: cannot be read (no regular file)")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error
    if not data:
        raise DataError(f"{path}: the file is empty", hint=_DAMAGED)
    return data


def decode_image(data: bytes, path: Path, *, bands: int | None = None) -> Array:
    """Return (H, W, C) of the bytes of an image file; ``path`` is only named in errors. See :func:`read_image`."""
    try:
        with _QUIET:  # Pillow warns of metadata and of large images; neither loses a level
            array = _decode(data, bands)
    except DataError as error:
        raise DataError(f"{path}: {error.message}", hint=error.hint) from error
    except _DAMAGE as error:
        raise DataError(f"{path}: damaged or truncated image ({_short(error)})", hint=_DAMAGED) from error
    except (MemoryError, Image.DecompressionBombError) as error:
        raise DataError(f"{path}: the image is too large ({_short(error)})", hint="cut it into tiles") from error
    if array.size == 0:
        raise DataError(f"{path}: the image has no pixels (shape {array.shape})", hint=_DAMAGED)
    return np.ascontiguousarray(array)


def write_image(path: Path, array: Array) -> None:
    """Write (H, W) or (H, W, C) pixels without loss; the file appears complete or not at all.

    Args:
        path: ``.png`` for uint8 and uint16 with 1 or 3 channels, ``.tif``/``.tiff`` or ``.npy`` for any numbers.
        array: the pixels; parent folders are made.

    Raises:
        DataError: the file format cannot hold these numbers.
    """
    path = Path(path)
    pixels = array[..., None] if array.ndim == 2 else array
    if pixels.ndim != 3 or pixels.size == 0:
        raise DataError(f"{path}: expected pixels of shape (H, W) or (H, W, C), found {array.shape}")
    data = _encode(path, np.ascontiguousarray(pixels))
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as temporary:
        temporary.write_bytes(data)


def _decode(data: bytes, bands: int | None) -> Array:
    if data[:8] == png16.SIGNATURE:
        header = png16.read_header(data)
        if header.bits == 16 and header.colour != 0:
            array = png16.decode(data)
            return orient(array[..., :1] if array.shape[2] == 2 else array[..., :3], _png_orientation(data))
    if data[:4] in _TIFF_MAGIC:
        return decode_tiff(data, bands=bands)
    if data[:4] == exr.MAGIC:
        return exr.decode_exr(data)
    if data[:6] == b"\x93NUMPY":
        return _decode_npy(data)
    if data[:2] == b"\xff\xd8":
        _check_jpeg_end(data)
    if data[:4] == b"RIFF" and len(data) < 8 + int.from_bytes(data[4:8], "little"):
        raise ValueError("the file is shorter than its header says")
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        orientation = image.getexif().get(_ORIENTATION_TAG, 1)
        return orient(pillow_pixels(image), orientation)


def _png_orientation(data: bytes) -> int:
    """Return the orientation that Pillow finds in a PNG; it decodes the picture for it, so only where there may be one."""
    if not any(mark in data for mark in _PNG_ORIENTATIONS):
        return 1
    with Image.open(io.BytesIO(data)) as image:
        return int(image.getexif().get(_ORIENTATION_TAG, 1))


def _decode_npy(data: bytes) -> Array:
    array: Array = np.load(io.BytesIO(data), allow_pickle=False)
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.dtype.kind not in "buif":
        raise DataError(
            f"expected numbers of shape (H, W) or (H, W, C), found {array.dtype} of shape {array.shape}",
            hint="save the array channels last",
        )
    if array.dtype == np.bool_:
        array = array.astype(np.uint8) * np.uint8(255)
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _check_jpeg_end(data: bytes) -> None:
    """Raise ValueError for a JPEG without its end marker: libjpeg would fill the missing part with grey."""
    position = 2
    while position + 4 <= len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        if marker == 0xFF:  # padding
            position += 1
            continue
        if marker == 0xDA:  # the picture starts; what came before (thumbnails) may hold end markers of its own
            break
        position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    if data.find(b"\xff\xd9", position) < 0:
        raise ValueError("no end marker: the JPEG is truncated")


def _encode(path: Path, pixels: Array) -> bytes:
    suffix, buffer = path.suffix.lower(), io.BytesIO()
    if suffix == ".npy":
        np.save(buffer, pixels, allow_pickle=False)
    elif suffix in (".tif", ".tiff"):
        import tifffile

        planes = pixels[..., 0] if pixels.shape[2] == 1 else pixels
        photometric = "rgb" if pixels.shape[2] == 3 and pixels.dtype.kind == "u" else "minisblack"
        tifffile.imwrite(buffer, planes, photometric=photometric, planarconfig="contig", compression="zlib")
    elif suffix == ".png":
        if pixels.dtype not in (np.uint8, np.uint16) or pixels.shape[2] not in (1, 3):
            raise DataError(
                f"{path}: PNG holds uint8 or uint16 with 1 or 3 channels, found {pixels.dtype} of shape {pixels.shape}",
                hint="write .tiff or .npy instead",
            )
        if pixels.dtype == np.uint16:
            return png16.encode(pixels)
        Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(buffer, "PNG")
    else:
        raise DataError(f"{path}: cannot write {suffix or 'a file without suffix'}", hint="use .png, .tiff or .npy")
    return buffer.getvalue()


def _short(error: BaseException) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "no known image format"  # Pillow's own words name an object in memory
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 160 else text[:157] + "..."
