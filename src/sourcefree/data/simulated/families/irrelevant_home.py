"""Task-irrelevant families: furniture and things to wear."""

from __future__ import annotations

import numpy as np

from sourcefree.data.simulated.model import Model
from sourcefree.data.simulated.registry import family
from sourcefree.data.simulated.surfaces import turn


@family(can_lie=False)
def shelf(m: Model, rng: np.random.Generator) -> None:
    """Draw an open bookcase with boards and some books."""
    u = rng.uniform
    w, h, d, n, t = u(0.4, 0.9), u(0.6, 1.2), u(0.2, 0.32), int(rng.integers(2, 6)), u(0.02, 0.04)
    for s in (-1, 1):
        m.box((d, t, h), at=(0, s * w / 2, h / 2), slot=0)
    if rng.random() < 0.6:
        m.box((t * 0.6, w, h), at=(-d / 2, 0, h / 2), slot=1)
    for z in np.linspace(t, h - t / 2, n + 1):
        m.box((d, w, t), at=(0, 0, z), slot=0)
        y = -w / 2 + t
        while z < h - 0.1 and y < w * u(-0.4, 0.4):
            thick, tall = u(0.025, 0.06), (h / n - t) * u(0.55, 0.9)
            m.box(
                (d * 0.8, thick * 0.92, tall),
                at=(0, y + thick / 2, z + tall / 2),
                slot=2 + int(rng.integers(3)),
            )
            y += thick


@family(can_lie=False)
def bed(m: Model, rng: np.random.Generator) -> None:
    """Draw a mattress on a frame with a headboard, pillows and mostly a footboard."""
    u = rng.uniform
    x, w, h, head = u(0.7, 0.85), u(0.3, 0.6), u(0.16, 0.3), u(0.3, 0.6)
    m.box((2 * x, 2 * w, 0.1), at=(0, 0, h), slot=0)
    m.box((2 * x - 0.08, 2 * w - 0.06, 0.15), at=(0, 0, h + 0.1), slot=1)
    m.box((x * u(0.9, 1.3), 2 * w, 0.06), at=(x * 0.35, 0, h + 0.17), slot=2)
    foot = head * u(0.3, 0.8)
    posts = rng.random() < 0.5
    for px, tall in ((-x, head), (x, foot)):
        if posts:
            for z in (h + 0.1, h + tall):
                m.rod((px, -w, z), (px, w, z), 0.028, slot=0)
            for y in np.linspace(-w, w, 6):
                m.rod((px, y, h), (px, y, h + tall), 0.014, slot=0)
        else:
            m.box((0.05, 2 * w + 0.05, tall), at=(px, 0, h + tall / 2), slot=0)
        for s in (-1, 1):
            m.rod((px, s * w, 0), (px, s * w, h + tall * posts), 0.035, slot=0)
    for y in (-w * 0.5, w * 0.5) if w > 0.42 else (0.0,):
        m.ball((0.14, 0.2, 0.08), at=(-x + 0.22, y, h + 0.22), slot=3)


@family(can_lie=False)
def bathtub(m: Model, rng: np.random.Generator) -> None:
    """Draw an oval open tub with a rolled rim on claw feet."""
    u = rng.uniform
    x, w, h, lift = u(0.55, 0.75), u(0.27, 0.36), u(0.28, 0.42), u(0.0, 0.14)
    f = np.linspace(0, 1, 8)
    grow = 0.55 + 0.45 * np.sin(f * np.pi / 2)
    angle = np.arange(28) * (2 * np.pi / 28)
    ring = np.stack([np.cos(angle) * x, np.sin(angle) * w], 1)
    out = [np.column_stack([ring * g, np.full(28, lift + h * a)]) for g, a in zip(grow, f, strict=True)]
    inner = [
        np.column_stack([ring * (g - 0.06), np.full(28, lift + 0.03 + h * a)]) for g, a in zip(grow, f, strict=True)
    ]
    m.hull(np.array(out + inner[::-1]), slot=0)
    rim = np.column_stack([ring * 0.98, np.full(28, lift + h + 0.02)])
    m.tube(rim, 0.035, slot=0, closed=True)
    if lift > 0.04:
        for sx in (-1, 1):
            for s in (-1, 1):
                m.rod(
                    (sx * x * 0.55, s * w * 0.55, 0),
                    (sx * x * 0.42, s * w * 0.4, lift + 0.05),
                    0.03,
                    0.05,
                    slot=1,
                )
    m.bent(
        [(x * 0.97, 0, lift + h), (x * 0.97, 0, lift + h + 0.16), (x * 0.75, 0, lift + h + 0.14)],
        0.025,
        slot=1,
        n=8,
    )


