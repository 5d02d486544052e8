"""What labelled images say about a classifier: accuracy, balance, calibration."""

from __future__ import annotations

from sourcefree.evaluation.calibration import expected_calibration_error
from sourcefree.evaluation.metrics import ClassificationMetrics, classification_metrics

__all__ = ["ClassificationMetrics", "classification_metrics", "expected_calibration_error"]
