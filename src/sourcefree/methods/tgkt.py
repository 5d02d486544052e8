"""TGKT: task-irrelevant data-guided knowledge transfer, the training of the target model."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from sourcefree.config import TgktSettings
from sourcefree.losses.distillation import distillation
from sourcefree.losses.matching import feature_matching
from sourcefree.methods.base import EpochView, Method, ParameterGroup, StudentParts
from sourcefree.methods.self_labels import SelfLabels
from sourcefree.methods.source_training import classifier_groups
from sourcefree.models.classifier import in_eval_mode
from sourcefree.types import PairBatch, StepBatch, StepOutput


class Tgkt(Method):
    """``L_KL + beta_f L_f + beta_self L_self``, and the source model's answers on the pairs; any of them can be off.

    Pairs and targets go through the student in one pass, so that batch norm sees both: its statistics must fit the images
    that it is matched on as well as those it is made for.

    Args:
        parts: source model, student and teacher.
        settings: weights and switches.
        live_teacher: the teacher is trained elsewhere at the same time, and neither frozen nor saved here.

    Reference: [TGKT] section on TGKT; L_self from [SHOT]. Ours: ``pair_logits``, for the baseline TI distillation.
    """

    uses_pairs = True

    def __init__(self, parts: StudentParts, settings: TgktSettings, *, live_teacher: bool = False) -> None:
        super().__init__()
        self.settings = settings
        self.source_model = parts.source_model
        # A module inside a tuple is none of torch's submodules.
        self._teacher = (parts.teacher,)
        self.student = parts.student
        self.self_labels = SelfLabels()
        if settings.freeze_head:
            self.student.freeze_head()
        self.keep_frozen("source_model")
        if not live_teacher:
            self.teacher = parts.teacher
            self.keep_frozen("teacher")

    def parameter_groups(self) -> Iterable[ParameterGroup]:
        """Return the student's backbone and new layers apart."""
        return classifier_groups(self.student)

    def begin_epoch(self, view: EpochView) -> None:
        """Refresh the pseudo-labels."""
        if self.settings.self_training:
            self.self_labels.refresh(view, self.student)

    def forward(self, batch: StepBatch) -> StepOutput:
        """Return the weighted sum of the terms that are on."""
        target, pairs = batch.target_images, batch.needed_pairs
        weights, count = self.settings, len(pairs.target)
        output = self.student(torch.cat([pairs.target, target.images]))
        terms = self._pair_terms(pairs, output.features[:count], output.logits[:count])
        target_logits = output.logits[count:]
        if weights.distillation:
            # A live teacher's translator is in training, where batch norm would see target images alone, and count them twice.
            with torch.no_grad(), in_eval_mode(self._teacher[0]):
                teacher_logits = self._teacher[0](target.images).logits
            divergence = distillation(target_logits, teacher_logits, temperature=weights.temperature)
            terms["distillation"] = weights.distillation * divergence
        own = self.self_labels.loss(target_logits, target.indices)
        if own is not None:
            terms["self_training"] = weights.self_training * own
        return self.total(terms, anchor=target_logits)

    def _pair_terms(self, pairs: PairBatch, features: Tensor, logits: Tensor) -> dict[str, Tensor]:
        weights, terms = self.settings, {}
        if not (weights.features or weights.pair_logits):
            return {}
        with torch.no_grad():
            teacher = self.source_model(pairs.source)
        if weights.features:
            terms["features"] = weights.features * feature_matching(features, teacher.features)
        if weights.pair_logits:
            divergence = distillation(logits, teacher.logits, temperature=weights.pair_temperature)
            terms["pair_logits"] = weights.pair_logits * divergence
        return terms
