"""Weights of a network as content: the same weights have the same name wherever they lie."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sourcefree.fingerprint import fingerprint


def weights_fingerprint(model: nn.Module) -> str:
    """Return 16 hexadecimal digits that tell a model's parameters and buffers from others.

    Copies, and the same weights on another device, in another memory layout or registered in another order, have the same
    fingerprint; another name, shape, type or bit gives another.

    Args:
        model: any network; neither its mode nor what it trains counts.
    """
    tensors = {name: value for name, value in model.state_dict().items() if isinstance(value, Tensor)}
    lines = [f"{name} {_described(tensors[name])}" for name in sorted(tensors)]
    return fingerprint("\n".join(lines))


def _described(tensor: Tensor) -> str:
    # One tensor at a time, so that no second copy of a large network is held. NumPy has no bfloat16: bytes have no type.
    content = tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes()
    return f"{tensor.dtype} {tuple(tensor.shape)} {fingerprint(content)}"
