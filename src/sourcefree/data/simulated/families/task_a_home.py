"""Task set "a", things of a home: bottle, chair, lamp, mug, table, umbrella."""

from __future__ import annotations

import numpy as np

from sourcefree.data.simulated.model import Model
from sourcefree.data.simulated.registry import family
from sourcefree.data.simulated.surfaces import turn


@family(task="a")
def bottle(m: Model, rng: np.random.Generator) -> None:
    """Draw a body with shoulders, a slim neck and a cap or lip; wine to water bottle."""
    u = rng.uniform
    r, body, shoulder, neck = u(0.13, 0.24), u(0.4, 0.75), u(0.06, 0.3), u(0.12, 0.36)
    rn = r * u(0.22, 0.42)
    waist = u(0.85, 1.0)
    z1, z2 = body + shoulder, body + shoulder + neck
    m.lathe([(0, 0), (r * 0.92, 0), (r, 0.03), (r * waist, body * 0.5), (r, body)], slot=0)
    steps = np.linspace(0, np.pi, 9)
    m.lathe([(rn + (r - rn) * (1 + np.cos(t)) / 2, body + shoulder * t / np.pi) for t in steps], slot=0)
    m.lathe([(rn, z1), (rn * u(0.9, 1.0), z2), (0, z2)], slot=0)
    if rng.random() < 0.6:
        m.rod((0, 0, z2 - 0.06), (0, 0, z2 + u(0.02, 0.05)), rn * u(1.08, 1.35), slot=1)
    else:
        m.ring(rn, rn * 0.25, at=(0, 0, z2 - 0.02), slot=0)
    if rng.random() < 0.5:
        low, high = body * u(0.1, 0.3), body * u(0.65, 0.95)
        m.lathe([(r * 1.01, low), (r * 1.01, high)], slot=2)


def _chair_back(m: Model, rng: np.random.Generator, w: float, d: float, h: float, t: float) -> None:
    u = rng.uniform
    back, lean = u(0.45, 0.85), u(4, 16)
    with m.placed(at=(-d / 2 + t / 2, 0, h), rot=turn("y", -lean)):
        kind = rng.integers(3)
        if kind == 0:
            m.box((t, w, back * u(0.6, 1.0)), at=(0, 0, back * 0.55), slot=1)
        else:
            m.box((t, w, 0.1), at=(0, 0, back - 0.05), slot=1)
        m.rods(
            [((0, s * (w / 2 - t / 2), -0.02), (0, s * (w / 2 - t / 2), back)) for s in (-1, 1)],
            t / 2,
            slot=2,
        )
        if kind == 1:
            for y in np.linspace(-w / 2 + t, w / 2 - t, int(rng.integers(3, 7)) + 2)[1:-1]:
                m.rod((0, y, 0), (0, y, back - 0.05), t * 0.3, slot=1)
        if kind == 2:
            for z in np.linspace(0.2, 0.75, int(rng.integers(2, 4))) * back:
                m.box((t * 0.6, w, back * 0.12), at=(0, 0, z), slot=1)


