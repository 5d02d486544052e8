"""Which model is delivered: never one that the label-free evidence says is worse than doing nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Evidence:
    """What is known of a candidate without labels.

    Attributes:
        agrees: (N,) bool, whether it gives the source model's answer on each held-out pair.
        information: mutual information of its answers on the target images, nats.
    """

    agrees: Tensor
    information: float

    @property
    def agreement(self) -> float:
        """Share of held-out pairs it agrees on."""
        return float(self.agrees.float().mean())


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
    candidates: Mapping[str, Evidence],
    *,
    preferred: str = "adapted",
    fallbacks: Sequence[str] = ("adabn", "source-only"),
) -> Decision:
    """Return the preferred candidate unless the evidence speaks against it.

    A fallback takes its place if held-out pairs clearly speak for it, or if pairs and target images both lean to it:

    * clearly: it gives the source model's answer on more held-out pairs, by more than two standard errors of the
      difference, taken pair by pair because both see the same pairs;
    * both: its agreement on the pairs and its mutual information on the target images are both higher. Neither alone is
      enough: a few hundred pairs are noisy, and mutual information can be high for a model that is wrong.

    Args:
        candidates: evidence by name.
        preferred: the candidate to deliver on equal evidence.
        fallbacks: candidates that may replace it.
    """
    best = preferred
    for name in fallbacks:
        if name in candidates and _speaks_for(candidates[name], candidates[best]):
            best = name
    if best == preferred:
        return Decision(best, ())
    ours, other = candidates[preferred], candidates[best]
    return Decision(
        best,
        (
            f"The label-free evidence is against the {preferred} model, so {best} is delivered: agreement on held-out pairs "
            f"{100 * ours.agreement:.1f} % against {100 * other.agreement:.1f} %, information {ours.information:.2f} "
            f"against {other.information:.2f} nats.",
        ),
    )


def _speaks_for(other: Evidence, current: Evidence) -> bool:
    difference = other.agrees.float() - current.agrees.float()
    error = difference.std(unbiased=False) / max(1, len(difference)) ** 0.5
    clearly = bool(difference.mean() > torch.clamp(2 * error, min=1e-9))
    return clearly or (other.agreement > current.agreement and other.information > current.information)
