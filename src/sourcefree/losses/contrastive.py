"""Contrast between an image and those of other pseudo-classes."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize


def class_aware_info_nce(
    queries: Tensor, keys: Tensor, bank: Tensor, *, query_labels: Tensor, bank_labels: Tensor, temperature: float
) -> Tensor:
    """Return InfoNCE of two views against stored images of other pseudo-classes; scalar.

    Args:
        queries: (B, D) one view.
        keys: (B, D) another view of the same images; no gradient.
        bank: (N, D) stored features; no gradient.
        query_labels: (B,) pseudo-labels.
        bank_labels: (N,) pseudo-labels; stored images of the query's own class are left out of the negatives.
        temperature: tau.

    Reference: AdaContrast (Chen et al., CVPR 2022), equation 6.
    """
    queries, keys, bank = (normalize(part.float(), dim=-1) for part in (queries, keys.detach(), bank.detach()))
    positive = (queries * keys).sum(-1, keepdim=True)
    same = query_labels[:, None] == bank_labels[None, :]
    with torch.autocast(queries.device.type, enabled=False):
        negatives = (queries @ bank.T).masked_fill(same, -torch.inf)
    logits = torch.cat([positive, negatives], dim=1) / temperature
    return cross_entropy(logits, torch.zeros(len(logits), dtype=torch.long, device=logits.device))
