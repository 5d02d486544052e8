"""The two stages of an adaptation on loaded data: bridge, then transfer."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import nn

from sourcefree.commands.candidates import Candidate, Judge
from sourcefree.commands.loading import PairData, TargetData
from sourcefree.config import AdaptSettings
from sourcefree.engine.checkpoint import CheckpointFile
from sourcefree.engine.inference import image_batches, infer
from sourcefree.engine.run_folder import RunFolder
from sourcefree.engine.runtime import Runtime
from sourcefree.engine.sampling import stream_seed
from sourcefree.engine.trainer import Evidence, Streams, Trainer
from sourcefree.methods.adabn import adapt_batch_norm
from sourcefree.methods.tgkt import Tgkt, new_student
from sourcefree.methods.tgmb import Tgmb
from sourcefree.models.classifier import Classifier, freeze
from sourcefree.models.trained import TrainedClassifier
from sourcefree.models.translators import TranslatedClassifier, create_translator


@dataclass(frozen=True)
class Adaptation:
    """Everything that the stages of one run share.

    Attributes:
        source: source classifier; frozen.
        target: target images.
        pairs: task-irrelevant pairs.
        settings: method and run.
        trainer: the loop.
        runtime: device, precision, processes.
        folder: run folder, for checkpoints.
    """

    source: TrainedClassifier
    target: TargetData
    pairs: PairData
    settings: AdaptSettings
    trainer: Trainer
    runtime: Runtime
    folder: RunFolder

    @property
    def channels(self) -> int:
        """Channels of the target sensor."""
        return self.target.modality.channels

    def source_model(self) -> Classifier:
        """Return the frozen source model on the device."""
        model = copy.deepcopy(self.source.model)
        freeze(model)
        return self.runtime.place(model)

    def source_only(self) -> Classifier:
        """Return the source model for raw target images: the channel repeated where there is one."""
        model = new_student(self.source.model, in_channels=self.channels)
        freeze(model)
        return self.runtime.place(model)

    def judge(self) -> Judge:
        """Return the label-free evidence; the source model's answers on the pairs are computed here, once."""
        answers = infer(self.source_model(), self.pairs.held_out, side="source", runtime=self.runtime)
        return Judge(self.target.images.plain(), self.pairs.held_out, answers.logits, self.runtime)

    def adabn(self) -> Classifier:
        """Return the source model with batch-norm statistics of the target."""
        batches = image_batches(self.target.images.plain(), runtime=self.runtime)
        return adapt_batch_norm(self.source_only(), batches)

    def train_translator(self, judge: Judge) -> nn.Module | None:
        """Return the translator trained by TGMB, frozen, or None where the method has none."""
        settings = self.settings.tgmb
        if settings is None:
            return None
        torch.manual_seed(stream_seed(self.settings.seed, "translator"))
        source_model = self.source_model()
        width = infer(
            source_model, self.pairs.held_out.subset([0]), side="source", runtime=self.runtime
        ).features.shape[1]
        translator = create_translator(
            settings.translator, in_channels=self.channels, out_channels=self.source.modality.channels
        )
        method = Tgmb(source_model=source_model, translator=translator, feature_width=width, settings=settings)
        behind = TranslatedClassifier(translator, source_model)
        self.trainer.fit(
            method,
            stage="tgmb",
            streams=self._streams(),
            settings=settings.optimisation,
            checkpoint=CheckpointFile(self.folder.path / "checkpoints" / "tgmb.pt"),
            evidence=Evidence(scores=lambda: judge.pair_scores(behind)),
        )
        return freeze(translator)

    def train_student(self, judge: Judge, translator: nn.Module | None, translated: Candidate | None) -> Classifier:
        """Return the target model trained by TGKT."""
        torch.manual_seed(stream_seed(self.settings.seed, "student"))
        student = new_student(self.source.model, in_channels=self.channels)
        method = Tgkt(
            source_model=self.source_model(),
            translator=translator,
            student=student,
            settings=self.settings.tgkt,
            teacher_agreement=translated.scores["pair_agreement"] if translated else 0.0,
        )
        self.trainer.fit(
            method,
            stage="tgkt",
            streams=self._streams(),
            settings=self.settings.tgkt.optimisation,
            checkpoint=CheckpointFile(self.folder.path / "checkpoints" / "tgkt.pt"),
            evidence=Evidence(judge.infer_target, judge.pair_agreement, lambda: judge.pair_scores(student)),
        )
        freeze(student)
        return student

    def _streams(self) -> Streams:
        return Streams(target=self.target.images, pairs=self.pairs.train)
