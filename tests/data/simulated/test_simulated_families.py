"""Object families: every instance is a usable mesh, instances differ, task and pairs share no family."""

from __future__ import annotations

import numpy as np
import pytest

from sourcefree.data.simulated.registry import families, irrelevant_families, task_families
from sourcefree.errors import ConfigError

NAMES = list(families())


@pytest.mark.parametrize("name", NAMES)
def test_every_family_builds_sensible_meshes(name: str) -> None:
    shapes = []
    for seed in range(6):
        mesh = families()[name].build(np.random.default_rng(seed))
        assert len(mesh.faces) >= 12
        assert np.isfinite(mesh.vertices).all()
        assert mesh.faces.min() >= 0 and mesh.faces.max() < len(mesh.vertices)
        assert np.isfinite(mesh.vertex_normals).all()
        np.testing.assert_allclose(np.linalg.norm(mesh.vertex_normals, axis=1), 1, atol=1e-3)
        assert len(mesh.face_attributes["slot"]) == len(mesh.faces)
        extent = np.ptp(mesh.vertices, axis=0)
        assert 0.2 < extent.max() < 6, "families are drawn at about the size of a metre"
        assert extent.min() > 0.015 * extent.max(), "an object is not a sheet of paper"
        shapes.append(np.round(extent / extent.max(), 3))
    assert len({tuple(s) for s in shapes}) >= 5, "instances must differ in proportions"


def test_same_seed_gives_the_same_mesh() -> None:
    first, second = (families()["bicycle"].build(np.random.default_rng(4)) for _ in range(2))
    np.testing.assert_array_equal(first.vertices, second.vertices)


def test_task_sets_and_pairs_are_disjoint_and_large_enough() -> None:
    a, b, both, others = task_families("a"), task_families("b"), task_families("all"), irrelevant_families()
    assert len(a) >= 10 and len(b) >= 10 and len(others) >= 45
    assert not set(a) & set(b)
    assert sorted(a + b) == both
    assert not set(both) & set(others)
    assert set(both) | set(others) == set(NAMES)
    assert sum(name.startswith("assembly") for name in others) >= 3


def test_unknown_task_set_is_named() -> None:
    with pytest.raises(ConfigError, match="'c'"):
        task_families("c")
