"""Task-irrelevant families: plants and other things of nature or winter."""

# ruff: noqa: RUF005 - `point + [x, y, z]` adds vectors here, it does not join lists

from __future__ import annotations

import numpy as np

from sourcefree.data.simulated.model import Model
from sourcefree.data.simulated.registry import family
from sourcefree.data.simulated.surfaces import turn


@family(can_lie=False)
def tree(m: Model, rng: np.random.Generator) -> None:
    """Draw a conifer of stacked cones or a broad-leaved crown of balls on branches."""
    u = rng.uniform
    h, r = u(0.25, 0.6), u(0.035, 0.08)
    m.rod((0, 0, 0), (0, 0, h + 0.2), r * 1.3, r * 0.7, slot=0)
    if rng.random() < 0.5:
        n, w = int(rng.integers(2, 5)), u(0.25, 0.42)
        for k in range(n):
            z = h * 0.7 + k * 0.24
            m.rod((0, 0, z), (0, 0, z + 0.38), w * (1 - 0.22 * k), 0.01, slot=1)
        return
    crown = u(0.2, 0.3)
    m.ball((crown, crown, crown * u(0.8, 1.3)), at=(0, 0, h + crown), slot=1)
    for k in range(int(rng.integers(3, 7))):
        d = turn("z", 360 * rng.random()) @ np.array([crown * 0.9, 0, u(0.2, 1.6) * crown])
        tip = d + [0, 0, h]
        m.rod((0, 0, h * 0.75), tip, r * 0.5, slot=0)
        m.ball(crown * u(0.45, 0.75), at=tip.tolist(), slot=1 + k % 2)


@family(can_lie=False)
def palm(m: Model, rng: np.random.Generator) -> None:
    """Draw a bent ringed trunk with drooping fronds."""
    u = rng.uniform
    h, lean, r, n = u(0.7, 1.1), u(-0.3, 0.3), u(0.035, 0.06), int(rng.integers(6, 11))
    top = np.array([lean, 0, h])
    m.bent(np.array([(0, 0, 0), (lean * 0.3, 0, h * 0.5), top]), [r * 1.5, r, r * 0.8], slot=0)
    span, droop = u(0.35, 0.55), u(0.1, 0.45)
    for k in range(n):
        rot = turn("z", 360 * k / n + u(-10, 10))
        for a, b in ((0.0, 0.5), (0.5, 1.0)):
            p, q = (np.array([f * span, 0, 0.16 * np.sin(f * 2.2) - droop * f**2]) for f in (a, b))
            pitch = np.degrees(np.arctan2(q[2] - p[2], q[0] - p[0]))
            with m.placed(at=top.tolist(), rot=rot):
                mid, length = (p + q) / 2, float(np.linalg.norm(q - p))
                m.ball((length * 0.58, 0.055, 0.012), at=mid.tolist(), slot=1, rot=turn("y", -pitch))
    for k in range(3):
        m.ball(0.05, at=(top + turn("z", 120 * k) @ np.array([0.06, 0, -0.05])).tolist(), slot=2)


@family(can_lie=False)
def cactus(m: Model, rng: np.random.Generator) -> None:
    """Draw a ribbed column with upward-bent arms, mostly in a pot."""
    u = rng.uniform
    h, r, z = u(0.5, 0.9), u(0.08, 0.14), 0.0
    if rng.random() < 0.6:
        z = u(0.15, 0.25)
        m.lathe([(0, 0), (r * 1.2, 0), (r * 1.7, z), (r * 1.5, z), (0, z * 0.85)], slot=1)
    m.bent([(0, 0, z * 0.5), (0, 0, z + h * 0.5), (0, 0, z + h)], [r, r * 1.05, r * 0.8], slot=0)
    m.ball(r * 0.82, at=(0, 0, z + h), slot=0)
    for k in range(int(rng.integers(1, 5))):
        rot, at, reach, rise = (
            turn("z", 90 * k + u(0, 60)),
            z + h * u(0.2, 0.65),
            u(0.18, 0.28),
            u(0.15, 0.35),
        )
        path = np.array([(0, 0, at), (reach * 0.8, 0, at + 0.02), (reach, 0, at + 0.12), (reach, 0, at + 0.12 + rise)])
        m.bent(path @ rot.T, r * 0.6, slot=0)
        m.ball(r * 0.6, at=(rot @ path[-1]).tolist(), slot=0)


@family(can_lie=False)
def flower(m: Model, rng: np.random.Generator) -> None:
    """Draw a stem with leaves and one large blossom of round or pointed petals."""
    u = rng.uniform
    h, n, length = u(0.5, 0.9), int(rng.integers(5, 12)), u(0.14, 0.24)
    top = (u(-0.1, 0.1), 0.0, h)
    m.bent([(0, 0, 0), (0.03, 0, h * 0.5), top], 0.018, slot=0)
    with m.placed(at=top, rot=turn("y", u(10, 80))):
        m.ball((0.075, 0.075, 0.035), slot=1)
        for k in range(n):
            with m.placed(rot=turn("z", 360 * k / n)):
                m.ball(
                    (length * 0.55, u(0.35, 0.5) * length * 5 / n + 0.01, 0.014),
                    at=(length * 0.6, 0, 0),
                    slot=2,
                    rot=turn("y", u(-30, 0)),
                )
    for k in range(int(rng.integers(2, 5))):
        rot = turn("z", u(0, 360)) @ turn("y", -u(20, 55))
        m.ball(
            (0.15, 0.05, 0.01),
            at=(rot @ np.array([0.15, 0, 0]) + [0.02, 0, h * (0.1 + 0.15 * k)]).tolist(),
            slot=0,
            rot=rot,
        )
    m.lathe([(0.07, 0), (0.13, 0.16), (0.11, 0.16), (0, 0.14)], slot=3)


