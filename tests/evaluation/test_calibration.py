from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sourcefree.errors import DataError
from sourcefree.evaluation.calibration import expected_calibration_error


def test_equals_the_hand_calculation_over_two_bins() -> None:
    # (0, .5]: confidences .4 .5, one right -> |.5 - .45| * 2; (.5, 1]: .9 .7, both right -> |1 - .8| * 2.
    confidence = np.array([0.4, 0.5, 0.9, 0.7])
    correct = np.array([True, False, True, True])
    expected = (2 * 0.05 + 2 * 0.2) / 4
    assert expected_calibration_error(confidence=confidence, correct=correct, bins=2) == pytest.approx(expected)


def test_is_zero_when_confidence_equals_accuracy() -> None:
    confidence = np.array([0.75] * 4 + [0.25] * 4)
    correct = np.array([1, 1, 1, 0, 0, 0, 0, 1], dtype=bool)
    assert expected_calibration_error(confidence=confidence, correct=correct) == pytest.approx(0.0)


def test_errors_in_different_bins_do_not_cancel() -> None:
    confidence, correct = np.array([0.3, 0.7]), np.array([True, False])
    assert expected_calibration_error(confidence=confidence, correct=correct) == pytest.approx(0.7)


def test_right_edge_belongs_to_the_bin_and_default_is_fifteen_bins() -> None:
    # 3/15 closes bin 3 and shares it with .19; just above starts bin 4.
    correct = np.array([True, False])
    same = expected_calibration_error(confidence=np.array([0.2, 0.19]), correct=correct)
    apart = expected_calibration_error(confidence=np.array([0.2001, 0.19]), correct=correct)
    assert same == pytest.approx(abs(1 - 0.39) / 2)
    assert apart == pytest.approx((abs(1 - 0.2001) + 0.19) / 2)


def test_extremes_fall_into_the_first_and_last_bin() -> None:
    confidence, correct = np.array([0.0, 1.0]), np.array([False, True])
    assert expected_calibration_error(confidence=confidence, correct=correct) == 0.0


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=50))
def test_lies_between_the_overall_gap_and_one(rows: list[tuple[float, bool]]) -> None:
    confidence = np.array([row[0] for row in rows])
    correct = np.array([row[1] for row in rows])
    error = expected_calibration_error(confidence=confidence, correct=correct)
    # Binning can only add to the gap of the whole set (triangle inequality).
    assert abs(correct.mean() - confidence.mean()) - 1e-9 <= error <= 1 + 1e-9


@pytest.mark.parametrize(
    ("confidence", "correct"),
    [
        (np.array([0.5]), np.array([True, False])),
        (np.array([]), np.array([], dtype=bool)),
        (np.array([[0.5]]), np.array([[True]])),
        (np.array([1.5]), np.array([True])),
        (np.array([np.nan]), np.array([True])),
    ],
)
def test_refuses_what_is_no_confidence(confidence: np.ndarray, correct: np.ndarray) -> None:
    with pytest.raises(DataError):
        expected_calibration_error(confidence=confidence, correct=correct)
