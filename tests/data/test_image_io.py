from __future__ import annotations

import io
import os
import struct
import sys
import threading
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from sourcefree.data import png16
from sourcefree.data.folders import ImageFile
from sourcefree.data.image_io import IMAGE_SUFFIXES, decode_image, read_image, write_image
from sourcefree.data.modality import Modality
from sourcefree.data.quiet import QuietWarnings
from sourcefree.data.store import load_images
from sourcefree.errors import DataError

RNG = np.random.default_rng(3)
PROPERTY = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def _sides() -> st.SearchStrategy[int]:
    return st.integers(1, 9)


@PROPERTY
@given(data=st.data(), kind=st.sampled_from(["uint8", "uint16"]), channels=st.sampled_from([1, 3]))
def test_png_keeps_every_level(tmp_path: Path, data: st.DataObject, kind: str, channels: int) -> None:
    image = data.draw(hnp.arrays(np.dtype(kind), st.tuples(_sides(), _sides(), st.just(channels))))
    write_image(tmp_path / "a.png", image)
    back = read_image(tmp_path / "a.png")
    assert back.dtype == image.dtype
    np.testing.assert_array_equal(back, image)


@PROPERTY
@given(
    data=st.data(),
    kind=st.sampled_from(["uint8", "uint16", "int16", "float32", "float64"]),
    channels=st.sampled_from([1, 2, 3, 4, 6]),
)
def test_tiff_and_npy_keep_every_level(tmp_path: Path, data: st.DataObject, kind: str, channels: int) -> None:
    image = data.draw(hnp.arrays(np.dtype(kind), st.tuples(_sides(), _sides(), st.just(channels))))
    for name in ("a.tiff", "a.npy"):
        write_image(tmp_path / name, image)
        back = read_image(tmp_path / name)
        assert back.dtype == image.dtype
        np.testing.assert_array_equal(back, image)


