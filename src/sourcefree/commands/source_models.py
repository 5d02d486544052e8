"""From what the user names as source model to a classifier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import timm
from pydantic import ValidationError
from torch import nn

from sourcefree.config import LEAST_SIZE
from sourcefree.data.modality import MODALITIES, Modality
from sourcefree.errors import CheckpointError, ConfigError, first_problem
from sourcefree.models.architecture import Architecture, parse_architecture
from sourcefree.models.checkpoint_files import (
    Stored,
    load_into,
    read_labels,
    read_state_dict,
    read_stored,
    stored_in,
)
from sourcefree.models.classifier import Classifier, find_head, find_stages
from sourcefree.models.factory import is_factory
from sourcefree.models.pretrained import HUBS, IMAGENET_MEAN, IMAGENET_STD, create_backbone
from sourcefree.models.probe import check_network
from sourcefree.models.trained import TrainedClassifier, check_label_count, combine, load_trained

_LIBRARY_SIZE = 224  # what torchvision's classifiers and most others were trained with

SourceModel: TypeAlias = TrainedClassifier | str | Path


def resolve_source_model(
    source_model: SourceModel | Sequence[SourceModel],
    *,
    weights: Path | str | None = None,
    labels: Path | str | None = None,
    size: int | None = None,
) -> TrainedClassifier:
    """Return the source classifier.

    Args:
        source_model: a classifier, the folder of a run, ``timm:NAME``, ``torchvision:NAME``, ``hf-hub:NAME`` (online),
            ``local-dir:FOLDER`` or ``file.py:function``; several classifiers or folders become one ensemble.
        weights: checkpoint for a named architecture (safetensors, or .pth holding plain tensors).
        labels: file with its label names; default: those that the checkpoint holds.
        size: input size in pixels; default: what the checkpoint says, or else its library.

    Raises:
        ConfigError: the parts do not go together.
        CheckpointError: the model cannot be read, or does not fit its labels.
    """
    if size is not None and size < LEAST_SIZE:
        raise ConfigError(f"--size {size}: expected {LEAST_SIZE} pixels or more")
    weights, labels = (None if file is None else Path(file) for file in (weights, labels))
    if isinstance(source_model, TrainedClassifier):
        _refuse_parts("a classifier from Python", weights=weights, labels=labels)
        return _sized(_adaptable(source_model), size)
    if not isinstance(source_model, (str, Path)):
        members = _several(source_model)
        return combine([resolve_source_model(one, weights=weights, labels=labels, size=size) for one in members])
    text = str(source_model)
    if text.startswith(HUBS):
        text = f"timm:{text}"
    library, _, name = text.partition(":")
    if is_factory(text):
        return _from_factory(text, weights=weights, labels=labels, size=size)
    if library == "timm" and name.startswith(HUBS):
        if weights is not None:
            raise ConfigError(f"{text} brings its own weights: leave out --source-weights")
        return _from_hub(name, labels=labels, size=size)
    if library in ("timm", "torchvision") and ":" in text:
        return _from_library(text, weights=weights, labels=labels, size=size)
    _refuse_parts(repr(text), weights=weights, labels=labels)
    return _sized(_adaptable(load_trained(Path(text)), where=text), size)


def _several(source_model: object) -> Sequence[SourceModel]:
    """Return what can be an ensemble: a list of source models, and nothing else that happens to be iterable."""
    expected = "source_model: expected a run folder, timm:NAME, a TrainedClassifier or a list of them"
    if isinstance(source_model, nn.Module):
        raise ConfigError(
            f"{expected}, found the network {type(source_model).__name__}",
            hint="wrap it in TrainedClassifier.from_module(network, labels=[...], size=...)",
        )
    if not isinstance(source_model, Sequence) or not source_model:
        found = "an empty list" if isinstance(source_model, Sequence) else type(source_model).__name__
        raise ConfigError(f"{expected}, found {found}", hint="see docs/python.md, Your own classifier")
    return source_model


def _refuse_parts(found: str, *, weights: Path | None, labels: Path | None) -> None:
    """Refuse weights or labels beside a source model that brings its own."""
    if weights is not None or labels is not None:
        raise ConfigError(
            f"--source-weights and --source-labels go with timm:NAME, torchvision:NAME or file.py:function, found {found}",
            hint="a run folder or a classifier has its own weights and labels",
        )


def _sized(trained: TrainedClassifier, size: int | None) -> TrainedClassifier:
    if size is None or size == trained.size:
        return trained
    check_network(trained.model.network, head=trained.model.head_name, labels=len(trained.labels), size=size)
    return replace(trained, size=size)


def _adaptable(trained: TrainedClassifier, *, where: str = "the source model") -> TrainedClassifier:
    """Check that a network reads three channels itself: what stands before it is replaced by the new sensor's adapter.

    A repeated or mixed channel can be replaced, what was trained with the network cannot.
    """
    if trained.model.translator_name:
        found = f"the translator {trained.model.translator_name!r}"
    elif trained.architecture.kind == "deep-ensemble":
        found = f"{len(trained.architecture.members)} adapted models whose answers are averaged"
    elif trained.architecture.in_channels != 3:
        found = f"a first convolution of {trained.architecture.in_channels} channels"
    else:
        return trained
    raise ConfigError(
        f"{where}: a source model needs a network of 3 channels and no translator, found {found}",
        hint="give a train-source run, or a model without them from the candidates folder of the run",
    )


def _from_library(text: str, *, weights: Path | None, labels: Path | None, size: int | None) -> TrainedClassifier:
    """Return a classifier of timm or torchvision with the weights of a checkpoint."""
    if weights is None:
        raise ConfigError(f"{text}: a named architecture needs its checkpoint", hint="add --source-weights FILE")
    stored = read_stored(weights)
    names = _labels(text, stored, labels)
    architecture = parse_architecture(text, num_classes=len(names))
    network, head = architecture.build()
    load_into(network, read_state_dict(weights), path=weights)
    return _classifier(network, head, architecture, names, stored, size)


def _from_hub(name: str, *, labels: Path | None, size: int | None) -> TrainedClassifier:
    """Return a classifier of timm's hub, or of a folder in its form, with everything its configuration tells."""
    network = create_backbone(name, num_classes=None, pretrained=True)
    config = dict(getattr(network, "pretrained_cfg", {}))
    stored = stored_in(config, where=name)
    names = _labels(name, stored, labels)
    head = find_head(network)
    check_label_count(names, getattr(network.get_submodule(head), "out_features", len(names)), where=name)
    architecture = _offline(Architecture("timm", name, len(names)), network, str(config.get("architecture", "")))
    return _classifier(network, head, architecture, names, stored, size)


