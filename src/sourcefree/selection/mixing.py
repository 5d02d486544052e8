"""Mixtures of two target images: whether a model holds its answers on them (MixVal), how sure it should be (PseudoCal)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

Predict = Callable[[Tensor, Tensor, float], Tensor]
"""Returns (M, K) logits on mixtures of images a with partners b: (a, b, share of a)."""

_MIXVAL_SHARE, _PSEUDOCAL_SHARE = 0.55, 0.65  # of the image whose answer is expected; both as published
_TEMPERATURES = torch.logspace(-1, 1, 81)


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
            answers = predict(images, partners, _MIXVAL_SHARE).argmax(-1)
            shares.append(float((answers == labels[images]).float().mean()))
    return sum(shares) / len(shares) if shares else 0.0


def source_free_temperature(labels: Tensor, predict: Predict, *, seed: int = 0) -> float:
    """Return the temperature that makes a model's probabilities honest, found without labels; logits are divided by it.

    Mixtures ``0.65 a + 0.35 b`` carry the model's answer on a as their label. The model is right on them about as often as
    it is right on real images, so the temperature with the least cross-entropy on them serves for real images too.

    Args:
        labels: (N,) class that the model predicts for each image.
        predict: asks the model.
        seed: of the partners.

    Reference: Hu et al., "Pseudo-calibration: improving predictive uncertainty estimation in unsupervised domain
    adaptation" (PseudoCal), ICML 2024. The temperature is searched on a logarithmic grid in 0.1..10.
    """
    count = len(labels)
    if count < 2:
        return 1.0
    generator = torch.Generator().manual_seed(seed)
    # A shuffle moved on by one within itself: everyone has a partner, and nobody is their own.
    order = torch.randperm(count, generator=generator)
    partners = torch.empty_like(order)
    partners[order] = order.roll(1)
    logits = predict(torch.arange(count), partners, _PSEUDOCAL_SHARE).float()
    return fitted_temperature(logits, labels) if logits.isfinite().all() else 1.0


def fitted_temperature(logits: Tensor, labels: Tensor) -> float:
    """Return the temperature at which logits have the least cross-entropy with labels, on a logarithmic grid in 0.1..10.

    Args:
        logits: (N, K), finite.
        labels: (N,) classes.

    Reference: Guo et al., "On calibration of modern neural networks", ICML 2017.
    """
    losses = torch.stack([cross_entropy(logits / t, labels) for t in _TEMPERATURES])
    return float(_TEMPERATURES[losses.argmin()])
