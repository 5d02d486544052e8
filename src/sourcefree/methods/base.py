"""What a trainable method is to the engine."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import ClassVar

import torch
from timm.layers import DropPath
from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd
from torchvision.ops import StochasticDepth

from sourcefree.models.classifier import Classifier
from sourcefree.types import ClassifierOutput, StepBatch, StepOutput

_DROPOUT = (_DropoutNd, DropPath, StochasticDepth)


@dataclass(frozen=True)
class ParameterGroup:
    """Parameters that share a learning rate.

    Attributes:
        parameters: what is trained; frozen ones are left out by the engine.
        pretrained: whether the optimisation's ``backbone_scale`` applies.
    """

    parameters: list[nn.Parameter]
    pretrained: bool = False


@dataclass(frozen=True)
class EpochView:
    """What a method may look at when an epoch begins: no labels, no test images.

    Attributes:
        progress: share of the stage's epochs that are done, in [0, 1).
        infer_target: returns features and logits of all target images, un-augmented, by a model in eval mode.
    """

    progress: float
    infer_target: Callable[[nn.Module], ClassifierOutput]


@dataclass(frozen=True)
class StudentParts:
    """What the training of a target model starts from.

    Attributes:
        source_model: frozen source classifier.
        student: target classifier to train, at first a copy of the source model for the target's channels.
        teacher: frozen classifier of target images whose answers may be distilled: the source model behind the translator,
            or, without one, the source model on the repeated channel.
    """

    source_model: Classifier
    student: Classifier
    teacher: Classifier


class Method(nn.Module, ABC):
    """Modules with a loss. It never touches devices, precision, processes, saving or logging.

    A new method is a subclass in a file of its own: build the modules, call :meth:`keep_frozen` for those that are not
    trained, and return a :class:`StepOutput` from ``forward``. One that trains a target model takes
    (:class:`StudentParts`, settings) and stands in ``methods/students.py``.

    Attributes:
        uses_pairs: whether every batch needs pairs.
        uses_labels: whether batches hold labelled images in place of unlabelled target images.
        keeps_dropout: whether dropout layers drop in training. Not where features are matched: those of half the units, at
            twice the size, come nearest to what a teacher says when they are too small.
    """

    uses_pairs: ClassVar[bool] = False
    uses_labels: ClassVar[bool] = False
    keeps_dropout: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__()
        self._frozen: list[str] = []

    def keep_frozen(self, *names: str) -> None:
        """Freeze child modules: no gradient of their own, always in eval mode, not in checkpoints."""
        for name in names:
            self.get_submodule(name).requires_grad_(False)
        self._frozen.extend(names)
        self.train(self.training)

    def train(self, mode: bool = True) -> Method:
        """Set the training mode; frozen modules stay in eval mode, so their running statistics cannot move.

        Dropout stays off, see :attr:`keeps_dropout`.
        """
        super().train(mode)
        if not self.keeps_dropout:
            for module in self.modules():
                if isinstance(module, _DROPOUT):
                    module.eval()
        for name in getattr(self, "_frozen", ()):
            self.get_submodule(name).eval()
        return self

    @abstractmethod
    def parameter_groups(self) -> Iterable[ParameterGroup]:
        """Return what is trained."""

    @abstractmethod
    def forward(self, batch: StepBatch) -> StepOutput:
        """Return the loss of one step and its terms."""

    def begin_epoch(self, view: EpochView) -> None:
        """Refresh what changes once an epoch, such as pseudo-labels.

        It must depend on the weights and the view only, so that a resumed run repeats it.
        """

    @staticmethod
    def total(terms: dict[str, Tensor], *, anchor: Tensor) -> StepOutput:
        """Return the sum of weighted terms as the loss, and the terms for the log.

        Args:
            terms: scalars; none where every term is off in this epoch.
            anchor: an output of what is trained, so that no term at all is a loss of 0 that changes nothing.
        """
        terms = terms or {"nothing": 0.0 * anchor.float().sum()}
        return StepOutput(torch.stack(list(terms.values())).sum(), {name: t.detach() for name, t in terms.items()})

    def trained_state(self) -> dict[str, Tensor]:
        """Return the tensors that training changes."""
        return {name: value for name, value in self.state_dict().items() if not self._is_frozen(name)}

    def load_trained_state(self, state: dict[str, Tensor]) -> None:
        """Take back what :meth:`trained_state` returned.

        Raises:
            RuntimeError: names or shapes do not fit.
        """
        frozen = {name: value for name, value in self.state_dict().items() if self._is_frozen(name)}
        self.load_state_dict({**frozen, **state})

    def _is_frozen(self, key: str) -> bool:
        return any(key.startswith(f"{name}.") for name in self._frozen)
