"""Information terms of predictions."""

from __future__ import annotations

from torch import Tensor


def entropy(probabilities: Tensor) -> Tensor:
    """Return the entropy in nats of each distribution: (..., K) -> (...)."""
    return -(probabilities * probabilities.clamp_min(1e-8).log()).sum(-1)


def information_maximization(logits: Tensor, *, diversity: float = 1.0) -> Tensor:
    """Return ``E[H(p)] - H(E[p])``: minus the mutual information between image and prediction; scalar, lower is better.

    Confident on each image, varied over images. Between ``-log K`` and 0.

    Args:
        logits: (N, K).
        diversity: factor on the second term, which is highest where all classes are equally frequent: as published 1. At 0
            nothing is supposed of their frequencies, and nothing but other terms keeps a model from one class for all.

    Reference: [TGKT] L_IM; [SHOT] equation 3 (L_ent + L_div).
    """
    probabilities = logits.float().softmax(-1)
    return entropy(probabilities).mean() - diversity * entropy(probabilities.mean(0))


def diversity(logits: Tensor) -> Tensor:
    """Return ``-H(E[p])``, L_div: lower where the answers are spread over the classes; scalar.

    Args:
        logits: (N, K).

    Reference: [SHOT] equation 3, L_div.
    """
    return -entropy(logits.float().softmax(-1).mean(0))
