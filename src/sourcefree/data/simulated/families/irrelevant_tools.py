"""Task-irrelevant families: tools and hardware."""

from __future__ import annotations

import numpy as np

from sourcefree.data.simulated.model import Model
from sourcefree.data.simulated.registry import family
from sourcefree.data.simulated.surfaces import turn


@family()
def hammer(m: Model, rng: np.random.Generator) -> None:
    """Draw a handle standing on its end with a head across the top: claw, mallet or sledge."""
    u = rng.uniform
    h, w, t = u(0.6, 1.0), u(0.14, 0.26), u(0.04, 0.08)
    m.rod((0, 0, 0), (0, 0, h), u(0.025, 0.045), 0.022, slot=0)
    m.rod((0, 0, 0), (0, 0, h * 0.4), 0.045, slot=2)
    kind = rng.integers(3)
    if kind == 0:
        m.rod((0, 0, h), (w, 0, h), t * 0.7, t, slot=1)
        for s in (-1, 1):
            m.bent(
                [(0, s * 0.015, h), (-w * 0.6, s * 0.03, h), (-w * 1.1, s * 0.05, h - 0.1)],
                [t * 0.6, t * 0.4, 0.01],
                1,
                8,
            )
    elif kind == 1:
        m.rod((-w, 0, h), (w, 0, h), t * 1.8, slot=1)
    else:
        m.box((w * 2, t * 2, t * 2), at=(0, 0, h), slot=1)


@family()
def key(m: Model, rng: np.random.Generator) -> None:
    """Draw a ring bow, a long shank and a bit with teeth."""
    u = rng.uniform
    r, length, t = u(0.12, 0.22), u(0.5, 0.8), u(0.03, 0.05)
    with m.placed(rot=turn("y", -u(60, 90)) if rng.random() < 0.6 else turn("x", 90.0)):
        m.ring(r, t * u(0.8, 1.3), at=(0, 0, 0), axis=(0, 1, 0), slot=0)
        if rng.random() < 0.4:
            m.rod((0, 0, -r), (0, 0, r), t * 0.6, slot=0)
        m.rod((r, 0, 0), (r + length, 0, 0), t, slot=0)
        m.ring(t * 1.3, t * 0.5, at=(r + 0.03, 0, 0), axis=(1, 0, 0), slot=0)
        for k in range(int(rng.integers(2, 5))):
            tooth = u(0.08, 0.2)
            m.box((0.05, t * 1.2, tooth), at=(r + length - 0.05 - 0.08 * k, 0, -tooth / 2), slot=0)


@family()
def scissors(m: Model, rng: np.random.Generator) -> None:
    """Draw two crossed blades on a pivot with two finger loops."""
    u = rng.uniform
    blade, half, r = u(0.45, 0.65), u(8, 28), u(0.09, 0.14)
    with m.placed(rot=turn("y", -u(55, 85)) if rng.random() < 0.6 else None):
        for s in (-1, 1):
            with m.placed(rot=turn("z", s * half), at=(0, 0, s * 0.014)):
                m.plate(
                    [(-0.05, -0.05, 0.05), (blade * 0.6, -0.03, 0.03), (blade, -0.004, 0.004)],
                    0.025,
                    rot=turn("x", 90),
                    slot=0,
                )
                back = u(0.18, 0.28)
                m.rod((0, 0, 0), (-back, -s * 0.0, 0), 0.028, slot=1)
                m.ring(r * u(0.85, 1.1), 0.03, at=(-back - r, s * 0.02, 0), slot=1)
        m.rod((0, 0, -0.04), (0, 0, 0.04), 0.03, slot=2)


