"""Task-irrelevant families: kitchen and table ware, containers."""

# ruff: noqa: RUF005 - `point + [x, y, z]` adds vectors here, it does not join lists

from __future__ import annotations

import numpy as np

from sourcefree.data.simulated.model import Model
from sourcefree.data.simulated.registry import family
from sourcefree.data.simulated.surfaces import turn


@family()
def teapot(m: Model, rng: np.random.Generator) -> None:
    """Draw a round pot with a spout, a handle over the top or behind, and a lid with a knob."""
    u = rng.uniform
    r, h = u(0.24, 0.32), u(0.3, 0.46)
    m.smooth_lathe([(r * 0.65, 0), (r, h * 0.4), (r * 0.85, h * 0.8), (r * 0.4, h)], slot=0)
    m.lathe([(r * 0.45, h * 0.98), (r * 0.3, h * 1.08), (0, h * 1.12)], slot=1)
    m.lathe([(r * 0.65, 0), (0, 0.0)], slot=0)
    m.ball(0.045, at=(0, 0, h * 1.2), slot=1)
    tip = (r + u(0.16, 0.26), 0, h * u(0.8, 1.05))
    m.bent([(r * 0.7, 0, h * 0.3), (r * 1.25, 0, h * 0.45), tip], [0.085, 0.05, 0.03], slot=0, n=10)
    if rng.random() < 0.4:
        m.bent(
            [
                (r * 0.5, 0, h * 0.95),
                (r * 0.45, 0, h * 1.6),
                (-r * 0.45, 0, h * 1.6),
                (-r * 0.5, 0, h * 0.95),
            ],
            0.024,
            slot=1,
        )
    else:
        m.bent(
            [
                (-r * 0.75, 0, h * 0.85),
                (-r * 1.5, 0, h * 0.85),
                (-r * 1.5, 0, h * 0.35),
                (-r * 0.85, 0, h * 0.2),
            ],
            0.028,
            slot=0,
        )


@family()
def bucket(m: Model, rng: np.random.Generator) -> None:
    """Draw an open pail with a wire handle up or down."""
    u = rng.uniform
    r, h, taper = u(0.24, 0.34), u(0.38, 0.6), u(0.65, 0.85)
    m.lathe([(0, 0), (r * taper, 0), (r, h), (r - 0.02, h), (r * taper - 0.02, 0.02), (0, 0.02)], slot=0)
    m.ring(r, 0.018, at=(0, 0, h), slot=0)
    swing = u(-100, 100)
    with m.placed(at=(0, 0, h * 0.93), rot=turn("y", swing)):
        m.tube(
            [(0, r * 1.03 * np.cos(a), r * 1.03 * np.sin(a)) for a in np.linspace(0, np.pi, 16)],
            0.012,
            slot=1,
        )
    for s in (-1, 1):
        m.ball(0.03, at=(0, s * r * 1.01, h * 0.93), slot=1)


@family()
def barrel(m: Model, rng: np.random.Generator) -> None:
    """Draw a bulging cask with hoops, standing or lying."""
    u = rng.uniform
    r, h, belly = u(0.22, 0.3), u(0.55, 0.8), u(1.12, 1.4)
    f = np.linspace(0, 1, 9)
    side = [(r * (1 + (belly - 1) * np.sin(np.pi * a)), h * a) for a in f]
    with m.placed(rot=turn("y", 90) if rng.random() < 0.35 else None):
        m.lathe([(0, 0.02), (r * 0.93, 0.02), *side, (r * 0.93, h), (r * 0.93, h - 0.02), (0, h - 0.02)], slot=0)
        for a in (0.06, 0.3, 0.7, 0.94):
            q = r * (1 + (belly - 1) * np.sin(np.pi * a)) + 0.012
            m.rod((0, 0, h * a - 0.025), (0, 0, h * a + 0.025), q, slot=1)


@family()
def wineglass(m: Model, rng: np.random.Generator) -> None:
    """Draw a bowl on a thin stem and a foot."""
    u = rng.uniform
    r, bowl, stem = u(0.14, 0.24), u(0.22, 0.45), u(0.2, 0.45)
    rim = r * u(0.7, 1.15)
    m.lathe([(0, 0), (r * 0.95, 0), (r * 0.9, 0.015), (0.018, 0.04), (0.014, stem)], slot=0)
    m.smooth_lathe([(0.014, stem), (r * 0.8, stem + bowl * 0.25), (r, stem + bowl * 0.55), (rim, stem + bowl)], slot=0)
    if rng.random() < 0.5:
        m.lathe([(0, stem + bowl * 0.5), (r * 0.95, stem + bowl * 0.5)], slot=1)


@family()
def fork(m: Model, rng: np.random.Generator) -> None:
    """Draw tines on a long handle; lying or standing on end."""
    u = rng.uniform
    n, length, w = int(rng.integers(2, 5)), u(0.5, 0.75), u(0.13, 0.2)
    with m.placed(rot=turn("y", -u(55, 90)) if rng.random() < 0.5 else None):
        m.plate(
            [(0, -0.035, 0.035), (length * 0.8, -0.018, 0.018), (length, -w / 2, w / 2)],
            0.03,
            rot=turn("x", 90),
            slot=0,
        )
        for y in np.linspace(-w / 2 + 0.016, w / 2 - 0.016, n):
            path = [(length - 0.02, y, 0), (length + 0.14, y, -0.03), (length + u(0.26, 0.28), y, 0.01)]
            m.bent(path, [0.018, 0.016, 0.006], slot=0, n=7)


