"""A classifier with everything prediction needs: weights, label names, sensor, input size; saved as plain files."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from sourcefree.data.modality import Modality, load_modality
from sourcefree.errors import CheckpointError, ConfigError, first_problem
from sourcefree.files import write_text
from sourcefree.models.architecture import Architecture
from sourcefree.models.classifier import Classifier, RepeatChannels, channel_adapter, check_head, find_head, find_stages
from sourcefree.models.ensemble import ensemble
from sourcefree.models.pretrained import IMAGENET_MEAN, IMAGENET_STD
from sourcefree.models.probe import check_network
from sourcefree.models.tensor_files import write_tensors
from sourcefree.models.translators import translator_adapter
from sourcefree.tuned import refuse_tuning

_FORMAT = 1
_DESCRIPTION, _WEIGHTS = "model.json", "weights.safetensors"


@dataclass(frozen=True)
class TrainedClassifier:
    """A classifier for images of one sensor.

    Attributes:
        model: the network.
        architecture: how to build it again.
        labels: class names in the order of the logits.
        modality: the sensor, with the statistics its images are standardised with.
        size: height and width of the input in pixels.
    """

    model: Classifier
    architecture: Architecture
    labels: tuple[str, ...]
    modality: Modality
    size: int

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of the images that the network takes."""
        return self.model.in_channels, self.size, self.size

    @classmethod
    def from_module(
        cls,
        network: nn.Module,
        *,
        labels: Sequence[str],
        size: int,
        modality: Modality | Path | str = "rgb",
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        head: str | None = None,
    ) -> TrainedClassifier:
        """Return a classifier around any network that maps (N, 3, size, size) to logits (N, labels).

        It is run once in eval and once in training mode, on a copy. Where the sensor has one channel, that is repeated.

        Args:
            network: trained network of your own; its last linear layer must give one logit a label.
            labels: class names in the order of the logits.
            size: height and width it was trained with.
            modality: the sensor it was trained on, of one or three channels.
            mean: per channel, in the modality's unit (0..1 for rgb); default: the modality's, then ImageNet's.
            std: likewise.
            head: name of the final layer; default: the last linear layer.

        Raises:
            CheckpointError: no final layer is found, or its outputs are not as many as the labels.
            ConfigError: mean and std do not fit the sensor, a label is there twice, or the network does not take or return
                what is expected; see :func:`sourcefree.models.probe.check_network`.
        """
        known = modality if isinstance(modality, Modality) else load_modality(modality)
        sensor, labels = _with_statistics(known, mean, std), [str(label) for label in labels]
        if sensor.bands not in (1, 3):
            raise ConfigError(
                f"sensor {sensor.name!r}: expected 1 or 3 channels for a network of your own, found {sensor.bands}",
                hint="give a classifier of colour images or of one channel, and adapt it to this sensor",
            )
        head = head or find_head(network)
        check_head(network, head)
        outputs = getattr(network.get_submodule(head), "out_features", len(labels))
        check_label_count(labels, outputs, where=type(network).__name__)
        check_network(network, head=head, labels=len(labels), size=size)
        architecture = Architecture("module", type(network).__name__, len(labels), head=head)
        stages = find_stages(network, size=size)
        model = Classifier(network, head=head, in_channels=sensor.bands, stages=stages)
        return cls(model, architecture, tuple(labels), sensor, size)

    def save(self, folder: Path | str) -> None:
        """Write ``weights.safetensors`` and ``model.json``; the description comes last, so a folder with it is whole."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        # Copies: safetensors refuses tensors that share their memory, as tied layers do.
        tensors = {
            name: value.detach().cpu().clone(memory_format=torch.contiguous_format)
            for name, value in self.model.state_dict().items()
        }
        write_tensors(folder / _WEIGHTS, tensors)
        description = {
            "format": _FORMAT,
            "architecture": self.architecture.to_dict(),
            "labels": list(self.labels),
            "in_channels": self.model.in_channels,
            "stages": list(self.model.stage_names),
            "translator": _translator_entry(self.model),
            "preprocessing": {
                "modality": self.modality.to_dict(),
                "size": self.size,
                "resize": "to 8/7 of size (aspect not kept), then centre crop",
            },
        }
        write_text(folder / _DESCRIPTION, json.dumps(description, indent=1))


def load_trained(path: Path | str, *, network: nn.Module | None = None) -> TrainedClassifier:
    """Return the classifier in a model folder, or in the ``model`` folder of a run.

    Args:
        path: folder.
        network: your own network, needed where the model was made by :meth:`TrainedClassifier.from_module`; where it mixes
            several, a ``torch.nn.ModuleList`` of them in the order of the source models. It is copied, and stays as it is.

    Raises:
        CheckpointError: there is no whole model in the folder, or it does not fit its description.
    """
    path = Path(path)
    folder = _model_folder(path)
    description = _read_description(folder, path)
    try:
        architecture = Architecture.from_dict(description["architecture"])
        built, head = architecture.build(own=_own_networks(architecture, network, where=folder))
        channels = int(description["in_channels"])
        translator = description.get("translator")
        model = Classifier(
            built,
            head=head,
            in_channels=channels,
            stages=description["stages"],
            adapter=_adapter(architecture, channels, translator),
            translator=translator["name"] if translator else "",
        )
        # Folders written before answers were calibrated hold no temperature.
        weights = load_file(folder / _WEIGHTS)
        model.load_state_dict({"temperature": torch.ones(()), **weights})
        if any(bool(value.isnan().any()) for value in weights.values()):
            raise ValueError("some weights are no numbers: its training had diverged, or the file is damaged")
        modality, size = _preprocessing(description)
        return TrainedClassifier(model.eval(), architecture, tuple(description["labels"]), modality, size)
    except (OSError, SafetensorError, RuntimeError, KeyError, TypeError, ValueError) as error:
        short = " ".join(str(error).split())[:300]
        raise CheckpointError(
            f"{folder}: the model cannot be loaded: {type(error).__name__}: {short}",
            hint=_question(network) + "the folder may be incomplete, or from another version of sourcefree or timm",
        ) from error


def load_preprocessing(path: Path) -> tuple[Modality, int]:
    """Return the sensor and the input size of the model in a folder, whatever network it is made of.

    Raises:
        CheckpointError: see :func:`load_trained`.
    """
    folder = _model_folder(path)
    description = _read_description(folder, path)
    try:
        return _preprocessing(description)
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{folder / _DESCRIPTION}: cannot be used: {type(error).__name__}: {error}") from error


def _model_folder(path: Path) -> Path:
    return path / "model" if (path / "model" / _DESCRIPTION).is_file() else path


def _preprocessing(description: dict[str, Any]) -> tuple[Modality, int]:
    entry = description["preprocessing"]
    return Modality(**entry["modality"]), int(entry["size"])


def _own_networks(architecture: Architecture, network: nn.Module | None, *, where: Path) -> list[nn.Module]:
    """Return copies of the user's networks that a classifier is made of: none where it needs none, whatever is given.

    Raises:
        CheckpointError: more or fewer are needed than are given.
    """
    names = architecture.own_parts()
    if not names or (network is None and len(names) == 1):
        return []  # a student of another backbone needs no network; for one that is missing, the architecture speaks
    given = list(network) if isinstance(network, nn.ModuleList) else [network] if network is not None else []
    if len(given) != len(names):
        raise CheckpointError(
            f"{where}: the model is made of {len(names)} networks of your own ({', '.join(names)}), found {len(given)}",
            hint="build them in Python and pass them in this order: "
            f"load_trained(folder, network=torch.nn.ModuleList([{', '.join(names)}]))",
        )
    # Copies: the same network given twice, or for one model and then another, would hold the weights of the last only.
    return [copy.deepcopy(one) for one in given]


def _question(network: nn.Module | None) -> str:
    if network is None:
        return ""
    return f"has network={type(network).__name__} the layers of the one that the model was made from? otherwise "


def check_label_count(labels: Sequence[str], outputs: int, *, where: str) -> None:
    """Check that there is one label a logit.

    Raises:
        CheckpointError: there is not.
    """
    if len(labels) != outputs:
        raise CheckpointError(
            f"{where}: the final layer has {outputs} outputs, but {len(labels)} labels are given",
            hint="give one label name for each output, in the order of the outputs",
        )
    if len(set(labels)) != len(labels):
        twice = sorted({label for label in labels if list(labels).count(label) > 1})
        raise ConfigError(f"{where}: label names must differ, found twice: {', '.join(twice[:5])}")


def combine(classifiers: Sequence[TrainedClassifier]) -> TrainedClassifier:
    """Return several classifiers of one task and sensor as one that mixes their answers, for multi-source adaptation.

    It takes images standardised as those of the first; for the others they are brought to their own statistics.

    Raises:
        ConfigError: labels, sensor or size differ, or a classifier is none for plain images of three channels, or mixes
            several itself.
    """
    first = classifiers[0]
    if len(classifiers) == 1:
        return first
    for other in classifiers[1:]:
        _check_same_task(first, other)
    for classifier in classifiers:
        if classifier.model.in_channels != 3 or classifier.model.translator_name:
            found = classifier.model.translator_name or f"{classifier.model.in_channels} channels"
            raise ConfigError(
                f"several source models need 3 channels each and no translator, found {found}",
                hint="give classifiers of colour images, as train-source writes them",
            )
        if classifier.architecture.members:
            raise ConfigError(
                f"one of several source models is itself a mixture of {len(classifier.architecture.members)}",
                hint="give the models that it was made of",
            )
    members = tuple(classifier.architecture for classifier in classifiers)
    architecture = Architecture("ensemble", "+".join(m.name for m in members), len(first.labels), members=members)
    statistics = [(one.modality.mean, one.modality.std) for one in classifiers]
    known = [(mean, std) for mean, std in statistics if mean is not None and std is not None]
    model = ensemble([one.model for one in classifiers], known if len(known) == len(statistics) else None)
    return TrainedClassifier(model, architecture, first.labels, first.modality, first.size)


def _check_same_task(first: TrainedClassifier, other: TrainedClassifier) -> None:
    """Check that two classifiers can answer for one another; how each standardises its images is its own affair."""
    ours, theirs = ({"labels": c.labels, "size": c.size, **c.modality.to_dict()} for c in (first, other))
    for what in ours:
        if what not in ("mean", "std", "description") and ours[what] != theirs[what]:
            name = what if what in ("labels", "size") else f"sensor ({what})"
            raise ConfigError(
                f"several source models must share their {name}, found {ours[what]} and {theirs[what]}",
                hint="train them with the same folder names, --size and sensor",
            )


def _adapter(architecture: Architecture, channels: int, translator: dict[str, Any] | None) -> nn.Module:
    if translator:
        return translator_adapter(in_channels=channels, **translator)
    return channel_adapter(channels, architecture.in_channels)


def _translator_entry(model: Classifier) -> dict[str, Any] | None:
    if not model.translator_name:
        return None
    # The adapter is the translator, then what stood before the source model: see behind_translator.
    inner = model.adapter.get_submodule("1")
    channels = inner.in_channels if isinstance(inner, nn.Conv2d) else 1 if isinstance(inner, RepeatChannels) else 3
    return {"name": model.translator_name, "source_channels": channels}


def _with_statistics(modality: Modality, mean: Sequence[float] | None, std: Sequence[float] | None) -> Modality:
    if mean is None and std is None and modality.measured:
        return modality
    fields = {
        "mean": tuple(IMAGENET_MEAN if mean is None else mean),
        "std": tuple(IMAGENET_STD if std is None else std),
    }
    try:
        return Modality(**{**modality.to_dict(), **fields})
    except ValidationError as error:
        raise ConfigError(
            f"mean and std do not fit the sensor {modality.name!r}: {first_problem(error)}",
            hint=f"give one value for each of its {modality.bands} channels",
        ) from error


def _read_description(folder: Path, path: Path) -> dict[str, Any]:
    file = folder / _DESCRIPTION
    if not file.is_file():
        refuse_tuning(path)
        if (path / "run.json").is_file():
            raise CheckpointError(f"{path}: the run is not finished, there is no model yet", hint="go on with --resume")
        what = "no such folder" if not path.exists() else f"no {_DESCRIPTION} in it or in its model folder"
        raise CheckpointError(
            f"{path}: expected a run or model folder of sourcefree, found {what}",
            hint="give the --out folder of a finished train-source or adapt run, or timm:NAME with --source-weights",
        )
    try:
        description = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{file}: cannot be read ({error})") from error
    if not isinstance(description, dict) or description.get("format") != _FORMAT:
        raise CheckpointError(f"{file}: expected format {_FORMAT}, found another", hint="update sourcefree")
    return description
