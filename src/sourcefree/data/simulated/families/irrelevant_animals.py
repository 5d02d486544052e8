"""Task-irrelevant families: creatures without four legs, and a person."""

# ruff: noqa: RUF005 - `point + [x, y, z]` adds vectors here, it does not join lists

from __future__ import annotations

import numpy as np

from sourcefree.data.simulated.model import Model
from sourcefree.data.simulated.registry import family
from sourcefree.data.simulated.surfaces import turn


@family()
def bird(m: Model, rng: np.random.Generator) -> None:
    """Draw a plump body, head with beak, folded or spread wings, tail, two thin legs."""
    u = rng.uniform
    r, leg = u(0.16, 0.24), u(0.1, 0.4)
    z = leg + r
    m.ball((r * u(1.3, 1.8), r, r), at=(0, 0, z), rot=turn("y", -u(10, 35)), slot=0)
    neck = u(0.08, 0.4)
    head = np.array([r * 1.35, 0, z + r * 0.7 + neck])
    m.bent(
        np.array([(r * 0.7, 0, z + r * 0.2), (r * 1.3, 0, z + r * 0.6), head]),
        [r * 0.6, r * 0.3, r * 0.3],
        slot=0,
        n=8,
    )
    m.ball(r * u(0.4, 0.6), at=head.tolist(), slot=0)
    m.rod(head, head + [r * 0.5 + u(0.1, 0.25), 0, -0.04], r * 0.22, 0.01, slot=1)
    if rng.random() < 0.5:
        m.wings(r * 1.6, r * 0.6, r * u(2.2, 3.2), r * 0.8, at=(0, 0, z + r * 0.4), slot=2, rise=u(0.0, 0.3))
    else:
        for s in (-1, 1):
            m.ball(
                (r * 1.3, r * 0.2, r * 0.6),
                at=(-r * 0.3, s * r * 0.9, z + r * 0.1),
                slot=2,
                rot=turn("y", -20),
            )
    m.plate([(-r * 2.6, z - 0.1, z - 0.06), (-r, z - 0.05, z + 0.05)], r * 0.9, slot=2)
    for s in (-1, 1):
        m.rod((0, s * r * 0.4, z - r * 0.6), (0.02, s * r * 0.45, 0), 0.018, slot=1)
        m.box((0.14, 0.07, 0.015), at=(0.05, s * r * 0.45, 0.008), slot=1)


@family()
def fish(m: Model, rng: np.random.Generator) -> None:
    """Draw a tall flat body with a tail fin, a back fin and side fins."""
    u = rng.uniform
    x, w, h = u(0.35, 0.55), u(0.06, 0.12), u(0.13, 0.26)
    m.body(
        [
            (-x, 0, 0.015, 0.04),
            (-x * 0.4, 0, w * 0.7, h * 0.6),
            (x * 0.3, 0, w, h),
            (x * 0.8, 0, w * 0.7, h * 0.5),
        ]
    )
    m.ball((x * 0.25, w * 0.65, h * 0.45), at=(x * 0.8, 0, 0), slot=0)
    tail = u(0.15, 0.3)
    m.plate(
        [(-x - tail, -h * u(0.6, 1.1), h * u(0.6, 1.1)), (-x * 1.15, -0.08, 0.08), (-x * 0.95, -0.03, 0.03)],
        0.025,
        slot=1,
    )
    m.plate([(-x * 0.5, h * 0.4, h * 0.9), (0, h * 0.8, h * u(1.4, 1.8)), (x * 0.3, h * 0.9, h)], 0.02, slot=1)
    m.wings(0.12, 0.08, w + u(0.08, 0.18), 0.1, at=(x * 0.3, 0, -h * 0.3), slot=1, rise=-0.08, thickness=0.02)
    for s in (-1, 1):
        m.ball(0.03, at=(x * 0.75, s * w * 0.75, h * 0.2), slot=2)


@family(can_lie=False)
def turtle(m: Model, rng: np.random.Generator) -> None:
    """Draw a domed shell over flat flippers, a head and a small tail."""
    u = rng.uniform
    a, b, h = u(0.35, 0.5), u(0.28, 0.4), u(0.15, 0.3)
    m.ball((a, b, h), at=(0, 0, 0.09), slot=0)
    m.ball((a * 1.08, b * 1.08, 0.06), at=(0, 0, 0.09), slot=1)
    for sx in (-1, 1):
        for s in (-1, 1):
            rot = turn("z", s * (40 if sx > 0 else 140))
            m.ball((u(0.14, 0.24), 0.08, 0.045), at=(sx * a * 0.8, s * b * 0.9, 0.05), slot=1, rot=rot)
    reach, rise = u(0.12, 0.25), u(0.0, 0.18)
    m.bent(
        [(a * 0.8, 0, 0.1), (a + reach * 0.6, 0, 0.12 + rise * 0.5), (a + reach, 0, 0.14 + rise)],
        0.06,
        slot=1,
        n=6,
    )
    m.ball((0.11, 0.085, 0.08), at=(a + reach + 0.04, 0, 0.15 + rise), slot=1)
    m.rod((-a, 0, 0.08), (-a - 0.16, 0, 0.04), 0.04, 0.005, slot=1)


