"""Random scenes: an object on a floor between walls, clutter around it, one light, one camera."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import trimesh
from numpy.typing import NDArray

from sourcefree.data.simulated.model import Model
from sourcefree.data.simulated.registry import Family
from sourcefree.data.simulated.surfaces import Array, turn
from sourcefree.data.simulated.textures import Texture, random_texture

Float: TypeAlias = NDArray[np.float32]
Int: TypeAlias = NDArray[np.int32]

OBJECT_SLOTS = 6
_NEAREST = 0.35
"""Depth cameras see nothing nearer than about this, metres."""


@dataclass(frozen=True)
class Camera:
    """A pinhole camera: `axes` columns are right, down, forward; `slope` is tan(half the field of view)."""

    origin: Array
    axes: Array
    slope: float


@dataclass(frozen=True)
class Plane:
    """An endless floor or wall through `point`; `axes` columns are two texture directions and the normal."""

    point: Array
    axes: Array
    material: int


@dataclass(frozen=True)
class Light:
    """Sun-like light: unit `direction` towards it, strengths of direct, ambient and camera-side fill."""

    direction: Array
    direct: float
    ambient: float
    fill: float
    tint: Array


@dataclass(frozen=True)
class Scene:
    """All that `render` needs; lengths in metres, z up, the floor at z = 0."""

    vertices: Float
    normals: Float
    faces: Int
    face_material: Int
    object_faces: int
    planes: list[Plane]
    materials: list[Texture]
    light: Light
    camera: Camera
    background: Array


def _pose(mesh: trimesh.Trimesh, rng: np.random.Generator, can_lie: bool) -> tuple[Array, Array, float]:
    """Return posed vertices (on the floor, centred), posed normals, and the object's size in metres."""
    yaw, tilt, lie = rng.uniform(0, 360), rng.normal(0, 3, 2), rng.random()
    size, side = rng.uniform(0.45, 0.85), rng.integers(4)
    rot = turn("x", tilt[0]) @ turn("y", tilt[1])
    if can_lie and lie < 0.08:
        rot = rot @ turn("xy"[side % 2], 90.0 if side < 2 else -90.0)
    rot = turn("z", yaw) @ rot
    vertices = np.asarray(mesh.vertices)
    scale = size / float(np.ptp(vertices, axis=0).max())
    vertices = vertices @ rot.T * scale
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    vertices = vertices - [(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2]]
    return vertices, np.asarray(mesh.vertex_normals) @ rot.T, float(size)


def look_at(origin: Array, target: Array, slope: float, roll: float = 0.0) -> Camera:
    """Return a camera at `origin` looking at `target`, rolled by degrees."""
    forward = target - origin
    forward = forward / np.linalg.norm(forward)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    axes = np.stack([right, np.cross(forward, right), forward], axis=1)
    return Camera(origin, axes @ turn("z", roll), slope)


def _extent(camera: Camera, vertices: Array) -> tuple[Array, Array]:
    """Return lowest and highest image coordinates ((2,), (2,)); the frame spans -1 to 1."""
    local = (vertices - camera.origin) @ camera.axes
    flat = local[:, :2] / (np.maximum(local[:, 2:], 0.05) * camera.slope)
    return flat.min(axis=0), flat.max(axis=0)


def _camera(vertices: Array, size: float, rng: np.random.Generator) -> Camera:
    """Return a camera that frames the object: it fills a random share, off centre by a little."""
    slope = np.tan(np.radians(rng.uniform(36, 62)) / 2)
    elevation, roll = np.radians(rng.uniform(8, 42)), rng.normal(0, 3)
    fill, shift = rng.uniform(0.6, 0.9), rng.uniform(-0.6, 0.6, 2)
    ray = np.array([np.cos(elevation), 0.0, np.sin(elevation)])
    target = (vertices.min(axis=0) + vertices.max(axis=0)) / 2
    distance = 1.3 * size / slope
    camera = look_at(target + ray * distance, target, slope, roll)
    for _ in range(3):
        low, high = _extent(camera, vertices)
        middle, span = (low + high) / 2, float((high - low).max()) / 2
        target = target + camera.axes[:, :2] @ middle * distance * slope
        protrusion = float(((vertices - target) @ ray).max())
        distance = max(distance * span / fill, protrusion + _NEAREST)
        camera = look_at(target + ray * distance, target, slope, roll)
    free = shift * (1 - fill)
    target = target + camera.axes[:, :2] @ free * distance * slope
    origin = target + ray * distance
    origin[2] = max(origin[2], 0.06)
    return look_at(origin, target, slope, roll)


def _walls(camera: Camera, radius: float, rng: np.random.Generator) -> list[Plane]:
    """Return the floor, a back wall, in half of the scenes a side wall; none before the camera."""
    floor = turn("z", rng.uniform(0, 360))
    planes = [Plane(np.zeros(3), floor, OBJECT_SLOTS)]
    yaw, gap, side_gap = rng.uniform(-35, 35), rng.uniform(0.05, 1.6), rng.uniform(0.1, 1.2)
    with_side, sign = rng.random() < 0.5, 1.0 if rng.random() < 0.5 else -1.0
    normal = turn("z", yaw) @ np.array([1.0, 0.0, 0.0])
    up = np.array([0.0, 0.0, 1.0])
    planes.append(Plane(-normal * (radius + gap), np.stack([np.cross(up, normal), up, normal], 1), OBJECT_SLOTS + 1))
    if with_side:
        side = np.cross(up, normal) * sign
        reach = max(radius + side_gap, 0.3 - float(camera.origin @ side))
        planes.append(Plane(-side * reach, np.stack([np.cross(up, side), up, side], 1), OBJECT_SLOTS + 2))
    return planes


