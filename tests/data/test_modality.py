from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from sourcefree.data.modality import MODALITIES, Modality, load_modality, measure_statistics
from sourcefree.data.physical import measured_image, to_physical
from sourcefree.errors import ConfigError, DataError


def test_depth_is_metres_with_zero_missing() -> None:
    stored = np.array([[[0], [1500]], [[30000], [1]]], np.uint16)
    values = to_physical(MODALITIES["depth"], stored)
    assert values.shape == (1, 2, 2)
    assert np.isnan(values[0, 0, 0])
    np.testing.assert_allclose(values[0, [0, 1, 1], [1, 0, 1]], [1.5, 20.0, 0.001], rtol=1e-6)


def test_depth_below_zero_is_missing_and_far_depth_is_clipped() -> None:
    marks = np.array([[[-3.4028235e38], [-9999], [-1], [-1e-3], [2.5], [99]]], np.float32)
    for stored in (marks, marks.astype(np.float64)):
        values = to_physical(MODALITIES["depth"], stored)[0, 0]
        assert np.isnan(values[:4]).all()
        np.testing.assert_allclose(values[4:], [2.5, 20.0])
    assert np.isnan(to_physical(MODALITIES["depth"], np.array([[[-1]]], np.int32))).all()
    measured = measure_statistics(MODALITIES["depth"], [to_physical(MODALITIES["depth"], marks[:, :5])])
    assert measured.mean == pytest.approx((2.5,))


@pytest.mark.parametrize("name", MODALITIES)
def test_the_extremes_of_floats_are_no_measurement_for_any_sensor(name: str) -> None:
    sensor = MODALITIES[name]
    for dtype, extreme in ((np.float32, 3.4028235e38), (np.float64, 3.4028235e38), (np.float64, 1.7e308)):
        if isinstance(sensor.scale, dict) and np.dtype(dtype).name not in sensor.scale:
            continue
        stored = np.full((1, 4, sensor.channels), 0.5, dtype)
        stored[0, 1], stored[0, 2] = extreme, -extreme
        values = to_physical(sensor, stored)
        assert np.isnan(values[:, 0, 1:3]).all()
        np.testing.assert_allclose(values[:, 0, [0, 3]], 0.5)


def test_each_end_of_the_valid_range_is_treated_as_the_sensor_says() -> None:
    stored = np.array([[[-5.0], [1.0], [9.0]]], np.float32)
    expected = {"clip": [0, 1, 4], "missing": [np.nan, 1, np.nan], "missing-below": [np.nan, 1, 4]}
    for outside, values in expected.items():
        sensor = Modality(name="own", channels=1, scale=1.0, valid_min=0, valid_max=4, outside=outside)
        np.testing.assert_array_equal(to_physical(sensor, stored)[0, 0], values)


@pytest.mark.parametrize(("dtype", "top"), [(np.uint8, 255), (np.uint16, 65535)])
def test_full_range_puts_the_largest_level_at_one(dtype: type, top: int) -> None:
    values = to_physical(MODALITIES["nir"], np.array([[[0], [top]]], dtype))
    np.testing.assert_allclose(values[0, 0], [0.0, 1.0])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 65534))
def test_neighbouring_16_bit_levels_stay_apart(level: int) -> None:
    pair = to_physical(MODALITIES["thermal"], np.array([[[level], [level + 1]]], np.uint16))
    assert pair[0, 0, 0] < pair[0, 0, 1]


def test_own_scale_offset_range_and_missing_value() -> None:
    kelvin = Modality(
        name="kelvin", channels=1, unit="C", scale=0.01, offset=-273.15, valid_min=-40, outside="missing", missing=(7,)
    )
    values = to_physical(kelvin, np.array([[[27315], [20000], [7]]], np.uint16))[0, 0]
    assert values[0] == pytest.approx(0, abs=1e-3)
    assert np.isnan(values[1:]).all()


