"""Distance of batch statistics from those a source model keeps in its batch-norm layers."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


def statistics_gap(inputs: Sequence[Tensor], references: Sequence[nn.BatchNorm2d], *, first: float = 10.0) -> Tensor:
    """Return ``sum_l m_l (||mu_l - mu^s_l||_2 + ||var_l - var^s_l||_2)`` over batch-norm layers; scalar.

    Args:
        inputs: what enters each layer of the target model, (N, C_l, H_l, W_l).
        references: the same layers of the source model, of which the running statistics are taken; see
            :func:`batch_norm_layers`.
        first: m_1; every other weight is 1.

    Reference: [SOCKET] batch-norm statistics matching; variances are biased, as there.
    """
    gaps = []
    for images, layer in zip(inputs, references, strict=True):
        if layer.running_mean is None or layer.running_var is None:
            raise ValueError("a batch-norm layer without running statistics cannot be matched")
        values = images.float()
        mean = torch.linalg.vector_norm(values.mean((0, 2, 3)) - layer.running_mean)
        variance = torch.linalg.vector_norm(values.var((0, 2, 3), unbiased=False) - layer.running_var)
        gaps.append(mean + variance)
    weights = [first] + [1.0] * (len(gaps) - 1)
    return torch.stack([weight * gap for weight, gap in zip(weights, gaps, strict=True)]).sum()


def batch_norm_layers(model: nn.Module) -> list[nn.BatchNorm2d]:
    """Return the two-dimensional batch-norm layers that keep running statistics, in the order they are registered."""
    layers = (module for module in model.modules() if isinstance(module, nn.BatchNorm2d))
    return [layer for layer in layers if layer.running_mean is not None]
