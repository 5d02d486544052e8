"""What a finished run leaves for the reader: summary, feature table, gallery."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sourcefree.commands.candidates import Candidate
from sourcefree.data.datasets import UnlabelledImages
from sourcefree.data.image_io import write_image
from sourcefree.data.modality import Modality
from sourcefree.engine.run_folder import RunFolder
from sourcefree.engine.runtime import Runtime
from sourcefree.files import whole_file
from sourcefree.spread import evenly_spread

_FEATURE_ROWS = 1000
_GALLERY_IMAGES = 24


def write_features(folder: RunFolder, *, names: Sequence[str], before: Candidate, after: Candidate) -> None:
    """Write ``analysis.npz``: features and predictions before and after, of up to 1,000 images spread evenly."""
    if not folder.active:
        return
    rows = evenly_spread(len(names), _FEATURE_ROWS)
    probabilities = after.target.logits.softmax(-1)
    # Opened here: NumPy adds a suffix of its own to a name.
    with whole_file(folder.path / "analysis.npz") as temporary, temporary.open("wb") as file:
        np.savez_compressed(
            file,
            files=np.asarray([names[row] for row in rows]),
            features_before=before.target.features[rows].numpy(),
            features_after=after.target.features[rows].numpy(),
            predicted=probabilities.argmax(-1)[rows].numpy(),
            confidence=probabilities.amax(-1)[rows].numpy(),
            predicted_before=before.target.logits.argmax(-1)[rows].numpy(),
        )


@torch.no_grad()
def write_gallery(
    folder: RunFolder,
    *,
    images: UnlabelledImages,
    modality: Modality,
    labels: Sequence[str],
    before: Candidate,
    after: Candidate,
    translator: nn.Module | None,
    source_modality: Modality,
    runtime: Runtime,
) -> None:
    """Write ``gallery.json`` and its pictures: target image, its translation, the answers before and after."""
    if not folder.active:
        return
    rows = evenly_spread(len(images), _GALLERY_IMAGES)
    targets = images[rows].images
    translated = translator(runtime.to_device(targets)).float().cpu() if translator is not None else None
    probabilities = after.target.logits.softmax(-1)
    entries = []
    for position, row in enumerate(rows):
        picture = f"gallery/{position:04d}_target.png"
        write_image(folder.path / picture, _stretched(physical(targets[position], modality)))
        entry = {
            "file": images.names[row],
            "target": picture,
            "translated": None,
            "predicted": labels[int(probabilities[row].argmax())],
            "confidence": float(probabilities[row].max()),
            "predicted_before": labels[int(before.target.logits[row].argmax())],
            "label": None,
        }
        if translated is not None:
            entry["translated"] = f"gallery/{position:04d}_translated.png"
            write_image(folder.path / str(entry["translated"]), as_picture(translated[position], source_modality))
        entries.append(entry)
    folder.write_json("gallery.json", entries)


def report_ended_run(folder: RunFolder) -> None:
    """Write the report of a run that has a summary; call it when ``run.json`` tells how the run ended."""
    if folder.active and (folder.path / "summary.json").is_file():
        from sourcefree.report import write_report  # matplotlib and scikit-learn: not before they are needed

        write_report(folder.path)


def physical(image: Tensor, modality: Modality) -> NDArray[np.float32]:
    """Return a standardised image (C, H, W) in the modality's unit."""
    if modality.mean is None or modality.std is None:
        raise ValueError("the modality has no statistics")
    mean = np.asarray(modality.mean, np.float32)[:, None, None]
    std = np.asarray(modality.std, np.float32)[:, None, None]
    values: NDArray[np.float32] = image.numpy() * std + mean
    return values


def as_picture(image: Tensor, modality: Modality) -> NDArray[np.uint8]:
    """Return a standardised image as an 8-bit picture (H, W, 1 or 3), 0..1 of the unit being black to white."""
    return _eight_bit(physical(image, modality))


def save_picture(path: Path, image: Tensor, modality: Modality) -> None:
    """Write a standardised image as an 8-bit PNG."""
    write_image(path, as_picture(image, modality))


def _stretched(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return values stretched between their 1st and 99th percentile: sensors have no natural black and white."""
    low, high = np.percentile(values, [1, 99])
    return _eight_bit((values - low) / max(float(high - low), 1e-6))


def _eight_bit(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    shown = values[:3] if len(values) >= 3 else values[:1]
    return np.ascontiguousarray((shown.clip(0, 1) * 255).round().astype(np.uint8).transpose(1, 2, 0))
