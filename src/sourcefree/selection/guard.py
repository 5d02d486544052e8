"""Which model is delivered: the one that the label-free evidence is for, if there is any evidence at all."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from sourcefree.selection.drift import STRANGE, drift_warning

_DOUBT = 0.05  # chance of trusting answers that tell nothing
_SAFE = "source-only"  # the candidate that needs no support: it cannot have been made worse


@dataclass(frozen=True)
class Evidence:
    """What is known of a candidate without labels.

    Attributes:
        score: :func:`sourcefree.selection.scores.target_information`; higher is better.
        chance: :func:`sourcefree.selection.chance.chance_of_match` on pairs that it was not trained on.
        scenes: how many these pairs show.
    """

    score: float
    chance: float
    scenes: int

    @property
    def tells(self) -> bool:
        """Whether the answers tell something of the source model's beyond doubt."""
        return self.chance < _DOUBT and math.isfinite(self.score)


@dataclass(frozen=True)
class Decision:
    """What to deliver and why.

    Attributes:
        delivered: name of the candidate.
        warnings: plain sentences for the user.
    """

    delivered: str
    warnings: tuple[str, ...]


def choose_candidate(evidence: Mapping[str, Evidence], *, preferred: str, unlike: float = 0.0) -> Decision:
    """Return the candidate with the best score among those whose answers tell something on held-out scenes, and source-only.

    The score alone would trust a model that was trained on pairs of nothing: it hedges, which costs little divergence, and is
    sure of something, which looks like information. Such pairs tell nothing of each other, and then no model is trusted but
    the one that cannot have been made worse.

    Args:
        evidence: by candidate.
        preferred: the candidate that the method is about; wins where scores are equal.
        unlike: share of target images that look like none of the pairs, for which pairs prove nothing.
    """
    drift = [warning] if (warning := drift_warning(unlike)) else []
    if preferred == _SAFE:
        return Decision(_SAFE, tuple(drift))
    if unlike >= STRANGE:
        return Decision(_SAFE, (*drift, f"So {_SAFE} is delivered, which is no worse than what you had."))
    trusted = [name for name in (preferred, *evidence) if name == _SAFE or evidence[name].tells]
    best = max(trusted, key=lambda name: evidence[name].score)
    return Decision(best, (*drift, *([] if best == preferred else [_explain(evidence, preferred, best)])))


def _explain(evidence: Mapping[str, Evidence], preferred: str, delivered: str) -> str:
    ours, other = evidence[preferred], evidence[delivered]
    if ours.tells:
        return (
            f"The {preferred} model is not delivered, but {delivered}: its label-free score is {ours.score:.2f} nats, that of "
            f"{delivered} {other.score:.2f}."
        )
    return (
        f"The {preferred} model is not delivered, but {delivered}: on {ours.scenes} held-out scenes its answers tell "
        "nothing of the source model's. The pairs may be few, wrong, or not line up: see sourcefree inspect."
    )
