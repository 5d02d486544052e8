"""What a run folder holds, as typed records: the only thing the report's figures and text read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Evaluation:
    """Metrics of one model on labelled images.

    Attributes:
        metrics: accuracy, class_mean_accuracy, macro_f1, ece by name, those that are known.
        confusion: (K, K) int64 image counts, rows true, columns predicted; None if it was not written.
        data: what the labelled images are called.
        count: number of labelled images; None if it was not written.
    """

    metrics: Mapping[str, float]
    confusion: NDArray[np.int64] | None
    data: str
    count: int | None


@dataclass(frozen=True)
class Candidate:
    """One model that the run compared.

    Attributes:
        name: source-only, adabn, translated, adapted, or the name of a later method.
        description: one sentence for the user.
        scores: label-free scores by name.
        class_counts: images predicted as each label; empty if unknown.
        evaluation: metrics on labelled images, where labels were given.
        pairs: on how many pairs its scores stand; None in runs of older versions.
        scenes: how many scenes these pairs show; None in runs of older versions.
        agreeing: on how many of the pairs of each scene it agrees with the source model; empty in runs of older versions.
    """

    name: str
    description: str
    scores: Mapping[str, float]
    class_counts: tuple[int, ...]
    evaluation: Evaluation | None
    pairs: int | None = None
    scenes: int | None = None
    agreeing: tuple[int, ...] = ()


@dataclass(frozen=True)
class Series:
    """One quantity over training.

    Attributes:
        stage: training stage, such as tgmb.
        name: name of the loss term or label-free score.
        x: epochs.
        y: values; NaN where a value was not finite.
    """

    stage: str
    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]


@dataclass(frozen=True)
class GalleryItem:
    """One target image with what the models made of it.

    Attributes:
        file: name of the image in the user's data.
        target: picture of the target image inside the run folder, None if missing.
        translated: picture of its translation, None if missing.
        predicted: label predicted by the adapted model.
        confidence: its probability in [0, 1], None if unknown.
        predicted_before: label predicted without adaptation, None if unknown.
        label: true label where one was given.
    """

    file: str
    target: Path | None
    translated: Path | None
    predicted: str
    confidence: float | None
    predicted_before: str | None
    label: str | None


@dataclass(frozen=True)
class FeatureTable:
    """Features of the same target images before and after adaptation.

    Attributes:
        before: (N, D) float32, features of the source model.
        after: (N, D2) float32, features of the adapted model.
        predicted_before: (N,) int64 class index.
        predicted: (N,) int64 class index.
    """

    before: NDArray[np.float32]
    after: NDArray[np.float32]
    predicted_before: NDArray[np.int64]
    predicted: NDArray[np.int64]


@dataclass(frozen=True)
class RunData:
    """Everything the report shows of one run.

    Attributes:
        folder: the run folder.
        info: run.json as written (command, status, created, method, modality, ...).
        environment: the environment part of run.json.
        config: resolved configuration as text, None if missing.
        labels: class names in the order of the model.
        candidates: models that were compared, in the order written.
        estimate: accuracy, low and high of the delivered model, without labels; empty where there is none.
        calibrated: metrics of the delivered model with calibrated probabilities, where labels were given.
        preferred: name of the candidate that the method is about, None if there is none yet.
        delivered: name of the candidate that stands in model/, None if not decided.
        reason: why that is not the preferred one, in plain words; None where it is, or where an older version wrote the run.
        timings: seconds by stage.
        peak_memory_mb: largest memory use in MB, None if unknown.
        counts: numbers of images by kind.
        warnings: plain sentences of the run.
        losses: loss terms over training.
        scores: label-free scores over training.
        gallery: example images.
        features: feature table, None if missing.
        notes: what could not be read, in plain sentences.
    """

    folder: Path
    info: Mapping[str, str]
    environment: Mapping[str, str]
    config: str | None
    labels: tuple[str, ...]
    candidates: tuple[Candidate, ...]
    estimate: Mapping[str, float]
    calibrated: Mapping[str, float]
    preferred: str | None
    delivered: str | None
    reason: str | None
    timings: Mapping[str, float]
    peak_memory_mb: float | None
    counts: Mapping[str, int]
    warnings: tuple[str, ...]
    losses: tuple[Series, ...]
    scores: tuple[Series, ...]
    gallery: tuple[GalleryItem, ...]
    features: FeatureTable | None
    notes: tuple[str, ...]

    @property
    def adapts(self) -> bool:
        """Whether the run adapted a model (and did not train a source model)."""
        return self.info.get("command") != "train-source"

    @property
    def own(self) -> Candidate | None:
        """The model that the method is about; None where there is none yet."""
        return self.candidate(self.preferred) if self.preferred else None

    def candidate(self, name: str) -> Candidate | None:
        """Return the candidate of that name, None if the run has none."""
        return next((candidate for candidate in self.candidates if candidate.name == name), None)
