"""AdaContrast: contrastive test-time adaptation with refined pseudo-labels, from unlabelled target images alone."""

from __future__ import annotations

import copy
from collections.abc import Iterable

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from sourcefree.config import AdaContrastSettings
from sourcefree.data.views import strong_view
from sourcefree.losses.contrastive import class_aware_info_nce
from sourcefree.losses.information import diversity
from sourcefree.losses.neighbourhood import nearest
from sourcefree.methods.base import EpochView, Method, ParameterGroup, StudentParts
from sourcefree.methods.memory import TargetMemory
from sourcefree.methods.source_training import classifier_groups
from sourcefree.types import StepBatch, StepOutput


class AdaContrast(Method):
    """A strong view learns the neighbours' answer for the weak view, and stands apart from other pseudo-classes.

    Args:
        parts: the student is trained, its final layer too; the source model is not looked at.
        settings: neighbours, momentum and weights.

    Reference: Chen et al., "Contrastive test-time adaptation", CVPR 2022. Deviations: strong views are made for any sensor
    (:func:`strong_view`: there is no colour to jitter in depth); one bank of all target images, un-augmented or as they came
    last, serves neighbours and negatives, in place of a queue of strong views; it is filled anew each epoch and takes a step's
    images before its loss; optimised as SHOT is.
    """

    def __init__(self, parts: StudentParts, settings: AdaContrastSettings) -> None:
        super().__init__()
        self.settings = settings
        self.student = parts.student
        self.momentum_student = copy.deepcopy(parts.student).requires_grad_(False)
        self.memory = TargetMemory()

    def parameter_groups(self) -> Iterable[ParameterGroup]:
        """Return the student's backbone and new layers apart."""
        return classifier_groups(self.student)

    def begin_epoch(self, view: EpochView) -> None:
        """Fill the bank with the momentum model's answers."""
        self.memory.fill(view, self.momentum_student)

    def forward(self, batch: StepBatch) -> StepOutput:
        """Return the weighted sum of the terms."""
        target, weights, memory = batch.target_images, self.settings, self.memory
        self._follow()
        with torch.no_grad():
            weak = self.student(target.images).features
            near = nearest(weak, memory.features, count=weights.neighbours)
            labels = memory.probabilities[near].mean(1).argmax(-1)
            keys = self.momentum_student(strong_view(target.images)).features
            memory.update(target.indices, self.momentum_student(target.images))
            stored = memory.probabilities.argmax(-1)
            stored[target.indices] = labels  # else an image whose neighbours disagree with it would be its own negative
        output = self.student(strong_view(target.images))
        terms: dict[str, Tensor] = {}
        if weights.pseudo_labels:
            terms["pseudo_labels"] = weights.pseudo_labels * cross_entropy(output.logits.float(), labels)
        if weights.contrast:
            terms["contrast"] = weights.contrast * class_aware_info_nce(
                output.features,
                keys,
                memory.features,
                query_labels=labels,
                bank_labels=stored,
                temperature=weights.temperature,
            )
        if weights.diversity:
            terms["diversity"] = weights.diversity * diversity(output.logits)
        return self.total(terms, anchor=output.logits)

    @torch.no_grad()
    def _follow(self) -> None:
        """Move the momentum model a little towards the student."""
        pairs = zip(self.momentum_student.parameters(), self.student.parameters(), strict=True)
        for slow, fast in pairs:
            slow.lerp_(fast, 1 - self.settings.momentum)
