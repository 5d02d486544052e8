"""Which model is delivered: never one that the label-free evidence says is worse than doing nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


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
    agreements: Mapping[str, Tensor],
    *,
    preferred: str = "adapted",
    fallbacks: Sequence[str] = ("adabn", "source-only"),
) -> Decision:
    """Return the preferred candidate unless held-out pairs speak against it.

    A fallback takes its place if it gives the source model's answer on more held-out pairs, by more than one standard error
    of the difference: both see the same pairs, so the difference is taken pair by pair.

    Args:
        agreements: by candidate, (N,) bool: whether it gives the source model's answer on each held-out pair.
        preferred: the candidate to deliver on equal evidence.
        fallbacks: candidates that may replace it.
    """
    best, warnings = preferred, []
    for name in fallbacks:
        if name in agreements and _clearly_better(agreements[name], agreements[best]):
            best = name
    if best != preferred:
        ours, theirs = (100 * float(agreements[name].float().mean()) for name in (preferred, best))
        warnings.append(
            f"The {preferred} model agrees with the source model on {ours:.1f} % of the held-out pairs, "
            f"{best} on {theirs:.1f} %: {best} is delivered."
        )
    return Decision(best, tuple(warnings))


def _clearly_better(first: Tensor, second: Tensor) -> bool:
    difference = first.float() - second.float()
    error = difference.std(unbiased=False) / max(1, len(difference)) ** 0.5
    return bool(difference.mean() > torch.clamp(error, min=1e-9))
