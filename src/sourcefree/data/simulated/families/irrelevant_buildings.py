"""Task-irrelevant families: buildings and what stands outdoors."""

from __future__ import annotations

import numpy as np

from sourcefree.data.simulated.model import Model
from sourcefree.data.simulated.registry import family
from sourcefree.data.simulated.surfaces import turn


@family(can_lie=False)
def house(m: Model, rng: np.random.Generator) -> None:
    """Draw walls with a gabled roof, door, windows and mostly a chimney."""
    u = rng.uniform
    w, d, h, roof, eave = u(0.5, 0.8), u(0.6, 1.1), u(0.35, 0.7), u(0.2, 0.5), u(0.03, 0.09)
    m.box((d, w, h), at=(0, 0, h / 2), slot=0)
    gable = [(-w / 2 - eave, h - 0.02, h), (0, h - 0.02, h + roof), (w / 2 + eave, h - 0.02, h)]
    m.plate(gable, d + 2 * eave, rot=turn("z", 90), slot=1)
    m.box((0.02, w * 0.2, h * 0.5), at=(d / 2, u(-0.2, 0.2) * w, h * 0.25), slot=2)
    for s in (-1, 1):
        for x in np.linspace(-0.3, 0.3, int(rng.integers(2, 4))) * d:
            m.box((d * 0.13, 0.02, h * 0.28), at=(x, s * w / 2, h * 0.6), slot=2)
    if rng.random() < 0.8:
        m.box((0.09, 0.09, roof), at=(u(-0.3, 0.3) * d, w * 0.22, h + roof * 0.75), slot=3)


@family(can_lie=False)
def tower(m: Model, rng: np.random.Generator) -> None:
    """Draw a round or square keep with battlements or a pointed roof."""
    u = rng.uniform
    r, h, sides = u(0.16, 0.26), u(0.7, 1.2), int(rng.choice([4, 6, 8, 20]))
    top = h + u(0.1, 0.18)
    wide = r * u(1.1, 1.35)
    m.lathe([(0, 0), (r * u(1.0, 1.3), 0), (r, h), (wide, h + 0.03), (wide, top), (0, top)], slot=0, sides=sides)
    if rng.random() < 0.5:
        m.rod((0, 0, top), (0, 0, top + u(0.25, 0.5)), wide * 1.1, 0.005, slot=1)
    else:
        for p in m.circle(wide * 0.88, at=(0, 0, top + 0.04), n=8):
            m.box((0.07, 0.07, 0.1), at=p.tolist(), slot=0)
    m.box((r * 2.2, 0.09, 0.2), at=(0, 0, 0.1), slot=2)
    for z in np.linspace(0.4, 0.85, 3) * h:
        m.box((r * 2.1, 0.04, 0.1), at=(0, 0, z), slot=2)


@family(can_lie=False)
def windmill(m: Model, rng: np.random.Generator) -> None:
    """Draw a tapered tower with a cap and four lattice sails, or a slim mast with three blades."""
    u = rng.uniform
    h, arm, spin = u(0.7, 1.1), u(0.45, 0.65), u(0, 90)
    old = rng.random() < 0.65
    r = u(0.17, 0.26) if old else 0.04
    m.lathe([(0, 0), (r, 0), (r * 0.6, h), (0, h)], slot=0, sides=8 if old else 20)
    if old:
        m.ball((r * 0.7, r * 0.7, r * 0.6), at=(0, 0, h), slot=1)
    x = r * 0.6 + 0.08
    m.rod((-x if not old else 0, 0, h), (x, 0, h), 0.045, slot=1)
    n = 4 if old else 3
    for k in range(n):
        with m.placed(at=(x, 0, h), rot=turn("x", spin + 360 * k / n)):
            m.rod((0, 0, 0), (0, 0, arm), 0.018, 0.012, slot=2)
            if old:
                for z in np.linspace(0.25, 0.97, 6) * arm:
                    m.box((0.012, 0.16, 0.016), at=(0, 0.06, z), slot=2)
                m.box((0.008, 0.14, arm * 0.74), at=(0, 0.07, arm * 0.61), slot=3)
            else:
                m.plate(
                    [(0, -0.03, 0.03), (arm * 0.25, -0.05, 0.05), (arm, -0.01, 0.01)],
                    0.02,
                    rot=turn("y", -90) @ turn("x", 80),
                    slot=2,
                )


