from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.nn.functional import interpolate, one_hot

from sourcefree.selection.drift import appearance, share_unlike
from sourcefree.selection.estimate import estimate_accuracy
from sourcefree.selection.mixing import mixing_consistency, mixing_partners
from sourcefree.selection.scores import (
    agreement_by_scene,
    class_correlation,
    combined_rank,
    dominant_share,
    mean_confidence,
    mutual_information,
    nuclear_norm,
    pair_agreement,
    pair_divergence,
    pair_information,
    soft_neighbourhood_density,
)


def test_scores_by_hand() -> None:
    logits = torch.tensor([[0.75, 0.25], [0.25, 0.75]]).log()
    source = torch.tensor([[0.9, 0.1], [0.6, 0.4]]).log()
    assert pair_agreement(logits, source) == 0.5
    kl = [
        0.9 * math.log(0.9 / 0.75) + 0.1 * math.log(0.1 / 0.25),
        0.6 * math.log(0.6 / 0.25) + 0.4 * math.log(0.4 / 0.75),
    ]
    assert pair_divergence(logits, source) == pytest.approx(sum(kl) / 2, abs=1e-6)
    conditional = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert mutual_information(logits) == pytest.approx(math.log(2) - conditional, abs=1e-6)
    assert mean_confidence(logits) == pytest.approx(0.75)
    assert dominant_share(logits) == 0.5
    assert dominant_share(source) == 1.0


@pytest.mark.parametrize("block", [2, 3, 1024])
def test_soft_neighbourhood_density_against_loops(block: int) -> None:
    torch.manual_seed(0)
    logits = torch.randn(7, 4)
    p = logits.softmax(-1).numpy()
    entropies = []
    for i in range(7):
        cosine = [p[i] @ p[j] / (np.linalg.norm(p[i]) * np.linalg.norm(p[j])) / 0.05 for j in range(7) if j != i]
        weights = np.exp(np.asarray(cosine) - max(cosine))
        weights /= weights.sum()
        entropies.append(-(weights * np.log(weights)).sum())
    assert soft_neighbourhood_density(logits, block=block) == pytest.approx(np.mean(entropies), rel=1e-4)


def test_neighbourhoods_of_many_images_are_those_of_some_of_them() -> None:
    logits = 9 * torch.eye(2).repeat(10, 1)  # ten images of each answer: nine like it beside it, of any twelve fewer
    some = soft_neighbourhood_density(logits, most=12)
    assert math.log(2) < some < soft_neighbourhood_density(logits) == pytest.approx(math.log(9), rel=1e-3)


def test_norm_and_correlation_by_hand() -> None:
    sure = 50 * torch.eye(4).repeat(2, 1)  # P^T P = 2 I, singular values of P are sqrt(2)
    assert nuclear_norm(sure) == pytest.approx(4 * math.sqrt(2) / 8, rel=1e-4)
    assert class_correlation(sure) == pytest.approx(-2.0, rel=1e-4)
    collapsed = 50 * torch.eye(4)[:1].repeat(8, 1)  # one singular value, sqrt(8)
    assert nuclear_norm(collapsed) == pytest.approx(math.sqrt(8) / 8, rel=1e-4)
    assert class_correlation(collapsed) == pytest.approx(-1.0, rel=1e-4)


def test_pair_information_by_hand() -> None:
    sure = 100 * torch.eye(2).repeat(3, 1)  # each of two classes three times, no doubt in any answer
    assert pair_information(sure, sure).mean().item() == pytest.approx(math.log(2), abs=1e-4)
    assert pair_information(torch.zeros(6, 2), sure).abs().max().item() == 0.0
    # Right half of the time is chance: at the best temperature, the softest, next to nothing is lost.
    unrelated = 100 * torch.eye(2)[[0, 0, 1, 1, 0, 1]]
    assert pair_information(unrelated, 100 * torch.eye(2)[[0, 1, 0, 1, 1, 0]]).mean().item() == pytest.approx(
        0, abs=1e-6
    )


