"""Mixtures of two target images, and whether a model holds its answers on them (MixVal)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Predict = Callable[[Tensor, Tensor, float], Tensor]
"""Returns (M, K) logits on mixtures of images a with partners b: (a, b, share of a)."""

_SHARE = 0.55  # of the image whose answer is expected, as published


def mixing_partners(labels: Tensor, *, same: bool, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return positions of images and of their partners, drawn among the images with the same or another label.

    Images without such a partner are left out.

    Args:
        labels: (N,) predicted class of each image.
        same: partners of the same predicted class, else of another one.
        generator: fixes the draw.
    """
    allowed = (labels[:, None] == labels[None, :]) == same
    allowed.fill_diagonal_(False)
    images = allowed.any(1).nonzero().flatten()
    if not len(images):
        return images, images
    return images, torch.multinomial(allowed[images].float(), 1, generator=generator).flatten()


def mixing_consistency(labels: Tensor, predict: Predict, *, seed: int = 0) -> float:
    """Return how often the answer on ``0.55 a + 0.45 b`` is the answer on a; in 0..1, higher is better.

    The mean of two shares: partners b of the same predicted class probe how compact the classes are, partners of another
    class how wide the gaps between them are.

    Args:
        labels: (N,) class that the model predicts for each image.
        predict: asks the model.
        seed: of the partners.

    Reference: Hu et al., "Mixed samples as probes for unsupervised model selection in domain adaptation" (MixVal),
    NeurIPS 2023. Deviation: the mean of both shares in place of the mean of their ranks among the candidates, so that a
    model has a score of its own.
    """
    generator = torch.Generator().manual_seed(seed)
    shares = []
    for same in (True, False):
        images, partners = mixing_partners(labels, same=same, generator=generator)
        if len(images):
            answers = predict(images, partners, _SHARE).argmax(-1)
            shares.append(float((answers == labels[images]).float().mean()))
    return sum(shares) / len(shares) if shares else 0.0
