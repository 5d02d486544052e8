"""Task set "b", vehicles: car, helicopter, sailboat, wheelbarrow."""

from __future__ import annotations

import numpy as np

from sourcefree.data.simulated.model import Model
from sourcefree.data.simulated.registry import family
from sourcefree.data.simulated.surfaces import curve, turn


@family(task="b", can_lie=False)
def car(m: Model, rng: np.random.Generator) -> None:
    """Draw a saloon, estate, van or pick-up: body, cabin with windows, four wheels, lights."""
    u = rng.uniform
    length, w, r = u(1.3, 1.7), u(0.5, 0.64), u(0.12, 0.17)
    x, low, belt, roof = length / 2, r * 0.7, u(0.34, 0.42), u(0.56, 0.75)
    nose, rear = u(0.28, 0.36), u(0.28, 0.4)
    side = [(-x, low + 0.05, rear), (-x * 0.96, low, belt), (x * 0.4, low, belt), (x * 0.93, low, nose)]
    m.plate([*side, (x, low + 0.06, nose - 0.06)], w, slot=0)
    style = rng.integers(4)
    a, b = ((-0.75, 0.25), (-0.98, 0.25), (-0.98, 0.62), (-0.1, 0.35))[int(style)]
    rake_rear = (0.25, 0.06, 0.03, 0.04)[int(style)] * x * 1.2
    cabin = [(a * x, belt - 0.02, belt), (a * x + rake_rear, belt - 0.02, roof)]
    cabin += [(b * x - 0.14, belt - 0.02, roof), (b * x + 0.12, belt - 0.02, belt)]
    m.plate(cabin, w * 0.9, slot=0)
    glass = [(a * x + 0.07, belt + 0.01, belt + 0.03), (a * x + rake_rear + 0.03, belt + 0.01, roof - 0.04)]
    glass += [(b * x - 0.16, belt + 0.01, roof - 0.04), (b * x + 0.03, belt + 0.01, belt + 0.03)]
    m.plate(glass, w * 0.9 + 0.012, slot=1)
    screen = np.degrees(np.arctan2(roof - belt, -0.26))
    m.box((0.3, w * 0.78, 0.012), at=(b * x - 0.01, 0, (roof + belt) / 2), slot=1, rot=turn("y", -screen))
    for sx in (-0.62, 0.64):
        for sy in (-1, 1):
            y = sy * w / 2
            m.rod((sx * x, y - 0.07, r), (sx * x, y + 0.07, r), r, slot=2)
            m.rod((sx * x, y - 0.075, r), (sx * x, y + 0.075, r), r * 0.55, slot=3)
    for sy in (-1, 1):
        m.ball((0.03, 0.06, 0.04), at=(x * 0.97, sy * w * 0.36, nose - 0.06), slot=3)
        m.box((0.03, 0.1, 0.05), at=(-x, sy * w * 0.38, rear - 0.03), slot=3)


@family(task="b", can_lie=False)
def helicopter(m: Model, rng: np.random.Generator) -> None:
    """Draw a bulbous cabin, tail boom with rotor, main rotor and skids."""
    u = rng.uniform
    r, boom, rotor = u(0.17, 0.24), u(0.6, 0.85), u(0.6, 0.85)
    z = r + u(0.12, 0.2)
    cabin = [
        (-r * 1.6, z + 0.05, 0.05, 0.06),
        (-r, z, r * 0.75, r * 0.8),
        (0, z, r * 0.9, r),
        (r, z, r * 0.75, r * 0.8),
    ]
    m.body([*cabin, (r * 1.6, z - 0.04, 0.03, 0.04)], slot=0)
    m.ball((r * 0.75, r * 0.74, r * 0.66), at=(r * 0.75, 0, z + 0.06), slot=1)
    tail = -r * 1.2 - boom
    m.rod((-r, 0, z + r * 0.3), (tail, 0, z + r * 0.5), r * 0.35, 0.025, slot=0)
    high = z + r * 0.5
    m.plate([(tail - 0.08, high + 0.05, high + 0.24), (tail + 0.1, high - 0.08, high + 0.06)], 0.025, slot=0)
    m.box((0.1, 0.3, 0.015), at=(tail + 0.18, 0, high), slot=0)
    for a in (u(0, 90), u(90, 180)):
        m.box((0.26, 0.012, 0.03), at=(tail - 0.02, 0.035, high + 0.1), slot=2, rot=turn("y", a))
    m.rod((0, 0, z + r * 0.8), (0, 0, z + r + 0.12), 0.03, slot=2)
    m.ball((r * 0.9, r * 0.35, 0.08), at=(-0.05, 0, z + r * 0.95), slot=0)
    blades, spin = int(rng.integers(2, 6)), u(0, 180)
    for k in range(blades):
        with m.placed(at=(0, 0, z + r + 0.12), rot=turn("z", spin + 360 * k / blades)):
            m.box((rotor, 0.055, 0.014), at=(rotor / 2, 0, 0), slot=2)
    for s in (-1, 1):
        y = s * r * 0.95
        m.bent([(-r * 1.3, y, 0.015), (r * 1.3, y, 0.015), (r * 1.7, y, 0.09)], 0.015, slot=2, n=10)
        m.rods([((x, y, 0.015), (x, y * 0.5, z - r * 0.6)) for x in (-r * 0.7, r * 0.7)], 0.013, slot=2)


