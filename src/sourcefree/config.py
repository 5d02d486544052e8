"""Every setting of the package, with its default and its reason: the one source for API, command line, YAML and docs."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sourcefree.defaults import MAX_UNREADABLE
from sourcefree.errors import ConfigError

Precision = Literal["auto", "fp32", "bf16"]
Device = Literal["auto", "cpu", "cuda", "mps"]
LEAST_SIZE = 16  # pixels: below it the stages of common backbones have no pixel left


class Settings(BaseModel):
    """Base of all settings: immutable; unknown names, and numbers that are not finite, are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def check_settings(settings: object, kind: type[Settings], *, make: str) -> None:
    """Refuse what is no settings, such as a method's name or a dictionary.

    Args:
        settings: given by the user.
        kind: what they should be.
        make: the call that makes them, for the hint.

    Raises:
        ConfigError: they are of another type.
    """
    if not isinstance(settings, kind):
        found = repr(settings) if isinstance(settings, str) else type(settings).__name__
        raise ConfigError(f"settings: expected {kind.__name__}, found {found}", hint=f"make them with {make}")


class Optimisation(Settings):
    """How a stage is optimised: by default SGD as in [SHOT] and [SOCKET]."""

    optimizer: Literal["sgd", "adamw"] = Field("sgd", description="SGD with Nesterov momentum, or AdamW")
    learning_rate: float = Field(1e-2, gt=0, description="at the start; falls as (1 + 10 p)^-0.75 over progress p")
    backbone_scale: float = Field(0.1, ge=0, description="factor on the learning rate of pretrained layers")
    momentum: float = Field(0.9, ge=0, lt=1, description="Nesterov momentum of SGD")
    weight_decay: float = Field(1e-3, ge=0, description="of all weights, decoupled with AdamW")
    batch_size: int = Field(64, ge=2, description="images a step, over all processes; as many pairs again")
    epochs: int = Field(15, ge=0, description="passes over the target images (source images in train-source)")
    min_steps: int = Field(
        0, ge=0, description="least training steps; small data sets get more epochs until they reach it"
    )


class SourceSettings(Settings):
    """Training of the source model, as in [SHOT]: label smoothing 0.1, 20 epochs, a split held out for its own accuracy."""

    backbone: str = Field("tf_efficientnet_lite0", description="any timm model")
    pretrained: bool = Field(True, description="start from ImageNet weights")
    bottleneck: int = Field(256, ge=2, description="width of the features")
    size: int = Field(96, ge=LEAST_SIZE, description="height and width of the network's input in pixels")
    label_smoothing: float = Field(0.1, ge=0, lt=1, description="share of the label given to all classes alike")
    held_out: float = Field(0.1, gt=0, lt=0.9, description="share of each class held out where no test folder is given")
    optimisation: Optimisation = Optimisation(epochs=20)


# Source model of the demo and of simulated tasks: timm's smallest ResNet, 0.4 M parameters, from scratch in few epochs. On the
# simulated images it was as accurate as one ten times larger, at a fifth of the time; SGD at SHOT's rate learns too slowly.
SMALL_SOURCE = SourceSettings(
    backbone="test_resnet",
    pretrained=False,
    size=64,
    optimisation=Optimisation(optimizer="adamw", learning_rate=4e-3, weight_decay=0.05, epochs=50),
)


class TgmbSettings(Settings):
    """Bridge: train the translator T. Weights of zero switch a term off. Weights and optimiser are not published: ours."""

    translator: Literal["paper", "unet"] = Field(
        "paper", description="1x1 conv, batch norm, ReLU, 3x3 conv as published, or a residual U-Net"
    )
    reconstruction: float = Field(1.0, ge=0, description="L_rec, mean squared error of pixels")
    perceptual: float = Field(
        0.0, ge=0, description="distance of the source model's stage maps, translated against source"
    )
    adversarial: float = Field(0.1, ge=0, description="alpha_d, the gradient of both gaps on the translator")
    inter_gap: bool = Field(True, description="use D1: translated pairs against source pairs")
    intra_gap: bool = Field(True, description="use D2: translated pairs against translated targets")
    discriminator: Literal["features", "pixels"] = Field("features", description="what the gaps are seen in")
    information: float = Field(0.1, ge=0, description="alpha_im, L_IM of the translated targets")
    optimisation: Optimisation = Optimisation(
        optimizer="adamw", learning_rate=1e-3, backbone_scale=1.0, weight_decay=1e-4, epochs=15
    )


