"""Triangle surfaces from parameters: boxes, rods, balls, revolved profiles, swept tubes, lofts and plates.

Every function returns a `Surface`; lengths are in object units (a family's own scale, later normalised).
Written here rather than taken from `trimesh.creation` because a bicycle needs forty parts and the frame
budget is
about ten milliseconds: these cost some tens of microseconds each and carry smooth vertex normals.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array: TypeAlias = NDArray[np.float64]
Index: TypeAlias = NDArray[np.int64]

_CREASE_COSINE = np.cos(np.radians(38.0))
"""Profiles that turn more sharply than this keep an edge; gentler ones are shaded smoothly."""


class Surface(NamedTuple):
    """Vertices (V, 3), unit vertex normals (V, 3), triangles (F, 3)."""

    vertices: Array
    normals: Array
    faces: Index


def turn(axis: str, degrees: float) -> Array:
    """Return the (3, 3) rotation by an angle in degrees about the "x", "y" or "z" axis."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    i, j = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    out = np.eye(3)
    out[i, i] = out[j, j] = c
    out[i, j], out[j, i] = -s, s
    return out


def frame_along(direction: ArrayLike) -> Array:
    """Return a (3, 3) matrix whose columns are two orthogonal unit vectors and the unit `direction`."""
    x, y, z = (float(value) for value in np.asarray(direction, dtype=float))
    length = max(math.sqrt(x * x + y * y + z * z), 1e-12)
    x, y, z = x / length, y / length, z / length
    # u = helper x w with helper = y axis, or z axis where w is close to y; a shape about z keeps u = x and
    # v = y.
    ux, uy, uz = (z, 0.0, -x) if abs(y) < 0.9 else (-y, x, 0.0)
    side = math.sqrt(ux * ux + uy * uy + uz * uz)
    ux, uy, uz = ux / side, uy / side, uz / side
    vx, vy, vz = y * uz - z * uy, z * ux - x * uz, x * uy - y * ux
    return np.array([[ux, vx, x], [uy, vy, y], [uz, vz, z]])


@lru_cache(maxsize=64)
def _circle(sides: int) -> Array:
    angle = np.arange(sides) * (2 * np.pi / sides)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


@lru_cache(maxsize=512)
def _grid_faces(rows: int, columns: int, closed: bool) -> Index:
    """Triangles of a rows x columns vertex grid; `closed` joins the last column to the first."""
    r = np.arange(rows - 1)[:, None]
    c = np.arange(columns if closed else columns - 1)[None, :]
    a, b = r * columns + c, r * columns + (c + 1) % columns
    d, e = a + columns, b + columns
    return np.stack([a, b, e, a, e, d], axis=-1).reshape(-1, 3)


@lru_cache(maxsize=64)
def _fan_faces(sides: int) -> Index:
    i = np.arange(sides)
    return np.stack([np.full(sides, sides), i, (i + 1) % sides], axis=1)


def join(parts: Sequence[Surface]) -> Surface:
    """Return one surface holding all `parts`."""
    offsets = np.cumsum([0] + [len(p.vertices) for p in parts[:-1]])
    return Surface(
        np.concatenate([p.vertices for p in parts]),
        np.concatenate([p.normals for p in parts]),
        np.concatenate([p.faces + o for p, o in zip(parts, offsets, strict=True)]),
    )


def _cap(ring: Array, outward: Array) -> Surface:
    """Close a planar ring (K, 3) with a fan around its mean."""
    vertices = np.concatenate([ring, ring.mean(axis=0, keepdims=True)])
    length = max(float(np.linalg.norm(outward)), 1e-12)
    return Surface(vertices, np.broadcast_to(outward / length, vertices.shape), _fan_faces(len(ring)))


@lru_cache(maxsize=1)
def _unit_box() -> Surface:
    vertices: list[Array] = []
    normals: list[Array] = []
    faces: list[Index] = []
    for axis in range(3):
        for sign in (-1.0, 1.0):
            corner = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
            quad = np.insert(corner, axis, sign, axis=1) * 0.5
            normal = np.zeros(3)
            normal[axis] = sign
            vertices.append(quad)
            normals.append(np.tile(normal, (4, 1)))
            k = 4 * len(faces)
            faces.append(np.array([[k, k + 1, k + 2], [k, k + 2, k + 3]]))
    return Surface(np.concatenate(vertices), np.concatenate(normals), np.concatenate(faces))