@family(task="b")
def sailboat(m: Model, rng: np.random.Generator) -> None:
    """Draw a hull with a deck, mast, boom, main sail and mostly a jib."""
    u = rng.uniform
    x, w, h, mast = u(0.45, 0.65), u(0.14, 0.22), u(0.13, 0.2), u(0.9, 1.4)
    t = np.linspace(0, 1, 12)
    half = w * np.sin(np.clip(0.35 + t * 0.9, 0, 1.25) * np.pi * 0.8) ** 0.8
    half[-1] = 0.01
    keel = h * np.clip((t - 0.55) / 0.45, 0, 1) ** 2 * 0.8
    rings = []
    for k, s in enumerate(t):
        y, top = half[k], h + 0.04 * s**2
        low, px = keel[k], -x + 2 * x * s
        ring = [(px, -y, top), (px, -y * 0.8, low + (top - low) * 0.45), (px, -y * 0.1, low)]
        rings.append(ring + [(a, -b, c) for a, b, c in reversed(ring)])
    m.hull(np.array(rings), slot=0)
    if rng.random() < 0.6:
        m.box((x * 0.55, w * 0.9, 0.08), at=(-x * 0.05, 0, h + 0.05), slot=3)
    foot = x * u(0.05, 0.25)
    m.rod((foot, 0, h * 0.5), (foot, 0, h + mast), 0.018, slot=2)
    swing = turn("z", u(-30, 30))
    length, base = foot + x * u(0.7, 1.0), u(0.08, 0.16)
    with m.placed(at=(foot, 0, h), rot=swing):
        m.rod((0, 0, base), (-length, 0, base), 0.014, slot=2)
        edge = curve(np.array([(0, 1.0), (-0.45, 0.62), (-0.8, 0.3), (-1, 0.0)]), 9)[::-1]
        top = mast * 0.95 - base
        m.plate([(a * length, base + 0.02, base + 0.021 + max(b, 0) * top) for a, b in edge], 0.012, slot=1)
    if rng.random() < 0.75:
        bow = x * 0.95 - foot - 0.03
        jib = [(0.03, h + 0.1, h + mast * u(0.7, 0.9)), (bow, h + 0.08, h + 0.09)]
        m.plate(jib, 0.012, at=(foot, 0, 0), slot=1, rot=None)
    if rng.random() < 0.5:
        for s in (-1, 1):
            m.plate([(0, 0, 0.06), (0.2, 0, 0.06)], 0.02, at=(-0.1, s * w * 0.3, -0.05), slot=2)


@family(task="b")
def wheelbarrow(m: Model, rng: np.random.Generator) -> None:
    """Draw an open slanted tray, one front wheel, two long handles and two legs."""
    u = rng.uniform
    r, w, length, depth = u(0.13, 0.2), u(0.2, 0.28), u(0.45, 0.65), u(0.18, 0.3)
    low, flare, t = r * 1.5, u(0.05, 0.12), 0.02
    wheel = length * 0.5 + r * u(0.7, 1.1)
    m.rod((wheel, -0.03, r), (wheel, 0.03, r), r * 0.45, slot=2)
    m.ring(r * 0.82, r * 0.2, at=(wheel, 0, r), axis=(0, 1, 0), slot=2)
    a, b = length * 0.32, length * 0.55
    floor = [(-a, -w * 0.7, low), (a, -w * 0.7, low), (a, w * 0.7, low), (-a, w * 0.7, low)]
    rim = [(-b, -w - flare, low + depth), (b + flare, -w - flare, low + depth)]
    rim += [(b + flare, w + flare, low + depth), (-b, w + flare, low + depth)]
    m.hull(
        np.array([floor, rim, [(p[0] * 0.94, p[1] * 0.92, p[2]) for p in rim], [(*p[:2], p[2] + t) for p in floor]]),
        0,
    )
    m.tube(np.array(rim), 0.016, slot=0, closed=True)
    back = -b - u(0.35, 0.6)
    grip = low + u(0.08, 0.25)
    for s in (-1, 1):
        m.rods(
            [
                ((wheel, s * 0.05, r), (-a, s * w * 0.7, low)),
                ((-a, s * w * 0.7, low), (back, s * w * 1.1, grip)),
            ],
            0.02,
            1,
        )
        m.rod((back, s * w * 1.1, grip), (back - 0.12, s * w * 1.12, grip + 0.01), 0.03, slot=2)
        m.rods(
            [
                ((-a, s * w * 0.75, low), (-a - 0.1, s * w * 0.8, 0)),
                ((0, s * w * 0.7, low), (-a - 0.1, s * w * 0.8, 0)),
            ],
            0.018,
            1,
        )