@family()
def pan(m: Model, rng: np.random.Generator) -> None:
    """Draw a shallow round pan with one long handle."""
    u = rng.uniform
    r, h, reach = u(0.26, 0.36), u(0.06, 0.2), u(0.35, 0.6)
    m.lathe([(0, 0), (r * 0.85, 0), (r, h), (r - 0.02, h), (r * 0.85 - 0.02, 0.02), (0, 0.02)], slot=0)
    m.bent(
        [(r * 0.95, 0, h * 0.8), (r + reach * 0.4, 0, h + 0.05), (r + reach, 0, h + u(0.02, 0.14))],
        [0.022, 0.03, 0.035],
        slot=1,
    )


@family()
def hourglass(m: Model, rng: np.random.Generator) -> None:
    """Draw two glass bulbs between plates with posts."""
    u = rng.uniform
    r, h, n = u(0.17, 0.25), u(0.55, 0.8), int(rng.integers(3, 5))
    z = 0.05
    for at in (0.0, h + z):
        m.lathe([(0, at), (r * 1.3, at), (r * 1.3, at + z), (0, at + z)], slot=0, sides=int(rng.choice([6, 28])))
    neck = u(0.015, 0.05)
    m.smooth_lathe(
        [(r * 0.7, z), (r * 0.95, z + h * 0.2), (neck, z + h / 2), (r * 0.95, z + h * 0.8), (r * 0.7, z + h)],
        slot=1,
        n=26,
    )
    for p in m.circle(r * 1.15, n=n):
        m.rod(p + [0, 0, z], p + [0, 0, z + h], u(0.02, 0.03), slot=0)


@family()
def trophy(m: Model, rng: np.random.Generator) -> None:
    """Draw a two-handled cup on a stem and a block."""
    u = rng.uniform
    b, r, cup, stem = u(0.1, 0.16), u(0.17, 0.27), u(0.25, 0.42), u(0.08, 0.25)
    w = r * u(1.0, 1.5)
    m.box((w, w, b), at=(0, 0, b / 2), slot=1)
    m.smooth_lathe([(r * 0.6, b), (0.035, b + stem * 0.5), (0.05, b + stem)], slot=0)
    z = b + stem
    m.smooth_lathe([(0.03, z), (r * 0.75, z + cup * 0.25), (r * 0.85, z + cup * 0.7), (r, z + cup)], slot=0)
    out = u(0.1, 0.2)
    for s in (-1, 1):
        path = [
            (0, s * r * 0.85, z + cup * 0.88),
            (0, s * (r + out), z + cup * 0.85),
            (0, s * (r + out * 0.8), z + cup * 0.4),
        ]
        m.bent([*path, (0, s * r * 0.68, z + cup * 0.25)], 0.02, slot=0)
    if rng.random() < 0.3:
        m.lathe([(r, z + cup), (r * 0.5, z + cup + 0.1), (0, z + cup + 0.12)], slot=0)
        m.ball(0.04, at=(0, 0, z + cup + 0.15), slot=0)


@family(can_lie=False)
def candelabra(m: Model, rng: np.random.Generator) -> None:
    """Draw a stem with curved arms, each with a cup and a candle."""
    u = rng.uniform
    h, n, reach, rise = u(0.4, 0.65), int(rng.integers(2, 6)), u(0.22, 0.38), u(0.05, 0.25)
    m.lathe([(0, 0), (u(0.14, 0.2), 0), (0.1, 0.04), (0.025, 0.1), (0.02, h)], slot=0)
    m.ball(0.05, at=(0, 0, h * 0.5), slot=0)
    ends = [np.array([0, 0, h])]
    for k in range(n):
        rot = turn("z", 360 * k / n)
        path = np.array(
            [(0, 0, h * 0.55), (reach * 0.5, 0, h * 0.45), (reach, 0, h * 0.6), (reach, 0, h * 0.75 + rise)]
        )
        m.bent(path @ rot.T, 0.018, slot=0)
        ends.append(rot @ path[-1])
    candle = u(0.08, 0.25)
    for e in ends:
        m.lathe([(0.02, -0.02), (0.06, 0.02), (0, 0.02)], at=e.tolist(), slot=0)
        m.rod(e, e + [0, 0, candle], 0.026, slot=1)
        m.rod(e + [0, 0, candle], e + [0, 0, candle + 0.05], 0.014, 0.002, slot=2)


@family()
def basket(m: Model, rng: np.random.Generator) -> None:
    """Draw a woven basket of stacked rings with a high bow handle."""
    u = rng.uniform
    r, n, flare, t = u(0.22, 0.3), int(rng.integers(4, 8)), u(0.0, 0.35), u(0.025, 0.04)
    m.lathe([(0, t * 0.5), (r, t * 0.5)], slot=0)
    for k in range(n):
        m.ring(r * (1 + flare * k / n), t, at=(0, 0, t + k * t * 1.75), slot=k % 2)
    top, wide, high = n * t * 1.75, r * (1 + flare), u(0.25, 0.5)
    m.tube([(0, wide * np.cos(a), top + high * np.sin(a)) for a in np.linspace(0, np.pi, 18)], t * 0.9, slot=1)
    if rng.random() < 0.4:
        for k in range(6):
            m.ball(r * 0.33, at=(turn("z", 60 * k) @ np.array([r * 0.55, 0, top * 0.9])).tolist(), slot=2)
