"""A classifier whose features are the input of its final layer, whatever network it is made of."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import get_ident

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from sourcefree.errors import CheckpointError, did_you_mean
from sourcefree.types import ClassifierOutput

_MOST_STAGES = 4
_IMAGES = 2  # of the pass that finds stages: windows and heads folded into the batch show against two


def channel_adapter(in_channels: int, out_channels: int = 3) -> nn.Module:
    """Return the layer that brings a sensor's channels to the channels a network expects.

    One channel is repeated (the source-only baseline of [TGKT] and of most SFDA work), equal counts pass unchanged. Any
    other number goes through a trainable 1x1 convolution that starts as the mean of all channels, because no fixed
    choice is right for every multispectral sensor.
    """
    if in_channels == out_channels:
        return nn.Identity()
    if in_channels == 1:
        return RepeatChannels(out_channels)
    mix = nn.Conv2d(in_channels, out_channels, kernel_size=1, bias=False)
    nn.init.constant_(mix.weight, 1.0 / in_channels)
    return mix


class RepeatChannels(nn.Module):
    """Repeat a single channel: (N, 1, H, W) -> (N, C, H, W)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels

    def forward(self, images: Tensor) -> Tensor:
        """Return the images with their channel repeated (a view, no copy)."""
        return images.expand(-1, self.channels, -1, -1)


