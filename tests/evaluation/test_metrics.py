from __future__ import annotations

import json

import numpy as np
import pytest

from sourcefree.errors import DataError
from sourcefree.evaluation import classification_metrics


def one_hot(predicted: list[int], classes: int, confidence: float = 1.0) -> np.ndarray:
    rest = (1 - confidence) / (classes - 1)
    rows = np.full((len(predicted), classes), rest)
    rows[np.arange(len(predicted)), predicted] = confidence
    return rows


def test_equals_the_hand_calculation() -> None:
    # true 0 0 0 1 1 2, predicted 0 0 1 1 1 0
    metrics = classification_metrics(probabilities=one_hot([0, 0, 1, 1, 1, 0], 3), labels=np.array([0, 0, 0, 1, 1, 2]))
    assert metrics.count == 6
    assert metrics.accuracy == pytest.approx(4 / 6)
    assert metrics.per_class_recall == pytest.approx([2 / 3, 1.0, 0.0])
    assert metrics.class_mean_accuracy == pytest.approx((2 / 3 + 1 + 0) / 3)
    # F1: class 0: 2*2/(2*2+1+1) = 2/3; class 1: 2*2/(2*2+1+0) = .8; class 2: 0
    assert metrics.macro_f1 == pytest.approx((2 / 3 + 0.8 + 0) / 3)
    assert metrics.confusion.tolist() == [[2, 1, 0], [0, 2, 0], [1, 0, 0]]
    assert metrics.ece == pytest.approx(1 - 4 / 6)  # always certain, right in 4 of 6


def test_classes_without_an_image_do_not_lower_the_class_mean() -> None:
    metrics = classification_metrics(probabilities=one_hot([0, 1, 1], 5), labels=np.array([0, 1, 0]))
    assert metrics.confusion.shape == (5, 5)
    assert metrics.class_mean_accuracy == pytest.approx((0.5 + 1.0) / 2)
    assert np.isnan(metrics.per_class_recall[2:]).all()
    assert metrics.macro_f1 == pytest.approx((2 / 3 + 2 / 3) / 2)


def test_a_predicted_class_that_never_occurs_counts_in_macro_f1_only() -> None:
    metrics = classification_metrics(probabilities=one_hot([0, 3], 4), labels=np.array([0, 0]))
    assert metrics.class_mean_accuracy == pytest.approx(0.5)
    assert metrics.macro_f1 == pytest.approx((2 / 3 + 0) / 2)


def test_perfect_calibration_gives_zero() -> None:
    probabilities = one_hot([0, 0, 0, 0], 2, confidence=0.75)
    metrics = classification_metrics(probabilities=probabilities, labels=np.array([0, 0, 0, 1]))
    assert metrics.ece == pytest.approx(0.0)


def test_dictionary_is_strict_json_and_keeps_every_number() -> None:
    metrics = classification_metrics(probabilities=one_hot([0, 1], 3), labels=np.array([0, 0]))
    again = json.loads(json.dumps(metrics.to_dict(), allow_nan=False))
    assert again["per_class_recall"] == [0.5, None, None]
    assert again["confusion"] == [[1, 1, 0], [0, 0, 0], [0, 0, 0]]
    assert again["accuracy"] == metrics.accuracy
    assert again["count"] == 2


def test_half_precision_probabilities_are_accepted() -> None:
    probabilities = np.random.default_rng(0).dirichlet(np.ones(17), size=20).astype(np.float16)
    metrics = classification_metrics(probabilities=probabilities, labels=np.arange(20) % 17)
    assert metrics.confusion.sum() == 20


@pytest.mark.parametrize(
    ("probabilities", "labels", "words"),
    [
        (np.array([0.5, 0.5]), np.array([0]), "(N, K)"),
        (one_hot([0, 1], 2), np.array([0]), "(2,)"),
        (one_hot([0, 1], 2), np.array([[0], [1]]), "(2,)"),
        (np.zeros((0, 3)), np.zeros(0, dtype=int), "at least one"),
        (one_hot([0], 2), np.array([2]), "0..1"),
        (one_hot([0], 2), np.array([-1]), "0..1"),
        (one_hot([0], 2), np.array([0.5]), "integer"),
        (np.array([[3.0, -2.0]]), np.array([0]), "sum to 1"),
        (np.array([[0.9, 0.9]]), np.array([0]), "sum to 1"),
        (np.array([[np.nan, 1.0]]), np.array([0]), "finite"),
    ],
)
def test_wrong_input_is_named(probabilities: np.ndarray, labels: np.ndarray, words: str) -> None:
    with pytest.raises(DataError) as caught:
        classification_metrics(probabilities=probabilities, labels=labels)
    assert words in str(caught.value)