@family(task="a")
def chair(m: Model, rng: np.random.Generator) -> None:
    """Draw a seat on four legs or on a pedestal, with a backrest, sometimes arms."""
    u = rng.uniform
    w, d, h, t = u(0.42, 0.62), u(0.42, 0.58), u(0.35, 0.55), u(0.035, 0.07)
    m.box((d, w, u(0.04, 0.1)), at=(0, 0, h), slot=0)
    if rng.random() < 0.8:
        splay = u(0.0, 0.06)
        for x in (-1, 1):
            for y in (-1, 1):
                top = (x * (d / 2 - t / 2), y * (w / 2 - t / 2), h)
                m.rod((top[0] + x * splay, top[1] + y * splay, 0), top, t * u(0.35, 0.5), t / 2, slot=2)
        if rng.random() < 0.5:
            z = h * u(0.25, 0.5)
            m.rods(
                [((-d / 2, s * (w / 2 - t / 2), z), (d / 2, s * (w / 2 - t / 2), z)) for s in (-1, 1)],
                t * 0.3,
                2,
            )
    else:
        m.rod((0, 0, 0.08), (0, 0, h), t * 0.6, slot=2)
        for a in np.arange(5) * 72.0:
            end = turn("z", a) @ np.array([d * 0.55, 0, 0.03])
            m.rod((0, 0, 0.1), end, t * 0.45, slot=2)
            m.ball(0.035, at=end.tolist(), slot=2)
    _chair_back(m, rng, w, d, h, t)
    if rng.random() < 0.35:
        z = h + u(0.17, 0.26)
        for s in (-1, 1):
            m.box((d, t, t), at=(0, s * w / 2, z), slot=1)
            m.rod((d * 0.4, s * w / 2, h), (d * 0.4, s * w / 2, z), t * 0.35, slot=2)


@family(task="a")
def lamp(m: Model, rng: np.random.Generator) -> None:
    """Draw a foot, a thin stem or a gourd, and a cone-frustum shade open at both ends."""
    u = rng.uniform
    foot, h = u(0.14, 0.26), u(0.5, 1.1)
    rb, rt, hs = u(0.22, 0.38), u(0.09, 0.2), u(0.2, 0.4)
    m.lathe([(0, 0), (foot, 0), (foot, 0.03), (foot * u(0.2, 0.8), u(0.04, 0.1)), (0.02, 0.1)], slot=0)
    if rng.random() < 0.35:
        b = u(0.1, 0.2)
        m.smooth_lathe([(0.07, 0.03), (b, h * 0.28), (b * 0.6, h * 0.55), (0.02, h * 0.75)], slot=0)
    m.rod((0, 0, 0), (0, 0, h + hs * 0.5), u(0.012, 0.028), slot=0)
    z0 = h - 0.02
    m.lathe([(rb, z0), (rt, z0 + hs)], slot=1)
    m.ring(rb, 0.008, at=(0, 0, z0), slot=1)
    m.ring(rt, 0.008, at=(0, 0, z0 + hs), slot=1)
    m.rods([((0, 0, z0 + hs * 0.5), (s * rt, 0, z0 + hs)) for s in (-1, 1)], 0.006, slot=0)
    m.ball(0.05, at=(0, 0, z0 + hs * 0.45), slot=2)


@family(task="a")
def mug(m: Model, rng: np.random.Generator) -> None:
    """Draw an open cup with a loop handle at its side."""
    u = rng.uniform
    r, h, wall = u(0.2, 0.3), u(0.36, 0.66), u(0.018, 0.035)
    foot, belly = r * u(0.75, 1.0), u(0.95, 1.12)
    outer = [(foot, 0), (r * belly, h * 0.45), (r, h)]
    inner = [(r - wall, h), (r * belly - wall, h * 0.45), (foot - wall, wall), (0, wall)]
    m.lathe([(0, 0), *outer, *inner], slot=0)
    reach, t = u(0.16, 0.26), u(0.022, 0.045)
    low, high = h * u(0.12, 0.28), h * u(0.72, 0.9)
    mid = (low + high) / 2
    inside = r * 0.93
    path = [(inside, 0, high), (r + reach * 0.8, 0, high + 0.01), (r + reach, 0, mid)]
    path += [(r + reach * u(0.5, 0.85), 0, low), (inside * u(0.95, 1.0), 0, low)]
    m.bent(path, t, slot=int(rng.integers(2)), n=18)
    if rng.random() < 0.4:
        m.lathe([(0, h * 0.8), (r - wall, h * 0.8)], slot=2)


