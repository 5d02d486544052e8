"""Which model is delivered: the one that the label-free evidence is for, if there is any evidence at all."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from sourcefree.selection.drift import STRANGE, drift_warning

_DOUBT = 0.05  # chance of trusting answers that tell nothing, or a lead that other scenes would not give
_SAFE = "source-only"  # the candidate that needs no support: it cannot have been made worse
_UNTRAINED = (_SAFE, "adabn")  # no gradient has touched their weights


@dataclass(frozen=True)
class Evidence:
    """What is known of a candidate without labels.

    Attributes:
        score: :func:`sourcefree.selection.scores.target_information`; higher is better.
        chance: :func:`sourcefree.selection.chance.chance_of_match` on pairs that it was not trained on.
        scenes: how many these pairs show.
        resampled: (R,) :func:`sourcefree.selection.resampling.resampled_information`: what answers tell by other scenes.
    """

    score: float
    chance: float
    scenes: int
    resampled: Tensor

    @property
    def tells(self) -> bool:
        """Whether the answers tell something of the source model's beyond doubt."""
        return self.chance < _DOUBT and math.isfinite(self.score)

    def lead(self, other: Evidence) -> float:
        """Return the share of draws of the scenes by which this model tells more; in 0..1."""
        return float((self.resampled > other.resampled).double().mean())


@dataclass(frozen=True)
class Decision:
    """What to deliver and why.

    Attributes:
        delivered: name of the candidate.
        reason: why it is not the preferred one, in plain words; None where it is.
        warnings: plain sentences for the user, the reason among them.
    """

    delivered: str
    reason: str | None
    warnings: tuple[str, ...]


def choose_candidate(evidence: Mapping[str, Evidence], *, preferred: str, unlike: float = 0.0) -> Decision:
    """Return the candidate with the best score among those that can be trusted.

    Source-only always can: it cannot have been made worse. Any other model must give answers that tell something on held-out
    scenes. The score alone would trust a model that was trained on pairs of nothing: it hedges, which costs little divergence,
    and is sure of something, which looks like information. And a model that was trained must be better than the best of those
    that were not (source-only, AdaBN) on nearly every draw of the scenes: of two that are alike, the one that was changed less
    is delivered.

    Args:
        evidence: by candidate.
        preferred: the candidate that the method is about; wins where scores are equal.
        unlike: share of target images that look like none of the pairs, for which pairs prove nothing.
    """
    drift = drift_warning(unlike)
    if preferred == _SAFE:
        return _decision(_SAFE, drift, None)
    if unlike >= STRANGE:
        return _decision(_SAFE, None, f"{drift} So {_SAFE} is delivered, which is no worse than what you had.")
    telling = [name for name in (preferred, *evidence) if name == _SAFE or evidence[name].tells]
    standard = _best(evidence, [name for name in telling if name in _UNTRAINED])
    trusted = [name for name in telling if name in _UNTRAINED or evidence[name].lead(evidence[standard]) >= 1 - _DOUBT]
    best = _best(evidence, trusted)
    reason = None if best == preferred else _explain(evidence, preferred, best, standard)
    return _decision(best, drift, reason)


def _decision(delivered: str, drift: str | None, reason: str | None) -> Decision:
    return Decision(delivered, reason, tuple(warning for warning in (drift, reason) if warning))


def _best(evidence: Mapping[str, Evidence], names: Sequence[str]) -> str:
    return max(names, key=lambda name: evidence[name].score)


def _explain(evidence: Mapping[str, Evidence], preferred: str, delivered: str, standard: str) -> str:
    ours, other = evidence[preferred], evidence[delivered]
    refused = f"The {preferred} model is not delivered, but {delivered}: "
    if not ours.tells:
        return (
            f"{refused}on {ours.scenes} held-out scenes its answers tell nothing of the source model's. The pairs may be few, "
            "wrong, or not line up: see sourcefree inspect."
        )
    scores = f"its label-free score is {ours.score:.3f} nats, that of {delivered} {other.score:.3f}"
    if other.score >= ours.score:
        return f"{refused}{scores}."
    return (
        f"{refused}{scores}, but {ours.scenes} held-out scenes are no proof: of draws of such scenes, "
        f"{100 * ours.lead(evidence[standard]):.0f} % prefer it to {standard}, and {100 * (1 - _DOUBT):.0f} % are asked for. "
        "More pairs of other scenes may settle it."
    )
