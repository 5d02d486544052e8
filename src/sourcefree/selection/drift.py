"""Whether the target images look like the pairs' images of the same sensor: what was proved on pairs holds only then."""

from __future__ import annotations

import torch
from torch import Tensor

_TAIL = 0.01  # of the pairs' images lies beyond either bound
UNLIKE = 0.5  # share of target images beyond the bounds that is worth a warning
STRANGE = 0.9  # share above which no evidence from pairs can be carried over


def appearance(images: Tensor) -> Tensor:
    """Return brightness, contrast and texture of each image, (N, 3).

    Texture is the mean difference of neighbouring pixels over the contrast: near 0 for smooth images, near 1.1 for noise.

    Args:
        images: (N, C, H, W) standardised.
    """
    images = images.float()
    contrast = images.flatten(1).std(1)
    steps = (images.diff(dim=-1).abs().flatten(1).mean(1) + images.diff(dim=-2).abs().flatten(1).mean(1)) / 2
    return torch.stack([images.flatten(1).mean(1), contrast, steps / contrast.clamp_min(1e-6)], dim=1)


def share_unlike(target: Tensor, pairs: Tensor) -> float:
    """Return the share of target images with a brightness, contrast or texture that next to none of the pairs has; in 0..1.

    Args:
        target: (N, 3) :func:`appearance` of target images.
        pairs: (M, 3) of the pairs' target images.
    """
    low, high = pairs.quantile(_TAIL, dim=0), pairs.quantile(1 - _TAIL, dim=0)
    # Few pairs do not show their own extremes: room of a quarter of their range on either side.
    room = 0.25 * (high - low)
    return float(((target < low - room) | (target > high + room)).any(1).float().mean())


def drift_warning(share: float) -> str | None:
    """Return what the user should know, or None where the target images look as expected."""
    if share <= UNLIKE:
        return None
    return (
        f"{100 * share:.0f} % of the target images have a brightness, contrast or texture that hardly any pair has: another "
        "sensor, another setting of it, or noise. What the pairs prove may not hold for them."
    )