class Classifier(nn.Module):
    """Any network with a final linear layer, read as ``head(features)``, at a temperature that makes its answers honest.

    Features are what enters the final layer: the bottleneck's output where there is a bottleneck. They are caught with
    a hook, so a network of any library serves without being rewritten.

    Args:
        network: maps (N, 3, H, W) to logits (N, K).
        head: name of the final layer inside ``network`` (as in ``network.named_modules()``).
        in_channels: channels of the sensor; see :func:`channel_adapter`.
        stages: names of modules whose outputs are the intermediate maps; see :func:`find_stages`.
        adapter: what stands before the network, such as a translator; default: :func:`channel_adapter`.
        translator: name of the translator in the adapter, so that it can be built again from a file; "" for none.
        temperature: scalar, of the classifier that this one is made of; default: 1.

    Attributes:
        temperature: what logits are divided by; 1 until :meth:`calibrated` sets it.
    """

    temperature: Tensor

    def __init__(
        self,
        network: nn.Module,
        *,
        head: str,
        in_channels: int = 3,
        stages: Sequence[str] = (),
        adapter: nn.Module | None = None,
        translator: str = "",
        temperature: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.adapter = adapter or channel_adapter(in_channels)
        self.translator_name = translator
        self.register_buffer("temperature", torch.ones(()) if temperature is None else temperature.clone())
        self.network = network
        self.head_name = head
        self.in_channels = in_channels
        self.stage_names = tuple(stages)

    @property
    def head(self) -> nn.Module:
        """The final layer."""
        return self.network.get_submodule(self.head_name)

    def forward(self, images: Tensor) -> ClassifierOutput:
        """Return features (N, D) and logits (N, K) of images (N, C, H, W)."""
        with inputs_of([self.head]) as entering:
            logits = self.network(self.adapter(images))
        return ClassifierOutput(features=entering[0].flatten(1), logits=logits / self.temperature)

    def with_stages(self, images: Tensor) -> tuple[ClassifierOutput, list[Tensor]]:
        """Return the output and the maps of every stage: (N, C_l, H_l, W_l), or (N, tokens, D) for transformers."""
        with _outputs_of([self.network.get_submodule(name) for name in self.stage_names]) as maps:
            output = self(images)
        return output, maps

    def calibrated(self, temperature: float) -> Classifier:
        """Return a copy whose logits are divided by a further temperature."""
        copied = copy.deepcopy(self)
        copied.temperature.mul_(temperature)
        return copied

    def members(self) -> list[Classifier]:
        """Return the single classifiers that this one mixes, at whatever depth; itself where it mixes none."""
        inner = (module for module in self.network.modules() if isinstance(module, Classifier))
        return [one for one in inner if one.members() == [one]] or [self]

    def head_parameters(self) -> list[nn.Parameter]:
        """Return the parameters of the final layer, or of all members' final layers."""
        return [parameter for member in self.members() for parameter in member.head.parameters()]

    def freeze_head(self) -> None:
        """Stop training the final layer, as SHOT and SOCKET do: the source hypothesis stays as it is."""
        for parameter in self.head_parameters():
            parameter.requires_grad_(False)

    def has_batch_norm(self) -> bool:
        """Return whether any layer keeps batch-norm statistics."""
        return any(isinstance(module, _BatchNorm) for module in self.modules())


@contextmanager
def in_eval_mode(module: nn.Module) -> Iterator[None]:
    """Put a module in eval mode for a while: its running statistics are used and do not move."""
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, mode in modes:
            part.training = mode


def freeze(module: nn.Module) -> nn.Module:
    """Return the module in eval mode with no parameter that can be trained; running statistics stay as they are."""
    module.requires_grad_(False)
    return module.eval()


def find_head(network: nn.Module) -> str:
    """Return the name of the last linear layer of a network.

    Raises:
        CheckpointError: the network has no linear layer.
    """
    names: list[str] = [name for name, module in network.named_modules() if isinstance(module, nn.Linear)]
    if not names:
        raise CheckpointError(
            f"no linear layer in {type(network).__name__}: the final layer cannot be found",
            hint="name the final layer yourself: TrainedClassifier.from_module(network, ..., head='...')",
        )
    return names[-1]


def check_head(network: nn.Module, head: str) -> None:
    """Check that a network has the final layer that is named.

    Raises:
        CheckpointError: it has not.
    """
    known = [name for name, _ in network.named_modules() if name]
    if head not in known:
        raise CheckpointError(
            f"{type(network).__name__} has no layer {head!r} to be its head", hint=did_you_mean(head, known)
        )


@torch.no_grad()
def find_stages(network: nn.Module, *, size: int) -> tuple[str, ...]:
    """Return the names of at most four modules whose outputs stand for the depth of the network, early to late.

    For convolutional networks the last output at each resolution; for transformers (outputs (N, tokens, D)) blocks at
    equal distances. Found by one forward pass in eval mode, so any network serves; what is inside attention, what has no
    row an image, and what is called more than once is no stage. The network's state is left as it was.

    Raises:
        CheckpointError: the network does not run on images of this size.
    """
    seen: list[tuple[str, torch.Size]] = []

    def record(name: str, module: nn.Module):  # type: ignore[no-untyped-def]
        # A block with attention may be a token stage; its map over positions says where it looked, not what it saw.
        kinds = (3,) if _is_attention(module) else (3, 4)

        def hook(_module: nn.Module, _inputs: object, output: object) -> None:
            if isinstance(output, Tensor) and output.ndim in kinds and len(output) == _IMAGES:
                seen.append((name, output.shape))

        return hook

    handles = [module.register_forward_hook(record(name, module)) for name, module in _outside_attention(network)]
    device = next(network.parameters()).device
    try:
        with in_eval_mode(network):
            network(torch.zeros(_IMAGES, 3, size, size, device=device))
    except (RuntimeError, AssertionError) as error:
        raise CheckpointError(
            f"{type(network).__name__} does not run on images of {size} px: {' '.join(str(error).split())[:200]}",
            hint="choose another --size, such as the one it was trained with",
        ) from error
    finally:
        for handle in handles:
            handle.remove()
    calls = Counter(name for name, _ in seen)
    once = [(name, shape) for name, shape in seen if calls[name] == 1]
    return _spread_over_blocks(once) or _last_per_resolution(once)


def _outside_attention(network: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Yield the named parts of a network that are no part of an attention: maps of queries, keys and weights are no stages."""
    attentions = tuple(f"{name}." for name, module in network.named_modules() if name and _is_attention(module))
    for name, module in network.named_modules():
        if name and not name.startswith(attentions):
            yield name, module


def _is_attention(module: nn.Module) -> bool:
    kind = type(module).__name__.lower()
    return "attention" in kind or "attn" in kind


@contextmanager
def inputs_of(layers: Sequence[nn.Module]) -> Iterator[dict[int, Tensor]]:
    """Collect what enters each layer during one forward pass, by its place in ``layers``; what is not reached is left out."""
    caught: dict[int, Tensor] = {}
    ours = get_ident()  # another thread may be asking the same network

    def remember(place: int):  # type: ignore[no-untyped-def]
        def hook(_module: nn.Module, inputs: tuple[Tensor, ...], named: dict[str, Tensor]) -> None:
            if get_ident() == ours:
                caught[place] = next(iter((*inputs, *named.values())))

        return hook

    handles = [layer.register_forward_pre_hook(remember(place), with_kwargs=True) for place, layer in enumerate(layers)]
    try:
        yield caught
    finally:
        for handle in handles:
            handle.remove()


def _last_per_resolution(seen: list[tuple[str, torch.Size]]) -> tuple[str, ...]:
    last: dict[tuple[int, ...], str] = {}
    for name, shape in seen:
        # The input is square, so other shapes are no (N, C, H, W): channels-last inner layers, attention maps.
        if len(shape) == 4 and shape[-1] == shape[-2] > 1:
            last.pop(tuple(shape[-2:]), None)
            last[tuple(shape[-2:])] = name
    return tuple(list(last.values())[-_MOST_STAGES:])


def _spread_over_blocks(seen: list[tuple[str, torch.Size]]) -> tuple[str, ...]:
    blocks = [name for name, shape in seen if len(shape) == 3 and name.rpartition(".")[2].isdigit()]
    picks = {round(step * len(blocks) / _MOST_STAGES) - 1 for step in range(1, _MOST_STAGES + 1)}
    return tuple(blocks[pick] for pick in sorted(picks) if 0 <= pick < len(blocks))


@contextmanager
def _outputs_of(modules: list[nn.Module]) -> Iterator[list[Tensor]]:
    caught: list[Tensor] = []
    handles = [m.register_forward_hook(lambda _module, _inputs, output: caught.append(output)) for m in modules]
    try:
        yield caught
    finally:
        for handle in handles:
            handle.remove()
