"""Adversarial gaps by gradient reversal."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits


class _Reverse(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, scale: float) -> Tensor:
        ctx.scale = scale
        return values.view_as(values)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return -ctx.scale * gradients[0], None


def reverse_gradient(values: Tensor, scale: float = 1.0) -> Tensor:
    """Return the values unchanged; in the backward pass their gradient is multiplied by ``-scale``.

    Reference: [DANN] equation 18.
    """
    reversed_values: Tensor = _Reverse.apply(values, scale)
    return reversed_values


def domain_gap(first_logits: Tensor, second_logits: Tensor) -> Tensor:
    """Return the discriminator's cross-entropy for telling two domains apart: scalar, ln 2 where it only guesses.

    It is ``-(E log D(first) + E log(1 - D(second))) / 2``: the published L_D with its sign turned, because one optimiser
    minimises it over the discriminator while :func:`reverse_gradient`, set between translator and discriminator, makes the
    same step raise it over the translator. The half keeps the scale of one binary cross-entropy.

    Args:
        first_logits: any shape; the domain called 1.
        second_logits: any shape; the domain called 0.

    Reference: [TGKT] L_D1 and L_D2; [DANN].
    """
    first, second = first_logits.float(), second_logits.float()
    real = binary_cross_entropy_with_logits(first, torch.ones_like(first))
    fake = binary_cross_entropy_with_logits(second, torch.zeros_like(second))
    return (real + fake) / 2
