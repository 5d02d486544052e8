"""Ray casting on the CPU: colour with cast shadows, and exact depth, of a `Scene`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sourcefree.data.simulated.cast import Bool, Caster, Hits, dot, unit
from sourcefree.data.simulated.scene import Float, Int, Scene

_OFFSETS = np.array([(-1 / 3, -0.1), (0.0, 1 / 3), (1 / 3, -0.2)])
_EDGE = 0.11


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
    on_object: Bool


def render(scene: Scene, size: int, *, colour: bool = True) -> Frame:
    """Return the view of `scene` at `size` x `size` pixels; depth is that at each pixel's centre."""
    caster = Caster(scene)
    centres = np.arange(size) + 0.5
    x, y = (a.ravel() for a in np.meshgrid(centres, centres))
    rays = caster.rays(x, y, size)
    hits = caster.cast(rays)
    facing = np.abs(dot(hits.normals, unit(rays)))
    rgb = None
    if colour:
        image = _shade(caster, hits, rays).reshape(size, size, 3)
        rgb = _exposed(_antialiased(caster, image, x, y))
    return Frame(
        rgb=rgb,
        depth=np.where(hits.material >= 0, hits.distance, np.float32(0)).reshape(size, size),
        facing=facing.reshape(size, size),
        material=hits.material.reshape(size, size),
        on_object=hits.on_object.reshape(size, size),
    )


def _shade(caster: Caster, hits: Hits, rays: Float) -> Float:
    """Return (N, 3) colours: ambient from above, direct light with shadow rays, fill light, highlights."""
    scene, light, normals = caster.scene, caster.scene.light, hits.normals
    towards = light.direction.astype(np.float32)
    direct = np.maximum(normals @ towards, 0)
    lit = np.flatnonzero((direct > 0) & (hits.material >= 0))
    direct[lit[caster.shadowed(hits.points[lit], normals[lit], towards)]] = 0
    view = unit(-rays)
    fill = np.float32(light.fill) * np.abs(dot(normals, view))
    soft = np.float32(light.ambient) * (np.float32(0.7) + np.float32(0.3) * normals[:, 2]) + fill
    glow = soft[:, None] + (np.float32(light.direct) * direct)[:, None] * light.tint.astype(np.float32)
    colour = np.tile(scene.background.astype(np.float32), (len(rays), 1))
    planes = {p.material: p for p in scene.planes}
    present = np.bincount(hits.material[hits.material >= 0], minlength=1)
    for index in np.flatnonzero(present).tolist():
        mine = np.flatnonzero(hits.material == index)
        texture, points = scene.materials[index], hits.points[mine]
        if index in planes:
            plane = planes[index]
            points = (points - plane.point.astype(np.float32)) @ plane.axes.astype(np.float32)
        colour[mine] = texture.colour(points) * glow[mine]
        if texture.specular > 0:
            gloss = np.maximum(dot(normals[mine], unit(view[mine] + towards)), 0) ** 24 * (direct[mine] > 0)
            colour[mine] += (np.float32(texture.specular * light.direct) * gloss)[:, None]
    return colour


def _antialiased(caster: Caster, image: Float, x: NDArray[np.float64], y: NDArray[np.float64]) -> Float:
    """Cast three more rays where a pixel differs from a neighbour: outlines, shadows, texture edges."""
    size = len(image)
    edge = np.zeros((size, size), dtype=bool)
    down, right = (_differs(np.diff(image, axis=axis)) for axis in (0, 1))
    edge[1:] |= down
    edge[:-1] |= down
    edge[:, 1:] |= right
    edge[:, :-1] |= right
    chosen = np.flatnonzero(edge)
    if len(chosen):
        dx, dy = _OFFSETS.T
        rays = caster.rays((x[chosen, None] + dx).ravel(), (y[chosen, None] + dy).ravel(), size)
        finer = np.minimum(_shade(caster, caster.cast(rays), rays), 1.5)
        image.reshape(-1, 3)[chosen] = finer.reshape(-1, len(_OFFSETS), 3).mean(axis=1)
    return image


def _differs(step: Float) -> Bool:
    r, g, b = (np.abs(step[..., k]) for k in range(3))
    result: Bool = np.maximum(np.maximum(r, g), b) > _EDGE
    return result


def _exposed(image: Float) -> NDArray[np.uint8]:
    """Return 8-bit colours after automatic exposure: dark scenes are lifted, bright ones held."""
    gain = np.clip(0.45 / max(float(image.mean()), 1e-3), 0.75, 2.2)
    # A soft shoulder keeps highlights from clipping to flat white.
    lifted = image * np.float32(gain)
    lifted = np.where(lifted > 0.8, 0.8 + 0.2 * np.tanh((lifted - 0.8) / 0.2 * 0.6), lifted)
    rounded: NDArray[np.uint8] = (np.clip(lifted, 0, 1) * 255 + 0.5).astype(np.uint8)
    return rounded