class TgktSettings(Settings):
    """Transfer: train the target model. Weights of zero switch a term off."""

    distillation: float = Field(1.0, ge=0, description="L_KL from the source model on translated targets")
    temperature: float = Field(1.0, gt=0, description="tau of L_KL")
    # The published sum would be 256 for the usual bottleneck; of 1, 10 and 30, 30 was best on the development tasks. At 1 the
    # term is lost beside L_KL.
    features: float = Field(30.0, ge=0, description="beta_f, L_f on the pairs")
    pair_logits: float = Field(0.0, ge=0, description="distillation of the source model's answers on the pairs")
    pair_temperature: float = Field(2.0, gt=0, description="tau of pair_logits")
    self_training: float = Field(0.3, ge=0, description="beta_self, L_self: centroid pseudo-labels")
    freeze_head: bool = Field(True, description="keep the source model's final layer, as SHOT and SOCKET do")
    optimisation: Optimisation = Optimisation()


class MultilevelSettings(Settings):
    """Ours: the pairs teach features and answers, L_IM spreads them over the target images. A weight of zero is off."""

    features: float = Field(3.0, ge=0, description="distance of features on the pairs")
    stages: float = Field(0.0, ge=0, description="distance of channel-normalised stage maps on the pairs: off")
    answers: float = Field(1.0, ge=0, description="distillation of the source model's answers on the pairs")
    temperature: float = Field(2.0, gt=0, description="tau of answers")
    information: float = Field(1.0, ge=0, description="L_IM of the targets")
    diversity: float = Field(
        1.0, ge=0, description="of L_div in L_IM: how much all classes are held to be equally frequent"
    )
    pseudo_labels: float = Field(0.0, ge=0, description="cross-entropy with centroid pseudo-labels of the targets: off")
    momentum: float = Field(0.98, ge=0, lt=1, description="of the averaged weights")
    freeze_head: bool = Field(True, description="keep the source model's final layer, as SHOT and SOCKET do")
    # SHOT's rates, but the backbone at three tenths: a far sensor needs the early layers to change. Chosen on simulated task
    # set b and one RGB-NIR split: a tenth was too little for depth, the full rate, or AdamW, too much for NIR.
    # As many images as the two stages of TGMB and TGKT see together, in batches half as large; few images are seen more often.
    optimisation: Optimisation = Optimisation(backbone_scale=0.3, batch_size=32, epochs=30, min_steps=400)


class ShotSettings(Settings):
    """SHOT: frozen head, information maximisation, centroid pseudo-labels."""

    information: float = Field(1.0, ge=0, description="L_ent + L_div")
    pseudo_labels: float = Field(0.3, ge=0, description="cross-entropy with centroid pseudo-labels")
    optimisation: Optimisation = Optimisation()


class SocketSettings(ShotSettings):
    """SOCKET: SHOT's terms, the source's batch-norm statistics and its features on the pairs."""

    statistics: float = Field(0.5, ge=0, description="distance of batch statistics from the source's running ones")
    first_layer: float = Field(10.0, ge=0, description="factor on the first batch-norm layer")
    features: float = Field(0.5, ge=0, description="Frobenius norm of feature differences on the pairs")
    optimisation: Optimisation = Optimisation(batch_size=32)  # as published; the norm is a sum over the batch


class NrcSettings(Settings):
    """NRC: predictions agree with those of the nearest neighbours, reciprocal ones most."""

    neighbours: int = Field(5, ge=1, description="K, nearest neighbours in feature space")
    non_reciprocal: float = Field(0.1, ge=0, description="weight of a neighbour that does not name the image in return")
    second_order: float = Field(0.1, ge=0, description="weight of neighbours of neighbours")
    diversity: float = Field(1.0, ge=0, description="L_div")
    # A tenth of SHOT's rate: the final layer learns too, and needs care.
    optimisation: Optimisation = Optimisation(learning_rate=1e-3)


class AadSettings(Settings):
    """AaD: attract the nearest neighbours, disperse the rest of the batch."""

    neighbours: int = Field(3, ge=1, description="K, nearest neighbours in feature space")
    decay: float = Field(
        1.0,
        ge=0,
        description="beta: dispersion is weighted by (1 + 10 p)^-beta over progress p; 0 to 5 as published, larger for larger "
        "data sets",
    )
    # A tenth of SHOT's rate: the final layer learns too, and needs care.
    optimisation: Optimisation = Optimisation(learning_rate=1e-3)


class AdaContrastSettings(Settings):
    """AdaContrast: refined pseudo-labels, strong views, contrast against other pseudo-classes, momentum model."""

    neighbours: int = Field(10, ge=1, description="images whose answers are averaged into a pseudo-label")
    momentum: float = Field(0.99, ge=0, le=1, description="of the momentum model; 0.999 as published, for longer runs")
    temperature: float = Field(0.07, gt=0, description="of the contrastive loss")
    pseudo_labels: float = Field(1.0, ge=0, description="cross-entropy of the strong view with the pseudo-label")
    contrast: float = Field(
        1.0, ge=0, description="contrastive loss, images of one pseudo-class left out of the negatives"
    )
    diversity: float = Field(1.0, ge=0, description="L_div")
    optimisation: Optimisation = Optimisation()


