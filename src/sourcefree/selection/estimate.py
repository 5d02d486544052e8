"""An accuracy no label was needed for, with the room that it must be given."""

from __future__ import annotations

from dataclasses import dataclass

# Wide enough for nearly all adapted models that we measured (docs/selection.md): the guess is too high where scenes are few.
_BELOW, _ABOVE = 0.30, 0.15


@dataclass(frozen=True)
class AccuracyEstimate:
    """What the delivered model's accuracy on the target images may be.

    Attributes:
        accuracy: best guess, in 0..1.
        low: lower end of the interval.
        high: upper end of the interval.
    """

    accuracy: float
    low: float
    high: float

    def to_dict(self) -> dict[str, float]:
        """Return the entry of ``summary.json``."""
        return {"accuracy": self.accuracy, "low": self.low, "high": self.high}


def estimate_accuracy(calibrated_confidence: float) -> AccuracyEstimate:
    """Return the estimate from the mean probability of the predicted class at the source-free temperature.

    Where probabilities are honest, their mean is the expected accuracy. The temperature is found without labels
    (:func:`sourcefree.selection.mixing.source_free_temperature`), so it is off by an amount that no formula gives: the
    interval's width is what was measured, and it is as wide on purpose.

    Args:
        calibrated_confidence: mean over the target images.

    Reference: average confidence, Hendrycks and Gimpel, 2017; Guo et al., 2017; the width is ours.
    """
    guess = min(max(calibrated_confidence, 0.0), 1.0)
    return AccuracyEstimate(guess, max(guess - _BELOW, 0.0), min(guess + _ABOVE, 1.0))