@family(can_lie=False)
def bridge(m: Model, rng: np.random.Generator) -> None:
    """Draw a deck on arches, or hung from two towers by cables."""
    u = rng.uniform
    x, w, h, t = u(0.6, 0.9), u(0.1, 0.2), u(0.2, 0.4), u(0.03, 0.06)
    m.box((2 * x, 2 * w, t), at=(0, 0, h), slot=0)
    if rng.random() < 0.5:
        top = h + u(0.3, 0.55)
        for s in (-1, 1):
            for px in (-x * 0.5, x * 0.5):
                m.box((0.06, 0.05, top), at=(px, s * w, top / 2), slot=1)
            f = np.linspace(-1, 1, 21)
            z = np.where(
                np.abs(f) < 0.5,
                h + 0.06 + (top - h - 0.06) * (f / 0.5) ** 2,
                top - (top - h) * (np.abs(f) - 0.5) * 2,
            )
            m.tube(np.stack([f * x, np.full(21, s * w), z], 1), 0.013, slot=2)
            m.rods(
                [((a * x, s * w, h), (a * x, s * w, b)) for a, b in zip(f[1:-1:2], z[1:-1:2], strict=True)],
                0.006,
                slot=2,
            )
        for px in (-x * 0.5, x * 0.5):
            m.box((0.05, 2 * w, 0.06), at=(px, 0, top - 0.03), slot=1)
        return
    n = int(rng.integers(1, 4))
    span = 2 * x / n
    a = np.linspace(0, np.pi, 12)
    for k in range(n):
        c = -x + span * (k + 0.5)
        arch = [
            (-span / 2, 0, h),
            *[(-np.cos(q) * span * 0.42, np.sin(q) * h * 0.8, h) for q in a],
            (span / 2, 0, h),
        ]
        m.plate(arch, 2 * w, at=(c, 0, 0), slot=1)
    for s in (-1, 1):
        m.box((2 * x, 0.025, 0.1), at=(0, s * w, h + 0.05), slot=2)


@family(can_lie=False)
def arch(m: Model, rng: np.random.Generator) -> None:
    """Draw a free-standing gate: two pillars and a round, pointed or flat top."""
    u = rng.uniform
    w, h, t, d = u(0.25, 0.4), u(0.4, 0.8), u(0.07, 0.15), u(0.12, 0.3)
    kind = rng.integers(3)
    for s in (-1, 1):
        m.box((d, t, h), at=(0, s * w, h / 2), slot=0)
        m.box((d * 1.3, t * 1.4, 0.08), at=(0, s * w, 0.04), slot=1)
    if kind == 0:
        m.box((d * 1.2, 2 * w + t * 2.5, t * 1.3), at=(0, 0, h + t * 0.6), slot=1)
        return
    tall = w * (1.0 if kind == 1 else u(1.2, 1.7))
    a = np.linspace(0, np.pi, 15)
    outer = [(-np.cos(q) * (w + t / 2), np.sin(q) ** (0.5 * kind + 0.5) * (tall + t / 2)) for q in a]
    inner = [(-np.cos(q) * (w - t / 2), np.sin(q) ** (0.5 * kind + 0.5) * (tall - t / 2)) for q in a]
    for (x0, z0), (x1, z1), (x2, z2), (x3, z3) in zip(outer[:-1], outer[1:], inner[1:], inner[:-1], strict=True):
        ring = [(0.0, x0, h + z0), (0.0, x1, h + z1), (0.0, x2, h + z2), (0.0, x3, h + z3)]
        m.hull(np.array([[(s * d / 2, *p[1:]) for p in ring] for s in (-1, 1)]), slot=0)


@family(can_lie=False)
def tent(m: Model, rng: np.random.Generator) -> None:
    """Draw a ridge tent, a tipi or a dome with guy lines."""
    u = rng.uniform
    kind = rng.integers(3)
    if kind == 0:
        w, h, d = u(0.35, 0.55), u(0.45, 0.65), u(0.8, 1.2)
        for s in (-1, 1):
            run = float(np.hypot(w, h))
            lean = s * np.degrees(np.arctan2(w, h))
            m.box((d, 0.015, run), at=(0, -s * w / 2, h / 2), rot=turn("x", -lean), slot=0)
            m.rod((s * d / 2, 0, 0), (s * d / 2, 0, h + 0.08), 0.015, slot=1)
            m.rod((s * d / 2, 0, h), (s * (d / 2 + 0.3), 0, 0), 0.006, slot=1)
        m.rod((-d / 2, 0, h), (d / 2, 0, h), 0.018, slot=1)
    elif kind == 1:
        r, h = u(0.35, 0.5), u(0.7, 1.0)
        m.rod((0, 0, 0), (0, 0, h), r, 0.03, slot=0)
        for k in range(6):
            d3 = turn("z", 60 * k + 20) @ np.array([1.0, 0, 0])
            m.rod(d3 * r * 1.02, -d3 * 0.09 + [0, 0, h * 1.18], 0.012, slot=1)
        m.plate([(-0.1, 0, 0.02), (0, 0, 0.4), (0.1, 0, 0.02)], r * 1.9, rot=turn("z", 0), slot=2)
    else:
        r, h = u(0.45, 0.6), u(0.35, 0.5)
        m.ball((r, r * u(0.7, 1.0), h), slot=0)
        m.ball((0.2, 0.15, h * 0.62), at=(r * 0.82, 0, 0), slot=2)
        m.lathe([(r * 1.1, 0), (r * 0.9, 0.02)], slot=1)


