"""Task-irrelevant random assemblies: primitives stacked, strung, branched or scattered without a plan."""

from __future__ import annotations

import numpy as np

from sourcefree.data.simulated.model import Model
from sourcefree.data.simulated.registry import family
from sourcefree.data.simulated.surfaces import turn


def _primitive(m: Model, rng: np.random.Generator, s: float) -> None:
    """One random primitive of about size `s` around the origin."""
    u, slot = rng.uniform, int(rng.integers(4))
    kind = rng.integers(7)
    a, b = s * u(0.4, 1.0), s * u(0.3, 1.0)
    with m.placed(rot=turn("xyz"[rng.integers(3)], 90.0 * rng.integers(4) + u(-25, 25) * (rng.random() < 0.4))):
        if kind == 0:
            m.box((s, a, b), slot=slot)
        elif kind == 1:
            m.rod((0, 0, -s / 2), (0, 0, s / 2), b / 2, slot=slot)
        elif kind == 2:
            m.ball((s / 2, a / 2, b / 2), slot=slot)
        elif kind == 3:
            m.rod((0, 0, -s / 2), (0, 0, s / 2), a / 2, b * 0.15, slot=slot)
        elif kind == 4:
            m.ring(s * 0.4, b * 0.12, slot=slot)
        elif kind == 5:
            m.lathe([(a * 0.5, 0), (b * 0.6, s * 0.3), (a * 0.55, s * 0.5)], slot=slot)
        else:
            m.box((s * 1.3, a, s * 0.08), slot=slot)


@family()
def assembly_stack(m: Model, rng: np.random.Generator) -> None:
    """Draw primitives piled on each other."""
    z, s = 0.0, rng.uniform(0.35, 0.6)
    for _ in range(int(rng.integers(3, 7))):
        with m.placed(at=(*rng.uniform(-0.12, 0.12, 2), z + s * 0.4)):
            _primitive(m, rng, s)
        z, s = z + s * rng.uniform(0.5, 0.8), s * rng.uniform(0.65, 1.1)


@family()
def assembly_branches(m: Model, rng: np.random.Generator) -> None:
    """Draw rods that branch from rod ends, some ending in a primitive."""
    tips = [np.zeros(3)]
    for _ in range(int(rng.integers(5, 12))):
        start = tips[int(rng.integers(len(tips)))]
        d = rng.normal(size=3) * [1, 1, 0.6] + [0, 0, 0.7]
        end = start + d / np.linalg.norm(d) * rng.uniform(0.2, 0.45)
        m.rod(start, end, rng.uniform(0.015, 0.05), slot=int(rng.integers(3)))
        tips.append(end)
        if rng.random() < 0.4:
            with m.placed(at=end.tolist()):
                _primitive(m, rng, rng.uniform(0.1, 0.3))


@family(can_lie=False)
def assembly_legs(m: Model, rng: np.random.Generator) -> None:
    """Draw a random trunk on three to six random legs."""
    u, h = rng.uniform, rng.uniform(0.2, 0.6)
    n, slot = int(rng.integers(3, 7)), int(rng.integers(4))
    with m.placed(at=(0, 0, h)):
        for _ in range(int(rng.integers(1, 4))):
            with m.placed(at=(u(-0.25, 0.25), u(-0.25, 0.25), u(0, 0.2))):
                _primitive(m, rng, u(0.25, 0.6))
    bend, t, spread = u(-0.2, 0.2), u(0.015, 0.06), u(0.15, 0.5)
    for k in range(n):
        foot = turn("z", 360 * k / n + u(-15, 15)) @ np.array([spread, 0, 0])
        m.bent(
            [(foot[0] * 0.4, foot[1] * 0.4, h), foot * (0.7 + bend) + [0, 0, h * 0.5], foot],
            t,
            slot=slot,
            n=8,
        )


@family()
def assembly_cluster(m: Model, rng: np.random.Generator) -> None:
    """Draw primitives around one centre, touching."""
    for _ in range(int(rng.integers(4, 10))):
        with m.placed(at=(rng.normal(size=3) * [0.25, 0.25, 0.2]).tolist()):
            _primitive(m, rng, rng.uniform(0.15, 0.45))


@family()
def assembly_wire(m: Model, rng: np.random.Generator) -> None:
    """Draw a bent tube through random points with beads on it."""
    points = np.cumsum(rng.normal(size=(int(rng.integers(4, 9)), 3)) * [0.25, 0.25, 0.2], axis=0)
    m.bent(points, rng.uniform(0.02, 0.07), n=40)
    for p in points[:: int(rng.integers(1, 4))]:
        with m.placed(at=p.tolist()):
            _primitive(m, rng, rng.uniform(0.08, 0.3))


@family()
def assembly_mirror(m: Model, rng: np.random.Generator) -> None:
    """Draw a spine with mirrored pairs of parts, like a thing made on purpose."""
    u = rng.uniform
    x = u(0.3, 0.6)
    with m.placed(rot=turn("y", 90.0 * (rng.random() < 0.4))):
        m.body(
            [
                (-x, 0, u(0.02, 0.1), 0.05),
                (0, u(-0.1, 0.1), u(0.05, 0.2), u(0.05, 0.2)),
                (x, 0, u(0.02, 0.15), 0.08),
            ],
            slot=0,
        )
        for _ in range(int(rng.integers(1, 5))):
            px, y, z, s, slot = u(-x, x), u(0.1, 0.4), u(-0.3, 0.3), u(0.1, 0.35), int(rng.integers(4))
            a, b, kind = s * u(0.2, 1), s * u(0.2, 1), rng.integers(4)
            for side in (-1, 1):
                at = (px, side * y, z)
                m.rod((px, 0, 0), at, 0.025, slot=slot)
                if kind == 0:
                    m.ball((s / 2, a / 2, b / 2), at=at, slot=slot)
                elif kind == 1:
                    m.box((s, a, b), at=at, slot=slot)
                elif kind == 2:
                    m.ring(s / 2, 0.03, at=at, axis=(0, 1, 0), slot=slot)
                else:
                    m.rod(at, (px + a, side * (y + b), z - s), 0.04, slot=slot)
