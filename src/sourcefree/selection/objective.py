"""The one number by which settings are chosen without labels: higher is better."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from sourcefree.errors import ConfigError, did_you_mean

Objective = Callable[[Mapping[str, float]], float]

COMBINED = "combined"

# Scores that a run computes of its model, and the sign that makes higher better.
SIGNS = {
    "pair_agreement": 1,
    "pair_divergence": -1,
    "pair_information": 1,
    "target_information": 1,
    "information_maximization": 1,
    "mean_confidence": 1,
    "soft_neighbourhood_density": 1,
    "nuclear_norm": 1,
    "class_correlation": 1,
    "mixing_consistency": 1,
    "calibrated_confidence": 1,
}

_SOURCE_DATA = "it weighs or reads labelled source images, and adaptation is source-free: there are none"
_TARGET_LABELS = "it needs target labels, and settings are chosen without a single one"
_REFUSED = {
    **dict.fromkeys(("dev", "deep_embedded_validation"), _SOURCE_DATA),
    **dict.fromkeys(("iwv", "iwcv", "importance_weighting", "importance_weighted_validation"), _SOURCE_DATA),
    **dict.fromkeys(("rv", "reverse_validation"), _SOURCE_DATA),
    **dict.fromkeys(("source_risk", "source_accuracy"), _SOURCE_DATA),
    **dict.fromkeys(("accuracy", "class_mean_accuracy", "macro_f1", "ece", "oracle"), _TARGET_LABELS),
}


def selection_score(scores: Mapping[str, float]) -> float:
    """Return the geometric mean of what a model's answers tell on the target images and on held-out pairs; nats, 0 at worst.

    Each has a blind spot that the other sees. The pairs show scenes outside the task: a model can answer them as the source
    model does and tell the task's classes apart poorly. The target images are the task's, but a model that is varied and
    wrong tells as much of them. A product needs no weight between the two, and is 0 where either tells nothing: for a model
    collapsed to one class, and for one trained on pairs that have nothing to do with each other.

    Args:
        scores: of one model, by name: ``target_information`` and ``pair_information``.

    Raises:
        KeyError: one of the two is missing.
    """
    return math.sqrt(max(scores["target_information"], 0.0) * max(scores["pair_information"], 0.0))


def find_objective(name: str) -> Objective:
    """Return the function of a model's scores that ``--score`` names; higher is better.

    Raises:
        ConfigError: the score needs source data or labels, or is unknown.
    """
    key = name.strip().lower().replace("-", "_").replace(" ", "_")
    if key == COMBINED:
        return selection_score
    if key in _REFUSED:
        raise ConfigError(
            f"--score {name}: it does not apply, {_REFUSED[key]}", hint=f"known: {', '.join((COMBINED, *SIGNS))}"
        )
    if key not in SIGNS:
        raise ConfigError(f"--score: no score {name!r}", hint=did_you_mean(key, (COMBINED, *SIGNS)))
    return lambda scores: SIGNS[key] * scores[key]
