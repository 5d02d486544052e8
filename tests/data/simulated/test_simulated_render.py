"""The ray caster against scenes whose depth, outline and shadow are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sourcefree.data.simulated import surfaces
from sourcefree.data.simulated.registry import families
from sourcefree.data.simulated.render import render
from sourcefree.data.simulated.scene import Camera, Light, Plane, Scene, random_scene
from sourcefree.data.simulated.textures import Texture

SIZE = 64
RADIUS, HEIGHT, EYE = 0.4, 0.7, 3.0


def _plain(*colour: float) -> Texture:
    both = np.array([colour, colour], dtype=np.float32)
    zero = np.zeros(3, dtype=np.float32)
    return Texture("plain", both, 1.0, zero, zero, np.zeros(512, np.float32), 0.0)


def _ball_above_floor() -> Scene:
    """A red ball over a blue floor, seen from straight above, lit from the side."""
    ball = surfaces.ball(RADIUS, (0.0, 0.0, HEIGHT))
    down = np.stack([[1.0, 0, 0], [0, -1.0, 0], [0, 0, -1.0]], axis=1)
    towards = np.array([1.0, 0.0, 1.0]) / np.sqrt(2)
    return Scene(
        vertices=ball.vertices.astype(np.float32),
        normals=ball.normals.astype(np.float32),
        faces=ball.faces.astype(np.int32),
        face_material=np.zeros(len(ball.faces), np.int32),
        object_faces=len(ball.faces),
        planes=[Plane(np.zeros(3), np.eye(3), 1)],
        materials=[_plain(0.9, 0.1, 0.1), _plain(0.1, 0.1, 0.9)],
        light=Light(towards, 0.7, 0.3, 0.0, np.ones(3)),
        camera=Camera(np.array([0.0, 0.0, EYE]), down, 0.6),
        background=np.full(3, 0.5),
    )


def _directions() -> tuple[np.ndarray, np.ndarray]:
    u = (2 * (np.arange(SIZE) + 0.5) / SIZE - 1) * 0.6
    return np.meshgrid(u, u)


def test_depth_of_a_plane_is_constant_along_the_optical_axis() -> None:
    frame = render(_ball_above_floor(), SIZE, colour=False)
    assert frame.rgb is None
    np.testing.assert_allclose(frame.depth[frame.material == 1], EYE, atol=1e-5)


def test_depth_of_a_sphere_matches_the_analytic_one() -> None:
    frame = render(_ball_above_floor(), SIZE, colour=False)
    x, y = _directions()
    a, c = x**2 + y**2 + 1, EYE - HEIGHT
    inside = c**2 - a * (c**2 - RADIUS**2)
    hit = inside > 0
    exact = (c - np.sqrt(np.where(hit, inside, 0))) / a
    both = hit & frame.on_object
    assert both.sum() > 200
    assert (hit != frame.on_object).mean() < 0.01  # The ball is a polyhedron: its outline is a little smaller.
    middle = both & (inside > 0.4 * inside.max())
    np.testing.assert_allclose(frame.depth[middle], exact[middle], atol=0.02)


def test_tilted_plane_depth_is_exact() -> None:
    scene = _ball_above_floor()
    normal = np.array([0.3, 0.0, 1.0]) / np.hypot(0.3, 1.0)
    axes = np.stack([[0.0, 1.0, 0.0], np.cross(normal, [0.0, 1.0, 0.0]), normal], axis=1)
    scene = replace(scene, planes=[Plane(np.array([0.0, 0.0, -2.0]), axes, 1)])
    frame = render(scene, SIZE, colour=False)
    x, _ = _directions()
    exact = (EYE + 2.0) * normal[2] / (normal[2] - x * normal[0])
    floor = frame.material == 1
    np.testing.assert_allclose(frame.depth[floor], exact[floor], rtol=1e-5)


def test_rgb_and_depth_show_the_same_pixels() -> None:
    scene = _ball_above_floor()
    aside = replace(scene.camera, origin=np.array([0.7, 0.25, EYE]))  # Flips and transposes must not go unseen.
    frame = render(replace(scene, camera=aside), SIZE)
    assert frame.rgb is not None
    rows, columns = np.nonzero(frame.on_object)
    assert columns.mean() < 0.4 * SIZE and rows.mean() > 0.5 * SIZE, "x runs right, and up is up"
    red = frame.rgb[..., 0].astype(int) > frame.rgb[..., 2]
    near = (frame.depth > 0) & (frame.depth < EYE - 0.1)
    edge = np.zeros_like(near)
    edge[1:] |= near[1:] != near[:-1]
    edge[:-1] |= near[1:] != near[:-1]
    edge[:, 1:] |= near[:, 1:] != near[:, :-1]
    edge[:, :-1] |= near[:, 1:] != near[:, :-1]
    assert near.any()
    assert (red == near)[~edge].all()


def test_the_ball_throws_a_shadow_away_from_the_light() -> None:
    frame = render(_ball_above_floor(), SIZE)
    assert frame.rgb is not None
    brightness = frame.rgb.astype(float).sum(axis=2)
    x, y = _directions()
    floor = frame.material == 1
    shadow_x, shadow_y = (
        x * EYE + HEIGHT,
        y * EYE,
    )  # The shadow's centre lies HEIGHT away from the ball's foot.
    inside = floor & ((shadow_x / np.sqrt(2)) ** 2 + shadow_y**2 < (0.85 * RADIUS) ** 2)
    outside = floor & ((shadow_x / np.sqrt(2)) ** 2 + shadow_y**2 > (1.2 * RADIUS) ** 2)
    assert inside.sum() > 20
    assert brightness[inside].max() < 0.75 * np.median(brightness[outside])
    # Pixels on the ball's own outline are a mixture, hence not all.
    assert (brightness[outside] > 0.9 * np.median(brightness[outside])).mean() > 0.97


def test_a_wall_seen_from_behind_is_not_there() -> None:
    scene = _ball_above_floor()
    flipped = np.eye(3) * [1, 1, -1]
    frame = render(replace(scene, planes=[Plane(np.zeros(3), flipped, 1)]), SIZE)
    assert (frame.depth[~frame.on_object] == 0).all()
    assert (frame.material[~frame.on_object] == -1).all()


@pytest.mark.parametrize("name", ["table", "bicycle", "mug", "tower"])
def test_random_scenes_frame_their_object(name: str) -> None:
    for seed in range(8):
        frame = render(random_scene(families()[name], np.random.default_rng(seed)), SIZE, colour=False)
        rows, columns = np.nonzero(frame.on_object)
        span = max(np.ptp(rows), np.ptp(columns)) / SIZE
        assert 0.4 < span < 0.98
        assert (frame.depth > 0).mean() > 0.9
        assert 0.3 < frame.depth[frame.on_object].min() < np.median(frame.depth[frame.on_object]) < 6


def test_objects_stand_on_the_floor() -> None:
    for seed in range(10):
        scene = random_scene(families()["chair"], np.random.default_rng(seed))
        own = scene.vertices[np.unique(scene.faces[: scene.object_faces])]
        assert own[:, 2].min() == pytest.approx(0, abs=1e-5)


def test_look_does_not_depend_on_the_object() -> None:
    """Colours, textures and light are the same whatever the same seed builds: they cannot tell its class."""
    for seed in range(5):
        one, other = (random_scene(families()[n], np.random.default_rng(seed)) for n in ("bottle", "bicycle"))
        for mine, theirs in zip(one.materials, other.materials, strict=True):
            assert mine.kind == theirs.kind
            np.testing.assert_array_equal(mine.colours, theirs.colours)
        assert one.light.direct == other.light.direct
        np.testing.assert_array_equal(one.light.tint, other.light.tint)