@family(can_lie=False)
def octopus(m: Model, rng: np.random.Generator) -> None:
    """Draw a bulb head over eight curling arms."""
    u = rng.uniform
    r, reach, n = u(0.16, 0.24), u(0.4, 0.65), int(rng.integers(6, 10))
    m.ball((r, r, r * u(1.1, 1.6)), at=(0, 0, r * 1.8), slot=0)
    for s in (-1, 1):
        m.ball(r * 0.22, at=(r * 0.8, s * r * 0.45, r * 1.5), slot=1)
    for k in range(n):
        lift, side = u(0.02, 0.3), u(-0.2, 0.2)
        path = np.array([(0.05, 0, r * 0.9), (reach * 0.4, 0, 0.06), (reach * 0.75, side, 0.04 + lift * 0.2)])
        path = np.concatenate([path, [(reach, side * 1.6, 0.04 + lift)]])
        m.bent(path @ turn("z", 360 * k / n).T, [r * 0.45, r * 0.3, r * 0.2, 0.012], slot=0)


@family(can_lie=False)
def spider(m: Model, rng: np.random.Generator) -> None:
    """Draw two body balls on eight thin arched legs."""
    u = rng.uniform
    r, knee, reach, t = u(0.1, 0.17), u(0.2, 0.42), u(0.4, 0.65), u(0.014, 0.028)
    z = knee * u(0.4, 0.7)
    m.ball((r * 1.4, r * 1.1, r), at=(-r * 1.6, 0, z + 0.03), slot=0)
    m.ball((r * 0.9, r * 0.8, r * 0.6), at=(0, 0, z), slot=1)
    for s in (-1, 1):
        for a in (28, 65, 105, 145):
            d = turn("z", s * (a + u(-6, 6))) @ np.array([1.0, 0, 0])
            up = np.array([0, 0, 1.0])
            path = [up * z, d * reach * 0.5 + up * knee, d * reach * 0.85 + up * knee * 0.4, d * reach]
            m.tube(np.array(path), t, slot=2)


@family(can_lie=False)
def snail(m: Model, rng: np.random.Generator) -> None:
    """Draw a spiral shell on a long foot with two feelers."""
    u = rng.uniform
    r, w = u(0.22, 0.32), u(0.07, 0.12)
    m.body([(-0.5, 0.03, 0.03, 0.02), (-0.2, 0.06, w, 0.06), (0.3, 0.07, w, 0.07), (0.48, 0.13, w * 0.8, 0.08)])
    t = np.linspace(0, 4.2 * np.pi, 60)
    fade = np.exp(-t * 0.13)
    path = np.stack([-0.05 - r * fade * np.cos(t), t * 0.008, r * 1.25 + r * fade * np.sin(t)], 1)
    m.tube(path, r * 0.5 * fade, slot=1)
    m.ball((0.1, w * 0.8, 0.09), at=(0.5, 0, 0.17), slot=0)
    for s in (-1, 1):
        tip = (0.5 + u(0.08, 0.2), s * u(0.06, 0.12), u(0.34, 0.46))
        m.rod((0.52, s * 0.04, 0.2), tip, 0.016, slot=0)
        m.ball(0.03, at=tip, slot=2)


