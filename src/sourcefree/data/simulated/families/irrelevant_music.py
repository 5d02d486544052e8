"""Task-irrelevant families: musical instruments (no strings) and sports gear."""

from __future__ import annotations

import numpy as np

from sourcefree.data.simulated.model import Model
from sourcefree.data.simulated.registry import family
from sourcefree.data.simulated.surfaces import turn


@family()
def trumpet(m: Model, rng: np.random.Generator) -> None:
    """Draw a flared bell, a wound tube, three valves and a mouthpiece."""
    u = rng.uniform
    x, r, bell, loop = u(0.4, 0.55), u(0.02, 0.03), u(0.12, 0.2), u(0.07, 0.11)
    f = np.linspace(0, 1, 12)
    with m.placed(rot=turn("x", u(-90, 90))):
        m.lathe([(r + (bell - r) * q**3, x - 0.3 + 0.4 * q) for q in f], axis=(1, 0, 0), slot=0)
        path = [
            (x - 0.3, 0, 0),
            (-x * 0.6, 0, 0),
            (-x * 0.8, 0, -loop * 0.5),
            (-x * 0.6, 0, -loop),
            (x * 0.5, 0, -loop),
        ]
        m.tube(
            np.array([*path, (x * 0.65, 0, -loop * 0.3), (x * 0.5, 0, loop * 0.4), (-x - 0.1, 0, loop * 0.4)]),
            r,
            slot=0,
        )
        m.rod((-x - 0.1, 0, loop * 0.4), (-x - 0.18, 0, loop * 0.4), r, r * 2, slot=1)
        for k in range(3):
            px = -0.1 + 0.09 * k
            m.rod((px, 0, -loop * 1.5), (px, 0, loop), 0.034, slot=1)
            m.rod((px, 0, loop), (px, 0, loop + u(0.03, 0.08)), 0.014, slot=2)
            m.rod((px, 0, loop + 0.05), (px, 0, loop + 0.07), 0.03, slot=2)


@family()
def drum(m: Model, rng: np.random.Generator) -> None:
    """Draw a cylinder with hoops, cords and sticks; snare, tom on legs or conga."""
    u = rng.uniform
    r, h, lift = u(0.25, 0.38), u(0.2, 0.55), u(0.0, 0.3)
    m.lathe(
        [(0, lift), (r * u(0.75, 1.0), lift), (r, lift + h * 0.6), (r * 0.97, lift + h), (0, lift + h)],
        slot=0,
    )
    m.ring(r, 0.025, at=(0, 0, lift + h), slot=1)
    m.ring(r * 0.97, 0.025, at=(0, 0, lift + 0.02), slot=1)
    m.lathe([(0, lift + h + 0.01), (r, lift + h + 0.01)], slot=2)
    n = int(rng.integers(5, 10))
    a, b = (
        m.circle(r * 1.01, at=(0, 0, lift + 0.03), n=2 * n)[::2],
        m.circle(r * 1.01, at=(0, 0, lift + h), n=2 * n)[1::2],
    )
    for p, q, p2 in zip(a, b, np.roll(a, -1, axis=0), strict=True):
        m.rods([(p, q), (q, p2)], 0.008, slot=1)
    if lift > 0.1:
        for p in m.circle(r * 1.15, n=3):
            m.rod(p, p * 0.8 + [0, 0, lift + h * 0.5], 0.018, slot=3)
    if rng.random() < 0.6:
        for s in (-1, 1):
            m.rod(
                (-r * 0.5, s * 0.1, lift + h + 0.03),
                (r * 1.3, s * u(0.0, 0.2), lift + h + 0.05),
                0.016,
                slot=3,
            )


@family(can_lie=False)
def piano(m: Model, rng: np.random.Generator) -> None:
    """Draw a grand with a curved case and raised lid, or an upright; a keyboard in front."""
    u = rng.uniform
    w, h = u(0.55, 0.7), u(0.28, 0.36)
    if rng.random() < 0.6:
        length = u(0.7, 1.1)
        case = [
            (0, -w, w),
            (length * 0.4, -w, w * 0.9),
            (length * 0.7, -w, w * 0.2),
            (length * 0.92, -w, -w * 0.1),
            (length, -w * 0.8, -w * 0.35),
        ]
        flat = turn("x", 90)
        m.plate(case, 0.15, at=(0, 0, h + 0.07), rot=flat, slot=0)
        with m.placed(at=(0, w, h + 0.16), rot=turn("x", u(20, 42))):
            m.plate(case, 0.02, at=(0, -w, 0), rot=flat, slot=0)
        for p in ((0.05, -w * 0.85), (0.05, w * 0.85), (length * 0.8, -w * 0.5)):
            m.rod((*p, 0), (*p, h), 0.03, 0.05, slot=1)
    else:
        m.box((0.25, 2 * w, h + 0.5), at=(0.14, 0, (h + 0.5) / 2), slot=0)
        m.box((0.3, 2 * w, 0.04), at=(0.14, 0, h + 0.5), slot=1)
        for s in (-1, 1):
            m.box((0.2, 0.06, h), at=(-0.1, s * (w - 0.03), h / 2), slot=0)
    m.box((0.2, 2 * w, 0.06), at=(-0.1, 0, h + 0.02), slot=0)
    m.box((0.15, 2 * w - 0.1, 0.02), at=(-0.11, 0, h + 0.06), slot=2)
    for y in np.linspace(-w + 0.1, w - 0.1, 12):
        m.box((0.09, 0.03, 0.02), at=(-0.07, y, h + 0.078), slot=3)


