"""From what the user names as source model to a classifier."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import timm
from torch import nn

from sourcefree.data.modality import MODALITIES, Modality
from sourcefree.errors import CheckpointError, ConfigError
from sourcefree.models.architecture import Architecture, parse_architecture
from sourcefree.models.checkpoint_files import load_into, read_labels, read_state_dict
from sourcefree.models.classifier import Classifier, find_stages
from sourcefree.models.pretrained import IMAGENET_MEAN, IMAGENET_STD, input_statistics
from sourcefree.models.trained import TrainedClassifier, combine, load_trained

SourceModel: TypeAlias = TrainedClassifier | str | Path


def resolve_source_model(
    source_model: SourceModel | Sequence[SourceModel],
    *,
    weights: Path | None = None,
    labels: Path | None = None,
    size: int | None = None,
    network: nn.Module | None = None,
) -> TrainedClassifier:
    """Return the source classifier.

    Args:
        source_model: a classifier, the folder of a run, or ``timm:NAME`` or ``torchvision:NAME``; several classifiers or
            folders become one ensemble.
        weights: checkpoint for a named architecture (safetensors, or .pth holding plain tensors).
        labels: file with its label names.
        size: input size in pixels; default: what the checkpoint or its library says.
        network: own network for a run folder whose model was built from one.

    Raises:
        ConfigError: the parts do not go together.
        CheckpointError: the model cannot be read, or does not fit its labels.
    """
    if isinstance(source_model, TrainedClassifier):
        return source_model
    if not isinstance(source_model, (str, Path)):
        members = [
            resolve_source_model(one, weights=weights, labels=labels, size=size, network=network)
            for one in source_model
        ]
        return combine(members)
    text = str(source_model)
    library = text.partition(":")[0]
    if library in ("timm", "torchvision") and ":" in text:
        return _from_checkpoint(text, weights=weights, labels=labels, size=size)
    if weights is not None or labels is not None:
        raise ConfigError(
            f"--source-weights and --source-labels go with timm:NAME or torchvision:NAME, found {text!r}",
            hint="a run folder has its own weights and labels",
        )
    trained = load_trained(Path(source_model), network=network)
    if size is not None and size != trained.size:
        trained = TrainedClassifier(trained.model, trained.architecture, trained.labels, trained.modality, size)
    return trained


def _from_checkpoint(text: str, *, weights: Path | None, labels: Path | None, size: int | None) -> TrainedClassifier:
    if weights is None or labels is None:
        raise ConfigError(
            f"{text}: a named architecture needs its checkpoint and its label names",
            hint="add --source-weights FILE and --source-labels FILE",
        )
    names = read_labels(labels)
    architecture = parse_architecture(text, num_classes=len(names))
    network, head = architecture.build()
    load_into(network, read_state_dict(weights), path=weights)
    size = size or _native_size(architecture)
    try:
        stages = find_stages(network, size=size)
    except (RuntimeError, AssertionError) as error:
        raise CheckpointError(
            f"{text} does not run on images of {size} px: {' '.join(str(error).split())[:200]}",
            hint="give --size the size it was trained with",
        ) from error
    model = Classifier(network, head=head, stages=stages)
    return TrainedClassifier(model, architecture, tuple(names), _imagenet_rgb(architecture), size)


def _native_size(architecture: Architecture) -> int:
    config = timm.get_pretrained_cfg(architecture.name) if architecture.kind == "timm" else None
    return int(config.input_size[-1]) if config is not None else 224


def _imagenet_rgb(architecture: Architecture) -> Modality:
    named = architecture.kind == "timm"
    mean, std = input_statistics(architecture.name) if named else (IMAGENET_MEAN, IMAGENET_STD)
    return Modality(**{**MODALITIES["rgb"].to_dict(), "mean": mean, "std": std})
