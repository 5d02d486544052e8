"""Task-irrelevant families: arms, toys, machines and odds and ends."""

# ruff: noqa: RUF005 - `point + [x, y, z]` adds vectors here, it does not join lists

from __future__ import annotations

import numpy as np

from sourcefree.data.simulated.model import Model
from sourcefree.data.simulated.registry import family
from sourcefree.data.simulated.surfaces import turn


@family()
def sword(m: Model, rng: np.random.Generator) -> None:
    """Draw a blade with a guard, grip and pommel, stuck in a block, standing on its tip, or lying."""
    u = rng.uniform
    h, w, guard, grip = u(0.6, 0.9), u(0.03, 0.06), u(0.1, 0.2), u(0.14, 0.24)
    bend = u(-0.1, 0.1) if rng.random() < 0.5 else 0.0
    with m.placed(rot=turn("y", -u(70, 110)) if rng.random() < 0.7 else None):
        f = np.linspace(0, 1, 8)
        blade = [
            (h * a, bend * a * a - w * min(1.0, 4 * (1.01 - a)), bend * a * a + w * min(1.0, 4 * (1.01 - a))) for a in f
        ]
        m.plate(blade, 0.018, rot=turn("x", 90), slot=0)
        m.bent([(u(-0.03, 0.06), -guard, 0), (0, 0, 0), (u(-0.03, 0.06), guard, 0)], 0.024, slot=1, n=9)
        m.rod((0, 0, 0), (-grip, 0, 0), 0.026, slot=2)
        m.ball(0.042, at=(-grip - 0.02, 0, 0), slot=1)


@family()
def bow(m: Model, rng: np.random.Generator) -> None:
    """Draw a bent bow with its string and an arrow."""
    u = rng.uniform
    h, d, tip, draw = u(0.4, 0.6), u(0.14, 0.28), u(-0.08, 0.06), u(0.0, 0.25)
    with m.placed(rot=turn("z", u(-20, 20))):
        m.bent(
            [
                (tip, 0, -h),
                (d * 0.5, 0, -h * 0.85),
                (d, 0, -h * 0.4),
                (d * 0.9, 0, 0),
                (d, 0, h * 0.4),
                (d * 0.5, 0, h * 0.85),
                (tip, 0, h),
            ],
            [0.01, 0.018, 0.025, 0.03, 0.025, 0.018, 0.01],
            slot=0,
            n=26,
        )
        m.rods([((tip, 0, -h), (-draw, 0, 0)), ((tip, 0, h), (-draw, 0, 0))], 0.006, slot=1)
        if rng.random() < 0.75:
            m.rod((-draw, 0, 0), (d + 0.25, 0, 0.01), 0.011, slot=2)
            m.rod((d + 0.2, 0, 0.01), (d + 0.32, 0, 0.01), 0.035, 0.002, slot=2)
            m.plate([(-draw, -0.04, 0.04), (-draw + 0.1, -0.03, 0.03)], 0.008, slot=3)
        m.rod((d * 0.92, 0, -0.07), (d * 0.92, 0, 0.07), 0.038, slot=2)


@family(can_lie=False)
def cannon(m: Model, rng: np.random.Generator) -> None:
    """Draw a tapered barrel on a carriage with two spoked wheels, beside a heap of balls."""
    u = rng.uniform
    r, length, wheel = u(0.07, 0.12), u(0.6, 0.9), u(0.18, 0.3)
    with m.placed(at=(0, 0, wheel + r * 0.6), rot=turn("y", -u(2, 28))):
        bore = r * 0.55
        x0, x1 = -length * 0.4, length * 0.6
        m.lathe(
            [
                (0, x0),
                (r, x0),
                (r * 0.95, 0),
                (r * 0.72, x1),
                (bore, x1),
                (bore * 0.9, x1 - 0.1),
                (0, x1 - 0.1),
            ],
            axis=(1, 0, 0),
            slot=0,
        )
        for x in (x0, 0.0, x1):
            m.ring(r * (0.8 if x == x1 else 1.0), 0.02, at=(x, 0, 0), axis=(1, 0, 0), slot=0)
        m.ball(r * 0.35, at=(x0 - 0.05, 0, 0), slot=0)
    for s in (-1, 1):
        y = s * (r + 0.08)
        m.ring(wheel - 0.02, 0.025, at=(0, y, wheel), axis=(0, 1, 0), slot=1)
        for p in m.circle(wheel - 0.02, at=(0, y, wheel), axis=(0, 1, 0), n=8):
            m.rod((0, y, wheel), p, 0.012, slot=1)
        m.box((0.35, 0.04, 0.12), at=(-0.05, s * (r + 0.02), wheel), slot=2)
    m.rod((0, -r - 0.14, wheel), (0, r + 0.14, wheel), 0.03, slot=2)
    m.rod((-0.1, 0, wheel), (-length * 0.9, 0, 0.03), 0.04, slot=2)
    if rng.random() < 0.5:
        for p in ((0.3, 0.3, 0.06), (0.42, 0.3, 0.06), (0.36, 0.4, 0.06), (0.36, 0.33, 0.16)):
            m.ball(0.06, at=p, slot=0)


