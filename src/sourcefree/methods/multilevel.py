"""Multilevel: the pairs teach the target model features and answers, and the target images teach it to tell them apart."""

from __future__ import annotations

import copy
from collections.abc import Iterable

import torch
from torch import Tensor

from sourcefree.config import MultilevelSettings
from sourcefree.losses.distillation import distillation
from sourcefree.losses.matching import feature_matching, stage_matching
from sourcefree.methods.base import EpochView, Method, ParameterGroup, StudentParts
from sourcefree.methods.self_labels import SelfLabels
from sourcefree.methods.source_training import classifier_groups
from sourcefree.models.classifier import Classifier
from sourcefree.types import ClassifierOutput, PairBatch, StepBatch, StepOutput


class Multilevel(Method):
    """Distillation of features, answers and stage maps on the pairs, information maximisation on the target images.

    The source model labels the pairs itself: its features and answers for the source image are what the target model should
    have for the target image, a teacher that no translation can spoil. A learner is trained; the target model is the running
    average of its weights, which is steadier than any of its steps.

    Information maximisation alone makes a model surer of what it believes, right or wrong; beside the pairs, which hold it
    to what is known, it may begin at once. Stage maps and centroid pseudo-labels (given by the averaged weights) are off by
    default: in the ablation the former made no difference beyond chance, and the latter cost some points, for on a far
    sensor features group by other things than classes.

    Pairs and target images go through the learner in one pass, so that batch norm sees both: its statistics must fit the
    images that it is matched on as well as those it is made for.

    Args:
        parts: source model and student; the teacher is not used.
        settings: weights and switches.

    Reference: ours. L_IM and pseudo-labels: [SHOT] equations 3 to 7; stage maps: Wang et al., BMVC 2021; answers: Hinton et
    al., arXiv 1503.02531; averaged weights: Tarvainen and Valpola, NeurIPS 2017.
    """

    uses_pairs = True
    updates: Tensor

    def __init__(self, parts: StudentParts, settings: MultilevelSettings) -> None:
        super().__init__()
        self.settings = settings
        self.source_model = parts.source_model
        self.student = parts.student
        self.learner = copy.deepcopy(parts.student)
        if settings.freeze_head:
            self.learner.freeze_head()
        self.student.requires_grad_(False)
        self.register_buffer("updates", torch.zeros((), dtype=torch.int64))
        self.self_labels = SelfLabels()
        self.keep_frozen("source_model")

    def parameter_groups(self) -> Iterable[ParameterGroup]:
        """Return the learner's backbone and new layers apart."""
        return classifier_groups(self.learner)

    def begin_epoch(self, view: EpochView) -> None:
        """Refresh the pseudo-labels."""
        if self.settings.pseudo_labels:
            self.self_labels.refresh(view, self.student)

    def forward(self, batch: StepBatch) -> StepOutput:
        """Return the weighted sum of the terms that are on."""
        if self.training:
            self._follow()
        target, pairs, weights = batch.target_images, batch.needed_pairs, self.settings
        count = len(pairs.target)
        output, maps = self._look(self.learner, torch.cat([pairs.target, target.images]))
        terms = self._pair_terms(pairs, output.features[:count], output.logits[:count], [m[:count] for m in maps])
        own = self.self_labels.terms(
            output.logits[count:],
            target.indices,
            information=weights.information,
            pseudo_labels=weights.pseudo_labels,
            diversity=weights.diversity,
        )
        return self.total({**terms, **own}, anchor=output.logits)

    def _look(self, model: Classifier, images: Tensor) -> tuple[ClassifierOutput, list[Tensor]]:
        """Return the output and the maps of all stages; no maps where none are matched, for they take memory."""
        return model.with_stages(images) if self.settings.stages else (model(images), [])

    def _pair_terms(self, pairs: PairBatch, features: Tensor, logits: Tensor, maps: list[Tensor]) -> dict[str, Tensor]:
        weights = self.settings
        with torch.no_grad():
            teacher, teacher_maps = self._look(self.source_model, pairs.source)
        terms: dict[str, Tensor] = {}
        if weights.features:
            terms["features"] = weights.features * feature_matching(features, teacher.features)
        # A network without any recognisable stage, or with another backbone, has features and logits only.
        if weights.stages and maps and [m.shape for m in maps] == [m.shape for m in teacher_maps]:
            terms["stages"] = weights.stages * stage_matching(maps, teacher_maps)
        if weights.answers:
            divergence = distillation(logits, teacher.logits, temperature=weights.temperature)
            terms["answers"] = weights.answers * divergence
        return terms

    @torch.no_grad()
    def _follow(self) -> None:
        """Move the target model towards the learner; early on it follows closely, for there is nothing to average yet.

        It is called before a step, so the average is of all weights but those after the last step, which is a small one.
        """
        self.updates += 1
        momentum = min(self.settings.momentum, float(self.updates / (self.updates + 10)))
        # Not the state dictionary: it names weights that two layers share twice.
        for value, learned in zip(_tensors(self.student), _tensors(self.learner), strict=True):
            if value.is_floating_point():
                value.lerp_(learned, 1 - momentum)
            else:
                value.copy_(learned)


def _tensors(model: Classifier) -> list[Tensor]:
    return [*model.parameters(), *model.buffers()]
