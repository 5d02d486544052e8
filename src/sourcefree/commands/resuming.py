"""What a run must have in common with the one it goes on with, to end at the same weights.

To the bit that holds on a CPU, with the same number of threads. A GPU's kernels are free to add in any order: there, as between
any two runs of the same settings, the weights are alike and not equal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sourcefree.commands.source_models import SourceModel
from sourcefree.data.datasets import ImagePairs, LabelledImages, UnlabelledImages, image_means
from sourcefree.data.folders import ImageFile
from sourcefree.data.modality import Modality
from sourcefree.engine.progress import Progress
from sourcefree.engine.run_folder import recorded_run
from sourcefree.fingerprint import fingerprint
from sourcefree.models.trained import TrainedClassifier
from sourcefree.models.weights import weights_fingerprint

_PATHS = ("source_weights", "source_labels", "target", "pairs_source", "pairs_target")
_ARITHMETIC = ("device", "precision", "processes", "threads", "torch")


def place(path: Path | str | None) -> str | None:
    """Return where a file or folder is, for a configuration that must hold in whatever folder the command is given."""
    return None if path is None else str(Path(path).resolve())


def recorded(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments that say what is adapted to what, as a configuration holds them: whole paths and plain values.

    Args:
        inputs: the arguments of :func:`sourcefree.adapt`, the modality as a description.
    """
    paths = {name: place(inputs[name]) for name in _PATHS}
    return {**inputs, **paths, "source_model": _named(inputs["source_model"]), "modality": inputs["modality"].to_dict()}


def _named(source_model: SourceModel | Sequence[SourceModel]) -> str:
    if not isinstance(source_model, (TrainedClassifier, str, Path)):
        return " + ".join(_named(one) for one in source_model)
    if isinstance(source_model, TrainedClassifier):
        return f"a classifier from Python ({source_model.architecture.name})"
    return str(place(source_model) if Path(source_model).is_dir() else source_model)


def source_facts(source: TrainedClassifier) -> dict[str, Any]:
    """Return what tells a source model from others: a folder may hold another one by now, and a class name is no model."""
    return {
        "weights": weights_fingerprint(source.model),
        "labels": fingerprint("\n".join(source.labels)),
        "mean": source.modality.mean,
        "std": source.modality.std,
    }


def file_facts(files: Sequence[ImageFile]) -> dict[str, Any]:
    """Return what tells files from others without reading them."""
    return {"files": len(files), "names": fingerprint("\n".join(file.name for file in files))}


def image_facts(*views: UnlabelledImages | LabelledImages, modality: Modality) -> dict[str, Any]:
    """Return what tells images from others, for the configuration that a resumed run must repeat.

    Files of the same names may hold other images by now. Where the statistics of the sensor are given, and not measured, it is
    ``image_mean`` alone that tells.

    Args:
        views: the images, in one part or several.
        modality: their sensor, with the statistics that they are standardised by.
    """
    names = [name for view in views for name in view.names]
    means = torch.cat([means for view in views for means in image_means(view)])
    return {
        "images": len(names),
        "names": fingerprint("\n".join(names)),
        "mean": modality.mean,
        "std": modality.std,
        "image_mean": _in_unit(means, modality),
    }


def pair_facts(pairs: ImagePairs, *, source: Modality, target: Modality) -> dict[str, Any]:
    """Return what tells pairs from others: as :func:`image_facts`, with the mean of each side.

    Args:
        pairs: un-augmented.
        source: the sensor of one side with the statistics that it is standardised by.
        target: that of the other.
    """
    of_source, of_target = image_means(pairs)
    return {
        "images": len(pairs),
        "names": fingerprint("\n".join(pairs.names)),
        "source_mean": _in_unit(of_source, source),
        "target_mean": _in_unit(of_target, target),
    }


def _in_unit(means: Tensor, modality: Modality) -> list[float]:
    """Return the mean of standardised values in the sensor's unit: next to 0, no last digit can be told from a difference."""
    values: list[float] = (np.asarray(modality.mean) + np.asarray(modality.std) * means.mean(0).numpy()).tolist()
    return values


def is_complete(out: Path) -> bool:
    """Return whether the run in a folder came to its end."""
    return bool(recorded_run(out).get("status") == "complete")


def tell_resumed(out: Path, environment: Mapping[str, Any], progress: Progress) -> bool:
    """Return whether the run that is gone on with had come to its end, and tell the user what that or other arithmetic means.

    Args:
        out: the run folder.
        environment: :meth:`sourcefree.engine.runtime.Runtime.describe` of this process.
        progress: tells.
    """
    if note := other_arithmetic(out, environment):
        progress.say(note)
    complete = is_complete(out)
    if complete:
        progress.say(f"{out}: the run is complete: nothing is trained or written anew")
    return complete


def other_arithmetic(out: Path, environment: Mapping[str, Any]) -> str | None:
    """Return a sentence for the user where a run was begun with other arithmetic: device, precision, processes, threads, torch.

    That is allowed, since a run may have to move; but numbers are rounded otherwise there.

    Args:
        out: the run folder.
        environment: :meth:`sourcefree.engine.runtime.Runtime.describe` of this process.
    """
    before = recorded_run(out).get("environment", {})
    changed = [name for name in _ARITHMETIC if name in before and before[name] != environment[name]]
    if not changed:
        return None
    shown = ", ".join(f"{name} {before[name]} then and {environment[name]} now" for name in changed)
    return f"{out}: the run goes on with other arithmetic ({shown}): it will not end at the weights of an unbroken run."