@family()
def rocket(m: Model, rng: np.random.Generator) -> None:
    """Draw a slim body with a nose cone, fins and sometimes boosters."""
    u = rng.uniform
    r, h, n, lift = u(0.09, 0.17), u(0.6, 0.95), int(rng.integers(3, 5)), u(0.05, 0.15)
    nose = u(0.18, 0.35)
    belly = u(1.0, 1.35)
    m.smooth_lathe(
        [
            (r * 0.8, lift),
            (r * belly, lift + h * 0.4),
            (r, lift + h * 0.75),
            (r * 0.6, lift + h + nose * 0.4),
            (0.0, lift + h + nose),
        ],
        slot=0,
    )
    m.rod((0, 0, lift - 0.05), (0, 0, lift + 0.01), r * 0.75, r * 0.55, slot=1)
    out = u(0.1, 0.22)
    for k in range(n):
        with m.placed(rot=turn("z", 360 * k / n + 20)):
            m.plate([(r * 0.7, lift, lift + h * 0.45), (r + out, 0, lift + h * 0.12)], 0.025, slot=1)
    if rng.random() < 0.3:
        for s in (-1, 1):
            m.rod((0, s * r * 1.7, lift), (0, s * r * 1.7, lift + h * 0.6), r * 0.6, slot=2)
            m.rod((0, s * r * 1.7, lift + h * 0.6), (0, s * r * 1.7, lift + h * 0.8), r * 0.6, 0.004, slot=2)
    m.ball((r * 0.3, r * 0.5, r * 0.5), at=(r * 0.92, 0, lift + h * 0.65), slot=2)


@family(can_lie=False)
def drone(m: Model, rng: np.random.Generator) -> None:
    """Draw a flat body with four to six arms, each with a motor and a rotor; landing feet."""
    u = rng.uniform
    n, arm, blade, z = int(rng.choice([4, 6])), u(0.3, 0.45), u(0.13, 0.19), u(0.1, 0.2)
    m.ball((u(0.12, 0.2), 0.11, 0.06), at=(0, 0, z), slot=0)
    guard = rng.random() < 0.4
    for k in range(n):
        rot = turn("z", 360 * (k + 0.5) / n)
        end = rot @ np.array([arm, 0, z + 0.02])
        m.rod((0, 0, z), end, 0.02, slot=0)
        m.rod(end - [0, 0, 0.02], end + [0, 0, 0.06], 0.03, slot=1)
        m.box((blade * 2, 0.03, 0.01), at=(end + [0, 0, 0.065]).tolist(), rot=turn("z", u(0, 180)), slot=2)
        if guard:
            m.ring(blade * 1.05, 0.01, at=(end + [0, 0, 0.06]).tolist(), slot=1)
    for s in (-1, 1):
        m.rods(
            [((0.08, s * 0.06, z), (0.1, s * 0.13, 0)), ((-0.08, s * 0.06, z), (-0.1, s * 0.13, 0))],
            0.012,
            slot=1,
        )
        m.rod((-0.18, s * 0.13, 0.01), (0.18, s * 0.13, 0.01), 0.013, slot=1)
    m.ball(0.045, at=(0.13, 0, z - 0.06), slot=3)


