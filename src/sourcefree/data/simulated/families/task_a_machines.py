"""Task set "a", things that move: airplane, bicycle, quadruped, robot arm."""

# ruff: noqa: RUF005 - `point + [x, y, z]` adds vectors here, it does not join lists

from __future__ import annotations

import numpy as np

from sourcefree.data.simulated.model import Model
from sourcefree.data.simulated.registry import family
from sourcefree.data.simulated.surfaces import Array, turn


@family(task="a")
def airplane(m: Model, rng: np.random.Generator) -> None:
    """Draw a fuselage with wings, tail planes, fin, and jets or a propeller; on its wheels."""
    u = rng.uniform
    length, r = u(1.1, 1.5), u(0.07, 0.12)
    x0, x1 = -length / 2, length / 2
    fuselage = [(x0, 0.05, 0.015, 0.02), (x0 * 0.5, 0.02, r * 0.7, r * 0.75), (0, 0, r, r)]
    m.body([*fuselage, (x1 * 0.7, 0, r * 0.95, r), (x1 * 0.93, -0.01, r * 0.6, r * 0.6), (x1, -0.02, 0.01, 0.01)])
    span, root = u(0.5, 0.75), u(0.2, 0.32)
    sweep, z = u(-0.02, 0.35), u(-0.6, 0.7) * r
    xw = u(-0.02, 0.15)
    m.wings(root, root * u(0.4, 0.8), span, sweep, at=(xw, 0, z), slot=1)
    tail = u(0.2, 0.3)
    high = u(0.02, 0.05) if rng.random() < 0.7 else 0.28
    m.wings(0.14, 0.08, tail, sweep * 0.4, at=(x0 + 0.09, 0, high), slot=1)
    fin = [(x0 - 0.03, 0.27, 0.3), (x0 + 0.08, 0.05, 0.3), (x0 + 0.24, 0.04, 0.06)]
    m.plate(fin, 0.025, slot=1)
    if rng.random() < 0.5:
        m.lathe([(0, x1 + 0.02), (0.03, x1 - 0.03)], at=(0, 0, -0.02), axis=(1, 0, 0), slot=2)
        spin = u(0, 180)
        for k in range(int(rng.integers(2, 4))):
            m.box((0.012, 0.03, 0.4), at=(x1 + 0.005, 0, -0.02), slot=2, rot=turn("x", spin + 90 * k))
    else:
        for y in np.array([0.38, 0.62][: int(rng.integers(1, 3))]) * span:
            for s in (-1, 1):
                x = xw - sweep * y / span + root * 0.25
                m.lathe([(0.035, -0.1), (0.05, 0), (0.045, 0.1), (0.0, 0.05)], (x, s * y, z - 0.06), (1, 0, 0), 2)
    gear = -r - u(0.06, 0.12)
    for x, y in ((x1 * 0.65, 0.0), (-0.05, 0.12), (-0.05, -0.12)):
        m.rod((x, y * 0.5, -r * 0.5), (x, y, gear), 0.012, slot=2)
        m.rod((x, y - 0.015, gear), (x, y + 0.015, gear), 0.04, slot=2)


def _wheel(m: Model, x: float, r: float, tyre: float, spokes: int) -> None:
    m.ring(r, tyre, at=(x, 0, r + tyre), axis=(0, 1, 0), slot=0, n=32)
    m.rod((x, -0.04, r + tyre), (x, 0.04, r + tyre), 0.03, slot=2)
    for p in m.circle(r, at=(x, 0, r + tyre), axis=(0, 1, 0), n=spokes):
        m.tube(np.array([(x, 0, r + tyre), p]), 0.005, slot=2)


