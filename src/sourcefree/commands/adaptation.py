"""The stages of an adaptation on loaded data: bridge, then target model, or both at once."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import nn

from sourcefree.commands.candidates import Candidate, Judge, Witnesses
from sourcefree.commands.loading import PairData, TargetData
from sourcefree.config import AdaptSettings, Optimisation, check_settings
from sourcefree.data.datasets import ImagePairs, LabelledImages, ViewT
from sourcefree.data.held_out import ENOUGH
from sourcefree.engine.checkpoint import CheckpointFile
from sourcefree.engine.inference import image_batches, infer
from sourcefree.engine.run_folder import RunFolder
from sourcefree.engine.runtime import Runtime
from sourcefree.engine.trainer import Evidence, Streams, Trainer
from sourcefree.errors import ConfigError, DivergenceError
from sourcefree.losses.statistics import batch_norm_layers
from sourcefree.methods.adabn import adapt_batch_norm
from sourcefree.methods.base import Method, StudentParts
from sourcefree.methods.end_to_end import EndToEnd
from sourcefree.methods.presets import student_sections
from sourcefree.methods.students import STUDENTS
from sourcefree.methods.tgkt import Tgkt
from sourcefree.methods.tgmb import Tgmb
from sourcefree.models.architecture import Architecture
from sourcefree.models.classifier import Classifier, freeze
from sourcefree.models.ensemble import deep_ensemble
from sourcefree.models.student import check_student, new_student, other_student, student_architecture
from sourcefree.models.trained import TrainedClassifier
from sourcefree.models.translators import behind_translator, create_translator
from sourcefree.seeds import stream_seed
from sourcefree.stages import member_stages, section_of
from sourcefree.types import ClassifierOutput


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
        labelled: labelled target images, for the oracle of a study and nothing else.
        bridges: folder where a trained bridge is kept for other runs of the same task and seed with the same settings of
            TGMB, as in a study; default: in the run folder.
        observe: called after every epoch of a target model with the stage, the shares of it done before and after, and the
            model; for studies.
        diverged: plain sentences on rivals that diverged and take no part; :meth:`candidates` adds them.
    """

    source: TrainedClassifier
    target: TargetData
    pairs: PairData
    settings: AdaptSettings
    trainer: Trainer
    runtime: Runtime
    folder: RunFolder
    labelled: LabelledImages | None = None
    bridges: Path | None = None
    observe: Callable[[str, float, float, Classifier], None] | None = None
    diverged: list[str] = field(default_factory=list)

    @property
    def channels(self) -> int:
        """Channels of the target sensor."""
        return self.target.modality.bands

    def candidates(self, judge: Judge) -> dict[str, Candidate]:
        """Run all stages and return every model of the run by name, with its label-free evidence.

        Source-only and AdaBN are always there; "translated" and "adapted" where the method trains them, and its rivals
        under the names of their sections, but for those that diverge.

        Raises:
            DivergenceError: the model that the method is about diverges.
        """
        _check_batch_norm(self.settings, self.source.model)
        found = {
            "source-only": judge.candidate("source-only", self.source_only(), trained_on_pairs=False),
            "adabn": judge.candidate("adabn", self.adabn(), trained_on_pairs=False),
        }
        if self.settings.joint:
            translated, student = self._train_jointly(judge)
            found["translated"] = judge.candidate("translated", translated)
            found["adapted"] = judge.candidate("adapted", student)
            return found
        bridge = self._train_bridge(judge)
        if bridge is not None:
            found["translated"] = judge.candidate("translated", bridge)
        for number, trained in enumerate(student_sections(self.settings)):
            name = "adapted" if number == 0 else trained
            # Pairs may have taken part through the translator of the teacher alone.
            on_pairs = bridge is not None or STUDENTS[trained].uses_pairs
            try:
                found[name] = judge.candidate(
                    name, self._train_student(trained, judge, found), trained_on_pairs=on_pairs
                )
            except DivergenceError as error:
                if number == 0:
                    raise
                self.diverged.append(f"The rival {name} diverged and takes no part: {error.message}.")
        return found

    def judge(self) -> Judge:
        """Return the label-free evidence; the source model's answers on the pairs are computed here, once."""
        held_out = self._witnesses(self.pairs.held_out, self.pairs.held_out_scenes)
        few = len(held_out.pairs) < ENOUGH
        untrained = self._witnesses(self.pairs.whole, self.pairs.scenes) if few else held_out
        target = self.target
        scenes = torch.tensor(target.held_out_scenes)
        return Judge(target.whole, target.held_out, scenes, held_out, untrained, self.runtime)

    def _witnesses(self, pairs: ImagePairs, scenes: list[int]) -> Witnesses:
        answers = infer(self.source_model(), pairs, side="source", runtime=self.runtime)
        return Witnesses(pairs, torch.tensor(scenes), answers.logits)

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

    def adabn(self) -> Classifier:
        """Return the source model with batch-norm statistics of the target."""
        batches = image_batches(self.target.whole, runtime=self.runtime)
        return adapt_batch_norm(self.source_only(), batches)

    def _train_bridge(self, judge: Judge) -> Classifier | None:
        """Return the source model behind the translator that TGMB trains, frozen; None where the method has none."""
        if self.settings.tgmb is None:
            return None
        method = self._bridge()
        behind = self._behind(method)
        self._fit(
            method,
            stage="tgmb",
            optimisation=self.settings.tgmb.optimisation,
            evidence=Evidence(scores=lambda: judge.pair_scores(behind)),
        )
        freeze(behind)
        return behind

    def _train_student(self, section: str, judge: Judge, found: dict[str, Candidate]) -> Classifier:
        """Return the target model that a section trains, frozen: the average of its members where it has several."""
        stages = member_stages(section, self.settings.members)
        members = [self._train_member(section, stage, judge, found) for stage in stages]
        if len(members) == 1:
            return members[0]
        averaged = deep_ensemble(members)
        freeze(averaged)
        return averaged

    def _train_member(self, section: str, stage: str, judge: Judge, found: dict[str, Candidate]) -> Classifier:
        """Return one target model, frozen; the stage's name decides the order of the images, and a member's crops and flips."""
        torch.manual_seed(stream_seed(self.settings.seed, "student" if stage == section else stage))
        teacher = found.get("translated", found["source-only"])
        student = self._student(teacher.model)
        parts = StudentParts(self.source_model(), student, teacher.model)
        settings = getattr(self.settings, section)
        method = STUDENTS[section](parts, settings)
        if self.settings.translated_input:
            # The translator in front is the one that TGMB trained: its statistics must not move either.
            models = {name: part for name, part in method.named_children() if isinstance(part, Classifier)}
            method.keep_frozen(*(f"{name}.adapter" for name, model in models.items() if model.translator_name))
        evidence = self._student_evidence(judge, student, stage=stage)
        self._fit(method, stage=stage, optimisation=settings.optimisation, evidence=evidence)
        freeze(student)
        return student

    def _train_jointly(self, judge: Judge) -> tuple[Classifier, Classifier]:
        """Return the source model behind the translator, and the target model, trained together."""
        settings = self.settings.tgkt
        if settings is None:
            raise ConfigError("joint training needs the section tgkt")
        bridge = self._bridge()
        behind = self._behind(bridge)
        student = new_student(self.source.model, in_channels=self.channels)
        parts = StudentParts(bridge.source_model, student, behind)
        method = EndToEnd(bridge, Tgkt(parts, settings, live_teacher=True))
        evidence = self._student_evidence(judge, student, stage="end-to-end")
        self._fit(method, stage="end-to-end", optimisation=settings.optimisation, evidence=evidence)
        freeze(student)
        freeze(behind)
        return behind, student

    def _student(self, teacher: Classifier) -> Classifier:
        settings = self.settings
        if settings.translated_input:
            student = copy.deepcopy(teacher)
            student.network.requires_grad_(True)
            return student
        if settings.student_backbone is None:
            return new_student(self.source.model, in_channels=self.channels, native_stem=settings.native_stem)
        return other_student(
            self.source.model,
            self.source.architecture,
            backbone=settings.student_backbone,
            in_channels=self.channels,
            size=self.source.size,
            pretrained=not settings.student_from_scratch,
        )

    def architecture_of(self, name: str) -> Architecture:
        """Return how the network of a candidate is built again."""
        if name in ("source-only", "adabn", "translated"):
            return self.source.architecture
        member, count = self._member_architecture(), self.settings.members
        if count == 1:
            return member
        return Architecture(
            "deep-ensemble", member.name, member.num_classes, members=(member,) * count, in_channels=self.channels
        )

    def _member_architecture(self) -> Architecture:
        source, settings = self.source.architecture, self.settings
        if settings.student_backbone is not None:
            return student_architecture(self.source.model, source, backbone=settings.student_backbone)
        return replace(source, in_channels=self.channels) if settings.native_stem else source

    def _bridge(self) -> Tgmb:
        settings = self.settings.tgmb
        if settings is None:
            raise ConfigError("the method has no section tgmb")
        torch.manual_seed(stream_seed(self.settings.seed, "translator"))
        source_model = self.source_model()
        one = self.pairs.held_out.subset([0])
        width = infer(source_model, one, side="source", runtime=self.runtime).features.shape[1]
        translator = create_translator(
            settings.translator, in_channels=self.channels, out_channels=self.source.modality.bands
        )
        return Tgmb(source_model=source_model, translator=translator, feature_width=width, settings=settings)

    def _behind(self, method: Tgmb) -> Classifier:
        name = method.settings.translator
        return behind_translator(method.source_model, method.translator, name=name, in_channels=self.channels)

    def _student_evidence(self, judge: Judge, student: Classifier, *, stage: str) -> Evidence:
        # Of several members none is the target model: only their average is looked at, at the end.
        watch = self.observe if self.settings.members == 1 else None
        observe = None if watch is None else lambda before, after: watch(stage, before, after, student)
        return Evidence(self._infer_training_images, lambda: judge.pair_scores(student), observe)

    def _infer_training_images(self, model: nn.Module) -> ClassifierOutput:
        return infer(model, self.target.train.plain(), runtime=self.runtime)

    def _fit(self, method: Method, *, stage: str, optimisation: Optimisation, evidence: Evidence) -> None:
        if method.uses_labels and self.labelled is None:
            raise ConfigError(
                f"the method {self.settings.method!r} trains with target labels",
                hint="it is a reference for studies: see sourcefree compare",
            )
        streams = Streams(
            target=None if method.uses_labels else self._cut_for(stage, self.target.train),
            pairs=self._cut_for(stage, self.pairs.train) if method.uses_pairs else None,
            labelled=self._cut_for(stage, self.labelled) if method.uses_labels and self.labelled is not None else None,
        )
        kept = self.bridges if stage == "tgmb" and self.bridges else self.folder.path / "checkpoints"
        checkpoint = CheckpointFile(kept / f"{stage}.pt")
        self.trainer.fit(
            method, stage=stage, streams=streams, settings=optimisation, checkpoint=checkpoint, evidence=evidence
        )

    def _cut_for(self, stage: str, images: ViewT) -> ViewT:
        """Return the images under crops and flips that are a member's own; all other stages share those of the run."""
        if section_of(stage) == stage:
            return images
        return images.reseeded(stream_seed(self.settings.seed, stage))


