"""Losses of the baselines against values computed by hand, with loops and numpy."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from sourcefree.losses.contrastive import class_aware_info_nce
from sourcefree.losses.information import diversity
from sourcefree.losses.matching import feature_norm
from sourcefree.losses.neighbourhood import attraction, dispersion, nearest, reciprocal_weights
from sourcefree.losses.pseudo_labels import centroid_pseudo_labels
from sourcefree.losses.statistics import statistics_gap


def test_statistics_gap_by_hand() -> None:
    layers = [nn.BatchNorm2d(2), nn.BatchNorm2d(1)]
    layers[0].running_mean[:] = torch.tensor([1.0, 0.0])
    layers[0].running_var[:] = torch.tensor([2.0, 1.0])
    layers[1].running_mean[:] = 3.0
    # Channel 0: values 0 and 4 (mean 2, biased variance 4); channel 1: 1 and 1 (mean 1, variance 0).
    first = torch.tensor([[[[0.0, 4.0]], [[1.0, 1.0]]]])
    second = torch.tensor([[[[2.0, 6.0]]]])  # mean 4, variance 4
    expected = 10 * (math.hypot(2 - 1, 1 - 0) + math.hypot(4 - 2, 0 - 1)) + (abs(4 - 3) + abs(4 - 1))
    assert statistics_gap([first, second], layers).item() == pytest.approx(expected)


def test_socket_feature_term_is_the_frobenius_norm() -> None:
    student, teacher = torch.tensor([[1.0, 2.0], [0.0, 0.0]]), torch.tensor([[0.0, 0.0], [2.0, 0.0]])
    assert feature_norm(student, teacher).item() == pytest.approx(3.0)  # sqrt(1 + 4 + 4)


def test_diversity_by_hand() -> None:
    logits = torch.log(torch.tensor([[0.8, 0.2], [0.2, 0.8]]))
    assert diversity(logits).item() == pytest.approx(-math.log(2))


def test_nearest_by_cosine_without_the_image_itself() -> None:
    bank = torch.tensor([[1.0, 0.0], [10.0, 1.0], [0.0, 1.0], [-1.0, 0.0]])
    found = nearest(bank[:2], bank, count=2, own=torch.tensor([0, 1]))
    assert found.tolist() == [[1, 2], [0, 2]]
    assert nearest(bank[:1], bank, count=9, own=torch.tensor([0])).shape == (1, 3)


def test_reciprocal_neighbours_count_fully_and_others_a_tenth() -> None:
    neighbours = torch.tensor([[1, 2]])
    theirs = torch.tensor([[[0, 3], [3, 4]]])
    weights = reciprocal_weights(neighbours, theirs, torch.tensor([0]), otherwise=0.1)
    assert weights.tolist() == [[1.0, pytest.approx(0.1)]]


def test_attraction_and_dispersion_against_loops() -> None:
    generator = np.random.default_rng(0)
    p = generator.dirichlet(np.ones(4), 3).astype(np.float32)
    stored = generator.dirichlet(np.ones(4), (3, 2)).astype(np.float32)
    weights = generator.random((3, 2)).astype(np.float32)
    expected = -np.mean([sum(weights[i, k] * stored[i, k] @ p[i] for k in range(2)) for i in range(3)])
    found = attraction(torch.tensor(p), torch.tensor(stored), torch.tensor(weights))
    assert found.item() == pytest.approx(expected, rel=1e-5)
    spread = np.mean([sum(p[i] @ p[m] for m in range(3) if m != i) for i in range(3)])
    assert dispersion(torch.tensor(p), torch.arange(3)).item() == pytest.approx(spread, rel=1e-5)


def test_an_image_that_comes_twice_in_a_batch_is_not_driven_away_from_itself() -> None:
    p = torch.eye(3)[[0, 1, 2, 0]]
    assert dispersion(p, torch.tensor([7, 3, 5, 7])).item() == 0
    assert dispersion(p, torch.tensor([7, 3, 5, 8])).item() == pytest.approx(0.5)


def test_contrast_leaves_out_stored_images_of_the_same_pseudo_class() -> None:
    query, key = torch.tensor([[2.0, 0.0]]), torch.tensor([[3.0, 4.0]])
    bank = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-5.0, 0.0]])
    found = class_aware_info_nce(
        query,
        key,
        bank,
        query_labels=torch.tensor([1]),
        bank_labels=torch.tensor([1, 0, 2]),
        temperature=0.5,
    )
    positive, negatives = math.exp(0.6 / 0.5), math.exp(0.0) + math.exp(-1.0 / 0.5)
    assert found.item() == pytest.approx(-math.log(positive / (positive + negatives)), rel=1e-5)


def _pseudo_labels_by_loops(features: np.ndarray, probabilities: np.ndarray) -> list[int]:
    """SHOT's pseudo-labels as its paper writes them, image by image."""
    points = [np.append(row, 1.0) for row in features]
    points = [row / np.linalg.norm(row) for row in points]
    classes = range(probabilities.shape[1])
    alive = sorted({int(row.argmax()) for row in probabilities})
    weights = probabilities
    labels: list[int] = []
    for _ in range(2):
        centroids = {
            k: sum(w[k] * x for w, x in zip(weights, points, strict=True)) / (1e-8 + sum(w[k] for w in weights))
            for k in classes
        }
        cosine = [{k: x @ centroids[k] / np.linalg.norm(centroids[k]) for k in alive} for x in points]
        labels = [max(row, key=row.__getitem__) for row in cosine]
        weights = np.eye(len(classes))[labels]
        alive = sorted(set(labels))
    return labels


@pytest.mark.parametrize("seed", range(5))
def test_pseudo_labels_against_an_independent_version(seed: int) -> None:
    generator = np.random.default_rng(seed)
    features = generator.normal(size=(40, 6))
    logits = generator.normal(size=(40, 4)) * 2
    logits[:, 3] -= 20  # a class that nothing is predicted as
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    found = centroid_pseudo_labels(torch.tensor(features), torch.tensor(logits)).tolist()
    assert found == _pseudo_labels_by_loops(features, probabilities)
    assert 3 not in found


def test_neighbours_are_found_in_full_precision_under_autocast() -> None:
    torch.manual_seed(0)
    bank = 1 + 0.1 * torch.randn(200, 64)
    found = nearest(bank[:50], bank, count=3, own=torch.arange(50))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(nearest(bank[:50], bank, count=3, own=torch.arange(50)), found)
        assert dispersion(bank.softmax(-1), torch.arange(200)).dtype == torch.float32