@family()
def bell(m: Model, rng: np.random.Generator) -> None:
    """Draw a flared bell with a handle or a yoke and a clapper."""
    u = rng.uniform
    r, h = u(0.22, 0.32), u(0.35, 0.5)
    outline = [(r, 0.0), (r * 0.8, h * 0.15), (r * u(0.5, 0.65), h * 0.55), (r * 0.45, h * 0.9), (0.02, h)]
    m.smooth_lathe(outline, slot=0)
    m.ring(r * 0.98, 0.02, at=(0, 0, 0.01), slot=0)
    m.ball(0.06, at=(0, 0, 0.04), slot=1)
    if rng.random() < 0.5:
        m.smooth_lathe(
            [(0.03, h - 0.02), (0.045, h + 0.1), (0.025, h + 0.2), (0.05, h + u(0.25, 0.4)), (0, h + 0.45)],
            slot=1,
        )
    else:
        m.box((0.09, r * 1.7, 0.09), at=(0, 0, h + 0.07), slot=1)
        for s in (-1, 1):
            m.box((0.07, 0.05, h + 0.2), at=(0, s * r * 1.25, (h + 0.2) / 2), slot=1)
            m.rod((0, s * r * 0.7, h + 0.07), (0, s * r * 1.3, h + 0.07), 0.03, slot=1)


@family()
def xylophone(m: Model, rng: np.random.Generator) -> None:
    """Draw bars of falling length across two rails, with mallets."""
    u = rng.uniform
    n, step, w0, w1, z = int(rng.integers(6, 12)), u(0.09, 0.12), u(0.26, 0.36), u(0.1, 0.2), u(0.06, 0.25)
    x1 = n * step / 2
    for s in (-1, 1):
        m.rod((-x1, s * w0 * 0.6, z), (x1, s * w1 * 0.6, z), 0.022, slot=0)
        m.rods(
            [
                ((-x1, s * w0 * 0.6, 0), (-x1, s * w0 * 0.6, z)),
                ((x1, s * w1 * 0.6, 0), (x1, s * w1 * 0.6, z)),
            ],
            0.022,
            0,
        )
    for k in range(n):
        f = k / (n - 1)
        m.box(
            (step * 0.72, 2 * (w0 + (w1 - w0) * f), 0.03),
            at=(-x1 + step * (k + 0.5), 0, z + 0.035),
            slot=1 + k % 3,
        )
    for s in (-1, 1):
        m.rod((-0.1, s * 0.05, z + 0.08), (0.3, s * u(0.05, 0.2), z + 0.1), 0.012, slot=4)
        m.ball(0.04, at=(-0.1, s * 0.05, z + 0.09), slot=4)


@family()
def racket(m: Model, rng: np.random.Generator) -> None:
    """Draw an oval frame with strings, a throat and a grip."""
    u = rng.uniform
    a, b, grip, n = u(0.16, 0.22), u(0.2, 0.3), u(0.35, 0.55), int(rng.integers(5, 9))
    with m.placed(rot=turn("y", -u(50, 88)) if rng.random() < 0.6 else None):
        hoop = [(grip + b + b * np.cos(t), a * np.sin(t), 0) for t in np.arange(28) * (2 * np.pi / 28)]
        m.tube(np.array(hoop), 0.022, slot=0, closed=True)
        for f in np.linspace(-0.8, 0.8, n):
            q = float(np.sqrt(1 - f * f))
            m.tube(np.array([(grip + b - b * q, f * a, 0), (grip + b + b * q, f * a, 0)]), 0.005, slot=1)
            m.tube(np.array([(grip + b + f * b, -a * q, 0), (grip + b + f * b, a * q, 0)]), 0.005, slot=1)
        for s in (-1, 1):
            m.rod((grip - 0.1, 0, 0), (grip + b * 0.25, s * a * 0.66, 0), 0.016, slot=0)
        m.rod((0, 0, 0), (grip - 0.08, 0, 0), 0.03, slot=2)


@family(can_lie=False)
def goal(m: Model, rng: np.random.Generator) -> None:
    """Draw a goal frame with a slanted net."""
    u = rng.uniform
    w, h, d, t = u(0.5, 0.75), u(0.4, 0.6), u(0.25, 0.45), u(0.015, 0.03)
    top = d * u(0.0, 0.5)
    m.rod((0, -w, h), (0, w, h), t, slot=0)
    for s in (-1, 1):
        m.rods(
            [
                ((0, s * w, 0), (0, s * w, h)),
                ((0, s * w, h), (-top, s * w, h)),
                ((-top, s * w, h), (-d, s * w, 0)),
            ],
            t,
            0,
        )
        m.rod((-d, s * w, 0), (0, s * w, 0), t, slot=0)
    m.rod((-d, -w, t), (-d, w, t), t, slot=0)
    for y in np.linspace(-w, w, 11):
        m.tube(np.array([(0, y, h), (-top, y, h), (-d, y, 0)]), 0.005, slot=1)
    for f in np.linspace(0.0, 0.85, 6):
        x, z = -top - (d - top) * f, h * (1 - f)
        m.tube(np.array([(x, -w, z), (x, w, z)]), 0.005, slot=1)
