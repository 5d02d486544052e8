"""Scores of a model that need no target label."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import log_softmax

from sourcefree.losses.information import information_maximization


def pair_agreement(logits: Tensor, source_logits: Tensor) -> float:
    """Return the share of held-out pairs on which the model gives the source model's answer; in 0..1, higher is better.

    Args:
        logits: (N, K) of the model on the target images of held-out pairs.
        source_logits: (N, K) of the source model on their source images.
    """
    return float((logits.argmax(-1) == source_logits.argmax(-1)).float().mean())


def pair_divergence(logits: Tensor, source_logits: Tensor) -> float:
    """Return the mean KL(source model on source || model on target) over held-out pairs in nats; lower is better.

    Args:
        logits: (N, K) of the model on the target images of held-out pairs.
        source_logits: (N, K) of the source model on their source images.
    """
    teacher, student = log_softmax(source_logits.float(), -1), log_softmax(logits.float(), -1)
    return float((teacher.exp() * (teacher - student)).sum(-1).mean())


def mutual_information(logits: Tensor) -> float:
    """Return H(mean p) - mean H(p) in nats; in 0..log K, higher is better.

    Args:
        logits: (N, K) on target images.

    Reference: [SHOT]; as a validation score: Bridle et al., 1991.
    """
    return -float(information_maximization(logits))


def mean_confidence(logits: Tensor) -> float:
    """Return the mean probability of the predicted class; how sure, not how right."""
    return float(logits.float().softmax(-1).amax(-1).mean())


def dominant_share(logits: Tensor) -> float:
    """Return the share of images that get the most frequent prediction; 1 means collapse to one class."""
    counts = torch.bincount(logits.argmax(-1), minlength=logits.shape[1])
    return float(counts.max()) / max(1, len(logits))
