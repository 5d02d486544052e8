from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from sourcefree.data.encodings import ENCODINGS, hha, jet, normals
from sourcefree.data.modality import Modality, measure_statistics
from sourcefree.data.physical import to_physical
from sourcefree.errors import ConfigError

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


def test_an_encoding_is_for_one_channel() -> None:
    with pytest.raises(ValidationError, match="is for one channel"):
        Modality(name="two", channels=2, encoding="jet")


def test_changing_the_encoding_forgets_the_statistics() -> None:
    sensor = Modality(name="d", channels=1, mean=(1.0,), std=(2.0,))
    assert (sensor.encoded("jet").bands, sensor.encoded("jet").measured) == (3, False)
    with pytest.raises(ConfigError, match="is for one channel"):
        Modality(name="two", channels=2).encoded("hha")