@family(task="a")
def bicycle(m: Model, rng: np.random.Generator) -> None:
    """Draw two spoked wheels, a diamond or step-through frame, fork, handlebar, saddle and cranks."""
    u = rng.uniform
    r, base, tyre = u(0.3, 0.36), u(0.95, 1.12), u(0.018, 0.04)
    axle, front, rear = r + tyre, base / 2, -base / 2
    spokes = int(rng.integers(8, 15))
    for x in (front, rear):
        _wheel(m, x, r, tyre, spokes)
    t = u(0.017, 0.028)
    crank = np.array([-0.08, 0, axle * u(0.8, 0.95)])
    seat = np.array([-0.23, 0, axle + u(0.3, 0.42)])
    head = np.array([front - 0.2, 0, axle + u(0.3, 0.42)])
    low_head = head - [-0.04, 0, 0.12]
    m.rods([(crank, seat), (crank, low_head), (head, low_head)], t, slot=1)
    m.rod(seat if rng.random() < 0.65 else crank + (seat - crank) * 0.4, head, t, slot=1)
    for s in (-0.045, 0.045):
        m.rods([((rear, s, axle), crank), ((rear, s, axle), seat)], t * 0.6, slot=1)
        m.rod((front, s, axle), low_head, t * 0.7, slot=1)
    top = seat + [-0.03, 0, u(0.06, 0.2)]
    m.rod(seat, top, t * 0.8, slot=2)
    m.ball((0.14, 0.065, 0.03), at=(top[0] + 0.02, 0, top[2]), slot=2)
    bar, rise = u(0.2, 0.32), u(0.05, 0.14)
    stem = head + [-0.02, 0, rise]
    m.rod(head, stem, t, slot=2)
    reach = u(-0.12, 0.14)
    for s in (-1, 1):
        m.bent(
            [stem, stem + [0.02, s * bar * 0.6, 0.02], stem + [reach, s * bar, u(-0.06, 0.03)]],
            0.018,
            slot=2,
            n=8,
        )
    m.rod(crank - [0, 0.03, 0], crank + [0, 0.03, 0], 0.09, slot=2)
    a = u(0, 360)
    for s in (-1, 1):
        end = crank + turn("y", a + 90 * s + 90) @ np.array([0.15, 0, 0]) + [0, 0.07 * s, 0]
        m.rod(crank + [0, 0.05 * s, 0], end, 0.014, slot=2)
        m.box((0.09, 0.07, 0.025), at=(end[0], end[1] + 0.04 * s, end[2]), slot=2)
    if rng.random() < 0.3:
        m.box((0.2, 0.26, 0.18), at=(front - 0.02, 0, axle + r + 0.12), slot=3)


def _head(m: Model, rng: np.random.Generator, at: Array, s: float) -> None:
    u = rng.uniform
    snout = u(0.12, 0.26) * s
    with m.placed(at=at.tolist(), rot=turn("y", u(5, 40))):
        m.ball((0.13 * s, 0.09 * s, 0.1 * s), slot=0)
        m.body(
            [
                (0, 0, 0.08 * s, 0.08 * s),
                (snout, -0.02, 0.05 * s, 0.05 * s),
                (snout + 0.04, -0.02, 0.02, 0.02),
            ]
        )
        kind = rng.integers(3)
        for y in (-1, 1):
            if kind == 0:
                m.rod((-0.04, y * 0.05 * s, 0.06 * s), (-0.06, y * 0.08 * s, u(0.16, 0.3) * s), 0.03 * s, 0.004)
            elif kind == 1:
                m.ball((0.045 * s, 0.02, 0.09 * s), at=(-0.05, y * 0.1 * s, -0.02), slot=1)
            else:
                horn = [(-0.04, y * 0.05, 0.07), (-0.07, y * 0.13, 0.16), (0.0, y * 0.17, 0.3)]
                m.bent(np.array(horn) * s, np.array([0.025, 0.018, 0.006]) * s, slot=1, n=8)


