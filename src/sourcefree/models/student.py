"""The target model before training: a copy of the source model for another sensor's channels, or a network of its own."""

from __future__ import annotations

import copy

import torch

from sourcefree.errors import ConfigError
from sourcefree.models.architecture import Architecture
from sourcefree.models.classifier import Classifier, find_stages
from sourcefree.models.stem import with_input_channels


def new_student(source_model: Classifier, *, in_channels: int, native_stem: bool = False) -> Classifier:
    """Return a trainable copy of the source model for a sensor with ``in_channels``.

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
    if native_stem and in_channels != 3:
        network = with_input_channels(network, in_channels).requires_grad_(True)
        return Classifier(
            network,
            head=source_model.head_name,
            in_channels=in_channels,
            stages=source_model.stage_names,
            adapter=torch.nn.Identity(),
        )
    student = Classifier(network, head=source_model.head_name, in_channels=in_channels, stages=source_model.stage_names)
    student.temperature.copy_(source_model.temperature)
    if in_channels == source_model.in_channels:
        student.adapter.load_state_dict(source_model.adapter.state_dict())
    return student


def other_student(
    source_model: Classifier, source: Architecture, *, backbone: str, in_channels: int, size: int, pretrained: bool
) -> tuple[Classifier, Architecture]:
    """Return a student with another backbone, the source model's final layer on top, and its architecture.

    Its features have the source model's width, so features and answers can be matched; its stages have other shapes, so
    they cannot.

    Args:
        source_model: source classifier with a bottleneck.
        source: its architecture.
        backbone: timm model of the student.
        in_channels: of the target sensor.
        size: of the input in pixels.
        pretrained: start from ImageNet weights.

    Raises:
        ConfigError: the source model has no bottleneck of ours, or timm does not know the backbone.
    """
    if source.kind != "bottleneck":
        raise ConfigError(
            f"a student with a backbone of its own needs a source model of train-source, found one of kind {source.kind}",
            hint="leave student_backbone out: the student is a copy of the source model then",
        )
    architecture = Architecture("bottleneck", backbone, source.num_classes, bottleneck=source.bottleneck)
    network, head = architecture.build(pretrained=pretrained)
    network.get_submodule(head).load_state_dict(source_model.head.state_dict())
    student = Classifier(network, head=head, in_channels=in_channels, stages=find_stages(network, size=size))
    return student, architecture