def _offline(architecture: Architecture, network: nn.Module, name: str) -> Architecture:
    """Return the architecture under timm's own name where that builds the same network: a run must not need the hub."""
    if not timm.is_model(name):
        return architecture
    plain = replace(architecture, name=name)
    shapes = [{key: value.shape for key, value in one.state_dict().items()} for one in (network, plain.build()[0])]
    return plain if shapes[0] == shapes[1] else architecture


def _from_factory(text: str, *, weights: Path | None, labels: Path | None, size: int | None) -> TrainedClassifier:
    """Return the classifier that a function of the user's returns, with a checkpoint's weights where one is given."""
    stored = Stored() if weights is None else read_stored(weights)
    names = _labels(text, stored, labels)
    file, _, function = text.rpartition(":")
    architecture = Architecture("factory", function, len(names), factory=f"{Path(file).resolve()}:{function}")
    network, head = architecture.build()
    if weights is not None:
        load_into(network, read_state_dict(weights), path=weights)
    outputs = getattr(network.get_submodule(head), "out_features", len(names))
    check_label_count(names, outputs, where=text)
    return _classifier(network, head, architecture, names, stored, size)


def _labels(text: str, stored: Stored, labels: Path | None) -> list[str]:
    """Return the label names of a file, or those that the checkpoint itself holds."""
    if labels is not None:
        names = read_labels(labels)
        if stored.labels and names != stored.labels and sorted(names) == sorted(stored.labels):
            raise ConfigError(
                f"{labels}: the same names as in the checkpoint of {text}, in another order: it has {stored.labels[0]!r} first",
                hint="leave out --source-labels, or remove the names from the checkpoint if those of the file are right",
            )
        return names
    if not stored.labels:
        raise ConfigError(
            f"{text}: its label names are needed, in the order of its outputs",
            hint="add --source-labels FILE, one name a line; or store them in the checkpoint under 'labels'",
        )
    return stored.labels


def _classifier(
    network: nn.Module,
    head: str,
    architecture: Architecture,
    names: Sequence[str],
    stored: Stored,
    size: int | None,
) -> TrainedClassifier:
    """Return the classifier; size and normalisation are those asked for, then the checkpoint's, then the library's."""
    # timm's networks carry the configuration of their weights.
    library = stored_in(dict(getattr(network, "pretrained_cfg", None) or {}), where=architecture.name)
    size = size or stored.size or library.size or _LIBRARY_SIZE
    mean = stored.mean or library.mean or IMAGENET_MEAN
    std = stored.std or library.std or IMAGENET_STD
    try:
        sensor = Modality(**{**MODALITIES["rgb"].to_dict(), "mean": mean, "std": std})
    except ValidationError as error:
        raise CheckpointError(
            f"{architecture.name}: its normalisation cannot be used: {first_problem(error)}"
        ) from error
    check_network(network, head=head, labels=len(names), size=size)
    model = Classifier(network, head=head, stages=find_stages(network, size=size))
    return TrainedClassifier(model, architecture, tuple(names), sensor, size)
