"""Ray casting on the CPU: colour with cast shadows and exact depth of a `Scene`, through Embree."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from embreex import rtcore_scene
from embreex.mesh_construction import TriangleMesh
from numpy.typing import NDArray

from sourcefree.data.simulated.scene import Float, Int, Plane, Scene

FAR = 30.0
"""Surfaces further away (metres) count as missing."""
_CREASE = np.float32(0.75)
_OFFSETS = ((-0.25, -0.25), (0.25, -0.25), (-0.25, 0.25), (0.25, 0.25))


@dataclass(frozen=True)
class Frame:
    """One rendered view.

    rgb: (H, W, 3) uint8, or None where colour was not asked for.
    depth: (H, W) float32, metres along the optical axis; 0 = nothing hit.
    facing: (H, W) float32, cosine between the surface normal and the ray (small = grazing).
    material: (H, W) int32, index into the scene's materials; -1 = nothing hit.
    on_object: (H, W) bool, pixels of the object itself.
    """

    rgb: NDArray[np.uint8] | None
    depth: Float
    facing: Float
    material: Int
    on_object: NDArray[np.bool_]


@dataclass(frozen=True)
class _Hits:
    distance: Float
    points: Float
    normals: Float
    texture_points: Float
    material: Int
    on_object: NDArray[np.bool_]


def _rays(scene: Scene, x: NDArray[np.float64], y: NDArray[np.float64], size: int) -> Float:
    """Return (N, 3) directions of unit length along the optical axis, so that ray distance is z-depth."""
    slope = scene.camera.slope
    flat = np.stack([(2 * x / size - 1) * slope, (2 * y / size - 1) * slope, np.ones_like(x)], axis=-1)
    return (flat @ scene.camera.axes.T).astype(np.float32)


def _meet_plane(plane: Plane, origin: Float, rays: Float, best: Float) -> tuple[NDArray[np.bool_], Float]:
    normal = plane.axes[:, 2].astype(np.float32)
    along = rays @ normal
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.float32((plane.point - origin) @ plane.axes[:, 2]) / along
    return (along < 0) & (t > 1e-4) & (t < best), t


class Renderer:
    """Casts rays into one scene."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.origin = scene.camera.origin.astype(np.float32)
        self._embree = rtcore_scene.EmbreeScene()
        TriangleMesh(self._embree, scene.vertices, scene.faces)
        corners = scene.vertices[scene.faces]
        normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        self._flat = normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)

    def _cast(self, rays: Float) -> _Hits:
        scene, n = self.scene, len(rays)
        hit = self._embree.run(np.broadcast_to(self.origin, (n, 3)).copy(), rays, output=1)
        struck = hit["primID"] >= 0
        distance = np.where(struck, hit["tfar"], np.float32(FAR))
        material = np.full(n, -1, dtype=np.int32)
        on_object = np.zeros(n, dtype=bool)
        normals = -rays
        face = hit["primID"][struck]
        material[struck] = scene.face_material[face]
        on_object[struck] = face < scene.object_faces
        normals[struck] = self._smooth_normals(face, hit["u"][struck], hit["v"][struck], rays[struck])
        owner = np.full(n, -1, dtype=np.int32)
        for k, plane in enumerate(scene.planes):
            nearer, t = _meet_plane(plane, self.origin, rays, distance)
            distance[nearer], material[nearer], owner[nearer] = t[nearer], plane.material, k
            normals[nearer] = plane.axes[:, 2]
            on_object[nearer] = False
        points = self.origin + rays * distance[:, None]
        texture_points = points.copy()
        for k, plane in enumerate(scene.planes):
            mine = owner == k
            texture_points[mine] = (points[mine] - plane.point.astype(np.float32)) @ plane.axes.astype(
                np.float32
            )
        return _Hits(distance, points, normals, texture_points, material, on_object)

    def _smooth_normals(self, face: Int, u: Float, v: Float, rays: Float) -> Float:
        """Interpolated normals turned towards the camera; the flat one where a shared vertex spans a crease."""
        flat = self._flat[face]
        flat = np.where((flat * rays).sum(axis=1, keepdims=True) > 0, -flat, flat)
        a, b, c = (self.scene.normals[self.scene.faces[face, k]] for k in range(3))
        smooth = a * (1 - u - v)[:, None] + b * u[:, None] + c * v[:, None]
        smooth /= np.maximum(np.linalg.norm(smooth, axis=1, keepdims=True), 1e-12)
        agree = (smooth * flat).sum(axis=1, keepdims=True)
        result: Float = np.where(np.abs(agree) > _CREASE, smooth * np.sign(agree), flat).astype(np.float32)
        return result

    def _shade(self, hits: _Hits, rays: Float) -> Float:
        """Return (N, 3) colours: ambient from above, a direct light with shadow rays, a fill light, highlights."""
        light, normals = self.scene.light, hits.normals
        towards = light.direction.astype(np.float32)
        direct = np.maximum(normals @ towards, 0)
        lit = np.flatnonzero((direct > 0) & (hits.material >= 0))
        starts = hits.points[lit] + normals[lit] * np.float32(1.5e-3)
        blocked = (
            self._embree.run(starts, np.broadcast_to(towards, starts.shape).copy(), query="OCCLUDED") >= 0
        )
        direct[lit[blocked]] = 0
        view = -rays / np.linalg.norm(rays, axis=1, keepdims=True)
        facing = np.maximum((normals * view).sum(axis=1), 0)
        soft = light.ambient * (0.7 + 0.3 * normals[:, 2]) + light.fill * facing
        colour = np.broadcast_to(self.scene.background.astype(np.float32), (len(rays), 3)).copy()
        halfway = view + towards
        halfway /= np.linalg.norm(halfway, axis=1, keepdims=True)
        gloss = np.maximum((normals * halfway).sum(axis=1), 0) ** 24 * (direct > 0)
        tint = light.tint.astype(np.float32)
        for index in np.unique(hits.material[hits.material >= 0]):
            mine = np.flatnonzero(hits.material == index)
            texture = self.scene.materials[index]
            base = texture.colour(hits.texture_points[mine])
            glow = soft[mine, None] + (light.direct * direct[mine, None]) * tint
            colour[mine] = base * glow + (texture.specular * light.direct) * gloss[mine, None]
        return np.clip(colour, 0, 1)

    def frame(self, size: int, *, colour: bool = True) -> Frame:
        """Return the view at `size` x `size` pixels; depth is that of the ray through each pixel's centre."""
        centres = np.arange(size) + 0.5
        x, y = (a.ravel() for a in np.meshgrid(centres, centres))
        rays = _rays(self.scene, x, y, size)
        hits = self._cast(rays)
        depth = np.where((hits.material >= 0) & (hits.distance < FAR), hits.distance, 0).astype(np.float32)
        facing = np.abs((hits.normals * rays).sum(axis=1)) / np.linalg.norm(rays, axis=1)
        shape = (size, size)
        rgb = self._antialiased(self._shade(hits, rays).reshape(size, size, 3), x, y) if colour else None
        return Frame(
            rgb=rgb,
            depth=depth.reshape(shape),
            facing=facing.astype(np.float32).reshape(shape),
            material=hits.material.reshape(shape),
            on_object=hits.on_object.reshape(shape),
        )

    def _antialiased(self, image: Float, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.uint8]:
        """Cast four more rays where a pixel differs from a neighbour: outlines, shadow borders, texture edges."""
        size = len(image)
        edge = np.zeros((size, size), dtype=bool)
        down = np.abs(image[1:] - image[:-1]).max(axis=2) > 0.06
        right = np.abs(image[:, 1:] - image[:, :-1]).max(axis=2) > 0.06
        edge[1:] |= down
        edge[:-1] |= down
        edge[:, 1:] |= right
        edge[:, :-1] |= right
        chosen = np.flatnonzero(edge)
        if len(chosen):
            dx, dy = np.array(_OFFSETS).T
            rays = _rays(self.scene, (x[chosen, None] + dx).ravel(), (y[chosen, None] + dy).ravel(), size)
            finer = self._shade(self._cast(rays), rays).reshape(-1, len(_OFFSETS), 3)
            image.reshape(-1, 3)[chosen] = finer.mean(axis=1)
        rounded: NDArray[np.uint8] = (image * 255 + 0.5).astype(np.uint8)
        return rounded
