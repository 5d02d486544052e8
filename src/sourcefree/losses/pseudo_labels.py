"""Self-supervised pseudo-labels from class centroids."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import normalize, one_hot


def centroid_pseudo_labels(features: Tensor, logits: Tensor, *, rounds: int = 2) -> Tensor:
    """Return a pseudo-label for each image, (N,) int64: the class whose centroid is nearest by cosine.

    Features get a 1 appended and are scaled to length 1. The first centroids are means weighted by the predictions; each
    further round takes means over the labels just found. A class that no image is predicted as, or that loses all its
    images in a round, is dropped: its centroid would be noise.

    Args:
        features: (N, D), from un-augmented images in eval mode.
        logits: (N, K) of the same images.
        rounds: how often labels are assigned; 2 as published.

    Reference: [SHOT] equations 4 to 6 of its pseudo-labelling section, used by [SOCKET] and as L_self of [TGKT].
    """
    points = normalize(torch.cat([features.float(), torch.ones_like(features[:, :1]).float()], dim=1))
    weights = logits.float().softmax(-1)
    classes = logits.shape[1]
    alive = one_hot(weights.argmax(-1), classes).sum(0) > 0
    labels = weights.argmax(-1)
    for _ in range(rounds):
        centroids = normalize(weights.T @ points)
        similarity = points @ centroids.T
        labels = similarity.masked_fill(~alive, -torch.inf).argmax(-1)
        weights = one_hot(labels, classes).float()
        alive = alive & (weights.sum(0) > 0)
    return labels
