"""Classify image files with an exported model: numpy, Pillow (tifffile for TIFF) and onnxruntime, no torch."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt

from sourcefree.data.augment import load_size
from sourcefree.data.image_io import read_image
from sourcefree.data.physical import measured_image, resize_antialiased
from sourcefree.errors import CheckpointError, DataError
from sourcefree.files import as_paths

MODEL_FILE, PREPROCESSING_FILE = "model.onnx", "preprocessing.json"


@dataclass(frozen=True)
class Prediction:
    """The answer for one image.

    Attributes:
        label: the most probable class.
        confidence: its probability.
        probabilities: of every class by name.
    """

    label: str
    confidence: float
    probabilities: dict[str, float]


class Predictor:
    """A classifier of raw images of one sensor.

    Args:
        folder: written by ``sourcefree export``.
        model: the ONNX file in it; "model.int8.onnx" for the quantised one.
        providers: of onnxruntime; default: the CPU.

    Raises:
        CheckpointError: the folder does not hold an exported model.
    """

    def __init__(
        self, folder: Path | str, *, model: str = MODEL_FILE, providers: Sequence[str] = ("CPUExecutionProvider",)
    ) -> None:
        import onnxruntime

        folder = Path(folder)
        description = _read(folder / PREPROCESSING_FILE)
        if not (folder / model).is_file():
            raise CheckpointError(f"{folder}: no {model} in it", hint="give the --out folder of sourcefree export")
        self.labels: tuple[str, ...] = tuple(description["labels"])
        self.size = int(description["size"])
        sensor = description["sensor"]
        self.sensor = SimpleNamespace(**{**sensor, "missing": tuple(sensor["missing"])})
        self._mean = np.asarray(sensor["mean"], np.float32)[:, None, None]
        self._std = np.asarray(sensor["std"], np.float32)[:, None, None]
        self._session = onnxruntime.InferenceSession(str(folder / model), providers=list(providers))

    def predict(self, images: Iterable[Path | str] | Path | str, *, batch_size: int = 32) -> list[Prediction]:
        """Return the answer for each image file; one file may stand by itself.

        Raises:
            DataError: an image cannot be read or does not fit the sensor.
        """
        paths = as_paths(images)
        answers: list[Prediction] = []
        for start in range(0, len(paths), batch_size):
            batch = np.stack([self.preprocess(path) for path in paths[start : start + batch_size]])
            answers += [self._answer(row) for row in self.probabilities(batch)]
        return answers

    def preprocess(self, path: Path) -> npt.NDArray[np.float32]:
        """Return (B, size, size): what the network sees of an image file.

        Stored numbers become values in the sensor's unit (or its encoding), the image is resized to 8/7 of ``size`` without
        keeping the aspect, cut to its centre, standardised, and missing values become 0, the mean.
        """
        try:
            bands = measured_image(self.sensor, read_image(path, bands=self.sensor.channels)).bands
        except DataError as error:
            raise DataError(error.message if str(path) in error.message else f"{path}: {error.message}") from error
        side = load_size(self.size)
        bands = resize_antialiased(bands, side)
        first = (side - self.size) // 2
        centre = bands[:, first : first + self.size, first : first + self.size]
        seen: npt.NDArray[np.float32] = np.nan_to_num((centre - self._mean) / self._std, nan=0.0).astype(np.float32)
        return seen

    def probabilities(self, batch: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return (N, K) probabilities of preprocessed images (N, B, size, size)."""
        found: npt.NDArray[np.float32] = self._session.run(["probabilities"], {"images": batch})[0]
        return found

    def _answer(self, row: npt.NDArray[np.float32]) -> Prediction:
        best = int(row.argmax())
        named = {label: float(value) for label, value in zip(self.labels, row, strict=True)}
        return Prediction(self.labels[best], float(row[best]), named)


def _read(path: Path) -> dict[str, Any]:
    try:
        description = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"{path}: cannot be read ({error})", hint="give the --out folder of sourcefree export"
        ) from error
    if not isinstance(description, dict) or not {"labels", "size", "sensor"} <= description.keys():
        raise CheckpointError(f"{path}: not the preprocessing of an exported model")
    return description
