from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from sourcefree.data.encodings import ENCODINGS, hha, jet, normals
from sourcefree.data.folders import find_images
from sourcefree.data.image_io import write_image
from sourcefree.data.inspection import inspect_folder
from sourcefree.data.modality import MODALITIES, Modality, measure_statistics
from sourcefree.data.physical import to_physical
from sourcefree.data.store import load_images
from sourcefree.errors import ConfigError, DataError

WALL = np.full((1, 8, 10), 2.0, np.float32)


def test_a_wall_looks_at_the_camera_and_a_floor_looks_up() -> None:
    assert normals(WALL)[:, 4, 5] == pytest.approx([0, 0, -1], abs=1e-5)
    focal = 10 / (2 * np.tan(np.deg2rad(30)))
    down = (np.arange(8) - 3.5) / focal
    floor = np.where(down[:, None] > 0, 1.0 / np.maximum(down[:, None], 1e-6), np.nan) * np.ones((1, 10))
    found = normals(floor[None].astype(np.float32))
    assert found[:, 6, 5] == pytest.approx([0, -1, 0], abs=0.2)
    assert hha(floor[None].astype(np.float32))[2, 6, 5] == pytest.approx(0.0, abs=0.1)  # along the vertical
    assert hha(WALL)[2, 4, 5] == pytest.approx(0.5, abs=0.02)  # across it


def test_jet_runs_from_blue_to_red() -> None:
    ramp = np.linspace(1, 3, 101, dtype=np.float32).reshape(1, 1, 101)
    coded = jet(ramp)[:, 0]
    assert coded[2, 5] > 0.5 > coded[0, 5]
    assert coded[0, 95] > 0.5 > coded[2, 95]
    assert coded[1, 50] == pytest.approx(1.0)


@pytest.mark.parametrize("name", ENCODINGS)
def test_missing_values_stay_missing_and_bands_are_as_declared(name: str) -> None:
    sensor = Modality(name="d", channels=1, scale=0.001, missing=(0.0,), encoding=name)
    stored = np.full((8, 10, 1), 2000, np.uint16) + np.arange(10, dtype=np.uint16).reshape(1, 10, 1) * 30
    stored[4, 5] = 0
    bands = to_physical(sensor, stored)
    assert bands.shape == (sensor.bands, 8, 10)
    assert np.isnan(bands[:, 4, 5]).all()
    assert np.isfinite(bands[:, 1, 1]).all()
    measured = measure_statistics(sensor, [bands])
    assert measured.mean is not None
    assert len(measured.mean) == sensor.bands


def test_height_is_above_the_lowest_hundredth_of_the_image() -> None:
    heights = hha(np.full((1, 200, 100), 2.0, np.float32))[1, :, 50]
    focal = 100 / (2 * np.tan(np.deg2rad(30)))
    assert heights[198] == pytest.approx(0, abs=2 / focal)
    assert (np.diff(heights) < 0).all()
    assert heights[0] == pytest.approx(198 * 2 / focal, abs=2 / focal)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("shape", [(1, 10), (10, 1), (1, 1)])
def test_an_image_too_small_for_its_encoding_is_left_out_by_name(
    tmp_path: Path, encoding: str, shape: tuple[int, int]
) -> None:
    write_image(tmp_path / "flat.png", np.full(shape, 2000, np.uint16))
    write_image(tmp_path / "whole.png", np.full((10, 10), 2000, np.uint16))
    sensor = MODALITIES["depth"].encoded(encoding)
    store = load_images(find_images(tmp_path), modality=sensor, size=14, max_unreadable=0.5)
    found = f"surface normals need 2 x 2 pixels at least, found {shape[0]} x {shape[1]}"
    expected = [("flat.png", found)] if encoding in ("normals", "hha") else []
    assert store.unreadable == expected
    assert inspect_folder(tmp_path, modality=sensor).unreadable == expected
    if expected:
        with pytest.raises(DataError, match=r"flat\.png: surface normals need"):
            load_images(find_images(tmp_path), modality=sensor, size=14, max_unreadable=0.1)


def test_an_encoding_is_for_one_channel() -> None:
    with pytest.raises(ValidationError, match="is for one channel"):
        Modality(name="two", channels=2, encoding="jet")


def test_changing_the_encoding_forgets_the_statistics() -> None:
    sensor = Modality(name="d", channels=1, mean=(1.0,), std=(2.0,))
    assert (sensor.encoded("jet").bands, sensor.encoded("jet").measured) == (3, False)
    with pytest.raises(ConfigError, match="is for one channel"):
        Modality(name="two", channels=2).encoded("hha")
