"""The tests between and within scenes."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from sourcefree.selection import chance
from sourcefree.selection.chance import chance_of_match


def one_answer_each(scenes: int, classes: int) -> Tensor:
    return 5.0 * torch.eye(classes)[torch.arange(scenes) % classes]


def test_a_perfect_match_of_three_scenes_is_one_of_six_orders() -> None:
    answers = one_answer_each(3, 3)
    assert chance_of_match(answers, answers, torch.arange(3)) == pytest.approx(1 / 6, abs=0.03)
    four = one_answer_each(4, 4)  # scenes of one pair each: there is no second test, and nothing to pay for it
    assert chance_of_match(four, four, torch.arange(4)) == pytest.approx(1 / 24, abs=0.02)
    assert chance_of_match(one_answer_each(8, 4), one_answer_each(8, 4), torch.arange(8)) < 0.01


def test_the_worst_match_is_matched_by_every_order() -> None:
    answers = one_answer_each(2, 2)
    assert chance_of_match(answers, answers.flip(0), torch.arange(2)) == 1.0


@pytest.mark.parametrize("which", [0, 1])
def test_the_same_answer_for_every_scene_tells_nothing(which: int) -> None:
    sides = [one_answer_each(8, 4), torch.tensor([[3.0, 0, 0, 0]]).repeat(8, 1)]
    assert chance_of_match(sides[which], sides[1 - which], torch.arange(8)) == 1.0


def test_loudness_makes_no_difference() -> None:
    torch.manual_seed(0)
    logits, source, scenes = torch.randn(30, 4), torch.randn(30, 4), torch.arange(30) // 3
    quiet, loud = (chance_of_match(factor * logits, source, scenes) for factor in (0.2, 5.0))
    assert quiet == loud


def test_pairs_of_one_scene_count_once() -> None:
    answers = one_answer_each(2, 2).repeat_interleave(50, 0)
    assert chance_of_match(answers, answers, torch.arange(100)) < 0.001
    # Two orders, and nothing that differs within: Fisher's method makes p (1 - log p) of p and 1.
    assert chance_of_match(answers, answers, torch.arange(100) // 50) == pytest.approx(0.85, abs=0.03)


def test_answers_that_have_nothing_to_do_with_the_scenes_are_trusted_as_often_as_the_p_value_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(chance, "_ROUNDS", 300)
    torch.manual_seed(1)
    scenes = torch.arange(18) // 3
    found = torch.tensor([chance_of_match(4 * torch.randn(18, 5), torch.randn(18, 5), scenes) for _ in range(300)])
    assert 0.42 < (found < 0.5).float().mean() < 0.58
    assert 0.02 < (found < 0.05).float().mean() < 0.09


def slowly_changing(scenes: int, pairs: int, classes: int) -> Tensor:
    """Return (scenes * pairs, classes) answers that stay the same for some pairs, at other places in each scene."""
    kept = torch.randint(classes, (scenes, 3)).repeat_interleave(pairs // 3, 1)
    turned = torch.stack([row.roll(int(torch.randint(pairs, ()))) for row in kept])
    return 4.0 * torch.eye(classes)[turned.flatten()]


def test_scenes_that_are_alike_tell_by_what_is_in_them() -> None:
    torch.manual_seed(0)
    scenes = torch.arange(6).repeat_interleave(12)
    answers = one_answer_each(72, 4)  # the same mean in every scene
    sign = 1 / 2**6
    assert chance_of_match(answers, answers, scenes) == pytest.approx(sign * (1 - math.log(sign)), rel=0.5)
    assert chance_of_match(answers, answers.roll(1, 0), scenes) > 0.9
    few = scenes < 3
    assert chance_of_match(answers[few], answers[few], scenes[few]) > 0.3


def test_neighbours_that_are_alike_are_no_match_by_that_alone() -> None:
    torch.manual_seed(0)
    scenes = torch.arange(5).repeat_interleave(30)
    found = torch.tensor(
        [chance_of_match(slowly_changing(5, 30, 3), slowly_changing(5, 30, 3), scenes) for _ in range(100)]
    )
    assert (found < 0.05).sum() <= 10
    answers = slowly_changing(5, 30, 3)
    assert chance_of_match(answers, answers, scenes) < 0.02


def drifting(scenes: int, pairs: int, classes: int) -> Tensor:
    """Return (scenes * pairs, classes) answers that drift one way in each scene, as where a camera comes nearer."""
    along = torch.linspace(-1, 1, pairs)[None, :, None]
    return (2 * torch.randn(scenes, 1, classes) * along + 0.3 * torch.randn(scenes, pairs, classes)).flatten(0, 1)


def test_answers_that_drift_on_both_sides_are_no_match_by_that_alone() -> None:
    torch.manual_seed(0)
    scenes = torch.arange(7).repeat_interleave(20)
    found = torch.tensor([chance_of_match(drifting(7, 20, 5), drifting(7, 20, 5), scenes) for _ in range(100)])
    assert (found < 0.05).sum() <= 9  # 5 are due; of shifts along the pairs, 15 and more
    answers = drifting(7, 20, 5)
    assert chance_of_match(answers, answers + torch.randn(140, 5), scenes) < 0.05


def test_answers_that_are_no_numbers_match_nothing() -> None:
    logits = torch.eye(8)
    assert chance_of_match(logits, logits, torch.arange(8)) < 0.05
    assert chance_of_match(logits * torch.nan, logits, torch.arange(8)) == 1