@family()
def person(m: Model, rng: np.random.Generator) -> None:
    """Draw a standing figure: head, torso, two arms and two legs in a random stance, sometimes a dress."""
    u = rng.uniform
    leg, torso, w, t = u(0.42, 0.56), u(0.32, 0.42), u(0.13, 0.2), u(0.04, 0.065)
    stride, spread = u(-0.22, 0.22), u(0.02, 0.1)
    for s in (-1, 1):
        foot = (s * stride, s * (w * 0.5 + spread), 0.02)
        m.bent(
            [(0, s * w * 0.5, leg), (s * stride * 0.6 + 0.03, s * w * 0.55, leg * 0.5), foot],
            [t * 1.4, t, t * 0.8],
            1,
            8,
        )
        m.ball((0.09, 0.045, 0.04), at=(foot[0] + 0.05, foot[1], 0.04), slot=3)
        a, b = np.radians(u(-40, 140)), np.radians(u(-20, 60))
        shoulder = np.array([0, s * w * 1.15, leg + torso * 0.92])
        elbow = shoulder + 0.24 * np.array([np.sin(a) * 0.8, s * 0.35, -np.cos(a)])
        hand = elbow + 0.22 * np.array([np.sin(a + b), s * 0.1, -np.cos(a + b)])
        m.bent([shoulder, elbow, hand], [t, t * 0.85, t * 0.65], slot=0, n=8)
        m.ball(t * 0.9, at=hand.tolist(), slot=2)
    with m.placed(at=(0, 0, leg - 0.03), rot=turn("y", -90)):
        m.body(
            [
                (0, 0, w * 0.9, w * 0.55),
                (torso * 0.4, 0, w * 0.8, w * 0.5),
                (torso * 0.9, 0, w * 1.15, w * 0.6),
                (torso, 0, 0.05, 0.05),
            ]
        )
    if rng.random() < 0.35:
        m.lathe([(u(0.22, 0.34), leg * 0.4), (w * 0.8, leg + 0.1)], slot=0)
    m.rod((0, 0, leg + torso - 0.03), (0, 0, leg + torso + 0.1), 0.05, slot=2)
    top = leg + torso + 0.16
    m.ball((0.1, 0.085, 0.12), at=(0, 0, top), slot=2)
    if rng.random() < 0.4:
        m.lathe([(0.2, top + 0.06), (0.1, top + 0.07), (0.09, top + 0.17), (0, top + 0.18)], slot=3)


@family(can_lie=False)
def crab(m: Model, rng: np.random.Generator) -> None:
    """Draw a flat wide shell, two raised claws, six bent legs and eye stalks."""
    u = rng.uniform
    w, h = u(0.26, 0.36), u(0.08, 0.13)
    z = u(0.12, 0.2)
    m.ball((w * 0.7, w, h), at=(0, 0, z), slot=0)
    for s in (-1, 1):
        for x in (-0.16, -0.04, 0.08):
            path = [
                (x, s * w * 0.8, z),
                (x * 1.4, s * (w + 0.18), z + u(0.05, 0.14)),
                (x * 1.8, s * (w + 0.28), 0),
            ]
            m.tube(np.array(path), 0.024, slot=0)
        claw = np.array([w * u(0.9, 1.3), s * w * u(0.9, 1.4), z + u(0.05, 0.3)])
        m.bent(np.array([(w * 0.4, s * w * 0.7, z), (w * 0.6, s * w * 1.3, z + 0.04), claw]), 0.035, slot=0, n=8)
        for k in (-1, 1):
            tip = claw + [0.17, -s * 0.04 + k * 0.05, 0.04]
            m.bent([claw, claw + [0.09, k * 0.09, 0.03], tip], [0.06, 0.05, 0.008], slot=1, n=8)
        m.rod((w * 0.5, s * 0.07, z), (w * 0.6, s * 0.08, z + h + 0.09), 0.014, slot=1)
        m.ball(0.03, at=(w * 0.6, s * 0.08, z + h + 0.1), slot=2)


@family()
def butterfly(m: Model, rng: np.random.Generator) -> None:
    """Draw a thin body with two pairs of raised wings and feelers."""
    u = rng.uniform
    lift = u(10, 60)
    m.body(
        [
            (-0.28, 0.05, 0.02, 0.02),
            (-0.1, 0.05, 0.035, 0.035),
            (0.12, 0.06, 0.05, 0.05),
            (0.22, 0.06, 0.02, 0.02),
        ]
    )
    m.ball(0.055, at=(0.24, 0, 0.07), slot=0)
    big, small = u(0.3, 0.5), u(0.2, 0.36)
    for s in (-1, 1):
        with m.placed(at=(0, 0, 0.06), rot=turn("x", s * lift)):
            m.ball((big * 0.55, big * 0.6, 0.012), at=(0.16, s * big * 0.55, 0), slot=1, rot=turn("z", s * 35))
            m.ball(
                (small * 0.5, small * 0.6, 0.012),
                at=(-0.14, s * small * 0.55, 0),
                slot=2,
                rot=turn("z", -s * 30),
            )
        m.bent([(0.26, s * 0.02, 0.1), (0.36, s * 0.06, 0.2), (0.44, s * 0.13, 0.22)], 0.01, slot=0, n=8)
