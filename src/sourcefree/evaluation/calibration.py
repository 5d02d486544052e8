"""How well confidence matches correctness."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sourcefree.errors import DataError


def expected_calibration_error(
    *, confidence: NDArray[np.floating], correct: NDArray[np.bool_], bins: int = 15
) -> float:
    """Return the expected calibration error of the predicted class, between 0 (calibrated) and 1.

    ``ECE = sum_m |B_m| / N * |accuracy(B_m) - confidence(B_m)|`` over ``bins`` bins of equal width; bin m
    holds the confidences in ((m - 1) / bins, m / bins], and 0 falls into the first bin.

    Args:
        confidence: (N,) probability of the predicted class, in [0, 1].
        correct: (N,) whether the predicted class is the true one.
        bins: number of bins.

    Raises:
        DataError: the shapes differ, nothing was given, or a confidence lies outside [0, 1].

    Reference:
        Guo et al., On Calibration of Modern Neural Networks, ICML 2017, eq. 3.
    """
    confidence, correct = np.asarray(confidence, dtype=np.float64), np.asarray(correct, dtype=bool)
    if confidence.ndim != 1 or confidence.shape != correct.shape or confidence.size == 0:
        raise DataError(
            "calibration needs one confidence and one correct/wrong for each of at least one image, "
            f"found shapes {confidence.shape} and {correct.shape}"
        )
    if not np.all((confidence >= 0) & (confidence <= 1)):  # NaN fails both comparisons
        raise DataError(
            f"a confidence lies in [0, 1], found values from {confidence.min()} to {confidence.max()}",
            hint="pass probabilities after softmax, not logits",
        )
    if bins < 1:
        raise DataError(f"calibration needs at least one bin, found bins={bins}")
    inner_edges = np.linspace(0.0, 1.0, bins + 1)[1:-1]
    bin_of = np.digitize(confidence, inner_edges, right=True)
    confidence_sum = np.bincount(bin_of, weights=confidence, minlength=bins)
    correct_sum = np.bincount(bin_of, weights=correct.astype(np.float64), minlength=bins)
    # |B_m|/N * |acc - conf| is the absolute difference of the sums over N: no division by empty bins.
    return float(np.abs(correct_sum - confidence_sum).sum() / confidence.size)