def test_pair_information_does_not_praise_hedging_nor_punish_loudness() -> None:
    torch.manual_seed(0)
    source = 3 * torch.randn(200, 4)
    quiet = source + 2 * torch.randn(200, 4)
    loud = 5 * quiet
    hedging = source.softmax(-1).mean(0).log().expand(200, 4)
    assert pair_divergence(hedging, source) < pair_divergence(loud, source)
    assert pair_information(loud, source).mean() > 0.1 + pair_information(hedging, source).mean()
    ratio = pair_information(loud, source).mean() / pair_information(quiet, source).mean()
    assert ratio.item() == pytest.approx(1.0, abs=0.1)


def test_mixing_partners_have_the_same_or_another_class_and_are_never_oneself() -> None:
    labels = torch.tensor([0, 0, 0, 1, 1, 2])
    for same in (True, False):
        images, partners = mixing_partners(labels, same=same, generator=torch.Generator().manual_seed(0))
        assert images.tolist() == ([0, 1, 2, 3, 4] if same else [0, 1, 2, 3, 4, 5])  # nobody shares class 2
        assert ((labels[images] == labels[partners]) == same).all()
        assert (images != partners).all()


def test_mixing_consistency_is_the_share_of_kept_answers() -> None:
    labels = torch.tensor([0, 0, 1, 1])

    def larger_part(first: torch.Tensor, _second: torch.Tensor, share: float) -> torch.Tensor:
        assert share == 0.55
        return one_hot(labels[first], 2).float()

    assert mixing_consistency(labels, larger_part) == 1.0
    # The partner's answer: right where it has the same class, wrong where it has the other.
    assert mixing_consistency(labels, lambda _a, b, _share: one_hot(labels[b], 2).float()) == 0.5


def test_the_combined_rank_counts_the_models_that_are_behind() -> None:
    """The first is best by one score and second by the other; two models share the last place by the second."""
    assert combined_rank([[9.0, 2.0, 1.0], [0.5, 0.7, 0.5]]) == pytest.approx([(2 + 0.5) / 4, (1 + 2) / 4, 0.5 / 4])
    assert combined_rank([[3.0], [1.0]]) == [0.0]


def test_agreement_is_counted_by_scene() -> None:
    source, own = torch.eye(3)[[0, 1, 2, 0, 1]], torch.eye(3)[[0, 1, 0, 0, 2]]
    assert agreement_by_scene(own, source, torch.tensor([7, 3, 3, 7, 5])) == [1, 0, 2]


def test_appearance_tells_noise_and_another_setting_from_scenes() -> None:
    torch.manual_seed(0)
    scenes = interpolate(torch.randn(300, 1, 6, 6), size=(32, 32), mode="bilinear")
    pairs, target = appearance(scenes[:150]), appearance(scenes[150:])
    assert share_unlike(target, pairs) < 0.05
    assert share_unlike(appearance(torch.randn(50, 1, 32, 32)), pairs) == 1.0
    assert share_unlike(appearance(scenes[150:] * 0.1 + 3), pairs) == 1.0
    assert appearance(torch.zeros(2, 1, 8, 8)).tolist() == [[0.0, 0.0, 0.0]] * 2


def test_the_interval_of_an_estimate_has_room_for_the_temperature_and_for_other_scenes() -> None:
    alike = estimate_accuracy(torch.full((20,), 0.5), torch.arange(20) // 2)
    assert alike.to_dict() == pytest.approx({"accuracy": 0.5, "low": 0.34, "high": 0.66})
    confidence = torch.linspace(0.3, 0.9, 12)
    estimate = estimate_accuracy(confidence, torch.arange(12))
    error = float(confidence.std()) / 12**0.5 * 2.201  # Student's t with 11 degrees of freedom
    assert estimate.accuracy - estimate.low == pytest.approx((0.16**2 + error**2) ** 0.5, abs=1e-4)
    copies = estimate_accuracy(confidence.repeat_interleave(5), torch.arange(60) // 5)
    assert (copies.low, copies.high) == pytest.approx((estimate.low, estimate.high))
    assert estimate_accuracy(confidence, torch.arange(12) // 3).low < estimate.low  # fewer scenes


def test_estimates_stay_within_zero_and_one_and_one_scene_tells_nothing_of_others() -> None:
    sure, lost = (estimate_accuracy(torch.tensor([value, value]), torch.arange(2)) for value in (0.97, 0.05))
    assert (sure.high, lost.low) == (1.0, 0.0)
    one = estimate_accuracy(torch.tensor([0.6, 0.7]), torch.zeros(2))
    assert (one.low, one.high) == (0.0, 1.0)
