"""Task set "b", things of a home: fan, faucet, guitar, monitor, sofa, telescope."""

# ruff: noqa: RUF005 - `point + [x, y, z]` adds vectors here, it does not join lists

from __future__ import annotations

import numpy as np

from sourcefree.data.simulated.model import Model
from sourcefree.data.simulated.registry import family
from sourcefree.data.simulated.surfaces import curve, turn


@family(task="b")
def fan(m: Model, rng: np.random.Generator) -> None:
    """Draw a caged rotor with blades on a stand and a round foot."""
    u = rng.uniform
    r, h, depth = u(0.24, 0.36), u(0.35, 1.0), u(0.05, 0.09)
    m.lathe([(0, 0), (u(0.18, 0.28), 0), (0.16, 0.05), (0.03, 0.08)], slot=0)
    m.rod((0, 0, 0.03), (0, 0, h), u(0.018, 0.035), slot=0)
    with m.placed(at=(0, 0, h + r * 0.5), rot=turn("y", u(-15, 10))):
        m.rod((-0.16, 0, 0), (0, 0, 0), 0.07, 0.09, slot=0)
        m.rod((-0.1, 0, 0), (-0.1, 0, -r * 0.5), 0.03, slot=0)
        for x in (0.0, depth):
            m.ring(r, 0.012, at=(x, 0, 0), axis=(1, 0, 0), slot=1)
            m.ring(r * 0.55, 0.006, at=(x + depth * (0.2 if x else -0.2), 0, 0), axis=(1, 0, 0), slot=1)
        m.ring(r * 1.02, 0.012, at=(depth / 2, 0, 0), axis=(1, 0, 0), slot=1)
        for p in m.circle(r, at=(depth, 0, 0), axis=(1, 0, 0), n=int(rng.integers(8, 17))):
            m.tube(np.array([(depth * 1.4, 0, 0), p]), 0.006, slot=1)
        m.rod((0, 0, 0), (depth * 1.45, 0, 0), 0.06, slot=0)
        blades, spin = int(rng.integers(3, 6)), u(0, 360)
        for k in range(blades):
            with m.placed(rot=turn("x", spin + 360 * k / blades)):
                m.ball((0.01, r * u(0.2, 0.27), r * 0.42), at=(depth / 2, 0, r * 0.48), slot=2, rot=turn("z", 25))


@family(task="b", can_lie=False)
def faucet(m: Model, rng: np.random.Generator) -> None:
    """Draw a curved spout over a deck plate with two handles or one lever."""
    u = rng.uniform
    r, rise, reach = u(0.035, 0.065), u(0.25, 0.6), u(0.3, 0.55)
    m.lathe([(0, 0), (r * 2.2, 0), (r * 2.2, 0.025), (r * 1.3, 0.07), (r, 0.14)], slot=0)
    if rng.random() < 0.7:
        path = [(0, 0, 0.02), (0, 0, rise * 0.7), (reach * 0.25, 0, rise), (reach * 0.7, 0, rise * 1.02)]
        path += [(reach, 0, rise * 0.75), (reach * 1.02, 0, rise * u(0.3, 0.6))]
    else:
        path = [
            (0, 0, 0.02),
            (0, 0, rise * 0.8),
            (reach * 0.1, 0, rise * 0.95),
            (reach, 0, rise),
            (reach, 0, rise - 0.14),
        ]
    m.bent(path, r, slot=0, n=24)
    m.rod(np.array(path[-1]) + [0, 0, 0.03], np.array(path[-1]) - [0, 0, 0.03], r * 1.25, slot=1)
    w = u(0.2, 0.34)
    if rng.random() < 0.65:
        m.box((r * 4, w * 2 + r * 4, 0.03), at=(0, 0, 0.015), slot=0)
        spin = u(0, 90)
        for y in (-w, w):
            m.rod((0, y, 0), (0, y, 0.14), r * 1.3, r * 0.8, slot=0)
            for a in (spin, spin + 90):
                d = turn("z", a) @ np.array([0.1, 0, 0])
                m.rod(d + [0, y, 0.15], -d + [0, y, 0.15], 0.018, slot=1)
            m.ball(0.035, at=(0, y, 0.15), slot=1)
    else:
        m.rod((0, -r, 0.1), (0, -r * 2.2, 0.1), r, slot=1)
        m.rod((0, -r * 2, 0.1), (-0.08, -r * 2 - 0.05, u(0.24, 0.34)), 0.02, slot=1)


