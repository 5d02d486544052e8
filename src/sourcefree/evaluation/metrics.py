"""Classification metrics on labelled images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, recall_score

from sourcefree.errors import DataError
from sourcefree.evaluation.calibration import expected_calibration_error

_ROW_SUM_TOLERANCE = 1e-2  # half-precision softmax rows miss 1 by a few thousandths


@dataclass(frozen=True, eq=False)
class ClassificationMetrics:
    """What labelled images say about a classifier of K classes.

    Attributes:
        accuracy: share of images whose most probable class is the true one.
        class_mean_accuracy: recall averaged over the classes that occur in the labels.
        macro_f1: F1 averaged over the classes that occur in the labels or in the predictions.
        ece: expected calibration error of the predicted class, 15 bins of equal width.
        confusion: (K, K) int64 image counts, rows true, columns predicted.
        per_class_recall: (K,) float64, NaN for a class without an image.
        count: number of images.
    """

    accuracy: float
    class_mean_accuracy: float
    macro_f1: float
    ece: float
    confusion: NDArray[np.int64]
    per_class_recall: NDArray[np.float64]
    count: int

    def to_dict(self) -> dict[str, Any]:
        """Return the metrics as plain JSON values; the recall of a class without an image is None."""
        recall = [None if np.isnan(value) else float(value) for value in self.per_class_recall]
        return {
            "accuracy": self.accuracy,
            "class_mean_accuracy": self.class_mean_accuracy,
            "macro_f1": self.macro_f1,
            "ece": self.ece,
            "confusion": self.confusion.tolist(),
            "per_class_recall": recall,
            "count": self.count,
        }


def classification_metrics(
    *, probabilities: NDArray[np.floating], labels: NDArray[np.integer]
) -> ClassificationMetrics:
    """Return accuracy, class-mean accuracy, macro-F1, calibration error and confusion matrix.

    Args:
        probabilities: (N, K) class probabilities, rows summing to 1; K may exceed the classes in ``labels``.
        labels: (N,) true class index in 0..K-1.

    Raises:
        DataError: empty input, shapes that do not fit, rows that are no distributions, labels not in 0..K-1.

    Reference:
        ECE: Guo et al., ICML 2017. Which classes enter macro-F1: scikit-learn's convention.
    """
    probabilities = np.asarray(probabilities, dtype=np.float64)
    labels = np.asarray(labels)
    _check(probabilities, labels)
    classes = np.arange(probabilities.shape[1])
    predicted = probabilities.argmax(axis=1)
    confidence = np.clip(probabilities.max(axis=1), 0.0, 1.0)
    recall = recall_score(labels, predicted, labels=classes, average=None, zero_division=np.nan)
    occurring = np.union1d(labels, predicted)
    return ClassificationMetrics(
        accuracy=float(accuracy_score(labels, predicted)),
        class_mean_accuracy=float(np.nanmean(recall)),
        macro_f1=float(f1_score(labels, predicted, labels=occurring, average="macro", zero_division=0.0)),
        ece=expected_calibration_error(confidence=confidence, correct=predicted == labels),
        confusion=confusion_matrix(labels, predicted, labels=classes).astype(np.int64),
        per_class_recall=np.asarray(recall, dtype=np.float64),
        count=len(labels),
    )


def _check(probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> None:
    """Raise DataError unless the two arrays are N distributions over K classes and N class indices."""
    if probabilities.ndim != 2 or probabilities.shape[1] == 0:
        raise DataError(f"probabilities must have shape (N, K), found {probabilities.shape}")
    if labels.ndim != 1 or len(labels) != len(probabilities):
        raise DataError(
            f"labels must have shape ({len(probabilities)},) to fit probabilities of shape "
            f"{probabilities.shape}, found {labels.shape}"
        )
    if len(labels) == 0:
        raise DataError("metrics need at least one labelled image, found none")
    if not np.issubdtype(labels.dtype, np.integer):
        raise DataError(f"labels must be integer class indices, found dtype {labels.dtype}")
    classes = probabilities.shape[1]
    if labels.min() < 0 or labels.max() >= classes:
        raise DataError(
            f"labels must lie in 0..{classes - 1}, found {labels.min()}..{labels.max()}",
            hint="check that the label names of the data are those of the model",
        )
    sums = probabilities.sum(axis=1)
    valid = np.all(np.isfinite(probabilities)) and probabilities.min() >= 0
    if not (valid and np.allclose(sums, 1.0, atol=_ROW_SUM_TOLERANCE)):
        raise DataError(
            "every row of probabilities must be finite, not negative and sum to 1, "
            f"found values from {probabilities.min()} and row sums from {sums.min()} to {sums.max()}",
            hint="apply softmax to logits first",
        )