@family(can_lie=False)
def cradle(m: Model, rng: np.random.Generator) -> None:
    """Draw a barred cot on curved rockers."""
    u = rng.uniform
    x, w, h, z = u(0.35, 0.5), u(0.2, 0.28), u(0.25, 0.4), u(0.12, 0.2)
    m.box((2 * x, 2 * w, 0.05), at=(0, 0, z), slot=0)
    for s in (-1, 1):
        m.rod((-x, s * w, z + h), (x, s * w, z + h), 0.022, slot=0)
        for px in np.linspace(-x, x, int(rng.integers(6, 10))):
            m.rod((px, s * w, z), (px, s * w, z + h), 0.011, slot=1)
        m.box((0.04, 2 * w, h * u(1.0, 1.5)), at=(s * x, 0, z + h * 0.55), slot=0)
        arc = [(s * x * 0.85, b * w * 1.6, 0.02 + 0.1 * b * b) for b in np.linspace(-1, 1, 9)]
        m.tube(arc, 0.024, slot=2)
        m.rods(
            [((s * x * 0.85, b * w * 0.8, 0.06), (s * x * 0.85, b * w * 0.8, z)) for b in (-1, 1)],
            0.022,
            slot=2,
        )
    m.ball((x * 0.85, w * 0.9, 0.09), at=(0, 0, z + 0.07), slot=3)


@family()
def hat(m: Model, rng: np.random.Generator) -> None:
    """Draw a brim with a crown: top hat, bowler, cowboy or witch's hat."""
    u = rng.uniform
    r, brim, h = u(0.18, 0.24), u(0.3, 0.5), u(0.18, 0.4)
    kind, droop = rng.integers(4), u(-0.05, 0.07)
    edge = [(r, 0.04), (brim, 0.04 + droop), (brim, 0.06 + droop), (r, 0.06)]
    if kind == 0:
        m.lathe([*edge, (r * u(0.9, 1.15), h + 0.1), (0, h + 0.1)], slot=0)
    elif kind == 1:
        dome = [(r * np.cos(a), 0.06 + r * 1.1 * np.sin(a)) for a in np.linspace(0, np.pi / 2, 9)]
        m.lathe([*edge, *dome], slot=0)
    elif kind == 2:
        m.lathe([*edge, (r * 0.3, h * 1.4), (0.0, h * u(1.8, 2.4))], slot=0)
    else:
        m.ball((r, r * 0.85, h * 0.9), at=(0, 0, 0.05), slot=0)
        t = m.circle(1.0, n=24)
        rings = [
            np.column_stack([t[:, 0] * q * a, t[:, 1] * q, 0.05 + (q > r) * 0.14 * t[:, 1] ** 2])
            for q, a in ((r * 0.9, 1.0), (brim * 0.8, 1.4))
        ]
        m.hull(np.array(rings), slot=0)
    m.lathe([(r * 1.03, 0.06), (r * 1.02, 0.12)], slot=1)