@family(task="b", can_lie=False)
def guitar(m: Model, rng: np.random.Generator) -> None:
    """Draw a waisted body with a sound hole, long fretted neck and head; leaning on a stand or lying flat."""
    u = rng.uniform
    low, waist, up = u(0.2, 0.27), u(0.12, 0.16), u(0.15, 0.21)
    length, neck, thick = u(0.48, 0.6), u(0.28, 0.44), u(0.06, 0.12)
    outline = [
        (0, 0.02),
        (0.02, low * 0.55),
        (0.13, low),
        (0.28, waist),
        (0.41, up),
        (0.48, up * 0.6),
        (0.5, 0.04),
    ]
    c = curve(np.array(outline), 26)
    c[:, 0] *= length / 0.5
    flat = rng.random() < 0.3
    with m.placed(rot=None if flat else turn("y", -u(68, 80)), at=(0, 0, thick if flat else 0.12)):
        m.plate([(x, -abs(w), abs(w)) for x, w in c], thick, rot=turn("x", 90), slot=0)
        top = thick / 2
        m.box((neck + 0.1, 0.055, 0.035), at=(length + neck / 2 - 0.05, 0, top), slot=1)
        m.plate(
            [(0, -0.035, 0.035), (0.17, -0.05, 0.05)],
            0.025,
            at=(length + neck, 0, top),
            rot=turn("x", 90),
            slot=1,
        )
        for k in range(3):
            for s in (-1, 1):
                x = length + neck + 0.03 + 0.05 * k
                m.rod((x, 0, top), (x, s * 0.085, top), 0.012, slot=2)
        m.rod((length * 0.6, 0, top), (length * 0.6, 0, top + 0.004), 0.06, slot=2)
        m.box((0.03, 0.15, 0.02), at=(length * 0.24, 0, top + 0.01), slot=2)
        for y in (-0.02, 0.0, 0.02):
            m.tube(np.array([(length * 0.24, y, top + 0.022), (length + neck, y, top + 0.022)]), 0.003, slot=2)
    if not flat:
        m.rods([((0.12, s * 0.1, 0.1), (-0.14, s * 0.22, 0.0)) for s in (-1, 1)], 0.018, slot=2)
        m.rods([((0.14, s * 0.1, 0.1), (-0.1, 0, 0.32)) for s in (-1, 1)], 0.018, slot=2)
        m.rods([((0.05, s * 0.1, 0.1), (0.2, s * 0.1, 0.1)) for s in (-1, 1)], 0.018, slot=2)


@family(task="b")
def monitor(m: Model, rng: np.random.Generator) -> None:
    """Draw a flat screen with a bezel on a neck and a foot, sometimes with a keyboard in front."""
    u = rng.uniform
    w, h, t = u(0.75, 1.15), u(0.45, 0.65), u(0.035, 0.08)
    lift, bezel = u(0.12, 0.3), u(0.02, 0.05)
    with m.placed(at=(0, 0, lift + h / 2), rot=turn("y", -u(-3, 10))):
        m.box((t, w, h), slot=0)
        m.box((t, w - 2 * bezel, h - 2 * bezel), at=(0.004, 0, 0), slot=1)
        if rng.random() < 0.5:
            m.box((t * 1.5, w * 0.5, h * 0.5), at=(-t, 0, 0), slot=0)
    m.box((0.05, u(0.06, 0.2), lift + h * 0.3), at=(-0.06, 0, (lift + h * 0.3) / 2), slot=0)
    if rng.random() < 0.5:
        m.box((u(0.2, 0.3), u(0.3, 0.5), 0.025), at=(0, 0, 0.0125), slot=0)
    else:
        m.lathe([(0, 0), (u(0.16, 0.24), 0), (0.15, 0.025), (0, 0.03)], slot=0)
    if rng.random() < 0.45:
        m.box((0.16, u(0.42, 0.6), 0.03), at=(0.36, 0, 0.015), slot=2)
        for x in (0.31, 0.35, 0.39):
            m.box((0.025, 0.38, 0.012), at=(x, 0, 0.036), slot=1)