@family()
def gear(m: Model, rng: np.random.Generator) -> None:
    """Draw a toothed disc with a hub and sometimes spokes; upright or flat."""
    u = rng.uniform
    r, w, teeth = u(0.35, 0.45), u(0.07, 0.2), int(rng.integers(8, 19))
    with m.placed(rot=turn("x", 90) if rng.random() < 0.7 else None):
        inner = r * u(0.5, 0.75)
        m.lathe([(inner, -w / 2), (r, -w / 2), (r, w / 2), (inner, w / 2), (inner, -w / 2)], slot=0)
        for k in range(teeth):
            with m.placed(rot=turn("z", 360 * k / teeth)):
                m.box((r * 0.24, 2.9 * r / teeth, w), at=(r * 1.08, 0, 0), slot=0)
        hub = r * u(0.18, 0.28)
        m.lathe(
            [
                (hub * 0.5, -w * 0.7),
                (hub, -w * 0.7),
                (hub, w * 0.7),
                (hub * 0.5, w * 0.7),
                (hub * 0.5, -w * 0.7),
            ],
            slot=1,
        )
        spokes = int(rng.integers(3, 7))
        for k in range(spokes):
            d = turn("z", 360 * k / spokes) @ np.array([1.0, 0, 0])
            m.rod(d * hub * 0.8, d * inner * 1.05, w * 0.3, slot=0)


@family()
def wheel(m: Model, rng: np.random.Generator) -> None:
    """Draw a single cart wheel: thick rim, wooden spokes, long hub."""
    u = rng.uniform
    r, t, spokes = u(0.4, 0.5), u(0.05, 0.1), int(rng.integers(5, 11))
    with m.placed(rot=turn("x", 90 + u(-6, 6))):
        m.lathe([(r - t, -t), (r, -t), (r, t), (r - t, t), (r - t, -t)], slot=0)
        m.rod((0, 0, -u(0.1, 0.25)), (0, 0, u(0.1, 0.25)), 0.09, slot=1)
        for p in m.circle(r - t * 0.5, n=spokes):
            m.rod((0, 0, 0), p, u(0.02, 0.035), slot=2)


@family()
def bolt(m: Model, rng: np.random.Generator) -> None:
    """Draw a hexagon-headed screw with a thread, standing on its head, with or without a nut."""
    u = rng.uniform
    r, h, head = u(0.08, 0.14), u(0.45, 0.8), u(0.09, 0.16)
    m.lathe([(0, 0), (r * 2, 0), (r * 2, head), (0, head)], slot=0, sides=6)
    m.rod((0, 0, head), (0, 0, head + h), r, slot=0)
    turns = int(rng.integers(5, 9))
    t = np.linspace(0, turns * 2 * np.pi, turns * 12)
    z = head + h * np.linspace(0.3, 0.98, len(t))
    m.tube(np.stack([r * np.cos(t), r * np.sin(t), z], 1), r * 0.16, slot=0)
    if rng.random() < 0.5:
        z0 = head + h * u(0.3, 0.7)
        m.lathe([(r, z0), (r * 1.9, z0), (r * 1.9, z0 + 0.11), (r, z0 + 0.11)], slot=1, sides=6)


@family()
def spring(m: Model, rng: np.random.Generator) -> None:
    """Draw a coil, straight or conical."""
    u = rng.uniform
    turns, r0, r1, h, t = u(4, 8), u(0.18, 0.3), u(0.1, 0.3), u(0.5, 0.9), u(0.022, 0.045)
    a = np.linspace(0, turns * 2 * np.pi, int(turns * 18))
    f = a / a[-1]
    radius = r0 + (r1 - r0) * f
    m.tube(np.stack([radius * np.cos(a), radius * np.sin(a), t + h * f], 1), t, slot=0)


