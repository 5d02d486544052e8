"""The depth sensor: exact when switched off, noisier with distance, holes where a real one has them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sourcefree.data.simulated.registry import families
from sourcefree.data.simulated.render import Frame, render
from sourcefree.data.simulated.scene import random_scene
from sourcefree.data.simulated.sensor import sense_depth


def _rng() -> np.random.Generator:
    return np.random.default_rng(0)


def _flat(depth: np.ndarray) -> Frame:
    ones = np.ones_like(depth)
    return Frame(None, depth, ones, np.zeros(depth.shape, np.int32), np.zeros(depth.shape, bool))


def test_switched_off_depth_is_exact_millimetres() -> None:
    frame = render(random_scene(families()["chair"], np.random.default_rng(3)), 48, colour=False)
    sensed = sense_depth(frame, _rng(), noise=0, holes=0)
    assert sensed.dtype == np.uint16
    np.testing.assert_array_equal(sensed, np.rint(frame.depth * 1000).astype(np.uint16))


def test_nothing_in_sight_stays_missing_whatever_the_noise() -> None:
    depth = np.full((32, 32), 1.5, np.float32)
    depth[:8] = 0
    sensed = sense_depth(_flat(depth), _rng(), noise=3, holes=0)
    assert (sensed[:8] == 0).all() and (sensed[8:] > 0).all()


def test_noise_is_centred_and_grows_with_distance() -> None:
    spread = []
    for metres in (0.8, 2.0, 4.0):
        error = sense_depth(_flat(np.full((96, 96), metres, np.float32)), _rng(), holes=0) - metres * 1000
        assert abs(error.mean()) < 0.3 * error.std()
        spread.append(error.std())
    assert spread[0] < spread[1] < spread[2]
    assert 0.5 < spread[0] < 5 and spread[2] < 60


def test_holes_lie_beside_depth_edges_and_on_grazing_surfaces() -> None:
    depth = np.full((96, 96), 2.0, np.float32)
    depth[:, :48] = 1.0
    shadow = sense_depth(_flat(depth), _rng(), noise=0)[:, 47:50] == 0
    assert shadow.mean() > 3 * (sense_depth(_flat(depth), _rng(), noise=0)[:, 60:] == 0).mean()
    grazing = replace(_flat(np.full((96, 96), 2.0, np.float32)), facing=np.full((96, 96), 0.05, np.float32))
    assert (sense_depth(grazing, _rng(), noise=0) == 0).mean() > 0.4


def test_usual_sensor_misses_few_pixels() -> None:
    shares = []
    for seed in range(12):
        frame = render(random_scene(families()["table"], np.random.default_rng(seed)), 64, colour=False)
        shares.append((sense_depth(frame, np.random.default_rng(seed)) == 0).mean())
    assert 0.005 < np.mean(shares) < 0.2
