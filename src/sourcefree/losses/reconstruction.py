"""How far a translated image is from the source image it stands for."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import mse_loss


def pixel_reconstruction(translated: Tensor, source: Tensor) -> Tensor:
    """Return the mean squared error over pixels, channels and images; scalar.

    Args:
        translated: T(x^t), (N, 3, H, W) standardised.
        source: x^s of the same scene and crop, (N, 3, H, W) standardised.

    Reference: [TGKT] equation 1. Deviation: the mean over pixels in place of the sum, so that weights mean the same at
    every image size.
    """
    return mse_loss(translated.float(), source.float())