@family(can_lie=False)
def anvil(m: Model, rng: np.random.Generator) -> None:
    """Draw a waisted iron block with a horn, on a base or a stump."""
    u = rng.uniform
    w, h, t = u(0.2, 0.28), u(0.3, 0.42), u(0.12, 0.18)
    lift = u(0.15, 0.4) if rng.random() < 0.5 else 0.0
    if lift:
        m.rod((0, 0, 0), (0, 0, lift), u(0.26, 0.34), slot=1)
    with m.placed(at=(0, 0, lift)):
        m.box((0.5, w * 1.5, 0.09), at=(0, 0, 0.045), slot=0)
        m.lathe([(0.27, 0.08), (0.14, h * 0.5), (0.16, h - t), (0, h - t)], slot=0, sides=4)
        m.box((0.5, w, t), at=(-0.06, 0, h - t / 2 + 0.02), slot=0)
        m.rod((0.18, 0, h - t / 2 + 0.02), (0.18 + u(0.25, 0.4), 0, h), t * 0.5, 0.015, slot=0)
        if rng.random() < 0.6:
            m.box((0.2, w * 0.7, t * 0.5), at=(-0.36, 0, h - t * 0.25 + 0.02), slot=0)


@family()
def magnifier(m: Model, rng: np.random.Generator) -> None:
    """Draw a round lens in a frame with a handle."""
    u = rng.uniform
    r, h, t = u(0.2, 0.3), u(0.35, 0.6), u(0.02, 0.035)
    with m.placed(rot=turn("y", -u(10, 80))):
        m.rod((0, 0, 0), (0, 0, h), u(0.03, 0.05), 0.03, slot=0)
        m.ring(r, t, at=(0, 0, h + r), axis=(1, 0, 0), slot=1)
        m.ball((0.02, r, r), at=(0, 0, h + r), slot=2)


@family()
def dumbbell(m: Model, rng: np.random.Generator) -> None:
    """Draw a bar with discs or balls at its ends."""
    u = rng.uniform
    x, r, n = u(0.3, 0.6), u(0.15, 0.28), int(rng.integers(1, 4))
    m.rod((-x - 0.1, 0, r), (x + 0.1, 0, r), 0.035, slot=0)
    globe = rng.random() < 0.3
    for s in (-1, 1):
        if globe:
            m.ball(r, at=(s * x, 0, r), slot=1)
            continue
        for k in range(n):
            at, q = s * (x - 0.1 * k), r * (1 - 0.12 * k)
            m.rod((at - 0.038, 0, r), (at + 0.038, 0, r), q, slot=1)


@family()
def pliers(m: Model, rng: np.random.Generator) -> None:
    """Draw two short jaws on a pivot with two long curved grips."""
    u = rng.uniform
    opening, grip, jaw = u(6, 24), u(0.4, 0.6), u(0.16, 0.3)
    with m.placed(rot=turn("y", -u(50, 85)) if rng.random() < 0.6 else None):
        m.rod((0, 0, -0.05), (0, 0, 0.05), 0.09, slot=0)
        for s in (-1, 1):
            with m.placed(rot=turn("z", s * opening)):
                m.rod((0.03, s * 0.02, 0), (jaw, s * 0.01, 0), 0.06, 0.018, slot=0)
                path = [(-0.02, -s * 0.03, 0), (-grip * 0.4, -s * 0.1, 0), (-grip, -s * 0.06, 0)]
                m.bent(path, [0.04, 0.045, 0.035], slot=1, n=10)


@family()
def ladder(m: Model, rng: np.random.Generator) -> None:
    """Draw a leaning or a folding ladder with round or flat rungs."""
    u = rng.uniform
    h, w, n, lean = u(0.9, 1.4), u(0.14, 0.24), int(rng.integers(4, 9)), u(12, 26)
    for side in (1, -1) if rng.random() < 0.65 else (1,):
        with m.placed(at=(side * h * np.sin(np.radians(lean)), 0, 0), rot=turn("y", -side * lean)):
            for s in (-1, 1):
                m.box((0.05, 0.03, h), at=(0, s * w, h / 2), slot=0)
            for z in np.linspace(0.1, 0.92, n) * h:
                if side > 0:
                    m.box((0.07, w * 2, 0.025), at=(0, 0, z), slot=1)
                else:
                    m.rod((0, -w, z), (0, w, z), 0.012, slot=1)