class OracleSettings(Settings):
    """Upper bound: trained WITH target labels."""

    label_smoothing: float = Field(0.1, ge=0, lt=1, description="share of the label given to all classes alike")
    optimisation: Optimisation = Optimisation()


# The sections of AdaptSettings that train a target model.
STUDENT_SECTIONS = ("multilevel", "tgkt", "shot", "socket", "nrc", "aad", "adacontrast", "oracle")
STAGES = ("tgmb", *STUDENT_SECTIONS)
# How a run is done, or named: no part of what is compared, in studies and in searches.
RUN_SETTINGS = frozenset({"method", "seed", "device", "precision", "max_unreadable", "allow_collapse"})


class AdaptSettings(Settings):
    """A method with all its settings, and how the run is done. A section that is None is a stage left out.

    Of several sections that train a target model, one is what the method is about, and the others are its rivals: see
    :func:`sourcefree.methods.presets.student_sections`.
    """

    method: str = Field("source-only", description="the name shown; of its sections, which one it is about")
    tgmb: TgmbSettings | None = None
    multilevel: MultilevelSettings | None = None
    tgkt: TgktSettings | None = None
    shot: ShotSettings | None = None
    socket: SocketSettings | None = None
    nrc: NrcSettings | None = None
    aad: AadSettings | None = None
    adacontrast: AdaContrastSettings | None = None
    oracle: OracleSettings | None = None
    members: int = Field(
        1,
        ge=1,
        description="target models that are trained, each with another order of the images; their answers are averaged",
    )
    joint: bool = Field(False, description="train translator and target model in one stage, end to end")
    translated_input: bool = Field(False, description="the target model reads translated images, at inference too")
    student_backbone: str | None = Field(
        None, description="timm model of the target model, such as a smaller one; default: a copy of the source model"
    )
    student_from_scratch: bool = Field(False, description="start student_backbone without ImageNet weights")
    native_stem: bool = Field(
        False,
        description="change the first convolution to the sensor's channels, in place of mixing them in front of it",
    )
    held_out_pairs: float = Field(0.1, gt=0, lt=0.9, description="share of the pairs kept for label-free evidence")
    held_out_target: float | None = Field(
        None,
        gt=0,
        lt=0.9,
        description="share of the target images kept to estimate accuracy by; default: as of the pairs",
    )
    max_unreadable: float = Field(
        MAX_UNREADABLE, ge=0, le=1, description="share of unreadable files above which the run stops"
    )
    allow_collapse: bool = Field(False, description="accept an adapted model that predicts one class only")
    seed: int = Field(0, description="fixes everything that is random")
    precision: Precision = Field("auto", description="bf16 where the hardware has it and it is faster, or as named")
    device: Device = Field("auto", description="a GPU where there is one, or as named")

    @property
    def students(self) -> tuple[str, ...]:
        """Names of the sections that train a target model each."""
        return tuple(name for name in STUDENT_SECTIONS if getattr(self, name) is not None)

    @property
    def unseen_target(self) -> float:
        """Share of the target images that no model is trained on."""
        return self.held_out_pairs if self.held_out_target is None else self.held_out_target

    @property
    def stages(self) -> tuple[str, ...]:
        """Names of the sections that train something."""
        return tuple(name for name in STAGES if getattr(self, name) is not None)

    @model_validator(mode="after")
    def _stages_fit(self) -> AdaptSettings:
        if self.joint and (self.tgmb is None or self.tgkt is None or len(self.students) > 1):
            raise ValueError("joint training needs the sections tgmb and tgkt, and no other that trains a target model")
        if self.members > 1 and (not self.students or self.joint or self.translated_input):
            raise ValueError(
                "several members need a section that trains a target model, and neither joint nor translated_input"
            )
        if self.translated_input and self.tgmb is None:
            raise ValueError("translated_input needs the section tgmb")
        if self.student_backbone and (self.translated_input or self.native_stem or self.joint):
            raise ValueError("student_backbone goes with none of translated_input, native_stem and joint")
        if self.native_stem and (self.translated_input or self.joint):
            raise ValueError("native_stem goes with neither translated_input nor joint")
        if self.student_backbone and self.socket is not None:
            raise ValueError(
                "SOCKET matches batch-norm statistics layer by layer: it needs the source model's backbone"
            )
        return self


class TrainSettings(Settings):
    """Source training and how the run is done."""

    source: SourceSettings = SourceSettings()
    max_unreadable: float = Field(
        MAX_UNREADABLE, ge=0, le=1, description="share of unreadable files above which the run stops"
    )
    seed: int = Field(0, description="fixes everything that is random")
    precision: Precision = Field("auto", description="bf16 where the hardware has it and it is faster, or as named")
    device: Device = Field("auto", description="a GPU where there is one, or as named")
