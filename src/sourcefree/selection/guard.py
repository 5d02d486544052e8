"""Which model is delivered: the adapted one only where held-out pairs speak for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scipy.stats import ttest_1samp
from torch import Tensor

from sourcefree.selection.drift import STRANGE, drift_warning

# Chance of taking a model for better that tells just as much. Held-out scenes are few: at the usual 5 % most models that were
# better by ten points of accuracy on the development task would have been withheld.
_DOUBT = 0.15


@dataclass(frozen=True)
class Decision:
    """What to deliver and why.

    Attributes:
        delivered: name of the candidate.
        warnings: plain sentences for the user.
    """

    delivered: str
    warnings: tuple[str, ...]


def choose_candidate(
    evidence: Mapping[str, Tensor],
    *,
    preferred: str,
    fallbacks: Sequence[str],
    safe: str = "source-only",
    unlike: float = 0.0,
) -> Decision:
    """Return the first of the preferred candidate and the fallbacks that the evidence supports, else the safe one.

    A candidate is supported if it tells more of the source model's answers on held-out scenes than the safe one does, by a
    one-sided paired t-test over scenes at 15 %; and if no fallback tells more than it by the same test. The burden of proof
    lies on what was trained: pairs that are few, wrong, or of another sensor give no proof, and then the model that cannot
    have been made worse is delivered.

    Args:
        evidence: (S,) mean :func:`pair_information` of each held-out scene, by candidate.
        preferred: the candidate to deliver if it is supported.
        fallbacks: candidates that may take its place, in their order.
        safe: the candidate that needs no support.
        unlike: share of target images that look like none of the pairs, for which pairs prove nothing.
    """
    drift = [warning] if (warning := drift_warning(unlike)) else []
    decision = _by_pairs(evidence, preferred, fallbacks, safe)
    if unlike >= STRANGE and decision.delivered != safe:
        return Decision(safe, (*drift, f"So {safe} is delivered, which is no worse than what you had."))
    return Decision(decision.delivered, (*drift, *decision.warnings))


def _by_pairs(evidence: Mapping[str, Tensor], preferred: str, fallbacks: Sequence[str], safe: str) -> Decision:
    rivals = [name for name in fallbacks if name in evidence and name != safe]
    if preferred == safe:
        return Decision(safe, ())
    for name in (preferred, *rivals):
        beaten = any(_leads(evidence[rival], evidence[name]) for rival in rivals if rival != name)
        if _leads(evidence[name], evidence[safe]) and not beaten:
            return Decision(name, () if name == preferred else (_explain(evidence, preferred, name),))
    return Decision(safe, (_explain(evidence, preferred, safe),))


def _leads(ours: Tensor, theirs: Tensor) -> bool:
    """Return whether one candidate tells more than another beyond doubt; a single scene proves nothing."""
    difference = (ours - theirs).double().numpy()
    if len(difference) < 2 or not difference.std():
        return False
    return bool(ttest_1samp(difference, 0.0, alternative="greater").pvalue < _DOUBT)


def _explain(evidence: Mapping[str, Tensor], preferred: str, delivered: str) -> str:
    ours, other = (float(evidence[name].mean()) for name in (preferred, delivered))
    count = len(evidence[preferred])
    reason = (
        f"they tell nothing for sure: the {preferred} model's answers say {ours:.2f} nats of the source model's, those of "
        f"{delivered} {other:.2f}"
        if ours >= other
        else f"the {preferred} model's answers say {ours:.2f} nats of the source model's, those of {delivered} {other:.2f}"
    )
    return (
        f"The {preferred} model is not delivered, but {delivered}: on {count} held-out scenes {reason}. "
        "Pairs of more scenes, or pairs that line up (sourcefree inspect), make better evidence and better models."
    )
