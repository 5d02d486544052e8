"""The one number by which settings are chosen without labels: higher is better."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sourcefree.errors import ConfigError, did_you_mean

Objective = Callable[[Mapping[str, float]], float]

# What is delivered and tuned by unless another is named; selection/scores.py says why it can be trusted.
DECISIVE = "target_information"

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
    "estimated_accuracy": 1,
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


def find_objective(name: str) -> Objective:
    """Return the function of a model's scores that ``--score`` names; higher is better.

    Raises:
        ConfigError: the score needs source data or labels, or is unknown.
    """
    key = name.strip().lower().replace("-", "_").replace(" ", "_")
    if key in _REFUSED:
        raise ConfigError(f"--score {name}: it does not apply, {_REFUSED[key]}", hint=f"known: {', '.join(SIGNS)}")
    if key not in SIGNS:
        raise ConfigError(f"--score: no score {name!r}", hint=did_you_mean(key, SIGNS))
    return lambda scores: SIGNS[key] * scores[key]
