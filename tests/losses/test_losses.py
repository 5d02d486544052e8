"""Every loss against numbers worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sourcefree.losses.adversarial import domain_gap, reverse_gradient
from sourcefree.losses.distillation import distillation
from sourcefree.losses.information import entropy, information_maximization
from sourcefree.losses.matching import feature_matching, stage_matching
from sourcefree.losses.pseudo_labels import centroid_pseudo_labels
from sourcefree.losses.reconstruction import pixel_reconstruction


def logits_of(*rows: tuple[float, ...]) -> torch.Tensor:
    """Logits whose softmax is the given rows."""
    return torch.tensor(rows).log()


def test_reversed_gradient_has_the_opposite_sign_and_is_scaled() -> None:
    x = torch.tensor([2.0, 3.0], requires_grad=True)
    y = reverse_gradient(x, 0.5)
    assert torch.equal(y, x)
    (y * torch.tensor([1.0, 4.0])).sum().backward()
    assert torch.equal(x.grad, torch.tensor([-0.5, -2.0]))


def test_domain_gap_is_ln_2_for_a_guess_and_by_hand_otherwise() -> None:
    assert domain_gap(torch.zeros(4, 1), torch.zeros(4, 1)).item() == pytest.approx(math.log(2))
    # -log sigmoid(ln 3) = ln(4/3); -log(1 - sigmoid(ln 1/4)) = ln(5/4)
    found = domain_gap(torch.tensor([math.log(3)]), torch.tensor([math.log(0.25)])).item()
    assert found == pytest.approx((math.log(4 / 3) + math.log(5 / 4)) / 2)


def test_one_step_on_the_gap_teaches_the_critic_and_fools_it_at_once() -> None:
    feature, weight = torch.tensor([1.0], requires_grad=True), torch.tensor([1.0], requires_grad=True)
    domain_gap(torch.tensor([3.0]), weight * reverse_gradient(feature)).backward()
    assert weight.grad.item() > 0  # descent lowers the critic's logit of the fake: better at telling apart
    assert feature.grad.item() < 0  # descent raises it: the feature moves towards "real"


def test_entropy_and_information_by_hand() -> None:
    rows = logits_of((1.0 - 1e-7, 1e-7), (0.5, 0.5))
    assert entropy(rows.softmax(-1)).tolist() == pytest.approx([0.0, math.log(2)], abs=1e-5)
    mean = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert information_maximization(rows).item() == pytest.approx(math.log(2) / 2 - mean, abs=1e-5)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 20), st.integers(2, 7), st.integers(0, 10_000))
def test_information_lies_between_minus_log_k_and_zero(n: int, k: int, seed: int) -> None:
    logits = 5 * torch.randn(n, k, generator=torch.Generator().manual_seed(seed))
    assert -math.log(k) - 1e-4 <= information_maximization(logits).item() <= 1e-4


def test_without_diversity_information_is_the_entropy_of_each_answer() -> None:
    logits = torch.tensor([[2.0, 0.0], [0.0, 1.0], [3.0, 0.0]])
    whole, half, none = (information_maximization(logits, diversity=share) for share in (1.0, 0.5, 0.0))
    assert none == pytest.approx(entropy(logits.softmax(-1)).mean().item())
    assert half.item() == pytest.approx((whole + none).item() / 2)


def test_confident_and_varied_answers_reach_the_best_information() -> None:
    assert information_maximization(100 * torch.eye(5)).item() == pytest.approx(-math.log(5), abs=1e-4)
    collapsed = torch.zeros(5, 5)
    collapsed[:, 0] = 100
    assert information_maximization(collapsed).item() == pytest.approx(0, abs=1e-4)


def test_distillation_is_the_kl_divergence_by_hand() -> None:
    teacher, student = logits_of((0.5, 0.5), (0.9, 0.1)), logits_of((0.75, 0.25), (0.9, 0.1))
    kl = 0.5 * math.log(0.5 / 0.75) + 0.5 * math.log(0.5 / 0.25)
    assert distillation(student, teacher).item() == pytest.approx(kl / 2, abs=1e-6)


def test_distillation_with_temperature_by_hand() -> None:
    teacher, student = torch.tensor([[2 * math.log(3), 0.0]]), torch.tensor([[0.0, 0.0]])
    # at tau = 2 the teacher says (3/4, 1/4), the student (1/2, 1/2)
    kl = 0.75 * math.log(1.5) + 0.25 * math.log(0.5)
    assert distillation(student, teacher, temperature=2.0).item() == pytest.approx(4 * kl, abs=1e-6)


def test_no_gradient_reaches_the_teacher() -> None:
    student, teacher = torch.randn(3, 4, requires_grad=True), torch.randn(3, 4, requires_grad=True)
    (distillation(student, teacher) + feature_matching(student, teacher)).backward()
    assert teacher.grad is None
    assert student.grad is not None


def test_feature_matching_and_reconstruction_are_mean_squares() -> None:
    first, second = torch.tensor([[1.0, 2.0], [0.0, 0.0]]), torch.tensor([[0.0, 4.0], [0.0, 1.0]])
    assert feature_matching(first, second).item() == pytest.approx((1 + 4 + 0 + 1) / 4)
    images = first.reshape(2, 1, 1, 2), second.reshape(2, 1, 1, 2)
    assert pixel_reconstruction(*images).item() == pytest.approx(6 / 4)


def test_stage_matching_sees_directions_only() -> None:
    teacher = [torch.tensor([3.0, 4.0]).reshape(1, 2, 1, 1)]
    same = [torch.tensor([6.0, 8.0]).reshape(1, 2, 1, 1)]
    right_angle = [torch.tensor([-4.0, 3.0]).reshape(1, 2, 1, 1)]
    opposite = [torch.tensor([-0.3, -0.4]).reshape(1, 2, 1, 1)]
    assert stage_matching(same, teacher).item() == pytest.approx(0, abs=1e-6)
    assert stage_matching(right_angle, teacher).item() == pytest.approx(2)
    assert stage_matching(opposite, teacher).item() == pytest.approx(4)
    assert stage_matching(same + opposite, teacher + teacher).item() == pytest.approx(2)


def test_stage_matching_of_tokens_normalises_the_last_axis() -> None:
    teacher, student = torch.zeros(1, 2, 3), torch.zeros(1, 2, 3)
    teacher[..., 0], student[..., 0] = 1.0, 5.0
    assert stage_matching([student], [teacher]).item() == pytest.approx(0)


def test_centroids_relabel_a_point_that_the_head_gets_wrong() -> None:
    features = torch.tensor([[10.0, 0.0], [9.0, 1.0], [0.0, 10.0], [1.0, 9.0], [9.5, 0.5]])
    logits = logits_of((0.9, 0.1), (0.8, 0.2), (0.1, 0.9), (0.2, 0.8), (0.4, 0.6))
    assert centroid_pseudo_labels(features, logits).tolist() == [0, 0, 1, 1, 0]


def test_a_class_without_any_prediction_gets_no_pseudo_label() -> None:
    features = torch.tensor([[10.0, 0.0], [0.0, 10.0]])
    logits = logits_of((0.6, 0.01, 0.39), (0.01, 0.6, 0.39))
    assert set(centroid_pseudo_labels(features, logits).tolist()) <= {0, 1}


def test_the_second_round_uses_hard_labels() -> None:
    # Directions 0, 90, 90 and 62 degrees. Soft centroids point to 47 and 81 degrees: the last point (62) belongs to class 0.
    # The third point is then of class 1, so that hard centroids point to 31 and 90 degrees: the last point changes sides.
    angles = torch.tensor([0.0, 90.0, 90.0, 62.0]) * math.pi / 180
    features = 1000 * torch.stack([angles.cos(), angles.sin()], dim=1)
    logits = logits_of((0.999, 0.001), (0.001, 0.999), (0.9, 0.1), (0.5, 0.5))
    assert centroid_pseudo_labels(features, logits, rounds=1).tolist() == [0, 1, 1, 0]
    assert centroid_pseudo_labels(features, logits, rounds=2).tolist() == [0, 1, 1, 1]