def check_method(settings: AdaptSettings, source: TrainedClassifier) -> None:
    """Refuse what cannot work with this source model, before an image is read or a file is written.

    Raises:
        ConfigError: the method needs target labels, or something that the source model does not have.
    """
    refuse_labels(settings)
    _check_batch_norm(settings, source.model)
    if settings.student_backbone is not None:
        check_student(source.model, source.architecture, backbone=settings.student_backbone, size=source.size)


def refuse_labels(settings: AdaptSettings) -> None:
    """Refuse the method that is no adaptation.

    Raises:
        ConfigError: it trains with target labels, or is no method's settings at all.
    """
    name = settings if isinstance(settings, str) else "multilevel"
    check_settings(settings, AdaptSettings, make=f"sourcefree.method_settings({name!r})")
    if settings.oracle is not None:
        raise ConfigError(
            f"the method {settings.method!r} trains with target labels",
            hint="it is a reference for studies: see sourcefree compare",
        )


def _check_batch_norm(settings: AdaptSettings, model: Classifier) -> None:
    """Refuse a method that lives on batch norm for a model that has none, before anything is trained.

    Raises:
        ConfigError: it does.
    """
    if settings.method == "adabn" and not model.has_batch_norm():
        raise ConfigError(
            "AdaBN changes batch-norm statistics, and the source model has no batch norm",
            hint="use another method, such as multilevel",
        )
    if settings.socket is None or not settings.socket.statistics:
        return
    if not all(batch_norm_layers(member.network) for member in model.members()):
        raise ConfigError(
            "SOCKET matches the statistics of two-dimensional batch norm, and a source model has none",
            hint="leave that term out with --set socket.statistics=0, or use another method",
        )


def translator_of(model: Classifier) -> nn.Module:
    """Return the translator of a classifier made by :func:`behind_translator`."""
    return model.adapter.get_submodule("0")
