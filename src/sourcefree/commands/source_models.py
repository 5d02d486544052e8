"""From what the user names as source model to a classifier."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import timm
from torch import nn

from sourcefree.config import LEAST_SIZE
from sourcefree.data.modality import MODALITIES, Modality
from sourcefree.errors import ConfigError
from sourcefree.models.architecture import Architecture, parse_architecture
from sourcefree.models.checkpoint_files import load_into, read_labels, read_state_dict, stored_labels
from sourcefree.models.classifier import Classifier, find_stages
from sourcefree.models.factory import is_factory
from sourcefree.models.pretrained import IMAGENET_MEAN, IMAGENET_STD, input_statistics
from sourcefree.models.trained import TrainedClassifier, check_label_count, combine, load_trained

_LIBRARY_SIZE = 224  # what torchvision's classifiers and most others were trained with

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
        source_model: a classifier, the folder of a run, ``timm:NAME``, ``torchvision:NAME``, ``hf-hub:NAME`` (online) or
            ``file.py:function``; several classifiers or folders become one ensemble.
        weights: checkpoint for a named architecture (safetensors, or .pth holding plain tensors).
        labels: file with its label names; default: those that the checkpoint holds.
        size: input size in pixels; default: what the checkpoint or its library says.
        network: own network for a run folder whose model was built from one.

    Raises:
        ConfigError: the parts do not go together.
        CheckpointError: the model cannot be read, or does not fit its labels.
    """
    if size is not None and size < LEAST_SIZE:
        raise ConfigError(f"--size {size}: expected {LEAST_SIZE} pixels or more")
    if isinstance(source_model, TrainedClassifier):
        return source_model
    if not isinstance(source_model, (str, Path)):
        members = [
            resolve_source_model(one, weights=weights, labels=labels, size=size, network=network)
            for one in source_model
        ]
        return combine(members)
    text = str(source_model)
    if text.startswith("hf-hub:"):
        text = f"timm:{text}"
    library = text.partition(":")[0]
    if is_factory(text):
        return _from_factory(text, weights=weights, labels=labels, size=size)
    if library in ("timm", "torchvision") and ":" in text:
        return _from_library(text, weights=weights, labels=labels, size=size)
    if weights is not None or labels is not None:
        raise ConfigError(
            f"--source-weights and --source-labels go with timm:NAME, torchvision:NAME or file.py:function, found {text!r}",
            hint="a run folder has its own weights and labels",
        )
    trained = load_trained(Path(text), network=network)
    if size is not None and size != trained.size:
        trained = TrainedClassifier(trained.model, trained.architecture, trained.labels, trained.modality, size)
    return trained


def _from_library(text: str, *, weights: Path | None, labels: Path | None, size: int | None) -> TrainedClassifier:
    """Return a classifier of timm or torchvision, with the weights of a checkpoint or, for hf-hub names, of the hub."""
    on_hub = text.partition(":")[2].startswith("hf-hub:")
    if weights is None and not on_hub:
        raise ConfigError(f"{text}: a named architecture needs its checkpoint", hint="add --source-weights FILE")
    names = _labels(text, weights, labels)
    architecture = parse_architecture(text, num_classes=len(names))
    network, head = architecture.build(pretrained=weights is None)
    if weights is not None:
        load_into(network, read_state_dict(weights), path=weights)
    return _classifier(text, network, head, architecture, names, size or _native_size(architecture))


def _from_factory(text: str, *, weights: Path | None, labels: Path | None, size: int | None) -> TrainedClassifier:
    """Return the classifier that a function of the user's returns, with a checkpoint's weights where one is given."""
    names = _labels(text, weights, labels)
    file, _, function = text.rpartition(":")
    architecture = Architecture("factory", function, len(names), factory=f"{Path(file).resolve()}:{function}")
    network, head = architecture.build()
    if weights is not None:
        load_into(network, read_state_dict(weights), path=weights)
    outputs = getattr(network.get_submodule(head), "out_features", len(names))
    check_label_count(names, outputs, where=text)
    return _classifier(text, network, head, architecture, names, size or _LIBRARY_SIZE)


def _labels(text: str, weights: Path | None, labels: Path | None) -> list[str]:
    """Return the label names of a file, or those that the checkpoint itself holds."""
    if labels is not None:
        return read_labels(labels)
    found = stored_labels(weights) if weights is not None else None
    if not found:
        raise ConfigError(
            f"{text}: its label names are needed, in the order of its outputs",
            hint="add --source-labels FILE, one name a line; or store them in the checkpoint under 'labels'",
        )
    return found


def _classifier(
    text: str, network: nn.Module, head: str, architecture: Architecture, names: Sequence[str], size: int
) -> TrainedClassifier:
    model = Classifier(network, head=head, stages=find_stages(network, size=size))
    return TrainedClassifier(model, architecture, tuple(names), _imagenet_rgb(architecture), size)


def _native_size(architecture: Architecture) -> int:
    named = architecture.kind == "timm" and timm.is_model(architecture.name)
    config = timm.get_pretrained_cfg(architecture.name) if named else None
    return int(config.input_size[-1]) if config is not None else _LIBRARY_SIZE


def _imagenet_rgb(architecture: Architecture) -> Modality:
    named = architecture.kind == "timm" and timm.is_model(architecture.name)
    mean, std = input_statistics(architecture.name) if named else (IMAGENET_MEAN, IMAGENET_STD)
    return Modality(**{**MODALITIES["rgb"].to_dict(), "mean": mean, "std": std})
