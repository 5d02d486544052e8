"""Optimisers and the learning-rate schedule."""

from __future__ import annotations

import torch

from sourcefree.config import Optimisation
from sourcefree.methods.base import Method


def create_optimiser(method: Method, settings: Optimisation) -> torch.optim.Optimizer:
    """Return the optimiser over everything the method trains, each group with its own starting rate.

    Reference: [SHOT] and [SOCKET]: SGD, Nesterov momentum 0.9, weight decay 1e-3, backbone at a tenth of the rate.
    """
    groups = []
    for group in method.parameter_groups():
        rate = settings.learning_rate * (settings.backbone_scale if group.pretrained else 1.0)
        parameters = [p for p in group.parameters if p.requires_grad]
        if parameters:
            groups.append({"params": parameters, "lr": rate, "initial_lr": rate})
    if settings.optimizer == "adamw":
        return torch.optim.AdamW(groups, weight_decay=settings.weight_decay)
    return torch.optim.SGD(
        groups, momentum=settings.momentum, nesterov=settings.momentum > 0, weight_decay=settings.weight_decay
    )


def set_learning_rate(optimiser: torch.optim.Optimizer, progress: float) -> None:
    """Set every group's rate to ``initial (1 + 10 p)^-0.75``.

    Args:
        optimiser: made by :func:`create_optimiser`.
        progress: p, share of the training that is done, in [0, 1].

    Reference: [DANN] section 5.2.2; used by [SHOT] and [SOCKET].
    """
    for group in optimiser.param_groups:
        group["lr"] = group["initial_lr"] * (1 + 10 * progress) ** -0.75