@family(can_lie=False)
def stairs(m: Model, rng: np.random.Generator) -> None:
    """Draw a flight of steps, closed or open, straight or winding round a pole."""
    u = rng.uniform
    n, run, rise, w = int(rng.integers(4, 9)), u(0.1, 0.16), u(0.08, 0.14), u(0.35, 0.6)
    if rng.random() < 0.3:
        m.rod((0, 0, 0), (0, 0, rise * n + 0.3), 0.04, slot=1)
        for k in range(n + 2):
            with m.placed(rot=turn("z", k * u(28, 34))):
                m.plate(
                    [(0, -0.04, 0.04), (w, -0.12, 0.12)],
                    0.03,
                    at=(0, 0, rise * (k + 0.8)),
                    rot=turn("x", 90),
                    slot=0,
                )
        return
    solid = rng.random() < 0.6
    for k in range(n):
        z = rise * (k + 1)
        tall = z if solid else 0.035
        m.box((run * 1.02, w, tall), at=(run * k, 0, z - tall / 2), slot=0)
    rail = rng.random() < 0.5
    for s in (-1, 1):
        if not solid:
            m.rod((-run, s * w / 2, 0), (run * (n - 1), s * w / 2, rise * n), 0.03, slot=1)
        if rail:
            lift = 0.32
            m.rod((0, s * w / 2, rise + lift), (run * (n - 1), s * w / 2, rise * n + lift), 0.018, slot=1)
            for k in range(0, n, 2):
                m.rod((run * k, s * w / 2, rise * k), (run * k, s * w / 2, rise * (k + 1) + lift), 0.012, slot=1)


@family(can_lie=False)
def fence(m: Model, rng: np.random.Generator) -> None:
    """Draw pickets or posts on two rails."""
    u = rng.uniform
    n, gap, h, pointed = int(rng.integers(5, 11)), u(0.1, 0.15), u(0.4, 0.8), rng.random() < 0.5
    for k in range(n):
        y = gap * (k - (n - 1) / 2)
        if pointed:
            e = gap * 0.33
            m.plate([(-e, 0, h), (0, 0, h + 0.09), (e, 0, h)], 0.03, at=(0, y, 0), rot=turn("z", 90), slot=0)
        else:
            m.rod((0, y, 0), (0, y, h), gap * 0.22, slot=0)
    for z in (h * 0.28, h * 0.75):
        m.box((0.03, gap * n, 0.06), at=(-0.025, 0, z), slot=1)


@family(can_lie=False)
def signpost(m: Model, rng: np.random.Generator) -> None:
    """Draw a post with arrow boards, or with a round, square or triangular traffic sign."""
    u = rng.uniform
    h = u(0.8, 1.2)
    m.rod((0, 0, 0), (0, 0, h), u(0.02, 0.04), slot=0)
    if rng.random() < 0.5:
        for k in range(int(rng.integers(1, 4))):
            a, w, length = u(0, 360), u(0.05, 0.08), u(0.3, 0.45)
            z = h - 0.08 - 0.19 * k
            arrow = [(-0.1, -w, w), (length, -w, w), (length + 0.1, -0.004, 0.004)]
            m.plate(arrow, 0.03, at=(0, 0, z), rot=turn("z", a), slot=1 + k)
    else:
        r, sides = u(0.16, 0.26), int(rng.choice([3, 4, 8, 24]))
        m.lathe([(0, 0.03), (r, 0.03), (r, 0.055), (0, 0.055)], at=(0, 0, h), axis=(1, 0, 0), slot=1, sides=sides)
        m.lathe([(0, 0.056), (r * 0.7, 0.056), (0, 0.06)], at=(0, 0, h), axis=(1, 0, 0), slot=2, sides=sides)
    m.lathe([(0.14, 0), (0.12, 0.05), (0, 0.06)], slot=0)


@family(can_lie=False)
def fountain(m: Model, rng: np.random.Generator) -> None:
    """Draw stacked basins, the smaller above the larger, on a central column."""
    u = rng.uniform
    r, z = u(0.45, 0.6), 0.0
    for k in range(int(rng.integers(2, 4))):
        h = u(0.09, 0.16)
        if k:
            m.lathe(
                [
                    (0, z),
                    (r * 0.15, z),
                    (r * 0.9, z + h * 0.7),
                    (r, z + h),
                    (r * 0.9, z + h),
                    (0, z + h * 0.5),
                ],
                slot=0,
            )
        else:
            m.lathe(
                [(0, 0), (r, 0), (r, h), (r * 0.88, h), (r * 0.88, h * 0.5), (0, h * 0.5)],
                slot=0,
                sides=int(rng.choice([6, 8, 28])),
            )
        step = u(0.2, 0.3)
        m.smooth_lathe(
            [(r * 0.16, z + h * 0.4), (r * 0.1, z + h * 0.4 + step * 0.5), (r * 0.14, z + h * 0.4 + step)],
            slot=1,
        )
        z, r = z + h * 0.4 + step - 0.02, r * u(0.5, 0.65)
    m.ball((r * 0.4, r * 0.4, r * 0.6), at=(0, 0, z + r * 0.4), slot=1)
