"""``export``: a run's model for use without torch, checked against the model it was made of."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from torch import nn

from sourcefree.commands.predict import list_files
from sourcefree.data.datasets import UnlabelledImages
from sourcefree.data.folders import ImageFile, LabelledFiles, find_images, find_labelled_images
from sourcefree.data.store import load_images
from sourcefree.engine.inference import infer
from sourcefree.engine.progress import Progress, Silent
from sourcefree.engine.run_folder import read_config
from sourcefree.engine.runtime import create_runtime
from sourcefree.errors import ConfigError, DataError, SourcefreeError
from sourcefree.export.model_card import model_card
from sourcefree.export.onnx_file import preprocessing, write_onnx
from sourcefree.export.predictor import MODEL_FILE, PREPROCESSING_FILE, Predictor
from sourcefree.export.quantise import write_int8
from sourcefree.files import check_output, whole_folder
from sourcefree.models.trained import TrainedClassifier, load_trained
from sourcefree.spread import evenly_spread

INT8_FILE = "model.int8.onnx"
_CHECKED = 128  # images that the files are compared on, spread over the folder: names often begin with the class
_TOLERANCE = 1e-3  # of a probability; fp32 kernels of two libraries differ by less


@dataclass(frozen=True)
class ExportResult:
    """What was written and how it compares.

    Attributes:
        out: the folder.
        images: how many images the files were compared on.
        difference: largest difference of a probability between PyTorch and the ONNX file, from image file to answer.
        int8_agreement: share of images with the same answer in 8 bits, of the half that was not calibrated on; None without
            quantisation.
        accuracy: of the ONNX file on labelled images; None without them.
        int8_accuracy: likewise in 8 bits.
    """

    out: Path
    images: int
    difference: float
    int8_agreement: float | None
    accuracy: float | None
    int8_accuracy: float | None


def export(
    *,
    run: Path | str,
    out: Path | str,
    images: Path | str | None = None,
    labelled: Path | str | None = None,
    quantize: Literal["int8"] | None = None,
    network: nn.Module | None = None,
    progress: Progress | None = None,
) -> ExportResult:
    """Write a folder that a deployment or a model hub takes: ONNX, weights, preprocessing and model card.

    ``model.onnx`` (dynamic batch, preprocessing in its metadata), ``preprocessing.json``, ``config.json``,
    ``model.safetensors``, ``README.md``.

    Args:
        run: folder of a run or of a model.
        out: folder to write; must be empty.
        images: images of the sensor to compare on and to calibrate with, a folder or a manifest; default: the target images
            of the run.
        labelled: class folders to measure the accuracy on.
        quantize: "int8" also writes ``model.int8.onnx``.
        network: your own network, where the model was made from one.
        progress: receives progress; silent by default.

    Raises:
        CheckpointError: the run cannot be read.
        ConfigError: the folder is not empty, a package is missing, or there are no images to compare on.
        DataError: images cannot be used.
        SourcefreeError: the written file does not answer as the model does.
    """
    run, out, progress = Path(run), Path(out), progress or Silent()
    check_output(out, resume=None)
    trained = load_trained(run, network=network)
    found = list_files([Path(images)]) if images is not None else _target_files(run)
    files = [found[position] for position in evenly_spread(len(found), _CHECKED)]
    truth = find_labelled_images(Path(labelled), labels=trained.labels) if labelled is not None else None
    with whole_folder(out) as place:
        progress.say("writing the ONNX file")
        write_onnx(trained, place / MODEL_FILE)
        _write_rest(run, place, trained)
        predictor = Predictor(place)
        progress.say(f"comparing it on {len(files)} images")
        readable, batch = _preprocessed(predictor, files)
        difference = _difference(trained, predictor, readable)
        if not difference <= _TOLERANCE:  # an answer that is no number is no smaller difference
            raise SourcefreeError(
                f"{run}: the probabilities of its ONNX file differ by {difference:.2g}, more than {_TOLERANCE}, from its own",
                hint="please report this network; nothing was written",
            )
        small = None
        if quantize is not None:
            progress.say("quantising to 8 bits")
            write_int8(place / MODEL_FILE, place / INT8_FILE, calibration=_batches(batch[::2]))
            small = Predictor(place, model=INT8_FILE)
        return ExportResult(
            out=out,
            images=len(readable),
            difference=difference,
            int8_agreement=_agreement(predictor, small, batch[min(1, len(batch) - 1) :: 2]) if small else None,
            accuracy=_accuracy(predictor, truth) if truth else None,
            int8_accuracy=_accuracy(small, truth) if small and truth else None,
        )


def _batches(images: npt.NDArray[np.float32]) -> list[npt.NDArray[np.float32]]:
    return [images[start : start + 8] for start in range(0, len(images), 8)]


def _target_files(run: Path) -> list[ImageFile]:
    """Return the images that the run was adapted to."""
    config = run / "config.yaml"
    inputs = (read_config(config).get("inputs") or {}) if config.is_file() else {}
    folder = inputs.get("target") or inputs.get("test") or inputs.get("images")
    if not folder or not Path(folder).exists():
        lost = f": its own were in {Path(folder).resolve()}, which is not there" if folder else ""
        raise ConfigError(
            f"{run}: there are no images to compare the export on{lost}",
            hint="give --images FOLDER with images of its sensor",
        )
    return find_images(Path(folder))  # as the run did: a folder or a manifest


def _write_rest(run: Path, out: Path, trained: TrainedClassifier) -> None:
    """Write preprocessing, weights and card beside the ONNX file; names are those that model hubs expect."""
    (out / PREPROCESSING_FILE).write_text(json.dumps(preprocessing(trained), indent=1), encoding="utf-8")
    folder = run / "model" if (run / "model").is_dir() else run
    shutil.copyfile(folder / "model.json", out / "config.json")
    shutil.copyfile(folder / "weights.safetensors", out / "model.safetensors")
    if (run / "summary.json").is_file():
        (out / "README.md").write_text(model_card(run), encoding="utf-8")


def _preprocessed(predictor: Predictor, files: Sequence[ImageFile]) -> tuple[list[ImageFile], npt.NDArray[np.float32]]:
    """Return the readable files and what the network sees of them."""
    readable, rows, problem = [], [], ""
    for file in files:
        try:
            rows.append(predictor.preprocess(file.path))
            readable.append(file)
        except DataError as error:
            problem = error.message
    if not rows:
        raise DataError(f"none of {len(files)} images can be used, for example {problem}")
    return readable, np.stack(rows)


def _difference(trained: TrainedClassifier, predictor: Predictor, files: list[ImageFile]) -> float:
    """Return the largest difference of a probability, each library going its own way from the file on."""
    store = load_images(files, modality=trained.modality, size=trained.size)
    data = UnlabelledImages(store, modality=trained.modality, size=trained.size).plain()
    runtime = create_runtime(device="cpu", precision="fp32", network=trained.model, shape=trained.input_shape)
    ours = infer(runtime.place(trained.model), data, runtime=runtime).logits.softmax(-1).numpy()
    theirs = predictor.predict([file.path for file in files])
    answers = np.asarray([[answer.probabilities[label] for label in trained.labels] for answer in theirs])
    return float(np.abs(ours - answers).max())


def _agreement(predictor: Predictor, small: Predictor, batch: npt.NDArray[np.float32]) -> float:
    same = predictor.probabilities(batch).argmax(1) == small.probabilities(batch).argmax(1)
    return float(same.mean())


def _accuracy(predictor: Predictor, truth: LabelledFiles) -> float:
    """Return the share of right answers among the labelled images that can be read."""
    correct = []
    for file, index in zip(truth.files, truth.class_index, strict=True):
        try:
            answer = predictor.predict([file.path])[0]
        except DataError:
            continue  # the readable ones are measured, as in evaluate
        correct.append(answer.label == truth.labels[index])
    if not correct:
        raise DataError(f"none of {len(truth.files)} labelled images can be used")
    return float(np.mean(correct))
