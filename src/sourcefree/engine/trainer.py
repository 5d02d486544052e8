"""The one training loop: it knows no method by name."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from sourcefree.config import Optimisation
from sourcefree.engine.checkpoint import CheckpointFile, TrainingState
from sourcefree.engine.optimiser import create_optimiser, set_learning_rate
from sourcefree.engine.progress import Progress
from sourcefree.engine.runtime import Runtime
from sourcefree.engine.sampling import augmentation_epochs, epoch_batches, steps_per_epoch
from sourcefree.engine.tracking import Tracker
from sourcefree.errors import DataError, DivergenceError
from sourcefree.methods.base import EpochView, Method
from sourcefree.seeds import stream_seed
from sourcefree.types import ClassifierOutput, StepBatch, StepOutput

_SHOW_EVERY = 5  # steps between looks at the loss; on a GPU each look waits for the device


class TrainingData(Protocol):
    """A data set that gives whole batches."""

    def __len__(self) -> int:
        """Return the number of items."""

    def __getitem__(self, indices: Any) -> Any:
        """Return the batch of these positions."""

    def set_epoch(self, epoch: int) -> None:
        """Choose the augmentations of an epoch."""


@dataclass(frozen=True)
class Streams:
    """The data of a stage; an epoch is one pass over the first of ``labelled`` and ``target`` that is given.

    Attributes:
        target: unlabelled target images.
        pairs: task-irrelevant pairs.
        labelled: labelled images.
    """

    target: TrainingData | None = None
    pairs: TrainingData | None = None
    labelled: TrainingData | None = None

    def present(self) -> dict[str, TrainingData]:
        """Return the data sets that are given, by their name in :class:`StepBatch`; the leading one first."""
        named = {"labelled": self.labelled, "target": self.target, "pairs": self.pairs}
        return {name: data for name, data in named.items() if data is not None}


@dataclass(frozen=True)
class Evidence:
    """What a method may look at between epochs, and what is logged of it; nothing by default.

    Attributes:
        infer_target: see :class:`EpochView`.
        scores: label-free scores after an epoch.
        observe: called after an epoch with the shares of the stage done before and after it, for studies.
    """

    infer_target: Callable[[nn.Module], ClassifierOutput] | None = None
    scores: Callable[[], Mapping[str, float]] | None = None
    observe: Callable[[float, float], None] | None = None


@dataclass
class Trainer:
    """Trains methods; holds what all stages of a run share.

    Attributes:
        runtime: device, precision, processes.
        tracker: takes the numbers of every epoch.
        progress: shows them.
        seed: of the run.
        seconds: time spent by stage, over all resumed parts; without what a study looks at on the way.
        images: images drawn by stage, over all processes: target images and both sides of pairs.
    """

    runtime: Runtime
    tracker: Tracker
    progress: Progress
    seed: int
    seconds: dict[str, float] = field(default_factory=dict)
    images: dict[str, int] = field(default_factory=dict)

    def fit(
        self,
        method: Method,
        *,
        stage: str,
        streams: Streams,
        settings: Optimisation,
        checkpoint: CheckpointFile,
        evidence: Evidence | None = None,
    ) -> None:
        """Train the method in place, going on from the checkpoint where there is one.

        On a CPU with the same number of threads it then ends at the weights of an unbroken training; a GPU's kernels add in
        any order, which makes no two trainings equal to the bit.

        Raises:
            DataError: there are too few images for a batch.
            DivergenceError: a loss, weight or answer is not finite; the checkpoint of the last good epoch stays.
            CheckpointError: the checkpoint cannot be read.
        """
        evidence = evidence or Evidence()
        data = streams.present()
        batch_size = _batch_size(data, settings, self.runtime.processes)
        steps = steps_per_epoch(len(next(iter(data.values()))), batch_size)
        epochs = max(settings.epochs, math.ceil(settings.min_steps / steps))
        module, optimiser = self.runtime.prepare(method), create_optimiser(method, settings)
        first, before = self._restore(method, optimiser, checkpoint, stage)
        started = time.perf_counter()
        self.progress.start(stage, epochs * steps)
        for epoch in range(first, epochs):
            torch.manual_seed(stream_seed(self.seed, stage, epoch))
            method.begin_epoch(_view(epoch / epochs, evidence))
            plan = self._plan(data, stage=stage, epoch=epoch, steps=steps, batch_size=batch_size)
            means = self._epoch(
                module, optimiser, data, plan, epoch=epoch, epochs=epochs, batch_size=batch_size, stage=stage
            )
            self.runtime.share_state(method)
            self.tracker.log_terms(stage=stage, epoch=epoch, step=(epoch + 1) * steps, terms=means)
            if evidence.scores is not None:
                try:
                    self.tracker.log_scores(stage=stage, epoch=epoch, scores=evidence.scores())
                except DivergenceError as error:  # finite weights, yet too large: they must not become a checkpoint
                    raise self._diverged(means, stage=stage, epoch=epoch, step=steps - 1, what="answer") from error
            started += _observed(evidence, epoch, epochs)
            self.seconds[stage] = before + time.perf_counter() - started
            self._save(method, optimiser, checkpoint, epoch + 1, stage)
        self.seconds.setdefault(stage, before)
        sides = sum(2 if name == "pairs" else 1 for name in data)
        self.images[stage] = epochs * steps * batch_size * sides
        method.eval()

    def _plan(
        self, data: Mapping[str, TrainingData], *, stage: str, epoch: int, steps: int, batch_size: int
    ) -> dict[str, list[np.ndarray]]:
        return {
            name: epoch_batches(
                size=len(dataset),
                batch_size=batch_size,
                steps=steps,
                epoch=epoch,
                seed=self.seed,
                stream=f"{stage}/{name}",
                rank=self.runtime.rank,
                processes=self.runtime.processes,
            )
            for name, dataset in data.items()
        }

    def _epoch(
        self,
        module: nn.Module,
        optimiser: torch.optim.Optimizer,
        data: Mapping[str, TrainingData],
        plan: Mapping[str, list[np.ndarray]],
        *,
        epoch: int,
        epochs: int,
        batch_size: int,
        stage: str,
    ) -> dict[str, float]:
        """Return the mean of every loss term over the epoch."""
        steps = len(next(iter(plan.values())))
        numbers = partial(
            augmentation_epochs,
            batch_size=batch_size,
            steps=steps,
            epoch=epoch,
            rank=self.runtime.rank,
            processes=self.runtime.processes,
        )
        sums: dict[str, Tensor] = {}
        module.train()
        for step in range(steps):
            set_learning_rate(optimiser, (epoch * steps + step) / (epochs * steps))
            batch = StepBatch(
                **{
                    name: self.runtime.to_device(
                        _augmented(dataset, plan[name][step], numbers(len(dataset), step=step))
                    )
                    for name, dataset in data.items()
                }
            )
            output = self._step(module, optimiser, batch)
            for name, value in {"loss": output.loss.detach(), **output.terms}.items():
                sums[name] = sums.get(name, torch.zeros_like(value)) + value
            if step % _SHOW_EVERY == 0 or step == steps - 1:
                if not torch.isfinite(output.loss):
                    raise self._diverged(_numbers(output), stage=stage, epoch=epoch, step=step)
                self.progress.advance(epoch * steps + step + 1, _numbers(output))
        names = list(sums)
        means = self.runtime.mean_over_processes(torch.stack([sums[name].float() for name in names]) / steps).tolist()
        terms = dict(zip(names, means, strict=True))
        if not all(math.isfinite(value) for value in terms.values()):
            raise self._diverged(terms, stage=stage, epoch=epoch, step=steps - 1)
        if not _finite(module):  # the loss is that of the weights before the last step
            raise self._diverged(terms, stage=stage, epoch=epoch, step=steps - 1, what="weight")
        return terms

    def _step(self, module: nn.Module, optimiser: torch.optim.Optimizer, batch: StepBatch) -> StepOutput:
        with self.runtime.autocast():
            output: StepOutput = module(batch)
        optimiser.zero_grad(set_to_none=True)
        output.loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        return output

    def _diverged(
        self, numbers: Mapping[str, float], *, stage: str, epoch: int, step: int, what: str = "loss"
    ) -> DivergenceError:
        shown = ", ".join(f"{name} {value:g}" for name, value in numbers.items())
        lower = "start a run in another folder with a lower learning rate (--set ...optimisation.learning_rate=...)"
        if self.runtime.precision == "bf16":
            since = f", from the state after epoch {epoch}" if epoch else ""
            hint = f"go on in fp32 with --resume --precision fp32{since}, or {lower}"
        else:
            hint = f"{lower}: with the same settings --resume comes to the same end"
        if epoch == 0:
            hint += "; sourcefree inspect shows what the images are"
        return DivergenceError(
            f"stage {stage}, epoch {epoch + 1}, step {step + 1}: the {what} is not finite ({shown})", hint=hint
        )

    def _restore(
        self, method: Method, optimiser: torch.optim.Optimizer, checkpoint: CheckpointFile, stage: str
    ) -> tuple[int, float]:
        state = checkpoint.load()
        self.tracker.rewind(stage=stage, epoch=state.epoch if state else 0)
        if state is None:
            return 0, 0.0
        method.load_trained_state(state.weights)
        optimiser.load_state_dict(state.optimiser)
        return state.epoch, state.seconds

    def _save(
        self,
        method: Method,
        optimiser: torch.optim.Optimizer,
        checkpoint: CheckpointFile,
        epoch: int,
        stage: str,
    ) -> None:
        if self.runtime.is_main:
            checkpoint.save(TrainingState(epoch, method.trained_state(), optimiser.state_dict(), self.seconds[stage]))
        self.runtime.wait()


def _batch_size(data: Mapping[str, TrainingData], settings: Optimisation, processes: int) -> int:
    """Return a batch size that the leading data set can fill and that all processes share equally."""
    leading = len(next(iter(data.values())))
    if min(settings.batch_size, leading) < 2 * processes:
        raise DataError(
            f"{leading} images to train on in batches of {settings.batch_size}, for {processes} process(es): batch norm needs "
            "two images in each at least",
            hint="give more images or a larger batch_size",
        )
    return max(processes, min(settings.batch_size, leading) // processes * processes)


def _augmented(dataset: TrainingData, indices: np.ndarray, numbers: np.ndarray) -> Any:
    """Return the batch of these positions, each under the augmentations of its number; numbers must not fall."""
    parts = []
    for number in np.unique(numbers):
        dataset.set_epoch(int(number))
        parts.append(dataset[indices[numbers == number]])
    return parts[0] if len(parts) == 1 else type(parts[0])(*map(torch.cat, zip(*parts, strict=True)))


def _finite(module: nn.Module) -> bool:
    """Return whether weights and statistics are numbers; masks of attention, which are buffers too, may be infinite."""
    weights = all(bool(value.isfinite().all()) for value in module.parameters())
    return weights and not any(bool(value.isnan().any()) for value in module.buffers())


def _view(progress: float, evidence: Evidence) -> EpochView:
    def missing(_model: nn.Module) -> Any:
        raise ValueError("this stage has no target images to look at")

    return EpochView(progress, evidence.infer_target or missing)


def _observed(evidence: Evidence, epoch: int, epochs: int) -> float:
    """Return the seconds that a study took to look at the model: no cost of the method."""
    if evidence.observe is None:
        return 0.0
    started = time.perf_counter()
    evidence.observe(epoch / epochs, (epoch + 1) / epochs)
    return time.perf_counter() - started


def _numbers(output: StepOutput) -> dict[str, float]:
    return {"loss": float(output.loss.detach()), **{name: float(value) for name, value in output.terms.items()}}