@family(can_lie=False)
def balance(m: Model, rng: np.random.Generator) -> None:
    """Draw a pair of scales: post, beam, two pans on strings."""
    u = rng.uniform
    h, arm, tilt, drop, r = u(0.55, 0.8), u(0.28, 0.42), u(-14, 14), u(0.22, 0.38), u(0.12, 0.18)
    m.lathe([(0, 0), (0.2, 0), (0.18, 0.05), (0.035, 0.08), (0.025, h)], slot=0)
    m.ball(0.045, at=(0, 0, h + 0.02), slot=0)
    for s in (-1, 1):
        end = turn("x", tilt) @ np.array([0, s * arm, 0]) + [0, 0, h]
        m.rod((0, 0, h), end, 0.022, 0.014, slot=0)
        low = end - [0, 0, drop]
        for p in m.circle(r, at=low.tolist(), n=3):
            m.rod(end, p, 0.006, slot=1)
        m.lathe([(0, -r * 0.4), (r * 0.7, -r * 0.25), (r, 0)], at=low.tolist(), slot=2)


@family()
def globe(m: Model, rng: np.random.Generator) -> None:
    """Draw a ball in a half ring on a foot."""
    u = rng.uniform
    r, stem = u(0.22, 0.32), u(0.08, 0.25)
    z = stem + r + 0.05
    m.ball(r, at=(0, 0, z), slot=0)
    with m.placed(at=(0, 0, z), rot=turn("y", u(15, 30))):
        a = np.linspace(-np.pi / 2, np.pi / 2, 18)
        m.tube(np.stack([-1.12 * r * np.cos(a), 0 * a, 1.12 * r * np.sin(a)], 1), 0.02, slot=1)
        m.rod((0, 0, -1.14 * r), (0, 0, 1.14 * r), 0.014, slot=1)
    m.rod((0, 0, 0), (0, 0, stem), 0.03, slot=1)
    m.lathe([(0, 0), (u(0.17, 0.24), 0), (0.14, 0.04), (0.04, 0.07)], slot=1)


@family(can_lie=False)
def well(m: Model, rng: np.random.Generator) -> None:
    """Draw a round stone wall, two posts, a small roof, a crank and a hanging pail."""
    u = rng.uniform
    r, h, post = u(0.26, 0.36), u(0.2, 0.32), u(0.6, 0.85)
    m.lathe(
        [(r * 0.8, 0), (r, 0), (r, h), (r * 0.8, h), (r * 0.8, 0.05), (0, 0.05)],
        slot=0,
        sides=int(rng.choice([6, 8, 24])),
    )
    for s in (-1, 1):
        m.box((0.05, 0.05, post), at=(0, s * r * 0.9, post / 2), slot=1)
    roof = [(-r, post - 0.02, post), (0, post - 0.02, post + u(0.15, 0.3)), (r, post - 0.02, post)]
    m.plate(roof, r * 2.3, slot=2)
    z = h + (post - h) * 0.55
    m.rod((0, -r * 1.05, z), (0, r * 1.2, z), 0.035, slot=1)
    m.rods([((0, r * 1.2, z), (0.1, r * 1.2, z)), ((0.1, r * 1.2, z), (0.1, r * 1.35, z))], 0.014, slot=3)
    m.rod((0, 0, z), (0, 0, h), 0.007, slot=3)
    m.lathe([(0, h - 0.12), (0.05, h - 0.12), (0.07, h)], slot=3)


@family(can_lie=False)
def swing(m: Model, rng: np.random.Generator) -> None:
    """Draw an A-frame with one or two seats on ropes."""
    u = rng.uniform
    h, w, foot, n = u(0.7, 0.95), u(0.3, 0.55), u(0.2, 0.35), int(rng.integers(1, 3))
    m.rod((0, -w, h), (0, w, h), 0.025, slot=0)
    for s in (-1, 1):
        m.rods([((a * foot, s * (w + 0.08), 0), (0, s * w, h)) for a in (-1, 1)], 0.025, slot=0)
    for k in range(n):
        y, a, length = (k - (n - 1) / 2) * w, np.radians(u(-35, 35)), h * u(0.6, 0.75)
        x, z = length * np.sin(a), h - length * np.cos(a)
        m.rods([((0, y + e, h), (x, y + e, z)) for e in (-0.12, 0.12)], 0.008, slot=1)
        m.box((0.13, 0.28, 0.03), at=(x, y, z), rot=turn("y", -np.degrees(a)), slot=2)
