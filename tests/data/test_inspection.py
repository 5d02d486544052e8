from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sourcefree.data.image_io import write_image
from sourcefree.data.inspection import inspect_folder, inspect_pairs
from sourcefree.data.inspection_text import format_report
from sourcefree.data.modality import MODALITIES, Modality
from sourcefree.errors import DataError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "depth"
    for i, height in enumerate((8, 8, 10)):
        image = np.full((height, 6, 1), 1000 * (i + 1), np.uint16)
        image[0] = 0
        write_image(root / "room" / f"{i}.png", image)
    (root / "room" / "copy.png").write_bytes((root / "room" / "0.png").read_bytes())
    (root / "cut.png").write_bytes((root / "room" / "0.png").read_bytes()[:40])
    return root


def test_everything_is_counted(folder: Path) -> None:
    report = inspect_folder(folder, modality=MODALITIES["depth"])
    assert report.count == 5
    assert report.folders == {".": 1, "room": 4}
    assert report.sizes == {(8, 6): 3, (10, 6): 1}
    assert [(kind.dtype, kind.channels, kind.count, kind.minimum, kind.maximum) for kind in report.kinds] == [
        ("uint16", 1, 4, 0, 3000)
    ]
    assert [file for file, _ in report.unreadable] == ["cut.png"]
    assert report.duplicates == [["room/0.png", "room/copy.png"]]
    assert report.values is not None
    assert (report.values.minimum, report.values.maximum) == pytest.approx((1.0, 3.0))
    assert report.values.missing == pytest.approx((3 * 6 + 6) / (3 * 48 + 60))
    valid = [1.0] * 84 + [2.0] * 42 + [3.0] * 54
    assert (report.values.mean, report.values.std) == pytest.approx((np.mean(valid), np.std(valid)))


def test_the_text_names_what_matters(folder: Path) -> None:
    text = format_report(inspect_folder(folder, modality=MODALITIES["depth"]))
    for part in (
        "images       5",
        "8x6 (3)",
        "4 x uint16, 1 channel",
        "cut.png",
        "room/0.png = room/copy.png",
        "% missing",
    ):
        assert part in text


def test_files_that_do_not_fit_the_sensor_are_listed(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (8, 8, 3)).astype(np.uint8)
    write_image(tmp_path / "a.png", noise)
    report = inspect_folder(str(tmp_path), modality="nir")
    assert report == inspect_folder(tmp_path, modality=MODALITIES["nir"])
    assert report.unreadable == [("a.png", "expected 1 channel of nir, found 3")]


def test_likely_mistakes_are_warned_of(tmp_path: Path) -> None:
    write_image(tmp_path / "a.png", np.arange(64, dtype=np.uint16).reshape(8, 8))
    write_image(tmp_path / "b.png", np.full((8, 8), 7, np.uint8))
    nearly_blank = np.zeros((32, 32), np.uint8)
    nearly_blank[0, 0] = 7
    write_image(tmp_path / "c.png", nearly_blank)
    write_image(tmp_path / "d.png", np.zeros((8, 8), np.uint8))
    report = inspect_folder(tmp_path, modality=MODALITIES["depth"])
    warnings = " ".join(report.warnings)
    for part in ("8-bit data in 16-bit files", "different kinds", "constant", "missing"):
        assert part in warnings
    assert report.unreadable == [("d.png", "no valid value for the sensor depth: every pixel is missing")]


@pytest.mark.parametrize(
    ("channels", "level", "bits"), [(3, 4095, 12), (3, 200, 8), (1, 200, 8), (3, 20000, 0), (1, 4095, 0)]
)
def test_levels_of_fewer_bits_than_the_file_has_are_asked_about(
    tmp_path: Path, channels: int, level: int, bits: int
) -> None:
    write_image(tmp_path / "a.png", np.linspace(10, level, 64 * channels, dtype=np.uint16).reshape(8, 8, channels))
    warnings = " ".join(inspect_folder(tmp_path).warnings)
    assert (f"{bits}-bit data in 16-bit files" in warnings) is (bits > 0)
    assert ("in 16-bit files" in warnings) is (bits > 0)