@family(task="a")
def quadruped(m: Model, rng: np.random.Generator) -> None:
    """Draw a four-legged animal, dachshund to giraffe: barrel body, jointed legs, neck, head, tail."""
    u = rng.uniform
    length, girth, leg, neck = u(0.6, 1.0), u(0.11, 0.2), u(0.28, 0.65), u(0.12, 0.5)
    z, x = leg + girth * 0.6, length / 2
    m.body(
        [
            (-x - 0.05, z, 0.03, 0.03),
            (-x, z + 0.02, girth * 0.75, girth * 0.85),
            (0, z - 0.01, girth * u(0.75, 1.05), girth),
            (x * 0.85, z + 0.02, girth * 0.8, girth * u(0.9, 1.1)),
            (x + 0.04, z + 0.03, 0.04, 0.05),
        ]
    )
    t = u(0.035, 0.065)
    for sx in (-1, 1):
        for sy in (-1, 1):
            swing, y = u(-0.12, 0.12), sy * girth * 0.65
            hip, knee = (sx * x * 0.82, y, z), (sx * x * 0.82 + swing - 0.03 * sx, y, leg * 0.5)
            foot = (sx * x * 0.82 + swing * 1.3, y, 0.02)
            m.bent([hip, knee, foot], [t * 1.6, t, t * 0.8], slot=int(rng.random() < 0.15), n=8)
            m.ball((t * 1.3, t, 0.03), at=(foot[0] + 0.02, y, 0.03), slot=1)
    lean = np.radians(u(15, 75))
    base = np.array([x * 0.8, 0, z + girth * 0.35])
    head = base + np.array([np.cos(lean), 0, np.sin(lean)]) * (neck + girth * 0.6)
    m.bent([base, (base + head) / 2 + [0, 0, 0.02], head], [girth * 0.65, girth * 0.42, 0.07], n=8)
    _head(m, rng, head, u(0.75, 1.25))
    drop, reach = u(-0.35, 0.3), u(0.12, 0.35)
    tail = [(-x, 0, z + girth * 0.5), (-x - reach * 0.6, 0, z + girth * 0.6), (-x - reach, 0, z + drop)]
    m.bent(tail, [0.035, 0.025, u(0.01, 0.05)], slot=0, n=8)


@family(task="a")
def robot_arm(m: Model, rng: np.random.Generator) -> None:
    """Draw a base, a turret, two or three links with barrel joints, and a two-finger gripper."""
    u = rng.uniform
    r, h, t = u(0.16, 0.28), u(0.06, 0.16), u(0.055, 0.1)
    if rng.random() < 0.5:
        m.box((r * 2, r * 2, h), at=(0, 0, h / 2), slot=2)
    else:
        m.rod((0, 0, 0), (0, 0, h), r, slot=2)
    m.rod((0, 0, h), (0, 0, h + 0.16), r * 0.65, r * 0.5, slot=1)
    joint, pitch = np.array([0.0, 0.0, h + 0.18]), u(50, 110)
    for k in range(int(rng.integers(2, 4))):
        m.rod(joint - [0, t * 1.5, 0], joint + [0, t * 1.5, 0], t * 1.25, slot=1)
        length = u(0.32, 0.55) * 0.9**k
        if joint[2] + np.sin(np.radians(pitch)) * length < 0.25:  # Never through the floor.
            pitch = u(0, 40)
        direction = turn("y", -pitch) @ np.array([1.0, 0, 0])
        tip = joint + direction * length
        if rng.random() < 0.5:
            m.rod(joint, tip, t * 0.9, t * 0.75, slot=0)
        else:
            middle = (joint + tip) / 2
            m.box((length, t * 1.6, t * 1.6), at=middle.tolist(), slot=0, rot=turn("y", -pitch))
        joint, t = tip, t * 0.82
        pitch -= u(45, 95) if k == 0 else u(-30, 60)
    m.ball(t * 1.4, at=joint.tolist(), slot=1)
    with m.placed(at=joint.tolist(), rot=turn("y", -pitch)):
        gap, finger = u(0.04, 0.1), u(0.14, 0.22)
        m.rod((0, 0, 0), (0.12, 0, 0), t * 0.7, slot=2)
        m.box((0.04, gap * 2 + 0.06, 0.06), at=(0.13, 0, 0), slot=2)
        for s in (-1, 1):
            m.box((finger, 0.03, 0.05), at=(0.13 + finger / 2, s * gap, 0), slot=2)
            m.box((0.03, gap * 0.7, 0.05), at=(0.13 + finger, s * gap * 0.7, 0), slot=2)
