"""Data sets for training and inference; those that adaptation sees have no place for a label."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sourcefree.data.augment import CropFlips, apply_crop_flip, centre_crops, draw_crop_flips, load_size
from sourcefree.data.modality import Modality
from sourcefree.data.store import ImageStore
from sourcefree.errors import DataError
from sourcefree.types import ImageBatch, LabelledBatch, PairBatch

ViewT = TypeVar("ViewT", bound="_View")
_CHUNK = 256


class _View:
    """Rows of a store under this epoch's augmentations."""

    def __init__(self, names: Sequence[str], *, size: int, seed: int) -> None:
        self.size = size
        self.augment = True
        self.seed = seed
        self.epoch = 0
        self._all_names = list(names)
        self._rows = np.arange(len(self._all_names))

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def names(self) -> list[str]:
        """Relative path of each image."""
        return [self._all_names[row] for row in self._rows]

    def set_epoch(self, epoch: int) -> None:
        """Choose the augmentations of an epoch."""
        self.epoch = epoch

    def plain(self: ViewT) -> ViewT:
        """Return the same images without augmentation (centre crops); nothing is copied."""
        view = copy.copy(self)
        view.augment = False
        return view

    def reseeded(self: ViewT, seed: int) -> ViewT:
        """Return the same images under other augmentations; nothing is copied."""
        view = copy.copy(self)
        view.seed = seed
        return view

    def subset(self: ViewT, positions: Sequence[int]) -> ViewT:
        """Return some of the images; nothing is copied. Indices in batches count within the subset."""
        view = copy.copy(self)
        view._rows = self._rows[np.asarray(positions, dtype=np.int64)]
        return view

    def _locate(self, indices: Any) -> tuple[NDArray[np.int64], NDArray[np.int64], CropFlips]:
        """Return positions, rows of the store and crops of a batch; augmentations belong to the row."""
        positions = np.atleast_1d(np.asarray(indices, dtype=np.int64))
        rows, load = self._rows[positions], load_size(self.size)
        if self.augment:
            crops = draw_crop_flips(seed=self.seed, epoch=self.epoch, indices=rows, load=load, size=self.size)
        else:
            crops = centre_crops(count=len(rows), load=load, size=self.size)
        return positions, rows, crops

    def _cut(self, values: Tensor, rows: NDArray[np.int64], crops: CropFlips) -> Tensor:
        """Return (N, C, size, size), every image under its own crop and flip."""
        batch = torch.empty(len(rows), values.shape[1], self.size, self.size)
        for position, row in enumerate(rows):
            batch[position] = apply_crop_flip(values[row], crops, position, self.size)
        return batch


class UnlabelledImages(_View):
    """Images of one sensor, randomly cropped and flipped; see :meth:`plain`. ``images[[3, 1]]`` is a batch.

    Args:
        store: decoded images; its array is taken over.
        modality: the sensor with statistics.
        size: of the network's input in pixels.
        seed: of the augmentations.
    """

    def __init__(self, store: ImageStore, *, modality: Modality, size: int, seed: int = 0) -> None:
        super().__init__(store.names, size=size, seed=seed)
        self._values = store.standardised(modality)

    def __getitem__(self, indices: Any) -> ImageBatch:
        """Return the batch of these positions."""
        positions, rows, crops = self._locate(indices)
        return ImageBatch(self._cut(self._values, rows, crops), torch.from_numpy(positions))


class LabelledImages(_View):
    """Images of one sensor with class labels, for source training, ``evaluate`` and the oracle only.

    Args:
        store: decoded images; its array is taken over.
        labels: (N,) class of each image.
        modality: the sensor with statistics.
        size: of the network's input in pixels.
        seed: of the augmentations.
    """

    def __init__(
        self,
        store: ImageStore,
        labels: NDArray[np.int64],
        *,
        modality: Modality,
        size: int,
        seed: int = 0,
    ) -> None:
        super().__init__(store.names, size=size, seed=seed)
        if len(labels) != len(store.names):
            raise DataError(f"expected a label for each of {len(store.names)} images, found {len(labels)}")
        self._values = store.standardised(modality)
        self._labels = torch.from_numpy(np.asarray(labels, dtype=np.int64))

    def __getitem__(self, indices: Any) -> LabelledBatch:
        """Return the batch of these positions."""
        positions, rows, crops = self._locate(indices)
        images = self._cut(self._values, rows, crops)
        return LabelledBatch(images, self._labels[torch.from_numpy(rows)], torch.from_numpy(positions))


class ImagePairs(_View):
    """The same scenes seen by two sensors, always under the same crop and flip.

    Args:
        source_store: decoded images of the source sensor; its array is taken over.
        target_store: decoded images of the target sensor, in the same order; its array is taken over.
        source_modality: the source sensor with the statistics of the source model.
        target_modality: the target sensor with statistics.
        size: of the network's input in pixels.
        seed: of the augmentations.
    """

    def __init__(
        self,
        source_store: ImageStore,
        target_store: ImageStore,
        *,
        source_modality: Modality,
        target_modality: Modality,
        size: int,
        seed: int = 0,
    ) -> None:
        super().__init__(target_store.names, size=size, seed=seed)
        if source_store.kept != target_store.kept:
            raise DataError("both sides of the pairs must hold the same scenes in the same order")
        self._source = source_store.standardised(source_modality)
        self._target = target_store.standardised(target_modality)

    def __getitem__(self, indices: Any) -> PairBatch:
        """Return the batch of these positions."""
        positions, rows, crops = self._locate(indices)
        source, target = self._cut(self._source, rows, crops), self._cut(self._target, rows, crops)
        return PairBatch(source, target, torch.from_numpy(positions))


def image_means(view: _View) -> tuple[Tensor, ...]:
    """Return the mean of each image without augmentation, (N, C): one tensor, or one for either side of pairs.

    Of each image first: a float32 sum over all of them would depend on the CPU in more than its last digits.

    Args:
        view: one of the data sets above.
    """
    plain: Any = view.plain()
    chunks = np.array_split(np.arange(len(plain)), -(-len(plain) // _CHUNK))
    means = [[part.mean((2, 3)).double() for part in plain[indices] if part.ndim == 4] for indices in chunks]
    return tuple(torch.cat(side) for side in zip(*means, strict=True))