@family(task="b", can_lie=False)
def sofa(m: Model, rng: np.random.Generator) -> None:
    """Draw a wide low couch: base, seat cushions, back cushions, two thick arms, short feet."""
    u = rng.uniform
    w, d, h, arm = u(1.2, 1.9), u(0.55, 0.75), u(0.24, 0.34), u(0.12, 0.24)
    lift, back, seats = u(0.04, 0.12), u(0.32, 0.5), int(rng.integers(2, 4))
    m.box((d, w, h - lift), at=(0, 0, (h + lift) / 2), slot=0)
    for x in (-d * 0.42, d * 0.42):
        m.rods([((x, s * w * 0.44, 0), (x, s * w * 0.44, lift + 0.02)) for s in (-1, 1)], 0.035, slot=2)
    m.box((0.16, w, back), at=(-d / 2, 0, h + back / 2 - 0.02), slot=0)
    high = u(0.14, 0.28)
    for s in (-1, 1):
        y = s * (w / 2 + arm / 2)
        m.box((d + 0.16, arm, h + high - lift), at=(-0.08, y, (h + high + lift) / 2), slot=0)
        if rng.random() < 0.5:
            m.rod((-d / 2 - 0.16, y, h + high), (d / 2, y, h + high), arm * 0.6, slot=0)
    each = w / seats
    lean = turn("y", -u(6, 16))
    for k in range(seats):
        y = -w / 2 + each * (k + 0.5)
        m.box((d * 0.85, each * 0.95, 0.11), at=(0.06, y, h + 0.05), slot=1)
        m.box((0.12, each * 0.92, back * 0.85), at=(-d / 2 + 0.16, y, h + 0.1 + back * 0.4), slot=1, rot=lean)


@family(task="b")
def telescope(m: Model, rng: np.random.Generator) -> None:
    """Draw a long tube with a dew shield and eyepiece on a tripod."""
    u = rng.uniform
    h, r, length, spread = u(0.5, 0.8), u(0.05, 0.1), u(0.65, 1.0), u(0.25, 0.4)
    for a in (30, 150, 270):
        foot = turn("z", a) @ np.array([spread, 0, 0])
        m.rod(foot, (0, 0, h), 0.018, 0.03, slot=2)
        if rng.random() < 0.6:
            m.rod((0, 0, h * 0.42), foot * 0.55 + [0, 0, h * 0.45], 0.01, slot=2)
    m.rod((0, 0, h - 0.04), (0, 0, h + 0.1), 0.045, slot=1)
    with m.placed(at=(0, 0, h + 0.1 + r), rot=turn("y", -u(5, 50))):
        m.rod((-length * 0.42, 0, 0), (length * 0.5, 0, 0), r * u(0.7, 1.0), r, slot=0)
        m.rod((length * 0.4, 0, 0), (length * 0.58, 0, 0), r * 1.25, slot=1)
        m.rod((-length * 0.55, 0, 0), (-length * 0.4, 0, 0), r * 0.5, slot=1)
        m.rod((-length * 0.53, 0, 0), (-length * 0.55, 0, r * 1.6), r * 0.35, slot=2)
        m.rod((-length * 0.3, 0, r * 1.35), (0, 0, r * 1.35), r * 0.25, slot=2)
        m.box((0.2, r * 1.4, r * 0.7), at=(0, 0, -r), slot=1)
