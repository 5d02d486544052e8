"""What a network takes and returns, found by running it once in each mode: before anything is built on it."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from sourcefree.errors import CheckpointError, ConfigError

_IMAGES = 2  # batch norm needs two in training mode


@torch.no_grad()
def check_network(network: nn.Module, *, head: str, labels: int, size: int) -> None:
    """Check that a network maps images (N, 3, size, size) to logits (N, labels) in both modes, through its final layer.

    It is run on a copy, so that no statistics move, and random numbers are drawn as if it had not been.

    Args:
        network: of the user's, or of a library.
        head: name of its final layer.
        labels: how many logits there must be.
        size: of the images in pixels.

    Raises:
        ConfigError: it does not run, changes its images, returns something else, or does not call its final layer.
        CheckpointError: the final layer has another number of outputs.
    """
    copied = _copied(network)
    device = next((parameter.device for parameter in copied.parameters()), torch.device("cpu"))
    images = torch.rand(_IMAGES, 3, size, size, generator=torch.Generator().manual_seed(0)).to(device)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        for mode in ("eval", "training"):
            copied.train(mode == "training")
            given = images.clone()
            with _shapes_of_outputs(copied, head) as shapes:
                logits = _answers(copied, given, mode=mode)
            _check_unchanged(copied, given, images)
            _check_head(copied, head, shapes, labels=labels)
            _check_logits(copied, logits, labels=labels, mode=mode)


def _copied(network: nn.Module) -> nn.Module:
    try:
        return copy.deepcopy(network)
    except Exception as error:
        raise ConfigError(
            f"{_name(network)} cannot be copied, and the target model begins as a copy of the source model: "
            f"{_short(error)}",
            hint="keep what copy.deepcopy cannot copy (open files, locks, tensors with a history) out of the network",
        ) from error


def _answers(network: nn.Module, images: Tensor, *, mode: str) -> object:
    try:
        return network(images)
    except Exception as error:
        first = next((module for module in network.modules() if isinstance(module, nn.Conv2d)), None)
        if first is not None and first.in_channels != images.shape[1]:
            raise _other_channels(network, first.in_channels) from error
        other = {parameter.dtype for parameter in network.parameters()} - {torch.float32}
        if other:
            raise ConfigError(
                f"{_name(network)}: expected weights of float32, found {', '.join(map(_number_type, other))}",
                hint="give network.float(); precision='bf16' computes in bf16 and keeps the weights",
            ) from error
        raise ConfigError(
            f"{_name(network)} does not run on images of {images.shape[-1]} px, float32 {tuple(images.shape)}, in {mode} "
            f"mode: {_short(error)}",
            hint="choose another size, such as the one it was trained with (--size)"
            if mode == "eval"
            else "it is trained in this mode: let its forward run there too, as without auxiliary outputs (aux_logits=False)",
        ) from error


def _check_unchanged(network: nn.Module, given: Tensor, images: Tensor) -> None:
    if not torch.equal(given, images):
        raise ConfigError(
            f"{_name(network)} changes the images it is given, and others look at them too",
            hint="write x = x - mean in its forward where it says x -= mean",
        )


def _other_channels(network: nn.Module, found: int) -> ConfigError:
    one = "wrap it in a module that gives it images.mean(1, keepdim=True): one channel is repeated to three before it"
    many = "a source model takes images of colour, or of one channel; adapt such a model to the sensor with more"
    return ConfigError(
        f"{_name(network)}: expected a network for 3 channels, found a first convolution over {found}",
        hint=one if found == 1 else many,
    )


def _check_logits(network: nn.Module, logits: object, *, labels: int, mode: str) -> None:
    if isinstance(logits, Tensor) and logits.shape == (_IMAGES, labels) and logits.is_floating_point():
        if labels > 1 and (logits >= 0).all() and torch.allclose(logits.sum(-1), logits.new_ones(_IMAGES), atol=1e-3):
            raise ConfigError(
                f"{_name(network)}: expected logits, found probabilities: its answers are not negative and sum to 1",
                hint="let its forward return what goes into the softmax",
            )
        if not logits.isfinite().all():
            raise ConfigError(
                f"{_name(network)}: its answers are no finite numbers in {mode} mode",
                hint="had its training diverged? look at the weights",
            )
        return
    raise ConfigError(
        f"{_name(network)}: expected logits {(_IMAGES, labels)} of {_IMAGES} images and {labels} labels, "
        f"found {_described(logits)} in {mode} mode",
        hint="let its forward return the logits alone in both modes: without auxiliary outputs (aux_logits=False), or in a "
        "module of your own around it (from_module, or file.py:function)",
    )


def _check_head(network: nn.Module, head: str, shapes: Mapping[str, tuple[int, ...]], *, labels: int) -> None:
    if head not in shapes:
        last = f"; the last linear layer that is called is {list(shapes)[-1]!r}" if shapes else ""
        raise ConfigError(
            f"{_name(network)}: its final layer {head!r} is not called in forward",
            hint=f"name the layer that gives the logits: from_module(network, ..., head='...'){last}",
        )
    shape = shapes[head]
    if shape and labels not in (shape[-1], shape[1] if len(shape) == 4 else 0):
        raise CheckpointError(
            f"{_name(network)}: the final layer {head!r} gives {shape} for {_IMAGES} images, but {labels} labels are given",
            hint="name the layer that gives the logits, and one label for each of its outputs in their order",
        )


@contextmanager
def _shapes_of_outputs(network: nn.Module, head: str) -> Iterator[dict[str, tuple[int, ...]]]:
    """Collect the shapes of what the final and all linear layers return, in the order of their calls; () for no tensor."""
    shapes: dict[str, tuple[int, ...]] = {}

    def remember(name: str):  # type: ignore[no-untyped-def]
        def hook(_module: nn.Module, _inputs: object, output: object) -> None:
            shapes[name] = tuple(output.shape) if isinstance(output, Tensor) else ()

        return hook

    parts = [(name, part) for name, part in network.named_modules() if name == head or isinstance(part, nn.Linear)]
    handles = [part.register_forward_hook(remember(name)) for name, part in parts]
    try:
        yield shapes
    finally:
        for handle in handles:
            handle.remove()


def _described(value: object) -> str:
    if isinstance(value, Tensor):
        return f"{_number_type(value.dtype)} {tuple(value.shape)}"
    if isinstance(value, (tuple, list)):
        return f"{type(value).__name__} of {len(value)}"
    return type(value).__name__


def _number_type(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _name(network: nn.Module) -> str:
    return type(network).__name__


def _short(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
