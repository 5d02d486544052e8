"""An accuracy no label was needed for, with the room that it must be given."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from scipy.stats import t as student_t
from torch import Tensor

_TEMPERATURE = 0.16  # what it may be wrong by: 95 % of the adapted models of depth-b and of nir-1 lie inside
_LEVEL = 0.95  # of the room for other scenes


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


def estimate_accuracy(confidence: Tensor, scenes: Tensor) -> AccuracyEstimate:
    """Return the estimate from the mean probability of the predicted class at the trusted temperature.

    Where probabilities are honest, their mean is the expected accuracy; on images that the model was trained on without labels
    they are not, whatever the temperature. The temperature is found without labels
    (:func:`sourcefree.selection.temperature.trusted_temperature`), so it is off by an amount that no formula gives: the
    interval has as much room for it as was measured. And few scenes may be harder or easier than the rest: the
    interval has room for that as their differences ask for.

    Args:
        confidence: (N,) probability of the predicted class on target images that the model was not trained on.
        scenes: (N,) number of the scene that each shows.

    Reference: average confidence, Hendrycks and Gimpel, 2017; Guo et al., 2017; the error of a mean over scenes: Cochran,
    "Sampling techniques", 1977 (clusters of unequal size); the room for the temperature is ours.
    """
    guess = float(confidence.double().mean())
    deviations = (confidence.double() - guess) / len(confidence)
    by_scene = torch.stack([deviations[scenes == number].sum() for number in set(scenes.tolist())])
    room = math.hypot(_TEMPERATURE, room_for_scenes(by_scene))
    return AccuracyEstimate(guess, max(guess - room, 0.0), min(guess + room, 1.0))


def room_for_scenes(by_scene: Tensor) -> float:
    """Return half the interval (95 %) that a sum over scenes has if other scenes are drawn.

    Args:
        by_scene: (S,) what each scene adds to the sum.
    """
    count = len(by_scene)
    if count < 2:
        return 1.0  # nothing is known of other scenes
    error = math.sqrt(count * float(by_scene.var()))
    return error * float(student_t.ppf((1 + _LEVEL) / 2, count - 1))
