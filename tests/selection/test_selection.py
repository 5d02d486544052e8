from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from sourcefree.selection.guard import Evidence, choose_candidate
from sourcefree.selection.scores import (
    class_correlation,
    dominant_share,
    mean_confidence,
    mutual_information,
    nuclear_norm,
    pair_agreement,
    pair_divergence,
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


def test_norm_and_correlation_by_hand() -> None:
    sure = 50 * torch.eye(4).repeat(2, 1)  # P^T P = 2 I, singular values of P are sqrt(2)
    assert nuclear_norm(sure) == pytest.approx(4 * math.sqrt(2) / 8, rel=1e-4)
    assert class_correlation(sure) == pytest.approx(-2.0, rel=1e-4)
    collapsed = 50 * torch.eye(4)[:1].repeat(8, 1)  # one singular value, sqrt(8)
    assert nuclear_norm(collapsed) == pytest.approx(math.sqrt(8) / 8, rel=1e-4)
    assert class_correlation(collapsed) == pytest.approx(-1.0, rel=1e-4)


def evidence(agree: int, of: int, information: float) -> Evidence:
    return Evidence(torch.arange(of) < agree, information)


def test_on_equal_evidence_the_adapted_model_is_delivered() -> None:
    same = evidence(50, 100, 1.0)
    decision = choose_candidate({"adapted": same, "adabn": same, "source-only": same})
    assert decision.delivered == "adapted"
    assert decision.warnings == ()


def test_clear_pairs_decide_whatever_the_information_says() -> None:
    decision = choose_candidate({"adapted": evidence(20, 100, 2.0), "source-only": evidence(60, 100, 0.1)})
    assert decision.delivered == "source-only"
    assert "20.0 % against 60.0 %" in decision.warnings[0]


def test_a_small_lead_needs_both_kinds_of_evidence() -> None:
    adapted = evidence(50, 100, 1.0)
    noisy = torch.arange(100) % 2 == 0
    noisy[1] = True  # 51 pairs, others than those of the adapted model
    assert choose_candidate({"adapted": adapted, "adabn": Evidence(noisy, 0.5)}).delivered == "adapted"
    assert choose_candidate({"adapted": adapted, "adabn": Evidence(noisy, 1.5)}).delivered == "adabn"


def test_information_alone_never_decides() -> None:
    assert choose_candidate({"adapted": evidence(50, 100, 0.1), "adabn": evidence(50, 100, 2.0)}).delivered == "adapted"


def test_the_best_fallback_wins() -> None:
    chosen = choose_candidate(
        {"adapted": evidence(10, 100, 0.1), "adabn": evidence(40, 100, 1.0), "source-only": evidence(70, 100, 1.0)}
    )
    assert chosen.delivered == "source-only"