def test_depth_in_millimetres_that_is_read_as_metres_is_pointed_out(tmp_path: Path) -> None:
    write_image(tmp_path / "a.tif", np.linspace(700, 4000, 64, dtype=np.float32).reshape(8, 8))
    report = inspect_folder(tmp_path, modality=MODALITIES["depth"])
    ((file, reason),) = report.unreadable
    assert (file, reason.partition(", so")[0]) == (
        "a.tif",
        "no valid value for the sensor depth: all lie outside 0 to 20 m",
    )
    write_image(tmp_path / "a.tif", np.linspace(-10, 90, 101, dtype=np.float32).reshape(1, 101))
    report = inspect_folder(tmp_path, modality=MODALITIES["depth"])
    assert report.values is not None
    assert report.values.clipped == pytest.approx(0.78, abs=0.01)  # 70 of 90; what is below 0 was not measured
    assert any(
        w.startswith("78 % of the values lie outside the valid range of depth, 0 to 20 m") for w in report.warnings
    )
    write_image(tmp_path / "a.tif", np.linspace(1, 39, 101, dtype=np.float32).reshape(1, 101))
    assert not inspect_folder(tmp_path, modality=MODALITIES["depth"]).warnings


def test_files_of_which_none_fits_would_be_refused(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (30, 8, 8, 3)).astype(np.uint8)
    for i, image in enumerate(noise):
        write_image(tmp_path / f"{i}.png", image)
    refused = " ".join(inspect_folder(tmp_path, modality=MODALITIES["nir"]).warnings)
    assert "None of the 30 files can be used: adapt and train-source would refuse them." in refused
    assert not inspect_folder(tmp_path, modality=MODALITIES["rgb"]).warnings
    for name, part in (
        ("0.png", "1 files cannot be used and would be left out"),
        ("1.png", "2 of 30 files cannot be used"),
    ):
        (tmp_path / name).write_bytes(name.encode())
        assert part in " ".join(inspect_folder(tmp_path, modality=MODALITIES["rgb"]).warnings)
    assert "more than 5 %" in " ".join(inspect_folder(tmp_path).warnings)


