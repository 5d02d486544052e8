"""Domain discriminators: one logit, high for the first of the two domains they are shown."""

from __future__ import annotations

from torch import Tensor, nn


class FeatureDiscriminator(nn.Module):
    """Tells two sets of feature vectors apart: (N, D) -> (N, 1) logits.

    Reference: [DANN] domain classifier; two hidden layers as in the public SOCKET and CDAN code.
    """

    def __init__(self, features: int, hidden: int = 256) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            # Features of different backbones differ in scale by orders of magnitude.
            nn.LayerNorm(features, elementwise_affine=False),
            nn.Linear(features, hidden),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Linear(hidden, hidden),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Linear(hidden, 1),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Return one logit a feature vector."""
        logits: Tensor = self.layers(features)
        return logits


class PixelDiscriminator(nn.Module):
    """Tells two sets of images apart, patch by patch: (N, C, H, W) -> (N, 1, h, w) logits.

    Reference: the PatchGAN of Isola et al., CVPR 2017, with three halvings.
    """

    def __init__(self, channels: int = 3, width: int = 32) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for level in range(3):
            out = width * 2**level
            layers += [
                nn.Conv2d(channels, out, kernel_size=4, stride=2, padding=1),
                nn.LeakyReLU(0.2, inplace=True),
            ]
            channels = out
        self.layers = nn.Sequential(*layers, nn.Conv2d(channels, 1, kernel_size=3, padding=1))

    def forward(self, images: Tensor) -> Tensor:
        """Return one logit a patch."""
        logits: Tensor = self.layers(images)
        return logits
