"""Which images each step sees: a pure function of seed and step, so that a resumed run sees the same."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sourcefree.seeds import stream_seed


def steps_per_epoch(size: int, batch_size: int) -> int:
    """Return how many full batches one pass over ``size`` images makes; at least one."""
    return max(1, size // batch_size)


def augmentation_epochs(
    size: int, batch_size: int, *, steps: int, epoch: int, step: int, rank: int = 0, processes: int = 1
) -> NDArray[np.int64]:
    """Return the number that each augmentation of a batch is drawn with: the epoch, or more often for a small data set.

    A data set that is gone through several times in an epoch of the leading one must not show the same crops each time. Where
    it is smaller than a batch, one batch holds the same image several times: each has the number of its pass. Else a batch has
    one number, so that an image whose pass ends in the midst of a batch may be shown under the same crop twice.

    Args:
        size: number of its images.
        batch_size: images a batch, over all processes.
        steps: batches an epoch.
        epoch: number of the epoch, from 0.
        step: number of the step in it, from 0.
        rank: number of this process.
        processes: how many there are.
    """
    if size < batch_size:
        first = (epoch * steps + step) * batch_size
        return (np.arange(first, first + batch_size) // size)[rank::processes]
    passes = -(-steps * batch_size // size)
    return np.full(batch_size, epoch * passes + step * batch_size // size)[rank::processes]


def epoch_batches(
    *,
    size: int,
    batch_size: int,
    steps: int,
    epoch: int,
    seed: int,
    stream: str,
    rank: int = 0,
    processes: int = 1,
) -> list[NDArray[np.int64]]:
    """Return the indices of this process's share of each batch of an epoch.

    The stream is an endless row of shuffled passes over all images, cut into batches: every image is seen equally often
    over time, whether or not the batch size divides their number.

    Args:
        size: number of images.
        batch_size: images a batch, over all processes.
        steps: batches an epoch.
        epoch: number of the epoch, from 0.
        seed: of the run.
        stream: name that keeps different data sets and stages apart.
        rank: number of this process.
        processes: how many there are.
    """
    first, count = epoch * steps * batch_size, steps * batch_size
    passes = range(first // size, (first + count - 1) // size + 1)
    row = np.concatenate([_pass(size, number, seed, stream) for number in passes])
    start = first - passes[0] * size
    batches = row[start : start + count].reshape(steps, batch_size)
    return [batch[rank::processes] for batch in batches]


def _pass(size: int, number: int, seed: int, stream: str) -> NDArray[np.int64]:
    return np.random.default_rng(stream_seed(seed, stream, number)).permutation(size)
