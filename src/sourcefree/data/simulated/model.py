"""The pen that object families draw with: collects surfaces, moves groups, gives a `trimesh.Trimesh`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import trimesh
from numpy.typing import ArrayLike

from sourcefree.data.simulated import surfaces
from sourcefree.data.simulated.surfaces import Array, Surface

Point = Sequence[float]
ORIGIN = (0.0, 0.0, 0.0)


class Model:
    """An object under construction; z is up. Parts of one `slot` share a material (drawn later)."""

    def __init__(self) -> None:
        self._parts: list[Surface] = []
        self._slots: list[int] = []

    def add(self, surface: Surface, slot: int = 0) -> None:
        """Add a surface with the material `slot`."""
        self._parts.append(surface)
        self._slots.append(slot)

    def box(self, size: Point, at: Point = ORIGIN, slot: int = 0, rot: Array | None = None) -> None:
        """Add a box of full side lengths `size` centred at `at`, turned by `rot` about its centre."""
        part = surfaces.box(size)
        self.add(_moved(part, rot, at), slot)

    def rod(self, a: ArrayLike, b: ArrayLike, r: float, r2: float | None = None, slot: int = 0) -> None:
        """Add a capped cylinder (or a cone frustum) from `a` to `b`."""
        self.add(surfaces.rod(a, b, r, r2), slot)

    def rods(self, segments: Sequence[tuple[ArrayLike, ArrayLike]], r: float, slot: int = 0) -> None:
        """Add one cylinder per (a, b) segment."""
        for a, b in segments:
            self.rod(a, b, r, slot=slot)

    def ball(self, radii: float | Sequence[float], at: Point = ORIGIN, slot: int = 0, rot: Array | None = None) -> None:
        """Add an ellipsoid."""
        self.add(_moved(surfaces.ball(radii), rot, at), slot)

    def lathe(
        self,
        profile: Sequence[Sequence[float]],
        at: Point = ORIGIN,
        axis: Point = (0.0, 0.0, 1.0),
        slot: int = 0,
        sides: int = 28,
    ) -> None:
        """Add a surface of revolution; see `surfaces.lathe`."""
        self.add(surfaces.lathe(profile, at, axis, sides), slot)

    def smooth_lathe(self, profile: ArrayLike, at: Point = ORIGIN, slot: int = 0, n: int = 20) -> None:
        """Add a surface of revolution about z whose profile is a spline through the given points."""
        points = surfaces.curve(profile, n)
        points[:, 0] = np.maximum(points[:, 0], 0.0)
        self.add(surfaces.lathe(points.tolist(), at), slot)

    def tube(self, points: ArrayLike, r: float | ArrayLike, slot: int = 0, closed: bool = False) -> None:
        """Add a round tube along a polyline."""
        self.add(surfaces.tube(points, r, closed), slot)

    def bent(self, points: ArrayLike, r: float | ArrayLike, slot: int = 0, n: int = 14) -> None:
        """Add a round tube along a spline through `points`; radii given at the points are interpolated."""
        control = np.asarray(points, dtype=float)
        radius = np.asarray(r, dtype=float)
        if radius.ndim:
            radius = np.interp(np.linspace(0, len(control) - 1, n), np.arange(len(control)), radius)
        self.add(surfaces.tube(surfaces.curve(control, n), radius), slot)

    def ring(
        self,
        radius: float,
        r: float,
        at: Point = ORIGIN,
        axis: Point = (0.0, 0.0, 1.0),
        slot: int = 0,
        n: int = 28,
    ) -> None:
        """Add a torus of tube radius `r`."""
        self.tube(self.circle(radius, at, axis, n), r, slot, closed=True)

    @staticmethod
    def circle(radius: float, at: Point = ORIGIN, axis: Point = (0.0, 0.0, 1.0), n: int = 28) -> Array:
        """Return n points on a circle (not added to the model)."""
        frame = surfaces.frame_along(axis)
        angle = np.arange(n) * (2 * np.pi / n)
        flat = np.stack([np.cos(angle), np.sin(angle)], axis=1) * radius
        points: Array = flat @ frame[:, :2].T + np.asarray(at)
        return points

    def plate(
        self,
        stations: Sequence[Sequence[float]],
        thickness: float,
        at: Point = ORIGIN,
        slot: int = 0,
        rot: Array | None = None,
    ) -> None:
        """Add a flat body in the xz plane from stations (x, z_low, z_high), turned by `rot`, then moved."""
        self.add(_moved(surfaces.plate(stations, thickness), rot, at), slot)

    def body(
        self,
        stations: Sequence[Sequence[float]],
        slot: int = 0,
        power: float = 2.0,
        n: int = 16,
        sides: int = 20,
    ) -> None:
        """Add a lofted body along x from stations (x, z_centre, half_width_y, half_height_z).

        `power` 2 gives ellipses, larger values boxier cross-sections; the stations are joined by a spline
        of `n` rings
        (n=0: straight lines between the stations).
        """
        s = np.asarray(stations, dtype=float)
        s = surfaces.curve(s, n) if n else s
        angle = np.arange(sides) * (2 * np.pi / sides)
        c, w = np.cos(angle), np.sin(angle)
        cross = np.stack([np.sign(c) * np.abs(c) ** (2 / power), np.sign(w) * np.abs(w) ** (2 / power)], 1)
        rings = np.empty((len(s), sides, 3))
        rings[..., 0] = s[:, :1]
        rings[..., 1] = np.maximum(s[:, 2:3], 1e-4) * cross[None, :, 0]
        rings[..., 2] = s[:, 1:2] + np.maximum(s[:, 3:4], 1e-4) * cross[None, :, 1]
        self.add(surfaces.loft(rings, smooth=power < 3.0), slot)

    def wings(
        self,
        root: float,
        tip: float,
        span: float,
        sweep: float,
        at: Point = ORIGIN,
        slot: int = 0,
        rise: float = 0.0,
        thickness: float = 0.03,
    ) -> None:
        """Add a mirrored pair of flat wings: chord `root` (along x), `tip` at +-`span`, swept back."""
        for s in (-1.0, 1.0):
            rings = []
            for y, chord, back, up, t in (
                (0.0, root, 0.0, 0.0, thickness),
                (span, tip, sweep, rise, thickness / 2),
            ):
                x0, x1 = at[0] - back - chord / 2, at[0] - back + chord / 2
                corners = ((x0, -t), (x1, -t), (x1, t), (x0, t))
                rings.append([(x, at[1] + s * y, at[2] + up + z / 2) for x, z in corners])
            self.hull(np.array(rings), slot)

    def hull(self, sections: Array, slot: int = 0) -> None:
        """Add the flat-shaded skin over closed rings (N, K, 3)."""
        self.add(surfaces.loft(sections, smooth=False), slot)

    @contextmanager
    def placed(self, at: Point = ORIGIN, rot: Array | None = None, scale: float = 1.0) -> Iterator[Model]:
        """Scale, turn by `rot` about the origin, then move to `at` all that the `with` block adds."""
        first = len(self._parts)
        yield self
        for i in range(first, len(self._parts)):
            self._parts[i] = _moved(self._parts[i], rot, at, scale)

    def mesh(self) -> trimesh.Trimesh:
        """Return the finished mesh: vertex normals set, `face_attributes["slot"]` (F,) the material group."""
        whole = surfaces.join(self._parts)
        slots = np.repeat(self._slots, [len(p.faces) for p in self._parts])
        return trimesh.Trimesh(
            vertices=whole.vertices,
            faces=whole.faces,
            vertex_normals=whole.normals,
            face_attributes={"slot": slots},
            process=False,
        )


def _moved(part: Surface, rot: Array | None, at: Point, scale: float = 1.0) -> Surface:
    vertices = part.vertices if scale == 1.0 else part.vertices * scale
    normals = part.normals
    if rot is not None:
        vertices, normals = vertices @ rot.T, normals @ rot.T
    return Surface(vertices + np.asarray(at), normals, part.faces)
