"""The methods that can be asked for by name."""

from __future__ import annotations

from dataclasses import dataclass

from sourcefree.config import (
    AadSettings,
    AdaContrastSettings,
    AdaptSettings,
    MultilevelSettings,
    NrcSettings,
    OracleSettings,
    ShotSettings,
    SocketSettings,
    TgktSettings,
    TgmbSettings,
)
from sourcefree.errors import ConfigError, did_you_mean


@dataclass(frozen=True)
class Preset:
    """A named method.

    Attributes:
        summary: one line for the user.
        reference: where it comes from.
        uses: what it learns from.
        settings: what it sets.
    """

    summary: str
    reference: str
    uses: str
    settings: AdaptSettings


_TARGET, _PAIRS = "target images", "target images + pairs"
_LABELS = "TARGET LABELS"

_MULTILEVEL = AdaptSettings(method="multilevel", multilevel=MultilevelSettings())
_BRIDGE = TgmbSettings()
_NO_SELF = {"distillation": 0.0, "self_training": 0.0}

METHODS = {
    "multilevel": Preset(
        summary="the pairs teach features and answers, information maximisation spreads them over the targets (default)",
        reference="ours, on the ground of [TGKT]",
        uses=_PAIRS,
        settings=_MULTILEVEL,
    ),
    "auto": Preset(
        summary="multilevel, SHOT and AaD; the label-free evidence chooses among their models",
        reference="ours; [SHOT]; Yang et al., arXiv 2205.04183",
        uses=_PAIRS,
        settings=_MULTILEVEL.model_copy(update={"method": "auto", "shot": ShotSettings(), "aad": AadSettings()}),
    ),
    "tgmb-tgkt": Preset(
        summary="translator, then transfer, with the terms as published",
        reference="[TGKT] arXiv 2401.05014",
        uses=_PAIRS,
        settings=AdaptSettings(method="tgmb-tgkt", tgmb=_BRIDGE, tgkt=TgktSettings()),
    ),
    "tgmb-tgkt-joint": Preset(
        summary="the published terms, translator and target model in one joint stage",
        reference="[TGKT] arXiv 2401.05014; the joint stage is ours",
        uses=_PAIRS,
        settings=AdaptSettings(method="tgmb-tgkt-joint", tgmb=_BRIDGE, tgkt=TgktSettings(), joint=True),
    ),
    "tgmb": Preset(
        summary="the source model on translated images: no target model is trained",
        reference="[TGKT] arXiv 2401.05014, first stage",
        uses=_PAIRS,
        settings=AdaptSettings(method="tgmb", tgmb=_BRIDGE),
    ),
    "tgkt": Preset(
        summary="transfer without a translator: the teacher sees the repeated channel",
        reference="[TGKT] arXiv 2401.05014, second stage",
        uses=_PAIRS,
        settings=AdaptSettings(method="tgkt", tgkt=TgktSettings()),
    ),
    "ti-features": Preset(
        summary="features of the pairs alone: no translator, no self-training",
        reference="L_f of [SOCKET] and [TGKT]",
        uses="pairs (target images for batch norm)",
        settings=AdaptSettings(method="ti-features", tgkt=TgktSettings(**_NO_SELF)),
    ),
    "ti-distillation": Preset(
        summary="features and answers of the pairs: no translator, no self-training",
        reference="L_f of [SOCKET] and [TGKT]; Hinton et al., arXiv 1503.02531",
        uses="pairs (target images for batch norm)",
        settings=AdaptSettings(method="ti-distillation", tgkt=TgktSettings(**_NO_SELF, pair_logits=1.0)),
    ),
    "socket": Preset(
        summary="SHOT's terms, batch-norm statistics of the source, features of the pairs; one or several sources",
        reference="[SOCKET] arXiv 2209.04027",
        uses=_PAIRS,
        settings=AdaptSettings(method="socket", socket=SocketSettings()),
    ),
    "socket-translated": Preset(
        summary="SOCKET on translated images; the translator stays in front of the model",
        reference="[SOCKET] arXiv 2209.04027 behind TGMB of [TGKT]",
        uses=_PAIRS,
        settings=AdaptSettings(
            method="socket-translated", tgmb=_BRIDGE, socket=SocketSettings(), translated_input=True
        ),
    ),
    "shot": Preset(
        summary="information maximisation and centroid pseudo-labels, final layer frozen",
        reference="[SHOT] arXiv 2002.08546",
        uses=_TARGET,
        settings=AdaptSettings(method="shot", shot=ShotSettings()),
    ),
    "nrc": Preset(
        summary="answers agree with those of reciprocal neighbours",
        reference="Yang et al., NeurIPS 2021, arXiv 2110.04202",
        uses=_TARGET,
        settings=AdaptSettings(method="nrc", nrc=NrcSettings()),
    ),
    "aad": Preset(
        summary="neighbours attract, the rest of the batch disperses",
        reference="Yang et al., NeurIPS 2022, arXiv 2205.04183",
        uses=_TARGET,
        settings=AdaptSettings(method="aad", aad=AadSettings()),
    ),
    "adacontrast": Preset(
        summary="neighbour-refined pseudo-labels on strong views, contrast between pseudo-classes",
        reference="Chen et al., CVPR 2022, arXiv 2204.10377",
        uses=_TARGET,
        settings=AdaptSettings(method="adacontrast", adacontrast=AdaContrastSettings()),
    ),
    "adabn": Preset(
        summary="batch-norm statistics of the target images, nothing trained",
        reference="Li et al., arXiv 1603.04779",
        uses=_TARGET,
        settings=AdaptSettings(method="adabn"),
    ),
    "source-only": Preset(
        summary="the source model as it is, the channel repeated",
        reference="lower bound",
        uses="nothing",
        settings=AdaptSettings(method="source-only"),
    ),
    "oracle": Preset(
        summary="trained WITH target labels: a reference for studies, no adaptation",
        reference="reference of studies",
        uses=_LABELS,
        settings=AdaptSettings(method="oracle", oracle=OracleSettings()),
    ),
}


def student_sections(settings: AdaptSettings) -> tuple[str, ...]:
    """Return the names of the sections that train a target model: what the method is about, then its rivals.

    What the method of this name trains comes first, so that a section added to it is a rival, whichever it is. Each trains a
    target model of its own, and the evidence chooses among all.
    """
    named = METHODS.get(settings.method)
    own = named.settings.students if named else ()
    return tuple(sorted(settings.students, key=lambda name: name not in own))


def method_settings(name: str) -> AdaptSettings:
    """Return the settings of a named method.

    Raises:
        ConfigError: no method has this name.
    """
    if name not in METHODS:
        with_labels = [known for known, preset in METHODS.items() if preset.settings.oracle is not None]
        hint = f"{did_you_mean(name, METHODS.keys() - with_labels)}; in studies also {', '.join(with_labels)}"
        raise ConfigError(f"no method {name!r}", hint=hint)
    return METHODS[name].settings
