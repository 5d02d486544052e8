"""The first convolution of a pretrained network for another number of input channels."""

from __future__ import annotations

import copy

from timm.models import adapt_input_conv
from torch import nn

from sourcefree.errors import ConfigError


def with_input_channels(network: nn.Module, channels: int) -> nn.Module:
    """Return a copy of the network whose first convolution takes ``channels`` in place of three.

    Its weights are those that timm's ``in_chans`` would give: summed over colours for one channel, repeated and scaled
    for more, so that the first feature maps keep their size.

    Args:
        network: reads three channels.
        channels: of the new sensor.

    Raises:
        ConfigError: the network does not begin with a convolution over three channels.
    """
    changed = copy.deepcopy(network)
    first = next((module for module in changed.modules() if isinstance(module, nn.Conv2d)), None)
    if first is None or first.in_channels != 3 or first.groups != 1:
        raise ConfigError(
            f"{type(network).__name__} does not begin with a convolution over three channels",
            hint="leave native_stem off: a 1x1 convolution in front of the network mixes the channels then",
        )
    # timm's layers pad by the size of the image: the layer is changed in place, to keep its kind.
    first.weight = nn.Parameter(adapt_input_conv(channels, first.weight.detach()))
    first.in_channels = channels
    return changed