def _clutter(planes: list[Plane], radius: float, size: float, rng: np.random.Generator) -> list[trimesh.Trimesh]:
    """Return up to four small primitives around the object; now and then one hides a part of it."""
    out: list[trimesh.Trimesh] = []
    for _ in range(int(rng.choice(5, p=[0.3, 0.25, 0.2, 0.15, 0.1]))):
        s, angle, gap, kind = (
            size * rng.uniform(0.1, 0.3),
            rng.uniform(0, 360),
            rng.uniform(0.02, 0.45),
            rng.integers(5),
        )
        a, b, spin = rng.uniform(0.5, 1.0), rng.uniform(0.4, 1.0), rng.uniform(0, 360)
        place = turn("z", angle) @ np.array([radius + s * 0.75 + gap * size, 0.0, 0.0])
        if any((place - p.point) @ p.axes[:, 2] < s * 0.75 for p in planes[1:]):
            continue
        m = Model()
        with m.placed(at=place.tolist(), rot=turn("z", spin)):
            if kind == 0:
                m.box((s, s * a, s * b), at=(0, 0, s * b / 2))
            elif kind == 1:
                m.rod((0, 0, 0), (0, 0, s * b), s * a / 2)
            elif kind == 2:
                m.ball(s / 2, at=(0, 0, s / 2))
            elif kind == 3:
                m.rod((0, 0, 0), (0, 0, s), s * a / 2, s * 0.1)
            else:
                m.rod((-s / 2, 0, s * a / 3), (s / 2, 0, s * a / 3), s * a / 3)
        out.append(m.mesh())
    return out


def _light(planes: list[Plane], rng: np.random.Generator) -> Light:
    """Return a light from above on the open side of every wall."""
    direct, ambient, fill = rng.uniform(0.55, 0.9), rng.uniform(0.28, 0.5), rng.uniform(0.05, 0.2)
    tint = 1 + rng.uniform(-0.08, 0.08, 3)
    best, margin = np.array([0.3, 0.2, 1.0]), -1.0
    for azimuth, elevation in np.stack([rng.uniform(-110, 110, 8), rng.uniform(28, 75, 8)], axis=1):
        d = turn("z", azimuth) @ turn("y", -elevation) @ np.array([1.0, 0.0, 0.0])
        clear = min(float(d @ p.axes[:, 2]) for p in planes)
        if clear > margin:
            best, margin = d, clear
        if margin > 0.12:
            break
    return Light(best / np.linalg.norm(best), direct, ambient, fill, tint)


def random_scene(family: Family, rng: np.random.Generator) -> Scene:
    """Return a random scene around a new instance of `family`.

    Shape, arrangement and look are drawn from three separate streams, so that neither colour nor light can
    depend on
    what the object is.
    """
    shape, arrangement, look = rng.spawn(3)
    mesh = family.build(shape)
    vertices, normals, size = _pose(mesh, arrangement, family.can_lie)
    radius = float(np.linalg.norm(vertices[:, :2], axis=1).max())
    camera = _camera(vertices, size, arrangement)
    planes = _walls(camera, radius, arrangement)
    light = _light(planes, look)
    materials = _materials(look)
    clutter = _clutter(planes, radius, size, arrangement)
    pieces = [vertices, *(np.asarray(c.vertices) for c in clutter)]
    offsets = np.cumsum([0] + [len(p) for p in pieces])
    faces = [
        np.asarray(mesh.faces),
        *(np.asarray(c.faces) + o for c, o in zip(clutter, offsets[1:-1], strict=True)),
    ]
    slots = [mesh.face_attributes["slot"] % OBJECT_SLOTS]
    slots += [np.full(len(c.faces), OBJECT_SLOTS + 3 + k) for k, c in enumerate(clutter)]
    return Scene(
        vertices=np.concatenate(pieces).astype(np.float32),
        normals=np.concatenate([normals, *(np.asarray(c.vertex_normals) for c in clutter)]).astype(np.float32),
        faces=np.concatenate(faces).astype(np.int32),
        face_material=np.concatenate(slots).astype(np.int32),
        object_faces=len(mesh.faces),
        planes=planes,
        materials=materials,
        light=light,
        camera=camera,
        background=look.uniform(0.3, 0.9, 3),
    )


def _materials(rng: np.random.Generator) -> list[Texture]:
    """Return textures of the object's slots, floor and walls, clutter (always the same number)."""
    slots = [random_texture(rng, cells=2.0, plain=0.6) for _ in range(OBJECT_SLOTS)]
    if rng.random() < 0.25:
        slots = [slots[0]] * OBJECT_SLOTS
    rooms = [random_texture(rng, plain=0.2), random_texture(rng, plain=0.45), random_texture(rng, plain=0.45)]
    return slots + rooms + [random_texture(rng, cells=2.0) for _ in range(4)]
