"""Strong views of images of any sensor, for consistency and contrast."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample


def strong_view(images: Tensor) -> Tensor:
    """Return a strongly changed copy of each image, (N, C, H, W) -> the same shape.

    A random crop of 60 to 100 % of the area stretched to the whole, a flip, gain and offset, noise, and an erased square.
    Nothing assumes colour: standardised values of depth, infrared or radar go through alike. Random numbers are torch's
    global ones, which the trainer seeds for every epoch.

    Args:
        images: standardised, 0 is the sensor's mean.
    """
    view = _crop_and_flip(images)
    count = len(view)
    gain = torch.empty(count, 1, 1, 1, device=view.device).uniform_(0.7, 1.3)
    offset = 0.2 * torch.randn(count, 1, 1, 1, device=view.device)
    noise = torch.empty(count, 1, 1, 1, device=view.device).uniform_(0.0, 0.15)
    return _erase(view * gain + offset + noise * torch.randn_like(view))


def _crop_and_flip(images: Tensor) -> Tensor:
    count, device = len(images), images.device
    side = torch.empty(count, device=device).uniform_(0.6, 1.0).sqrt()
    shift = (2 * torch.rand(count, 2, device=device) - 1) * (1 - side)[:, None]
    flip = torch.where(torch.rand(count, device=device) < 0.5, -1.0, 1.0)
    matrix = torch.zeros(count, 2, 3, device=device)
    matrix[:, 0, 0], matrix[:, 1, 1] = side * flip, side
    matrix[:, :, 2] = shift
    with torch.autocast(device.type, enabled=False):  # in bf16, places would be off by up to half a pixel
        grid = affine_grid(matrix, list(images.shape), align_corners=False)
    return grid_sample(images.float(), grid, padding_mode="reflection", align_corners=False)


def _erase(images: Tensor) -> Tensor:
    """Set a square of a fifth of the side, at a random place of every image, to the mean."""
    count, _, height, width = images.shape
    half = 0.1
    centre = torch.rand(count, 2, device=images.device)
    rows = torch.linspace(0, 1, height, device=images.device)[None] - centre[:, :1]
    columns = torch.linspace(0, 1, width, device=images.device)[None] - centre[:, 1:]
    inside = (rows.abs() < half)[:, :, None] & (columns.abs() < half)[:, None, :]
    return images.masked_fill(inside[:, None], 0.0)