def test_depth_under_another_modality_is_asked_for_and_a_dark_picture_is_not(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    depth = random.integers(1000, 4000, (40, 40)).astype(np.uint16)
    depth[:4] = 0
    write_image(tmp_path / "depth/a.png", depth)
    write_image(tmp_path / "dark/a.png", random.poisson(300, (40, 40)).astype(np.uint16))
    for folder, name, asked in (
        ("depth", "nir", True),
        ("depth", "rgb", True),
        ("depth", "depth", False),
        ("dark", "nir", False),
    ):
        warnings = " ".join(inspect_folder(tmp_path / folder, modality=MODALITIES[name]).warnings)
        question = (
            f"fill only 6 % of the range of uint16, and 10 % of them are exactly 0: is {name} the right modality?"
        )
        assert (question in warnings) is asked
        assert ("exactly 0" in warnings) is asked
    for own in (Modality(name="own", channels=1, missing=(0,)), Modality(name="own", channels=1, scale=0.001)):
        assert not inspect_folder(tmp_path / "depth", modality=own).warnings  # it was thought of


def test_marks_that_count_as_measurements_are_asked_about(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(20, 3, (4, 16, 16)).astype(np.float32)

    def warnings(mark: float, **fields: object) -> str:
        for i, image in enumerate(values):
            marked = image.copy()
            marked[0, 0] = mark if i == 0 else 20
            write_image(tmp_path / f"{i}.tiff", marked)
        sensor = Modality(name="celsius", channels=1, unit="C", scale=1.0, **fields)  # type: ignore[arg-type]
        return " ".join(inspect_folder(tmp_path, modality=sensor).warnings)

    assert "The smallest number in 4 float32 images is -9999" in warnings(-9999)
    assert "standard deviations below the mean" in warnings(-12345)
    assert not warnings(-3.4028235e38)
    assert not warnings(-9999, missing=(-9999,))
    assert not warnings(-9999, valid_min=-50, outside="missing-below")
    assert not warnings(12)


def test_files_of_other_types_are_shown(folder: Path) -> None:
    for name in ("a.gif", "b.gif", "c.bin", "notes.txt"):
        (folder / name).touch()
    report = inspect_folder(folder)
    assert report.to_dict()["ignored"] == {".gif": 2, ".bin": 1}
    assert "ignored      .gif (2), .bin (1)" in format_report(report)
    assert "2 other files (.gif) ignored" in " ".join(report.warnings)


def test_pairs_without_partner_are_listed(tmp_path: Path, folder: Path) -> None:
    rgb = tmp_path / "rgb"
    for name in ("0", "1", "extra"):
        write_image(rgb / "room" / f"{name}.png", np.full((8, 6, 3), 9, np.uint8))
    report = inspect_pairs(rgb, folder)
    assert report.pairs == 2
    assert report.unpaired_source == ["room/extra.png"]
    assert set(report.unpaired_target) == {"cut.png", "room/2.png", "room/copy.png"}
    assert "pairs        2" in format_report(report)
    assert report.to_dict()["source"]["sizes"] == [{"height": 8, "width": 6, "count": 3}]


@pytest.mark.parametrize(("frames", "scenes"), [(2, 18), (4, 9)])
def test_pairs_tell_their_scenes_by_their_names(tmp_path: Path, frames: int, scenes: int) -> None:
    for side in ("rgb", "nir"):
        for i in range(36):
            name = f"scene{i // frames:02d}_{i % frames}.png"
            write_image(tmp_path / side / name, np.full((4, 4), i + (side == "nir"), np.uint8))
    report = inspect_pairs(tmp_path / "rgb", tmp_path / "nir")
    assert report.scenes == scenes
    assert ("fewer than 18: runs of neighbours" in " ".join(report.warnings)) is (scenes < 18)
    assert f"36 usable, {scenes} scenes told by their names" in format_report(report)


def test_too_few_pairs_are_warned_of_before_adapt_refuses_them(tmp_path: Path) -> None:
    for count, warned in ((9, True), (10, False)):
        for side in ("rgb", "nir"):
            write_image(tmp_path / side / f"{count}.png", np.full((4, 4), 9, np.uint8))
            for i in range(count):
                write_image(tmp_path / side / f"{i}.png", np.full((4, 4), i, np.uint8))
        (tmp_path / "rgb" / f"{count}.png").unlink()
        warnings = " ".join(inspect_pairs(tmp_path / "rgb", tmp_path / "nir").warnings)
        assert (f"{count} pairs can be used: adapt would refuse fewer than 10" in warnings) is warned


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        inspect_folder(tmp_path / "nowhere")


def test_large_images_weigh_more_and_images_without_a_number_have_no_range(tmp_path: Path) -> None:
    write_image(tmp_path / "large.png", np.full((8, 8), 10, np.uint8))
    write_image(tmp_path / "small.png", np.full((2, 2), 78, np.uint8))
    write_image(tmp_path / "void.npy", np.full((4, 4, 1), np.nan, np.float32))
    bytes_, floats = sorted(inspect_folder(tmp_path).kinds, key=lambda kind: kind.dtype, reverse=True)
    assert bytes_.mean == pytest.approx((64 * 10 + 4 * 78) / 68)
    assert (floats.minimum, floats.maximum, floats.mean) == (None, None, None)
    assert "no finite number" in format_report(inspect_folder(tmp_path))


def test_pairs_of_another_shape_and_the_same_file_twice_are_warned_of(tmp_path: Path) -> None:
    for side, shapes in (("rgb", ((8, 6), (8, 6), (16, 12))), ("nir", ((8, 6), (6, 8), (8, 6)))):
        for i, (height, width) in enumerate(shapes):
            write_image(tmp_path / side / f"{i}.png", np.full((height, width), 9 + i, np.uint8))
    report = inspect_pairs(tmp_path / "rgb", tmp_path / "nir")
    assert report.different_aspect == [("1.png", "1.png")]
    assert "1 pairs differ in aspect ratio" in " ".join(report.warnings).replace("The two images of ", "")
    assert "1 pairs hold the same file twice" in " ".join(report.warnings)
