"""Outputs of a model on a whole data set."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Literal, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from sourcefree.engine.runtime import Runtime
from sourcefree.errors import DivergenceError
from sourcefree.models.classifier import in_eval_mode
from sourcefree.types import ClassifierOutput

Side = Literal["images", "source", "target"]


class BatchSource(Protocol):
    """A data set that gives whole batches, un-augmented."""

    def __len__(self) -> int:
        """Return the number of items."""

    def __getitem__(self, indices: Any) -> Any:
        """Return the batch of these positions."""


def image_batches(
    data: BatchSource, *, runtime: Runtime, side: Side = "images", batch_size: int = 128
) -> Iterator[Tensor]:
    """Yield all images, on the device; every process gets all of them.

    Batches are as equal in size as can be, and their images drawn at random by a fixed seed: statistics of a batch must
    neither be those of two images that were left over, nor those of one class that stands together in its folder.

    Args:
        data: images, or pairs.
        runtime: where to put them.
        side: which part of a batch: ``images``, or ``source`` or ``target`` of pairs.
        batch_size: most images a batch.
    """
    order = np.random.default_rng(0).permutation(len(data))
    for indices in np.array_split(order, math.ceil(len(data) / batch_size)):
        yield runtime.to_device(getattr(data[indices], side))


@torch.no_grad()
def infer(
    model: nn.Module, data: BatchSource, *, runtime: Runtime, side: Side = "images", batch_size: int = 128
) -> ClassifierOutput:
    """Return features (N, D) and logits (N, K) of all images in order, float32 on the CPU, the same in every process.

    The model runs in eval mode and is left in the mode it was in. Processes share the work.

    Args:
        model: returns a :class:`ClassifierOutput`.
        data: un-augmented images, or pairs.
        runtime: where to compute.
        side: which part of a batch: ``images``, or ``source`` or ``target`` of pairs.
        batch_size: images a step.

    Raises:
        DivergenceError: some logits are no finite numbers: weights may be finite and yet too large to compute with.
    """
    shared = len(data) >= runtime.processes  # else some process would have nothing to do: each does it all
    everything = np.arange(len(data))
    part = np.array_split(everything, runtime.processes)[runtime.rank] if shared else everything
    outputs: list[ClassifierOutput] = []
    with in_eval_mode(model):
        for start in range(0, len(part), batch_size):
            images = runtime.to_device(getattr(data[part[start : start + batch_size]], side))
            with runtime.autocast():
                output = model(images)
            outputs.append(ClassifierOutput(output.features.float(), output.logits.float()))
    features, logits = (torch.cat(parts) for parts in zip(*outputs, strict=True))
    if shared:
        features, logits = runtime.gather(features), runtime.gather(logits)
    broken = int((~logits.isfinite()).any(dim=-1).sum())
    if broken:
        raise DivergenceError(
            f"the model's answers on {broken} of {len(logits)} images are no finite numbers",
            hint="its weights are too large: train it in another folder with a lower learning rate",
        )
    return ClassifierOutput(features.cpu(), logits.cpu())
