"""The target model before training: a copy of the source model for another sensor's channels, or a network of its own."""

from __future__ import annotations

import copy

import torch
from torch import nn
from torch.nn.utils import parametrize

from sourcefree.errors import ConfigError
from sourcefree.models.architecture import Architecture
from sourcefree.models.classifier import Classifier, find_stages
from sourcefree.models.ensemble import Restandardise
from sourcefree.models.pretrained import check_backbone
from sourcefree.models.stem import with_input_channels


def new_student(source_model: Classifier, *, in_channels: int, native_stem: bool = False) -> Classifier:
    """Return a trainable copy of the source model for a sensor with ``in_channels``.

    Of several source models each saw source images in its own standardisation. Target images are in theirs, which serves all.

    Args:
        source_model: source classifier.
        in_channels: of the target sensor.
        native_stem: change the first convolution to read the sensor's channels, in place of a mixing layer before it.

    Raises:
        ConfigError: a native stem is asked for and the network has none that can be changed.
    """
    if native_stem and len(source_model.members()) > 1:
        raise ConfigError("native_stem is for one source model, found several", hint="leave native_stem off")
    network = copy.deepcopy(source_model.network).requires_grad_(True)
    for module in network.modules():
        if isinstance(module, Restandardise):
            module.reset()
    if native_stem and in_channels != 3:
        network = with_input_channels(network, in_channels).requires_grad_(True)
        return Classifier(
            network,
            head=source_model.head_name,
            in_channels=in_channels,
            stages=source_model.stage_names,
            adapter=torch.nn.Identity(),
            temperature=source_model.temperature,
        )
    student = Classifier(
        network,
        head=source_model.head_name,
        in_channels=in_channels,
        stages=source_model.stage_names,
        temperature=source_model.temperature,
    )
    if in_channels == source_model.in_channels:
        student.adapter.load_state_dict(source_model.adapter.state_dict())
    return student


def student_architecture(source_model: Classifier, source: Architecture, *, backbone: str) -> Architecture:
    """Return how a student with another backbone is built: a bottleneck as wide as the source's features, and its head.

    Args:
        source_model: source classifier.
        source: its architecture.
        backbone: timm model of the student.

    Raises:
        ConfigError: the source model's final layer is not one linear layer, or timm does not know the backbone.
    """
    head = source_model.head
    if not isinstance(head, nn.Linear):
        raise ConfigError(
            f"a student with a backbone of its own takes over the linear final layer of one source model, found "
            f"{type(head).__name__} of {source.name}",
            hint="leave student_backbone out: the student is a copy of the source model then",
        )
    check_backbone(backbone)
    return Architecture("bottleneck", backbone, head.out_features, bottleneck=head.in_features)


def check_student(source_model: Classifier, source: Architecture, *, backbone: str, size: int) -> None:
    """Check that a student with this backbone can be built and runs on images of ``size`` pixels.

    Raises:
        ConfigError: see :func:`student_architecture`.
        CheckpointError: it does not run.
    """
    network, _ = student_architecture(source_model, source, backbone=backbone).build()
    find_stages(network, size=size)


def other_student(
    source_model: Classifier, source: Architecture, *, backbone: str, in_channels: int, size: int, pretrained: bool
) -> Classifier:
    """Return a student with another backbone and the source model's final layer on top.

    Its features have the source model's width, so features and answers can be matched; its stages have other shapes, so
    they cannot.

    Args:
        source_model: source classifier with a linear final layer.
        source: its architecture.
        backbone: timm model of the student.
        in_channels: of the target sensor.
        size: of the input in pixels.
        pretrained: start from ImageNet weights.

    Raises:
        ConfigError: see :func:`student_architecture`.
    """
    network, head = student_architecture(source_model, source, backbone=backbone).build(pretrained=pretrained)
    _copy_head(source_model.head, network.get_submodule(head))
    return Classifier(
        network,
        head=head,
        in_channels=in_channels,
        stages=find_stages(network, size=size),
        temperature=source_model.temperature,
    )


def _copy_head(source: nn.Module, own: nn.Module) -> None:
    """Give one linear layer what the other answers; ``own`` is weight-normalised."""
    assert isinstance(source, nn.Linear) and isinstance(own, nn.Linear)
    if parametrize.is_parametrized(source):
        own.load_state_dict(source.state_dict())
        return
    with torch.no_grad():
        # Not a Parameter: the layer splits it into direction and length itself.
        own.weight = source.weight.detach()
        own.bias.copy_(torch.zeros_like(own.bias) if source.bias is None else source.bias)
