from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sourcefree.report.embedding import feature_map, turned_onto, unit_spread
from sourcefree.spread import evenly_spread


def clusters(count: int = 60) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    label = np.arange(count) % 3
    return rng.normal(size=(3, 80))[label] * 4 + rng.normal(size=(count, 80)), label


def test_map_is_deterministic_and_does_not_depend_on_global_random_state() -> None:
    features, _ = clusters()
    np.random.seed(1)
    first = feature_map(features)
    np.random.seed(2)
    np.testing.assert_array_equal(feature_map(features), first)


def test_near_features_lie_near_each_other() -> None:
    features, label = clusters()
    points = feature_map(features)
    distance = np.linalg.norm(points[:, None] - points[None], axis=-1)
    np.fill_diagonal(distance, np.inf)
    assert (label[distance.argmin(axis=1)] == label).all()


@pytest.mark.parametrize("count", [1, 2, 3, 11, 12, 13])
@pytest.mark.parametrize("size", [1, 2, 40])
def test_few_images_or_features_still_give_a_map(count: int, size: int) -> None:
    points = feature_map(np.random.default_rng(0).normal(size=(count, size)))
    assert points.shape == (count, 2) and np.isfinite(points).all()


def test_identical_features_give_one_point() -> None:
    np.testing.assert_array_equal(feature_map(np.ones((20, 8), dtype=np.float32)), np.zeros((20, 2)))


@given(st.floats(0, 2 * np.pi), st.booleans(), st.floats(0.1, 10))
@settings(max_examples=25)
def test_a_turned_map_comes_back_onto_its_reference(angle: float, mirrored: bool, scale: float) -> None:
    reference = np.random.default_rng(0).normal(size=(30, 2))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = scale * reference @ turn * np.array([-1 if mirrored else 1, 1]) + 5
    np.testing.assert_allclose(turned_onto(moved, reference), unit_spread(reference), atol=1e-8)


@given(st.integers(1, 5000), st.integers(1, 900))
def test_rows_are_distinct_in_range_and_no_more_than_asked(count: int, most: int) -> None:
    rows = evenly_spread(count, most)
    assert len(rows) == min(count, most) == len(set(rows))
    assert rows[0] == 0 and rows[-1] <= count - 1
