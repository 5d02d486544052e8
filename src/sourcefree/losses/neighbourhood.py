"""Terms that tie an image's prediction to those of its nearest neighbours in feature space."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import normalize


def nearest(queries: Tensor, bank: Tensor, *, count: int, own: Tensor | None = None) -> Tensor:
    """Return the positions of the nearest bank rows by cosine, (..., count), nearest first.

    Args:
        queries: (..., D).
        bank: (N, D).
        count: how many; at most N (N - 1 with ``own``).
        own: (...) position of each query in the bank, left out of its own neighbours.
    """
    with torch.autocast(queries.device.type, enabled=False):  # in bf16, near neighbours cannot be told apart
        similarity = normalize(queries.float(), dim=-1) @ normalize(bank.float(), dim=-1).T
    if own is not None:
        similarity = similarity.scatter(-1, own[..., None], -float("inf"))
    available = len(bank) - (own is not None)
    return similarity.topk(min(count, available), dim=-1).indices


def reciprocal_weights(neighbours: Tensor, theirs: Tensor, own: Tensor, *, otherwise: float = 0.1) -> Tensor:
    """Return 1 for each neighbour that names the image among its own nearest, else ``otherwise``: (B, K).

    Args:
        neighbours: (B, K) positions of each image's neighbours.
        theirs: (B, K, M) positions of the neighbours' own nearest.
        own: (B,) position of each image.
        otherwise: r, the weight of a neighbour that does not.

    Reference: NRC (Yang et al., NeurIPS 2021), equation 3.
    """
    named = (theirs == own[:, None, None]).any(-1)
    return named.float() + otherwise * (~named).float()


def attraction(probabilities: Tensor, neighbours: Tensor, weights: Tensor | None = None) -> Tensor:
    """Return ``-E_i sum_k A_ik S_k . p_i``; scalar, lower where an image answers as its neighbours do.

    Args:
        probabilities: (B, K) p, of the batch.
        neighbours: (B, M, K) S, stored answers of each image's neighbours; no gradient.
        weights: (B, M) A, or None for 1.

    Reference: NRC equations 4 and 6; AaD (Yang et al., NeurIPS 2022), equation 5, first term.
    """
    agreement = (neighbours.detach() * probabilities[:, None, :]).sum(-1)
    return -(agreement if weights is None else agreement * weights).sum(-1).mean()


def dispersion(probabilities: Tensor, images: Tensor) -> Tensor:
    """Return ``E_i sum_{m != i} p_i . p_m`` over the batch; scalar, lower where different images answer differently.

    Args:
        probabilities: (B, K); both answers of a product get a gradient.
        images: (B,) number of each image: where a batch holds one twice, it is not driven away from itself.

    Reference: AaD equation 5, second term.
    """
    with torch.autocast(probabilities.device.type, enabled=False):
        products = probabilities.float() @ probabilities.float().T
    return products.masked_fill(images[:, None] == images[None, :], 0.0).sum(-1).mean()
