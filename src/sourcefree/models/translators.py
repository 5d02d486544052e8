"""Translation nets T: target images (N, C_t, H, W) -> source-like images (N, C_s, H, W), both standardised."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import torch
from torch import Tensor, nn

from sourcefree.errors import ConfigError, did_you_mean
from sourcefree.models.classifier import Classifier, channel_adapter


class PaperTranslator(nn.Module):
    """The paper-sized T: "an FC layer, a BN layer and a Conv layer".

    Our reading, since widths are not published: the fully connected layer acts on the channels of each pixel (a 1x1
    convolution), then batch norm and ReLU, then a 3x3 convolution to the source's channels.

    Reference: [TGKT] section on TGMB.
    """

    def __init__(self, in_channels: int, out_channels: int = 3, width: int = 32) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(in_channels, width, kernel_size=1),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, out_channels, kernel_size=3, padding=1, padding_mode="reflect"),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Return source-like images of the same height and width."""
        out: Tensor = self.layers(images)
        return out


class UNetTranslator(nn.Module):
    """A stronger T: a residual U-Net around the repeated channel.

    It sees context (a colour cannot be told from one pixel of depth) and starts as the identity on the repeated channel,
    so that the first translated images are the source-only input and training can only move away from it with a reason.
    The learned part works at half the resolution and below: edges come through the residual path at full resolution, and
    the cost stays below that of the classifiers it serves. Its batch norm sees pairs and target images in one batch and so
    treats them alike.

    Args:
        in_channels: channels of the target sensor.
        out_channels: channels of the source sensor.
        width: channels at half the resolution; doubled at each of ``depth`` further halvings.
        depth: number of further halvings.
    """

    def __init__(self, in_channels: int, out_channels: int = 3, width: int = 16, depth: int = 3) -> None:
        super().__init__()
        widths = [width * 2**level for level in range(depth + 1)]
        self.skip = channel_adapter(in_channels, out_channels)
        self.stem = _block(in_channels, widths[0], stride=2)
        self.down = nn.ModuleList(_block(a, b, stride=2) for a, b in itertools.pairwise(widths))
        self.up = nn.ModuleList(_block(a + b, b) for a, b in itertools.pairwise(widths[::-1]))
        self.out = nn.Conv2d(widths[0], out_channels, kernel_size=3, padding=1)
        nn.init.zeros_(self.out.weight)
        if self.out.bias is not None:
            nn.init.zeros_(self.out.bias)

    def forward(self, images: Tensor) -> Tensor:
        """Return source-like images of the same height and width."""
        maps = [self.stem(images)]
        for block in self.down:
            maps.append(block(maps[-1]))
        x = maps.pop()
        for block in self.up:
            below = maps.pop()
            x = nn.functional.interpolate(x, size=below.shape[-2:], mode="nearest")
            x = block(torch.cat([x, below], dim=1))
        change = nn.functional.interpolate(self.out(x), size=images.shape[-2:], mode="bilinear", align_corners=False)
        translated: Tensor = self.skip(images) + change
        return translated


def _block(in_channels: int, out_channels: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(inplace=True),
        nn.Conv2d(out_channels, out_channels, kernel_size=3, padding=1, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(inplace=True),
    )


TRANSLATORS: dict[str, Callable[[int, int], nn.Module]] = {"paper": PaperTranslator, "unet": UNetTranslator}


def create_translator(name: str, *, in_channels: int, out_channels: int = 3) -> nn.Module:
    """Return the translator ``name`` from a sensor with ``in_channels`` to one with ``out_channels``.

    Raises:
        ConfigError: no translator has this name.
    """
    if name not in TRANSLATORS:
        raise ConfigError(f"no translator {name!r}", hint=did_you_mean(name, TRANSLATORS))
    return TRANSLATORS[name](in_channels, out_channels)


def behind_translator(source_model: Classifier, translator: nn.Module, *, name: str, in_channels: int) -> Classifier:
    """Return the source model behind a translator: a classifier of target images that needs T at inference.

    Nothing is copied: it shares its weights with both.

    Args:
        source_model: source classifier.
        translator: T, target images to source images.
        name: of the translator in :data:`TRANSLATORS`.
        in_channels: of the target sensor.
    """
    return Classifier(
        source_model.network,
        head=source_model.head_name,
        in_channels=in_channels,
        stages=source_model.stage_names,
        adapter=nn.Sequential(translator, source_model.adapter),
        translator=name,
        temperature=source_model.temperature,
    )


def translator_adapter(name: str, *, in_channels: int, source_channels: int) -> nn.Module:
    """Return the untrained adapter of :func:`behind_translator`, to load weights into."""
    translator = create_translator(name, in_channels=in_channels, out_channels=source_channels)
    return nn.Sequential(translator, channel_adapter(source_channels))
