"""Surfaces: analytic sizes, normals that match the triangles, no twisted tubes."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from sourcefree.data.simulated import surfaces
from sourcefree.data.simulated.surfaces import Surface

LENGTH = st.floats(0.05, 3.0)
POINT = st.tuples(*[st.floats(-2.0, 2.0)] * 3)


def _area(s: Surface) -> float:
    return float(trimesh.Trimesh(s.vertices, s.faces, process=False).area)


@given(LENGTH, LENGTH, LENGTH)
@settings(max_examples=20, deadline=None)
def test_box_has_its_area_and_outward_normals(x: float, y: float, z: float) -> None:
    box = surfaces.box((x, y, z))
    assert _area(box) == pytest.approx(2 * (x * y + y * z + z * x))
    assert ((box.vertices * box.normals).sum(axis=1) > 0).all()


@given(POINT, POINT, LENGTH)
@settings(max_examples=30, deadline=None)
def test_rod_runs_from_a_to_b(a: tuple[float, ...], b: tuple[float, ...], r: float) -> None:
    start, end = np.array(a), np.array(b)
    length = float(np.linalg.norm(end - start))
    if length < 0.05:
        return
    rod = surfaces.rod(start, end, r)
    axis = (end - start) / length
    along = (rod.vertices - start) @ axis
    away = np.linalg.norm(rod.vertices - start - along[:, None] * axis, axis=1)
    assert along.min() == pytest.approx(0, abs=1e-6) and along.max() == pytest.approx(length)
    assert away.max() == pytest.approx(r)


def test_ball_area_approaches_the_sphere() -> None:
    assert _area(surfaces.ball(0.5)) == pytest.approx(np.pi, rel=0.05)


def test_lathe_keeps_corners_sharp_and_curves_smooth() -> None:
    cylinder = surfaces.lathe([(0, 0), (1, 0), (1, 2), (0, 2)])
    assert set(np.round(np.abs(cylinder.normals[:, 2]), 6)) <= {0.0, 1.0}
    ramp = surfaces.lathe([(1, 0), (1.02, 0.5), (1.1, 1.0)])
    assert len(np.unique(np.round(ramp.normals[:, 2], 6))) == 3


def test_tube_ring_vertices_keep_their_radius_round_bends() -> None:
    path = surfaces.curve([(0, 0, 0), (0, 0, 1), (1, 0, 1), (1, 1, 1)], 30)
    tube = surfaces.tube(path, 0.05, sides=8)
    rings = tube.vertices[: 30 * 8].reshape(30, 8, 3)
    np.testing.assert_allclose(np.linalg.norm(rings - path[:, None], axis=2), 0.05, atol=1e-9)
    # No twist: a ring vertex moves about as far as the ring's centre does.
    steps = np.linalg.norm(np.diff(rings[:, 0], axis=0), axis=1) / np.linalg.norm(np.diff(path, axis=0), axis=1)
    assert steps.max() < 1.5


def test_curve_passes_through_its_points() -> None:
    points = np.array([(0.0, 0.0), (1.0, 2.0), (3.0, 1.0)])
    np.testing.assert_allclose(surfaces.curve(points, 9)[[0, 4, 8]], points)
