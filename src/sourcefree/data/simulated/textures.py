"""Procedural solid textures: colour as a function of position, drawn without regard to the object's class."""

from __future__ import annotations

from colorsys import hsv_to_rgb
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Float: TypeAlias = NDArray[np.float32]

KINDS = ("plain", "checker", "stripes", "planks", "noise", "speckle")


@dataclass(frozen=True)
class Texture:
    """A surface look: two colours mixed by a pattern of `frequency` cells a metre, plus gloss."""

    kind: str
    colours: Float
    frequency: float
    direction: Float
    phase: Float
    lattice: Float
    specular: float

    def colour(self, points: Float) -> Float:
        """Return (N, 3) colours in [0, 1] at `points` (N, 3), metres."""
        mix = self._pattern(points * np.float32(self.frequency) + self.phase)
        first, second = self.colours
        result: Float = first + mix[:, None] * (second - first)
        return result

    def _pattern(self, p: Float) -> Float:
        if self.kind == "checker":
            cell = np.floor(p)
            odd: Float = (cell[:, 0] + cell[:, 1] + cell[:, 2]) % np.float32(2)
            return odd
        if self.kind == "stripes":
            return ((p @ self.direction) % 1.0 < 0.5).astype(np.float32)
        if self.kind == "planks":
            row = np.floor(p[:, 0] * 2)
            shade = self._hash(row, np.floor(p[:, 1] * 0.4 + self._hash(row, row, row)), np.floor(p[:, 2] * 2))
            seam = ((p[:, 0] * 2) % 1.0 < 0.06) | ((p[:, 2] * 2) % 1.0 < 0.06)
            return np.where(seam, np.float32(1.0), shade * np.float32(0.45)).astype(np.float32)
        if self.kind == "noise":
            cloud: Float = np.clip(self._noise(p) * 1.5 + self._noise(p * 3.1) * 0.6 - 0.55, 0, 1)
            return cloud
        if self.kind == "speckle":
            cell = np.floor(p * 2)
            return (self._hash(cell[:, 0], cell[:, 1], cell[:, 2]) < 0.25).astype(np.float32)
        return np.zeros(len(p), dtype=np.float32)

    def _hash(self, x: Float, y: Float, z: Float) -> Float:
        i = (x.astype(np.int64) * 73 + y.astype(np.int64) * 179 + z.astype(np.int64) * 283) & 511
        picked: Float = self.lattice[i]
        return picked

    def _noise(self, p: Float) -> Float:
        """Value noise in [0, 1]: trilinear interpolation of hashed lattice values."""
        cell = np.floor(p)
        t = p - cell
        t = t * t * (3 - 2 * t)
        base = cell.astype(np.int64) @ np.array([73, 179, 283])
        total = np.zeros(len(p), dtype=np.float32)
        for corner in range(8):
            bits = [(corner >> k) & 1 for k in range(3)]
            weight = np.ones(len(p), dtype=np.float32)
            for k, bit in enumerate(bits):
                weight = weight * (t[:, k] if bit else 1 - t[:, k])
            total += weight * self.lattice[(base + 73 * bits[0] + 179 * bits[1] + 283 * bits[2]) & 511]
        return total


def random_texture(rng: np.random.Generator, *, cells: float = 1.0, plain: float = 0.45) -> Texture:
    """Return a random texture; `cells` scales the pattern frequency, `plain` is the share without a pattern.

    The number of draws does not depend on what is drawn, so textures drawn later stay the same whatever
    this one is.
    """
    first, second = _colour(rng), _colour(rng)
    kind = KINDS[0] if rng.random() < plain else KINDS[int(rng.integers(1, len(KINDS)))]
    contrast = rng.uniform(0.25, 1.0)
    direction = rng.normal(size=3)
    return Texture(
        kind=kind,
        colours=np.stack([first, first + contrast * (second - first)]).astype(np.float32),
        frequency=float(cells * np.exp(rng.uniform(np.log(2.5), np.log(11.0)))),
        direction=(direction / np.linalg.norm(direction)).astype(np.float32),
        phase=rng.uniform(0, 50, 3).astype(np.float32),
        lattice=rng.random(512).astype(np.float32),
        specular=float(max(0.0, rng.uniform(-0.3, 0.5))),
    )


def _colour(rng: np.random.Generator) -> Float:
    hue, saturation, value = rng.random(), rng.random() ** 1.3 * 0.8, rng.uniform(0.15, 0.98)
    return np.array(hsv_to_rgb(hue, saturation, value), dtype=np.float32)