def box(size: Sequence[float], at: Sequence[float] = (0.0, 0.0, 0.0)) -> Surface:
    """Return a box of full side lengths `size` centred at `at`."""
    unit = _unit_box()
    return Surface(unit.vertices * np.asarray(size) + np.asarray(at), unit.normals, unit.faces)


def rod(a: ArrayLike, b: ArrayLike, r: float, r2: float | None = None, sides: int = 14) -> Surface:
    """Return a capped cylinder from `a` to `b`, or a cone frustum where `r2` (radius at `b`) is given."""
    start, end = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    tip = r if r2 is None else r2
    frame = frame_along(end - start)
    spokes = _circle(sides) @ frame[:, :2].T
    rings = np.stack([start + spokes * r, end + spokes * tip])
    slope = (r - tip) / max(float(np.linalg.norm(end - start)), 1e-9)
    normal = (spokes + slope * frame[:, 2]) / np.hypot(1.0, slope)
    side = Surface(rings.reshape(-1, 3), np.concatenate([normal, normal]), _grid_faces(2, sides, True))
    parts = [side]
    parts += [_cap(rings[0], -frame[:, 2])] if r > 1e-9 else []
    parts += [_cap(rings[1], frame[:, 2])] if tip > 1e-9 else []
    return join(parts)


@lru_cache(maxsize=8)
def _unit_ball(rows: int, columns: int) -> Surface:
    polar = np.linspace(0.0, np.pi, rows)
    ring = _circle(columns)
    v = np.empty((rows, columns, 3))
    v[..., :2] = np.sin(polar)[:, None, None] * ring[None]
    v[..., 2] = -np.cos(polar)[:, None]
    flat = v.reshape(-1, 3)
    return Surface(flat, flat, _grid_faces(rows, columns, True))


def ball(radii: float | Sequence[float], at: Sequence[float] = (0.0, 0.0, 0.0)) -> Surface:
    """Return an ellipsoid with one radius or three `radii`, centred at `at`."""
    unit = _unit_ball(13, 20)
    size = np.broadcast_to(np.asarray(radii, dtype=float), (3,))
    normals = unit.normals / size
    normals = normals / np.linalg.norm(normals, axis=1, keepdims=True)
    return Surface(unit.vertices * size + np.asarray(at), normals, unit.faces)