@family(can_lie=False)
def mushroom(m: Model, rng: np.random.Generator) -> None:
    """Draw a domed cap with spots on a thick stalk; sometimes a smaller one beside it."""
    u = rng.uniform
    for k in range(int(rng.integers(1, 4))):
        s = 1.0 if k == 0 else u(0.35, 0.65)
        r, h, rise = u(0.25, 0.42) * s, u(0.25, 0.55) * s, u(0.12, 0.3) * s
        at = (0.0, 0.0, 0.0) if k == 0 else (u(0.25, 0.4), 0.3 * (-1.0) ** k, 0.0)
        m.smooth_lathe([(0.11 * s, 0), (0.08 * s, h * 0.5), (0.09 * s, h)], at=at, slot=0)
        cap = [(r * np.cos(a), h + rise * np.sin(a)) for a in np.linspace(0, np.pi / 2, 10)]
        m.lathe([(0.08 * s, h + 0.02 * s), (r, h - 0.03 * s), *cap[1:]], at=at, slot=1)
        for _ in range(int(rng.integers(0, 7))):
            a, b = u(0, 2 * np.pi), u(0.3, 1.3)
            spot = (
                at[0] + r * np.cos(b) * np.cos(a),
                at[1] + r * np.cos(b) * np.sin(a),
                h + rise * np.sin(b),
            )
            m.ball(0.04 * s, at=spot, slot=2)


@family(can_lie=False)
def snowman(m: Model, rng: np.random.Generator) -> None:
    """Draw two or three stacked balls with a nose, stick arms and mostly a hat."""
    u = rng.uniform
    r, z = u(0.22, 0.3), 0.0
    for k in range(int(rng.integers(2, 4))):
        z += r * (0.9 if k == 0 else 0.75)
        m.ball((r, r, r * 0.95), at=(0, 0, z), slot=0)
        if k == 1:
            for s in (-1, 1):
                m.rod((0, s * r * 0.8, z), (0.05, s * (r + u(0.2, 0.35)), z + u(0.0, 0.25)), 0.014, slot=1)
        z, last, r = z + r * 0.75, r, r * u(0.65, 0.8)
    face = z - last * 0.75
    m.rod((last * 0.9, 0, face), (last + u(0.12, 0.22), 0, face - 0.02), 0.035, 0.005, slot=2)
    for s in (-1, 1):
        m.ball(0.025, at=(last * 0.88, s * 0.06, face + 0.07), slot=1)
    if rng.random() < 0.7:
        top = face + last * 0.8
        m.lathe(
            [
                (0, top),
                (0.19, top),
                (0.19, top + 0.02),
                (0.12, top + 0.02),
                (0.11, top + 0.2),
                (0, top + 0.2),
            ],
            slot=1,
        )


@family()
def carrot(m: Model, rng: np.random.Generator) -> None:
    """Draw a tapering root with a tuft of leaf stalks."""
    u = rng.uniform
    r, h = u(0.1, 0.17), u(0.5, 0.8)
    with m.placed(rot=turn("y", u(75, 100)) if rng.random() < 0.7 else turn("y", 180)):
        m.smooth_lathe([(0.0, 0.0), (r * 0.35, h * 0.25), (r * 0.75, h * 0.7), (r, h * 0.95), (0.02, h)], slot=0)
        for _ in range(int(rng.integers(4, 9))):
            a, tilt, length = u(0, 360), u(0.02, 0.2), u(0.2, 0.4)
            d = turn("z", a) @ np.array([tilt, 0, 0])
            m.bent([(0, 0, h), d * 0.4 + [0, 0, h + length * 0.6], d + [0, 0, h + length]], 0.014, slot=1, n=6)
            m.ball((0.04, 0.04, 0.09), at=(d + [0, 0, h + length]).tolist(), slot=1)


@family(can_lie=False)
def grapes(m: Model, rng: np.random.Generator) -> None:
    """Draw a heap of balls that narrows to one end, with a stalk and a leaf."""
    u = rng.uniform
    r, rows = u(0.05, 0.075), int(rng.integers(4, 7))
    with m.placed(rot=turn("y", u(60, 110))):
        for k in range(rows):
            wide, n = r * (0.4 + 0.75 * k), 1 + 2 * k
            for p in m.circle(wide, at=(0, 0, k * r * 1.5), n=n):
                m.ball(r * u(0.9, 1.15), at=p.tolist(), slot=0)
        top = rows * r * 1.5
        m.bent([(0, 0, top - r * 2), (0, 0, top + 0.08), (0.06, 0, top + 0.2)], 0.018, slot=1, n=8)
        m.ball((0.14, 0.11, 0.01), at=(0.12, 0.05, top + 0.12), slot=2, rot=turn("y", 30))