def _table_legs(m: Model, rng: np.random.Generator, w: float, d: float, h: float) -> None:
    u = rng.uniform
    t, inset, splay = u(0.025, 0.06), u(0.75, 0.95), u(0.0, 0.08)
    for x in (-1, 1):
        for y in (-1, 1):
            top = (x * d / 2 * inset, y * w / 2 * inset, h)
            m.rod((top[0] + x * splay, top[1] + y * splay, 0), top, t * u(0.5, 1.0), t, slot=1)
    if rng.random() < 0.4:
        m.box((d * inset, w * inset, 0.09), at=(0, 0, h - 0.05), slot=1)
    if rng.random() < 0.25:
        m.box((d * inset, w * inset, 0.03), at=(0, 0, h * u(0.2, 0.4)), slot=0)


@family(task="a")
def table(m: Model, rng: np.random.Generator) -> None:
    """Draw a wide flat top, square or round, on four legs, a trestle or a pedestal."""
    u = rng.uniform
    w, d, h, t = u(0.9, 1.6), u(0.65, 1.0), u(0.42, 0.75), u(0.03, 0.06)
    kind = rng.random()
    if kind < 0.55:
        m.box((d, w, t), at=(0, 0, h), slot=0)
        _table_legs(m, rng, w, d, h)
        return
    if kind < 0.75:
        m.box((d, w, t), at=(0, 0, h), slot=0)
        for y in (-w * 0.35, w * 0.35):
            m.rods([((s * d * 0.4, y, 0), (-s * d * 0.3, y, h)) for s in (-1, 1)], 0.03, slot=1)
        m.rod((0, -w * 0.35, h * 0.5), (0, w * 0.35, h * 0.5), 0.025, slot=1)
        return
    r = u(0.45, 0.7)
    m.lathe([(0, h - t), (r, h - t), (r, h), (0, h)], slot=0)
    m.rod((0, 0, 0), (0, 0, h), u(0.04, 0.08), slot=1)
    if rng.random() < 0.5:
        m.lathe([(r * u(0.4, 0.7), 0), (r * 0.4, 0.04), (0.05, 0.1)], slot=1)
    else:
        feet = [(turn("z", a) @ np.array([r * 0.65, 0, 0.02])) for a in (0, 120, 240)]
        m.rods([((0, 0, h * 0.3), f) for f in feet], 0.035, slot=1)


@family(task="a", can_lie=False)
def umbrella(m: Model, rng: np.random.Generator) -> None:
    """Draw an open ribbed canopy on a pole with a hooked or straight handle; upright or put down."""
    u = rng.uniform
    ribs, r, rise, length = int(rng.integers(6, 10)), u(0.5, 0.75), u(0.18, 0.4), u(0.8, 1.15)
    down = rng.random() < 0.6
    with m.placed(rot=turn("y", u(105, 128)) if down else None):
        arc = np.linspace(0, 1, 9)
        profile = [(r * np.sin(a * np.pi / 2), length - rise * (1 - np.cos(a * np.pi / 2))) for a in arc]
        m.lathe(profile, slot=0, sides=ribs)
        for k in range(ribs):
            spin = turn("z", 360.0 * k / ribs)
            m.tube([spin @ np.array([p[0], 0, p[1] - 0.012]) for p in profile], 0.008, slot=1)
            m.rod((0, 0, length * 0.62), spin @ np.array([*_at(profile, 5), 0])[[0, 2, 1]], 0.006, slot=1)
        m.rod((0, 0, 0.1), (0, 0, length + 0.07), 0.015, slot=1)
        if rng.random() < 0.7:
            hook = u(0.05, 0.09)
            bend = [(hook - hook * np.cos(t), 0, 0.1 - hook * np.sin(t) * 1.2) for t in np.linspace(0, np.pi, 9)]
            m.tube([(0, 0, 0.18), *bend], 0.024, slot=2)
        else:
            m.rod((0, 0, 0), (0, 0, 0.2), 0.03, slot=2)


def _at(profile: list[tuple[float, float]], i: int) -> tuple[float, float]:
    return float(profile[i][0]), float(profile[i][1])
