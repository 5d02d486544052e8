"""Batches and outputs that travel between data, models, methods and engine.

Batches are named tuples, so that torch's collation and accelerate's device placement understand them. The types
that adaptation sees have no label field: that is how the package keeps target labels away from adaptation code.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from torch import Tensor

PartT = TypeVar("PartT")


def _present(part: PartT | None, name: str) -> PartT:
    if part is None:
        raise ValueError(f"this method needs {name} in every batch")
    return part


class ImageBatch(NamedTuple):
    """Images of one sensor without labels.

    Attributes:
        images: (N, C, H, W) float32, standardised.
        indices: (N,) int64, position of each image in its data set.
    """

    images: Tensor
    indices: Tensor


class LabelledBatch(NamedTuple):
    """Images of one sensor with class labels; only source training, ``evaluate`` and the oracle read it.

    Attributes:
        images: (N, C, H, W) float32, standardised.
        labels: (N,) int64 class index.
        indices: (N,) int64, position of each image in its data set.
    """

    images: Tensor
    labels: Tensor
    indices: Tensor


class PairBatch(NamedTuple):
    """The same scenes seen by both sensors, under the same crop and flip.

    Attributes:
        source: (N, C_s, H, W) float32, standardised for the source model.
        target: (N, C_t, H, W) float32, standardised with the target modality's statistics.
        indices: (N,) int64, position of each pair in its data set.
    """

    source: Tensor
    target: Tensor
    indices: Tensor


class StepBatch(NamedTuple):
    """What one training step sees; a method says which parts it needs.

    Attributes:
        target: unlabelled target images.
        pairs: task-irrelevant pairs.
        labelled: labelled images; filled for source training and the oracle only.
    """

    target: ImageBatch | None = None
    pairs: PairBatch | None = None
    labelled: LabelledBatch | None = None

    @property
    def target_images(self) -> ImageBatch:
        """The target images of a method that cannot do without.

        Raises:
            ValueError: the batch has none.
        """
        return _present(self.target, "target images")

    @property
    def labelled_images(self) -> LabelledBatch:
        """The labelled images of source training and the oracle.

        Raises:
            ValueError: the batch has none.
        """
        return _present(self.labelled, "labelled images")

    @property
    def needed_pairs(self) -> PairBatch:
        """The pairs of a method that cannot do without.

        Raises:
            ValueError: the batch has none.
        """
        return _present(self.pairs, "pairs")


class ClassifierOutput(NamedTuple):
    """What a classifier returns.

    Attributes:
        features: (N, D) input of the final layer (the bottleneck's output where there is a bottleneck).
        logits: (N, K) class scores before softmax.
    """

    features: Tensor
    logits: Tensor


@dataclass(frozen=True)
class StepOutput:
    """What a method returns for one training step.

    Attributes:
        loss: scalar to minimise.
        terms: every weighted or unweighted part of it for the log, detached scalars by name.
    """

    loss: Tensor
    terms: dict[str, Tensor] = field(default_factory=dict)
