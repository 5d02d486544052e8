"""``predict`` and ``translate``: use a run's models on new images."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from sourcefree.commands.loading_notes import far_images, far_note
from sourcefree.commands.records import save_picture
from sourcefree.commands.translator_files import load_translator
from sourcefree.config import Device, Precision
from sourcefree.data.datasets import UnlabelledImages
from sourcefree.data.folders import ImageFile, find_images
from sourcefree.data.image_io import IMAGE_SUFFIXES
from sourcefree.data.left_out import Origin, check_share
from sourcefree.data.manifest import is_manifest
from sourcefree.data.modality import Modality
from sourcefree.data.names import without_extension
from sourcefree.data.store import decode_images, load_images
from sourcefree.defaults import MAX_UNREADABLE
from sourcefree.engine.inference import infer
from sourcefree.engine.progress import Progress, Silent
from sourcefree.engine.runtime import Runtime, create_runtime
from sourcefree.errors import ConfigError, DataError
from sourcefree.files import as_paths, check_output
from sourcefree.models.trained import load_preprocessing, load_trained

_CHUNK = 1024  # images in memory at a time


@dataclass(frozen=True)
class Predictions:
    """Answers for images.

    Attributes:
        files: path of each image.
        labels: class names.
        probabilities: (N, K) float32.
        unreadable: (file, reason) of images without an answer.
    """

    files: list[str]
    labels: tuple[str, ...]
    probabilities: np.ndarray
    unreadable: list[tuple[str, str]]

    @property
    def predicted(self) -> list[str]:
        """The most probable label of each image."""
        return [self.labels[index] for index in self.probabilities.argmax(1)]

    def to_csv(self) -> str:
        """Return a table: file, label, confidence, and one column of probabilities for each label."""
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(["file", "label", "confidence", *(f"p({label})" for label in self.labels)])
        for file, label, row in zip(self.files, self.predicted, self.probabilities, strict=True):
            writer.writerow([file, label, f"{row.max():.6f}", *(f"{value:.6f}" for value in row)])
        return buffer.getvalue()

    def to_json(self) -> str:
        """Return a list of ``{"file", "label", "confidence", "probabilities": {label: p}}``."""
        entries = [
            {
                "file": file,
                "label": label,
                "confidence": round(float(row.max()), 6),
                "probabilities": {name: round(float(p), 6) for name, p in zip(self.labels, row, strict=True)},
            }
            for file, label, row in zip(self.files, self.predicted, self.probabilities, strict=True)
        ]
        return json.dumps(entries, indent=1)


def predict(
    *,
    run: Path | str,
    images: Sequence[Path | str] | Path | str,
    network: nn.Module | None = None,
    max_unreadable: float = MAX_UNREADABLE,
    device: Device = "auto",
    precision: Precision = "auto",
    progress: Progress | None = None,
) -> Predictions:
    """Return class probabilities for raw images of the sensor that a run's model is made for.

    Args:
        run: folder of a run, or of a saved model.
        images: files, folders and manifests; one may stand by itself.
        network: your own network, where the source model was one.
        max_unreadable: share of unreadable files above which it is an error.
        device: where to compute.
        precision: of the layers' arithmetic.
        progress: receives progress; silent by default.

    Raises:
        CheckpointError: the model cannot be read.
        DataError: an image or folder is missing, or too many images cannot be used.
        DivergenceError: the model's answers are no finite numbers.
    """
    trained, progress = load_trained(Path(run), network=network), progress or Silent()
    files = [ImageFile(file.path, str(file.path)) for file in list_files(as_paths(images))]
    runtime = create_runtime(device=device, precision=precision, network=trained.model, shape=trained.input_shape)
    model = runtime.place(trained.model)
    names: list[str] = []
    unreadable: list[tuple[str, str]] = []
    rows: list[torch.Tensor] = []
    far = 0
    progress.start("predicting", len(files))
    for start in range(0, len(files), _CHUNK):
        part = files[start : start + _CHUNK]
        store = decode_images(part, modality=trained.modality, size=trained.size)
        unreadable += store.unreadable
        if store.names:
            names += store.names
            data = UnlabelledImages(store, modality=trained.modality, size=trained.size).plain()
            far += far_images(data)
            rows.append(infer(model, data, runtime=runtime).logits.softmax(-1))
        progress.advance(start + len(part))
    check_share(unreadable, len(files), max_unreadable, _origin(trained.modality))
    for note in far_note(far, len(names), trained.modality):
        progress.say(note)
    return Predictions(names, trained.labels, torch.cat(rows).numpy(), unreadable)


def _origin(sensor: Modality) -> Origin:
    name = sensor.name
    return Origin(read_as=f"{name}, the model's sensor", hint=lambda: f"name files or folders of {name} images")


def translate(
    *,
    run: Path | str,
    images: Sequence[Path | str] | Path | str,
    out: Path | str,
    max_unreadable: float = MAX_UNREADABLE,
    device: Device = "auto",
    precision: Precision = "auto",
    progress: Progress | None = None,
) -> list[Path]:
    """Write the source-like images that the run's translator makes of target images; returns their paths.

    Images are squares of the model's input size: what the source model sees.

    Args:
        run: folder of an ``adapt`` run whose method trains a translator.
        images: files, folders and manifests of target images; one may stand by itself.
        out: folder to write 8-bit PNG files to, under the images' relative names; must be empty.
        max_unreadable: share of unreadable files above which it is an error.
        device: where to compute.
        precision: of the layers' arithmetic.
        progress: receives progress; silent by default.

    Raises:
        CheckpointError: the run has no translator, or cannot be read.
        ConfigError: the output folder is not empty.
        DataError: an image or folder is missing, or too many images cannot be used.
    """
    run, out, progress = Path(run), Path(out), progress or Silent()
    check_output(out, resume=None)
    target, size = load_preprocessing(run)
    translator, sensor = load_translator(run / "translator", in_channels=target.bands)
    runtime = create_runtime(device=device, precision=precision, network=translator)
    files = list_files(as_paths(images))
    _check_distinct(files)
    store = load_images(files, modality=target, size=size, max_unreadable=max_unreadable, origin=_origin(target))
    data = UnlabelledImages(store, modality=target, size=size).plain()
    progress.start("translating", len(data))
    return _write_translations(runtime.place(translator), data, sensor, out, runtime, progress)


@torch.no_grad()
def _write_translations(
    translator: nn.Module, data: UnlabelledImages, sensor: Modality, out: Path, runtime: Runtime, progress: Progress
) -> list[Path]:
    written: list[Path] = []
    names = data.names
    for start in range(0, len(data), 64):
        positions = list(range(start, min(start + 64, len(data))))
        with runtime.autocast():
            pictures = translator(runtime.to_device(data[positions].images)).float().cpu()
        for position, picture in zip(positions, pictures, strict=True):
            written.append(out / f"{without_extension(names[position])}.png")
            save_picture(written[-1], picture, sensor)
        progress.advance(len(written))
    return written


def _check_distinct(files: Sequence[ImageFile]) -> None:
    seen: dict[str, ImageFile] = {}
    for file in files:
        if file.stem in seen:
            raise ConfigError(
                f"{seen[file.stem].path} and {file.path} would be written to the same file {file.stem}.png",
                hint="translate them into folders of their own",
            )
        seen[file.stem] = file


def list_files(paths: Sequence[Path]) -> list[ImageFile]:
    """Return the images that files, folders and manifests name.

    A file is called by its own name, images of a folder by their path in it, and those of a manifest by their name there.

    Raises:
        DataError: one does not exist, a folder holds no image, or a manifest cannot be used.
        ConfigError: nothing is named.
    """
    if not paths:
        raise ConfigError("no image given", hint="name files or folders")
    files: list[ImageFile] = []
    for path in paths:
        if path.suffix.lower() in IMAGE_SUFFIXES and not path.exists():
            raise DataError(f"{path}: no such file")
        files += [ImageFile(path, path.name)] if path.is_file() and not is_manifest(path) else find_images(path)
    return files
