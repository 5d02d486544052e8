"""Camera rays against a `Scene`: Embree for the meshes, arithmetic for the endless floor and walls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from embreex import rtcore_scene
from embreex.mesh_construction import TriangleMesh
from numpy.typing import NDArray

from sourcefree.data.simulated.scene import Float, Int, Scene

Bool: TypeAlias = NDArray[np.bool_]

FAR = 30.0
"""Surfaces further away (metres) count as missing."""
_CREASE = np.float32(0.75)


@dataclass(frozen=True)
class Hits:
    """What N rays met first.

    distance: (N,) metres along the optical axis. points, normals: (N, 3), the normals towards the camera.
    material: (N,) index into the scene's materials, -1 = nothing. on_object: (N,) the ray met the object
    itself.
    """

    distance: Float
    points: Float
    normals: Float
    material: Int
    on_object: Bool


def dot(a: Float, b: Float) -> Float:
    """Return the row-wise dot products (N,) of two (N, 3) arrays."""
    result: Float = np.einsum("ij,ij->i", a, b)
    return result


def unit(a: Float) -> Float:
    """Return (N, 3) rows scaled to length 1."""
    length = np.sqrt(np.maximum(dot(a, a), np.float32(1e-24))).astype(np.float32)
    result: Float = a / length[:, None]
    return result


class Caster:
    """Casts rays into one scene.

    `embreex` is used directly: trimesh's own `ray` module recomputes hit distances in NumPy, in double
    precision,
    through a scaled copy of the mesh, which takes several times as long.
    """

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.origin = scene.camera.origin.astype(np.float32)
        self._embree = rtcore_scene.EmbreeScene()
        TriangleMesh(self._embree, scene.vertices, scene.faces)
        a, b, c = (scene.vertices[scene.faces[:, k]] for k in range(3))
        self._flat = unit(np.cross(b - a, c - a).astype(np.float32))
        self._plane_normals = np.array([p.axes[:, 2] for p in scene.planes], dtype=np.float32)
        self._plane_materials = np.array([p.material for p in scene.planes], dtype=np.int32)
        heights = [(p.point - scene.camera.origin) @ p.axes[:, 2] for p in scene.planes]
        self._plane_heights = np.array(heights, dtype=np.float32)

    def rays(self, x: NDArray[np.float64], y: NDArray[np.float64], size: int) -> Float:
        """Return (N, 3) directions through image positions `x`, `y` (0.5: first pixel's centre).

        They have length 1 along the optical axis, so that the distance along a ray is the depth.
        """
        camera = self.scene.camera
        step = 2 * camera.slope / size
        flat = np.stack([x * step - camera.slope, y * step - camera.slope, np.ones_like(x)], axis=-1)
        return (flat @ camera.axes.T).astype(np.float32)

    def cast(self, rays: Float) -> Hits:
        """Return what the camera rays (N, 3) meet first."""
        hit = self._embree.run(np.tile(self.origin, (len(rays), 1)), rays, output=1)
        distance, normals, material = self._meet_planes(rays)
        struck = np.flatnonzero((hit["primID"] >= 0) & (hit["tfar"] < distance))
        face = hit["primID"][struck]
        distance[struck] = hit["tfar"][struck]
        material[struck] = self.scene.face_material[face]
        normals[struck] = self._smooth_normals(face, hit["u"][struck], hit["v"][struck], rays[struck])
        on_object = np.zeros(len(rays), dtype=bool)
        on_object[struck] = face < self.scene.object_faces
        return Hits(distance, self.origin + rays * distance[:, None], normals, material, on_object)

    def shadowed(self, points: Float, normals: Float, towards: Float) -> Bool:
        """Return (N,) whether a mesh hides the points from a far light in direction `towards` (3,)."""
        starts = points + normals * np.float32(1.5e-3)
        blocked: Bool = self._embree.run(starts, np.tile(towards, (len(starts), 1)), query="OCCLUDED") >= 0
        return blocked

    def _meet_planes(self, rays: Float) -> tuple[Float, Float, Int]:
        """Return distance, normals, material of the nearest plane seen from its front; FAR, -1 if none."""
        n = len(rays)
        if not len(self._plane_heights):
            return np.full(n, FAR, np.float32), -rays, np.full(n, -1, np.int32)
        along = self._plane_normals @ rays.T
        t = np.where(along < -1e-7, self._plane_heights[:, None] / np.minimum(along, -1e-7), FAR)
        t = np.where(t > 1e-4, t, FAR)
        owner = t.argmin(axis=0)
        distance = np.minimum(t[owner, np.arange(n)], np.float32(FAR)).astype(np.float32)
        material = np.where(distance < FAR, self._plane_materials[owner], np.int32(-1))
        return distance, self._plane_normals[owner], material

    def _smooth_normals(self, face: Int, u: Float, v: Float, rays: Float) -> Float:
        """Interpolated normals turned towards the camera; flat ones where a shared vertex spans a crease."""
        flat = self._flat[face]
        flat = flat * -np.sign(dot(flat, rays))[:, None]
        corners, normals = self.scene.faces[face], self.scene.normals
        smooth = normals[corners[:, 0]] * (1 - u - v)[:, None]
        smooth += normals[corners[:, 1]] * u[:, None]
        smooth += normals[corners[:, 2]] * v[:, None]
        smooth = unit(smooth)
        agree = dot(smooth, flat)[:, None]
        result: Float = np.where(np.abs(agree) > _CREASE, smooth * np.sign(agree), flat)
        return result