def _png(array: np.ndarray, *, colour: int, filters: list[int], interlaced: bool = False) -> bytes:
    """A 16-bit PNG with the given row filters, written by the book (slowly) for the decoder to undo."""

    def filtered(part: np.ndarray) -> bytes:
        height, width, channels = part.shape
        depth, out = 2 * channels, b""
        rows = (
            np.frombuffer(np.ascontiguousarray(part.astype(">u2")).tobytes(), np.uint8).reshape(height, -1).astype(int)
        )
        for y in range(height):
            kind, line = filters[y % len(filters)], bytearray()
            for x in range(width * depth):
                a = rows[y, x - depth] if x >= depth else 0
                b = rows[y - 1, x] if y else 0
                c = rows[y - 1, x - depth] if y and x >= depth else 0
                p = a + b - c
                paeth = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
                line.append((rows[y, x] - [0, a, b, (a + b) // 2, paeth][kind]) % 256)
            out += bytes([kind]) + bytes(line)
        return out

    passes = [
        (0, 0, 8, 8),
        (0, 4, 8, 8),
        (4, 0, 8, 4),
        (0, 2, 4, 4),
        (2, 0, 4, 2),
        (0, 1, 2, 2),
        (1, 0, 2, 1),
    ]
    parts = [array[top::down, left::across] for top, left, down, across in passes] if interlaced else [array]
    body = zlib.compress(b"".join(filtered(part) for part in parts if part.size))
    header = struct.pack(">IIBBBBB", array.shape[1], array.shape[0], 16, colour, 0, 0, int(interlaced))
    chunks = ((b"IHDR", header), (b"IDAT", body), (b"IEND", b""))
    return png16.SIGNATURE + b"".join(
        struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in chunks
    )


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize(("colour", "channels", "kept"), [(2, 3, 3), (4, 2, 1), (6, 4, 3)])
def test_16_bit_colour_png_with_every_filter(colour: int, channels: int, kept: int, interlaced: bool) -> None:
    image = RNG.integers(0, 65536, (11, 13, channels)).astype(np.uint16)
    data = _png(image, colour=colour, filters=[4, 3, 2, 1, 0], interlaced=interlaced)
    np.testing.assert_array_equal(decode_image(data, Path("a.png")), image[..., :kept])


def test_own_png_decoder_agrees_with_pillow_on_grey(tmp_path: Path) -> None:
    smooth = np.add.outer(np.arange(60) * 700, np.arange(50) * 13).astype(np.uint16)
    buffer = io.BytesIO()
    Image.fromarray(smooth).save(buffer, "PNG")
    np.testing.assert_array_equal(png16.decode(buffer.getvalue())[..., 0], smooth)
    (tmp_path / "a.png").write_bytes(buffer.getvalue())
    np.testing.assert_array_equal(read_image(tmp_path / "a.png")[..., 0], smooth)


def test_tiff_layouts_end_channels_last(tmp_path: Path) -> None:
    image = RNG.integers(0, 65536, (8, 10, 5)).astype(np.uint16)
    planes = np.moveaxis(image, -1, 0)
    path = tmp_path / "a.tif"
    layouts = {
        "planar": {"data": planes, "planarconfig": "separate", "photometric": "minisblack"},
        "pages": {"data": planes, "photometric": "minisblack"},
        "contiguous": {"data": image, "planarconfig": "contig", "photometric": "minisblack"},
        "big endian": {
            "data": image,
            "planarconfig": "contig",
            "photometric": "minisblack",
            "byteorder": ">",
        },
    }
    for name, layout in layouts.items():
        tifffile.imwrite(path, **layout)
        back = read_image(path)
        assert back.dtype == np.dtype(np.uint16) and back.dtype.isnative, name
        np.testing.assert_array_equal(back, image, err_msg=name)


def test_tiff_alpha_white_is_zero_and_lzw(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    image = RNG.integers(0, 65536, (8, 10, 4)).astype(np.uint16)
    tifffile.imwrite(path, image, photometric="rgb", extrasamples=["unassalpha"])
    np.testing.assert_array_equal(read_image(path), image[..., :3])
    tifffile.imwrite(path, image, photometric="rgb", extrasamples=["unspecified"])  # a fourth band is not alpha
    np.testing.assert_array_equal(read_image(path), image)
    tifffile.imwrite(path, image[..., 0], photometric="miniswhite")
    np.testing.assert_array_equal(read_image(path)[..., 0], 65535 - image[..., 0])
    for grey in (image[..., 0], image[..., 0].astype(np.float32)):
        Image.fromarray(grey).save(path, "TIFF", compression="tiff_lzw")
        back = read_image(path)
        assert back.dtype == grey.dtype
        np.testing.assert_array_equal(back[..., 0], grey)


@pytest.mark.parametrize("mark", ["-9999", "-9999.0\0", "-3.4028234663852886e+38", "nan", "none"])
@pytest.mark.parametrize("compression", [None, "lzw"])  # lzw: Pillow reads it where imagecodecs is not there
def test_what_a_tiff_says_is_no_data_is_no_number_in_floats(tmp_path: Path, mark: str, compression: str | None) -> None:
    path, values = tmp_path / "x.tif", np.array([[1.5, -9999.0], [2.5, 3.5]], np.float32)
    values[0, 1] = -3.4028234663852886e38 if "e+38" in mark else values[0, 1]
    tag = (42113, 2, len(mark) + 1, mark, True)
    if compression is None:
        tifffile.imwrite(path, values, extratags=[tag])
    else:
        Image.fromarray(values).save(path, compression="tiff_lzw", tiffinfo={42113: mark})
    found = read_image(path)[..., 0]
    assert found.dtype == np.float32
    assert np.isnan(found[0, 1]) == (mark not in ("nan", "none"))
    assert found[values > 0].tolist() == values[values > 0].tolist()


def test_no_data_of_integers_is_left_to_the_sensor(tmp_path: Path) -> None:
    path, values = tmp_path / "x.tif", np.array([[0, 7]], np.uint16)
    tifffile.imwrite(path, values, extratags=[(42113, 2, 2, "0", True)])
    assert read_image(path)[..., 0].tolist() == [[0, 7]]
    assert read_image(path).dtype == np.uint16


@pytest.mark.parametrize("kind", ["int8", "uint8", "int16", "uint16", "int32", "uint32", "float32"])
@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite"])
def test_a_tiff_that_pillow_reads_has_the_values_and_type_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, photometric: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ValueError("<COMPRESSION.LZW: 5> requires the 'imagecodecs' package")

    path = tmp_path / "a.tif"
    lowest = np.iinfo(kind).min if "int" in kind else -7
    values = np.array([[lowest, 0], [100, np.iinfo(kind).max if "int" in kind else 0.5]]).astype(kind)
    tifffile.imwrite(path, values, photometric=photometric)
    expected = read_image(path)
    monkeypatch.setattr(tifffile.TiffPageSeries, "asarray", fail)
    try:
        back = read_image(path)
    except DataError as error:
        assert "imagecodecs" in str(error.hint)
        assert photometric == "miniswhite" and kind in ("int8", "int16", "int32", "uint32")
        return
    assert back.dtype == expected.dtype
    np.testing.assert_array_equal(back, expected)


def test_small_modes_become_plain_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    colours = RNG.integers(0, 256, (6, 7, 3)).astype(np.uint8)
    expected = np.asarray(Image.fromarray(colours).quantize(8).convert("RGB"))
    Image.fromarray(colours).quantize(8).save(path)
    np.testing.assert_array_equal(read_image(path), expected)
    Image.fromarray(np.dstack([colours, colours[..., :1]])).save(path)
    np.testing.assert_array_equal(read_image(path), colours)
    mask = colours[..., 0] > 100
    Image.fromarray(mask).save(path)
    np.testing.assert_array_equal(read_image(path)[..., 0], np.where(mask, 255, 0))
    Image.fromarray(mask).save(tmp_path / "a.tif")
    back = read_image(tmp_path / "a.tif")
    assert back.dtype == np.uint8
    np.testing.assert_array_equal(back[..., 0], np.where(mask, 255, 0))


_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "tif"])
def test_exif_orientation_is_applied(tmp_path: Path, orientation: int, suffix: str) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    picture = Image.fromarray(np.add.outer(np.arange(16) * 9, np.arange(24) * 3).astype(np.uint8))
    upright = picture.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else picture
    path = tmp_path / f"a.{suffix}"
    options = {"quality": 95, "exif": exif} if suffix == "jpg" else {"tiffinfo": {274: orientation}}
    picture.save(path, **options)
    difference = read_image(path)[..., 0].astype(int) - np.asarray(upright, dtype=int)
    assert np.abs(difference).max() <= (4 if suffix == "jpg" else 0)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize(
    "kind", ["8-bit grey", "8-bit colour", "16-bit grey", "16-bit colour", "16-bit colour and alpha"]
)
def test_png_of_every_kind_is_turned_upright(kind: str, late: bool, orientation: int) -> None:
    dtype, channels = np.uint8 if kind.startswith("8") else np.uint16, 3 if "colour" in kind else 1
    pixels = RNG.integers(0, np.iinfo(dtype).max, (4, 6, channels)).astype(dtype)
    if "alpha" in kind:
        data = _png(np.concatenate([pixels, pixels[..., :1]], axis=2), colour=6, filters=[0])
    elif dtype == np.uint16:
        data = png16.encode(pixels)
    else:
        buffer = io.BytesIO()
        Image.fromarray(pixels[..., 0] if channels == 1 else pixels).save(buffer, "PNG")
        data = buffer.getvalue()
    exif = Image.Exif()
    exif[274] = orientation
    body = exif.tobytes().removeprefix(b"Exif\0\0")
    chunk = struct.pack(">I", len(body)) + b"eXIf" + body + struct.pack(">I", zlib.crc32(b"eXIf" + body))
    at = data.rindex(b"IEND") - 4 if late else 33  # after the pixels or before them
    upright = [
        np.asarray(Image.fromarray(plane).transpose(_UPRIGHT[orientation])) if orientation in _UPRIGHT else plane
        for plane in np.moveaxis(pixels, 2, 0).astype(np.int32)
    ]
    found = decode_image(data[:at] + chunk + data[at:], Path("a.png"))
    np.testing.assert_array_equal(found, np.stack(upright, axis=2))


def _damaged(kind: str) -> bytes:
    image, buffer = np.random.default_rng(3).integers(0, 256, (64, 64, 3)).astype(np.uint8), io.BytesIO()
    if kind in ("PNG", "JPEG", "BMP", "WEBP"):
        Image.fromarray(image).save(buffer, kind)
    elif kind == "JPEG with thumbnail":
        Image.fromarray(image[:8, :8]).save(buffer, "JPEG")
        exif = Image.Exif()
        exif[37510] = buffer.getvalue()  # holds an end marker of its own
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, "JPEG", exif=exif)
    elif kind == "PNG16":
        return png16.encode(image.astype(np.uint16) * 257)
    elif kind == "NPY":
        np.save(buffer, image)
    else:
        tifffile.imwrite(buffer, image, compression=kind.partition(" ")[2] or None)
    return buffer.getvalue()


KINDS = ["PNG", "PNG16", "JPEG", "JPEG with thumbnail", "BMP", "WEBP", "NPY", "TIFF", "TIFF zlib"]


@pytest.mark.parametrize("share", [0.02, 0.5, 0.95])
@pytest.mark.parametrize("kind", KINDS)
def test_truncated_files_are_never_half_grey(tmp_path: Path, kind: str, share: float) -> None:
    data, path = _damaged(kind), tmp_path / "cut.img"
    decode_image(data, path)
    for cut in (data[: int(len(data) * share)], data[: int(len(data) * share)].ljust(len(data), b"\0")):
        path.write_bytes(cut)
        if len(cut) == len(data) and kind in ("TIFF", "BMP", "NPY", "WEBP"):
            continue  # zeros are valid pixels or codes there
        with pytest.raises(DataError, match=r"cut\.img") as caught:
            read_image(path)
        assert caught.value.hint


def test_flipped_bit_in_a_16_bit_png_is_found() -> None:
    data = bytearray(_damaged("PNG16"))
    data[200] ^= 1
    with pytest.raises(DataError, match="checksum"):
        decode_image(bytes(data), Path("a.png"))


def test_other_bad_files(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.png.*No such file"):
        read_image(tmp_path / "none.png")
    (tmp_path / "empty.png").write_bytes(b"")
    with pytest.raises(DataError, match="empty"):
        read_image(tmp_path / "empty.png")
    (tmp_path / "text.png").write_text("not an image")
    with pytest.raises(DataError, match="no known image format"):
        read_image(tmp_path / "text.png")
    np.save(tmp_path / "pickle.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match=r"pickle\.npy"):
        read_image(tmp_path / "pickle.npy")


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(DataError, match=r"a\.png: cannot be read \(no regular file\)"):
        read_image(tmp_path / "a.png")


def test_write_is_atomic_and_says_what_a_format_cannot_hold(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="float32"):
        write_image(tmp_path / "a.png", np.zeros((4, 4), np.float32))
    with pytest.raises(DataError, match="gif"):
        write_image(tmp_path / "a.gif", np.zeros((4, 4), np.uint8))
    write_image(tmp_path / "new" / "a.png", np.zeros((4, 4), np.uint8))
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["a.png"]
    assert {".png", ".jpg", ".tif", ".tiff", ".bmp", ".webp", ".npy"} <= IMAGE_SUFFIXES


@settings(max_examples=60, deadline=None)
@given(data=st.data(), kind=st.sampled_from(["PNG", "PNG16", "JPEG", "TIFF", "NPY"]))
def test_damaged_bytes_are_an_image_or_a_data_error(data: st.DataObject, kind: str) -> None:
    content = bytearray(_damaged(kind))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        assert decode_image(bytes(content), Path("a")).ndim == 3
    except DataError as error:
        assert error.message.startswith("a: ")


def test_a_damaged_npy_header_is_a_data_error() -> None:
    # numpy tokenises the header in vain and lets the TokenError out.
    with pytest.raises(DataError, match="damaged"):
        decode_image(_damaged("NPY").replace(b"}", b"(", 1), Path("a.npy"))


def test_decoding_in_threads_leaves_the_warning_filters_alone() -> None:
    before = list(warnings.filters)
    inside = threading.Barrier(2, timeout=10)
    quiet = QuietWarnings()
    left = threading.Event()

    def first() -> None:
        with quiet:
            inside.wait()
        left.set()

    def second() -> None:
        inside.wait()
        left.wait(10)

    other = threading.Thread(target=first)
    other.start()
    with quiet:
        second()
        assert left.is_set()
        with warnings.catch_warnings(record=True) as caught:
            warnings.warn("of a library", stacklevel=1)
        assert not caught
    other.join()
    assert list(warnings.filters) == before


def test_exr_keeps_floats_and_orders_channels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import OpenEXR

    metres = RNG.random((5, 7)).astype(np.float32)
    colour = RNG.random((5, 7, 3)).astype(np.float16)
    header = {"type": OpenEXR.scanlineimage}
    for name, channels in (
        ("depth", {"Z": metres}),
        ("rgb", {"RGB": colour}),
        ("two", {"VV": metres, "VH": metres + 1}),
    ):
        with OpenEXR.File(header, channels) as file:
            file.write(str(tmp_path / f"{name}.exr"))
    assert (read_image(tmp_path / "depth.exr")[..., 0] == metres).all()
    assert (read_image(tmp_path / "rgb.exr") == colour.astype(np.float32)).all()
    assert (read_image(tmp_path / "two.exr") == np.stack([metres + 1, metres], -1)).all()
    with pytest.raises(DataError, match="damaged"):
        decode_image((tmp_path / "rgb.exr").read_bytes()[:150], Path("a.exr"))
    monkeypatch.setitem(sys.modules, "OpenEXR", None)
    with pytest.raises(DataError, match="OpenEXR is needed"):
        read_image(tmp_path / "depth.exr")


def test_four_bands_written_as_colours_and_alpha_are_four_bands_for_a_sensor_of_four(tmp_path: Path) -> None:
    bands = np.random.default_rng(0).integers(0, 255, (5, 6, 4)).astype(np.uint8)
    path = tmp_path / "gdal.tif"
    tifffile.imwrite(path, bands, photometric="rgb", extrasamples=["unassalpha"], planarconfig="contig")
    assert np.array_equal(read_image(path, bands=4), bands)
    assert np.array_equal(read_image(path), bands[..., :3])
    files = [ImageFile(path, "gdal.tif")]
    sensor = Modality(name="four", channels=4, scale=1.0)
    stored = load_images(files, modality=sensor, size=16)
    assert not stored.unreadable


def test_a_thumbnail_before_the_image_is_not_the_image(tmp_path: Path) -> None:
    whole = np.arange(36 * 40, dtype=np.uint16).reshape(36, 40)
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(whole[::4, ::4].astype(np.uint8), subfiletype=1)
        file.write(whole)
    assert np.array_equal(np.squeeze(read_image(tmp_path / "a.tif")), whole)
