"""AdaBN: the source model with batch-norm statistics of the target."""

from __future__ import annotations

import copy
from collections.abc import Iterable

import torch
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from sourcefree.models.classifier import Classifier


@torch.no_grad()
def adapt_batch_norm(model: Classifier, batches: Iterable[Tensor]) -> Classifier:
    """Return a copy of the model whose batch-norm statistics are means over all batches of target images.

    A model without batch norm is returned as a plain copy, and so is any where no batch has two images to vary.

    Args:
        model: source classifier; not changed.
        batches: (N, C, H, W) standardised target images, on the model's device; of equal size, for each counts the same.

    Reference: Li et al., "Revisiting batch normalization for practical domain adaptation", 2016. Deviation: statistics
    are averaged over batches (momentum ``None`` in torch) in place of computed over the whole set at once.
    """
    adapted = copy.deepcopy(model).eval()
    layers = [module for module in adapted.modules() if isinstance(module, _BatchNorm)]
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        if layer.num_batches_tracked is not None:
            layer.num_batches_tracked.zero_()  # the first batch then takes the place of what was known
        layer.momentum = None
        layer.train()
    if layers:
        for images in batches:
            if len(images) > 1:
                adapted(images)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
    adapted.eval()
    return adapted