def _split_creases(profile: Array) -> tuple[Array, Array]:
    """Return profile points and 2-D normals with a point doubled wherever the profile turns sharply."""
    moved = np.linalg.norm(np.diff(profile, axis=0), axis=1) > 1e-9
    profile = profile[np.concatenate([[True], moved])]
    tangent = np.diff(profile, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    normal = np.stack([tangent[:, 1], -tangent[:, 0]], axis=1)
    points, normals = [profile[0]], [normal[0]]
    for i in range(1, len(profile) - 1):
        before, after = normal[i - 1], normal[i]
        if before @ after > _CREASE_COSINE:
            mean = before + after
            points.append(profile[i])
            normals.append(mean / np.linalg.norm(mean))
        else:
            points += [profile[i], profile[i]]
            normals += [before, after]
    points.append(profile[-1])
    normals.append(normal[-1])
    return np.array(points), np.array(normals)


def lathe(
    profile: Sequence[Sequence[float]],
    at: Sequence[float] = (0.0, 0.0, 0.0),
    axis: Sequence[float] = (0.0, 0.0, 1.0),
    sides: int = 28,
) -> Surface:
    """Return the surface of revolution of `profile`, a list of (radius, height), about `axis` through `at`.

    A profile that begins or ends at radius 0 is closed there; any other end stays open.
    """
    points, normals = _split_creases(np.asarray(profile, dtype=float))
    ring = _circle(sides)
    frame = frame_along(axis)

    def revolve(values: Array) -> Array:
        out = np.empty((len(values), sides, 3))
        out[..., :2] = values[:, :1, None] * ring[None]
        out[..., 2] = values[:, 1:]
        return out.reshape(-1, 3) @ frame.T

    return Surface(revolve(points) + np.asarray(at), revolve(normals), _grid_faces(len(points), sides, True))


def curve(points: ArrayLike, n: int = 16) -> Array:
    """Return `n` points (n, D) on the Catmull-Rom spline through `points` (P, D)."""
    p = np.asarray(points, dtype=float)
    padded = np.concatenate([2 * p[:1] - p[1:2], p, 2 * p[-1:] - p[-2:-1]])
    s = np.linspace(0.0, len(p) - 1, n)
    i = np.minimum(s.astype(int), len(p) - 2)
    t = (s - i)[:, None]
    a, b, c, d = padded[i], padded[i + 1], padded[i + 2], padded[i + 3]
    result: Array = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    return result


def tube(points: ArrayLike, r: float | ArrayLike, closed: bool = False, sides: int = 10) -> Surface:
    """Return a round tube along the polyline `points` (N, 3); `r` is one radius or one a point."""
    p = np.asarray(points, dtype=float)
    radius = np.broadcast_to(np.asarray(r, dtype=float), (len(p),))
    tangent = np.roll(p, -1, axis=0) - np.roll(p, 1, axis=0)
    if not closed:
        tangent[0], tangent[-1] = p[1] - p[0], p[-1] - p[-2]
    tangent /= np.maximum(np.linalg.norm(tangent, axis=1, keepdims=True), 1e-12)
    u = np.empty_like(p)
    u[0] = frame_along(tangent[0])[:, 0]
    for i in range(1, len(p)):  # Parallel transport: the ring never twists, whatever the bends.
        step = u[i - 1] - tangent[i] * (u[i - 1] @ tangent[i])
        u[i] = step / max(math.sqrt(step @ step), 1e-12)
    v = np.cross(tangent, u)
    ring = _circle(sides)
    spokes = ring[None, :, :1] * u[:, None] + ring[None, :, 1:] * v[:, None]
    rings = p[:, None] + spokes * radius[:, None, None]
    if closed:
        rings, spokes = np.concatenate([rings, rings[:1]]), np.concatenate([spokes, spokes[:1]])
    faces = _grid_faces(len(rings), sides, True)
    parts = [Surface(rings.reshape(-1, 3), spokes.reshape(-1, 3), faces)]
    if not closed:
        parts += [_cap(rings[0], -tangent[0]), _cap(rings[-1], tangent[-1])]
    return join(parts)


def loft(sections: Array, smooth: bool = True) -> Surface:
    """Return the skin over closed rings `sections` (N, K, 3), capped at both ends."""
    rows, columns = sections.shape[:2]
    caps = [_cap(sections[0], sections[0].mean(0) - sections[1].mean(0))]
    caps.append(_cap(sections[-1], sections[-1].mean(0) - sections[-2].mean(0)))
    if smooth:
        along = np.gradient(sections, axis=0)
        around = np.roll(sections, -1, axis=1) - np.roll(sections, 1, axis=1)
        normal = np.cross(around, along).reshape(-1, 3)
        normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
        return join([Surface(sections.reshape(-1, 3), normal, _grid_faces(rows, columns, True)), *caps])
    quads = sections.reshape(-1, 3)[_grid_faces(rows, columns, True)]
    normal = np.cross(quads[:, 1] - quads[:, 0], quads[:, 2] - quads[:, 0])
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
    flat = Surface(quads.reshape(-1, 3), np.repeat(normal, 3, axis=0), np.arange(quads.size // 3).reshape(-1, 3))
    return join([flat, *caps])


def plate(stations: Sequence[Sequence[float]], thickness: float) -> Surface:
    """Return a flat body in the xz plane, `thickness` along y, from stations (x, z_low, z_high) along x."""
    s = np.asarray(stations, dtype=float)
    half = thickness / 2
    lower = np.stack([s[:, 0], np.zeros(len(s)), s[:, 1]], axis=1)
    upper = np.stack([s[:, 0], np.zeros(len(s)), s[:, 2]], axis=1)
    depth = np.array([0.0, half, 0.0])
    sections = np.stack([lower - depth, lower + depth, upper + depth, upper - depth], axis=1)
    return loft(sections, smooth=False)
