"""The deciding score on other held-out scenes."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from sourcefree.selection.resampling import resampled_information
from sourcefree.selection.scores import target_information
from sourcefree.selection.temperature import pair_temperature

TARGET = 3.0 * torch.randn(80, 4, generator=torch.Generator().manual_seed(1))


def pairs(count: int, *, noise: float) -> tuple[Tensor, Tensor]:
    """Return a model's logits on pairs and the source model's, which they follow with some noise."""
    generator = torch.Generator().manual_seed(2)
    source = 3.0 * torch.randn(count, 4, generator=generator)
    return source + noise * torch.randn(count, 4, generator=generator), source


def information(own: Tensor, source: Tensor) -> float:
    """Return what the answers tell at the temperature that all pairs ask for."""
    return target_information(TARGET, temperature=pair_temperature(own, source))


def test_one_scene_leaves_nothing_to_draw_and_gives_the_score_itself() -> None:
    own, source = pairs(40, noise=2.0)
    found = resampled_information(TARGET, own, source, torch.zeros(40, dtype=torch.int64))
    assert len(set(found.tolist())) == 1
    assert float(found[0]) == pytest.approx(information(own, source), abs=0.03)


def test_draws_lie_around_the_score_and_closer_the_more_scenes_there_are() -> None:
    spreads = []
    for count in (12, 400):
        own, source = pairs(count, noise=3.0)
        found = resampled_information(TARGET, own, source, torch.arange(count))
        assert float(found.median()) == pytest.approx(information(own, source), abs=0.06)
        spreads.append(float(found.quantile(0.95) - found.quantile(0.05)))
    assert spreads[1] < spreads[0] / 3


def test_copies_of_a_scene_are_no_further_evidence() -> None:
    own, source = pairs(10, noise=3.0)
    once = resampled_information(TARGET, own, source, torch.arange(10))
    own, source = own.repeat_interleave(5, 0), source.repeat_interleave(5, 0)
    assert resampled_information(TARGET, own, source, torch.arange(50) // 5).equal(once)
    assert float(resampled_information(TARGET, own, source, torch.arange(50)).std()) < 0.7 * float(once.std())


def test_scenes_of_more_pairs_weigh_more_as_in_the_score() -> None:
    """A draw's temperature is that of the pairs in it, not of the scenes' means."""
    (good, source), (bad, other) = pairs(30, noise=0.1), pairs(3, noise=9.0)
    own, answers = torch.cat([good, bad]), torch.cat([source, other])
    scenes = torch.tensor([0] * 30 + [1] * 3)
    draws = sorted(set(resampled_information(TARGET, own, answers, scenes).tolist()))
    expected = [
        information(torch.cat([good] * first + [bad] * second), torch.cat([source] * first + [other] * second))
        for first, second in ((0, 2), (1, 1), (2, 0))
    ]
    assert draws == pytest.approx(sorted(expected), abs=0.05)


def test_the_same_scenes_are_drawn_for_every_model() -> None:
    """A model that is better on every scene is better on every draw, though draws differ by more than the models do."""
    own, source = pairs(12, noise=3.0)
    worse = own + 0.5 * (own - source)
    better, poorer = (resampled_information(TARGET, logits, source, torch.arange(12)) for logits in (own, worse))
    assert float(poorer.max()) > float(better.min())
    assert float((better >= poorer).double().mean()) == 1.0


def test_answers_that_are_no_numbers_lead_nobody() -> None:
    own, source = pairs(12, noise=1.0)
    broken = resampled_information(TARGET * torch.nan, own * torch.nan, source, torch.arange(12))
    assert not bool((broken > -torch.inf).any())