@family()
def boot(m: Model, rng: np.random.Generator) -> None:
    """Draw a high boot: shaft, foot, sole and heel."""
    u = rng.uniform
    length, w, h, heel = u(0.4, 0.52), u(0.08, 0.12), u(0.3, 0.7), u(0.03, 0.14)
    z = heel
    m.body(
        [
            (-0.14, z + 0.1, w * 0.6, 0.08),
            (-0.02, z + 0.12, w * 0.85, 0.12),
            (length * 0.6, z + 0.08, w, 0.08),
            (length - 0.12, z + 0.06, w * 0.75, 0.055),
        ],
        slot=0,
    )
    r0, r1 = u(0.09, 0.11), u(0.11, 0.16)
    m.lathe(
        [
            (r0, z + 0.08),
            (r0, z + h * 0.5),
            (r1, z + h),
            (r1 - 0.015, z + h),
            (r0 - 0.015, z + 0.15),
            (0, z + 0.15),
        ],
        at=(-0.04, 0, 0),
        slot=0,
    )
    m.ring(r1, 0.02, at=(-0.04, 0, z + h), slot=1)
    m.hull(
        np.array(
            [
                [(-0.15, s * 0.8 * w, q) for s, q in ((-1, z), (1, z), (1, z + 0.03), (-1, z + 0.03))],
                [(length * 0.5, s * w, q) for s, q in ((-1, 0.0), (1, 0.0), (1, 0.035), (-1, 0.035))],
                [(length - 0.08, s * w * 0.7, q) for s, q in ((-1, 0.01), (1, 0.01), (1, 0.04), (-1, 0.04))],
            ]
        ),
        slot=2,
    )
    m.box((0.13, w * 1.5, z), at=(-0.08, 0, z / 2), slot=2)


@family()
def crown(m: Model, rng: np.random.Generator) -> None:
    """Draw a ring with points, balls on the points, sometimes closed by bows."""
    u = rng.uniform
    r, h, n, flare = u(0.25, 0.35), u(0.12, 0.3), int(rng.integers(5, 10)), u(1.0, 1.25)
    band = u(0.08, 0.14)
    m.lathe([(r, 0), (r * (1 + (flare - 1) * 0.4), band)], slot=0)
    m.ring(r, 0.02, at=(0, 0, 0.01), slot=1)
    for k in range(n):
        a = 360 * k / n
        p = [
            turn("z", a + d) @ np.array([r * q, 0, z])
            for d, q, z in (
                (-180 / n, 1 + (flare - 1) * 0.4, band),
                (0, flare, band + h),
                (180 / n, 1 + (flare - 1) * 0.4, band),
            )
        ]
        mid = turn("z", a) @ np.array([r * 1.02, 0, band * 0.6])
        m.hull(np.array([[mid, p[0], p[1], p[2]], [mid * 0.97, p[0] * 0.97, p[1] * 0.98, p[2] * 0.97]]), slot=0)
        m.ball(0.032, at=p[1].tolist(), slot=2)
    if rng.random() < 0.4:
        for a in (0, 90):
            arc = [(r * flare * np.cos(q), 0, band + r * 1.2 * np.sin(q)) for q in np.linspace(0, np.pi, 12)]
            m.tube(np.array(arc) @ turn("z", a).T, 0.025, slot=0)
        m.ball(0.05, at=(0, 0, band + r * 1.25), slot=2)


@family()
def handbag(m: Model, rng: np.random.Generator) -> None:
    """Draw a boxy or rounded bag with a flap and one or two bow handles."""
    u = rng.uniform
    w, h, d = u(0.25, 0.38), u(0.3, 0.5), u(0.12, 0.22)
    narrow = u(0.65, 1.0)
    m.hull(
        np.array(
            [
                [(sx * d / 2 * q, sy * w * q2, z) for sx, sy in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
                for z, q, q2 in ((0, 1, 1), (h * 0.5, 0.95, (1 + narrow) / 2), (h, 0.35, narrow))
            ]
        ),
        slot=0,
    )
    m.box((0.02, w * narrow * 1.5, h * 0.4), at=(d * 0.4, 0, h * 0.7), rot=turn("y", -12), slot=1)
    high, span = u(0.15, 0.4), w * narrow * u(0.5, 0.9)
    for x in (-0.04, 0.04) if rng.random() < 0.5 else (0.0,):
        m.tube(
            [(x, span * np.cos(a), h * 0.97 + high * np.sin(a)) for a in np.linspace(0, np.pi, 14)],
            0.016,
            slot=2,
        )
    m.ball(0.03, at=(d * 0.52, 0, h * 0.55), slot=2)