def test_grey_files_fit_rgb_and_grey_colour_files_fit_one_channel() -> None:
    grey = np.arange(12, dtype=np.uint8).reshape(3, 4, 1)
    assert to_physical(MODALITIES["rgb"], grey).shape == (3, 3, 4)
    assert to_physical(MODALITIES["nir"], np.repeat(grey, 3, axis=2)).shape == (1, 3, 4)
    colour = np.zeros((3, 4, 3), np.uint8)
    colour[..., 0] = 200
    with pytest.raises(DataError, match="expected 1 channel of nir, found 3"):
        to_physical(MODALITIES["nir"], colour)
    with pytest.raises(DataError, match="expected 1 channel of nir, found 3"):
        to_physical(MODALITIES["nir"], (colour / 255).astype(np.float32))  # within two levels, yet a colour


def test_a_number_type_without_scale_is_refused() -> None:
    with pytest.raises(DataError, match="no scale for int16"):
        to_physical(MODALITIES["depth"], np.ones((2, 2, 1), np.int16))


def test_statistics_leave_missing_values_out() -> None:
    two = Modality(name="two", channels=2, scale=1.0)
    arrays = [np.array([[[1.0, np.nan]], [[4.0, 4.0]]], np.float32), np.array([[[3.0, 2.0]], [[4.0, 4.0]]], np.float32)]
    measured = measure_statistics(two, arrays)
    assert measured.mean == pytest.approx((2.0, 4.0))
    assert measured.std is not None
    assert measured.std[0] == pytest.approx(np.std([1.0, 3.0, 2.0]))
    assert measured.std[1] > 0


def test_statistics_of_nothing_are_refused() -> None:
    with pytest.raises(DataError, match="every value is missing"):
        measure_statistics(MODALITIES["depth"], [np.full((1, 2, 2), np.nan, np.float32)])


def test_a_typo_is_answered_with_the_closest_name() -> None:
    with pytest.raises(ConfigError) as caught:
        load_modality("dpeth")
    assert "'depth'" in str(caught.value.hint)


def test_yaml_gives_an_own_sensor_and_survives_as_plain_data(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text("name: sar2\nchannels: 2\nunit: dB\nscale: 0.1\nmissing: [-9999]\nmean: [1, 2]\nstd: [1, 1]\n")
    sensor = load_modality(path)
    assert (sensor.channels, sensor.missing, sensor.measured) == (2, (-9999.0,), True)
    assert Modality(**sensor.to_dict()) == sensor


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("name: a\nchannel: 1\n", "unknown field 'channel'"),
        ("name: a\nchannels: many\n", "channels"),
        ("name: a\nchannels: 2\nmean: [1]\nstd: [1]\n", "mean has 1 values"),
        ("name: a\nchannels: 1\nvalid_min: 3\nvalid_max: 2\n", "valid_min"),
        ("- a\n", "expected fields"),
        ("a: [", "not valid YAML"),
    ],
)
def test_wrong_yaml_names_file_and_field(tmp_path: Path, text: str, part: str) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_modality(path)
    assert part in str(caught.value)
    assert "s.yaml" in str(caught.value)


def test_sun_rgbd_bits_are_rotated_back() -> None:
    millimetres = np.array([[[1], [1000], [8191], [65535]]], np.uint16)
    stored = (millimetres << 3) | (millimetres >> 13)
    sensor = Modality(name="sun", channels=1, scale=0.001, rotated_bits=3)
    assert to_physical(sensor, stored)[0, 0] == pytest.approx([0.001, 1.0, 8.191, 65.535])
    with pytest.raises(DataError, match="uint16 files"):
        to_physical(sensor, stored.astype(np.float32))


def test_an_image_without_one_measured_pixel_is_no_image() -> None:
    depth = MODALITIES["depth"]
    blank, nearly = np.zeros((4, 4, 1), np.uint16), np.zeros((4, 4, 1), np.uint16)
    nearly[0, 0] = 1500
    assert np.isfinite(measured_image(depth, nearly).bands).sum() == 1
    with pytest.raises(DataError, match="sensor depth: every pixel is missing"):
        measured_image(depth, blank)


@pytest.mark.parametrize("scale", [0, {"uint16": 0.0, "float32": 1.0}])
def test_a_scale_of_nothing_is_refused(scale: object) -> None:
    with pytest.raises(ValidationError, match="scale must not be 0"):
        Modality(name="t", channels=1, scale=scale)  # type: ignore[arg-type]
