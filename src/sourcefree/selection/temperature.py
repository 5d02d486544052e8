"""How sure a model may be: temperatures that mixtures of target images and held-out pairs ask for, found without labels."""

from __future__ import annotations

import math

import torch
from scipy.optimize import minimize_scalar
from torch import Tensor
from torch.nn.functional import cross_entropy

from sourcefree.selection.mixing import Predict
from sourcefree.selection.scores import pair_divergence

_SHARE = 0.65  # of the image whose answer is expected of a mixture, as published
_TEMPERATURES = torch.logspace(-1, 1, 81)
_LEAST = 1 / 3  # of the temperature that pairs ask for: what was due on depth-b
_AS_TRAINED = 1.0


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
    logits = predict(torch.arange(count), partners, _SHARE).float()
    return fitted_temperature(logits, labels) if logits.isfinite().all() else 1.0


def pair_temperature(logits: Tensor, source_logits: Tensor) -> float:
    """Return the temperature at which a model's answers on held-out pairs diverge least from the source model's; in 0.2..20.

    Args:
        logits: (N, K) of the model on the target images of held-out pairs.
        source_logits: (N, K) of the source model on their source images.
    """
    own, source = logits.double(), source_logits.double()

    def divergence(log_temperature: float) -> float:
        return pair_divergence(own / math.exp(log_temperature), source)

    return math.exp(minimize_scalar(divergence, bounds=(math.log(0.2), math.log(20.0)), method="bounded").x)


def trusted_temperature(*, of_mixtures: float, of_pairs: float) -> float:
    """Return the temperature that makes answers as honest as can be told without labels: that of mixtures, within limits.

    The delivered probabilities are at this temperature, and models are compared at theirs. Pairs set the limits.

    Mixtures fail either way. Where a picture laid over another is no picture any more, as with radar, a good model is lost on
    them, and they ask for far more modesty than is due. A model that has next to nothing to do with the images answers a
    mixture as it answers the image, and they praise it. Pairs ask for too much modesty of every model, since the source model
    is less sure of things that it does not know than of its own classes; but for all models of a task by much the same factor,
    on simulated depth by three. So mixtures are not believed below a third of the temperature of pairs. Where they ask for more
    than pairs do, who ask for too much themselves, they are wrong, and believed the less the more they ask: what is so many
    times too much counts as so many times too little. But a call for modesty, wrong as it is, is no reason to be surer than
    training left the model: there it ends at 1, or at what pairs ask for where that is less.

    Args:
        of_mixtures: :func:`source_free_temperature`.
        of_pairs: :func:`pair_temperature`.

    Reference: ours.
    """
    believed = of_mixtures
    if of_mixtures > of_pairs:
        believed = max(of_pairs**2 / of_mixtures, min(_AS_TRAINED, of_pairs))
    return max(believed, _LEAST * of_pairs)


def fitted_temperature(logits: Tensor, labels: Tensor) -> float:
    """Return the temperature at which logits have the least cross-entropy with labels, on a logarithmic grid in 0.1..10.

    Logits that are all alike have the same at every temperature, and stay as they are.

    Args:
        logits: (N, K), finite.
        labels: (N,) classes.

    Reference: Guo et al., "On calibration of modern neural networks", ICML 2017.
    """
    losses = torch.stack([cross_entropy(logits / t, labels) for t in _TEMPERATURES])
    return float(_TEMPERATURES[losses.argmin()]) if losses.min() < losses.max() else 1.0
