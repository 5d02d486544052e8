"""The methods that can be asked for by name: settings for the two stages."""

from __future__ import annotations

from dataclasses import dataclass

from sourcefree.config import AdaptSettings, Optimisation, TgktSettings, TgmbSettings
from sourcefree.errors import ConfigError, did_you_mean


@dataclass(frozen=True)
class Preset:
    """A named method.

    Attributes:
        summary: one line for the user.
        reference: where it comes from.
        settings: what it sets.
    """

    summary: str
    reference: str
    settings: AdaptSettings


METHODS = {
    "multilevel": Preset(
        summary="the pairs teach every stage, the features and the answers; then self-training (default)",
        reference="ours, on the ground of [TGKT]",
        settings=AdaptSettings(
            method="multilevel",
            tgmb=TgmbSettings(translator="unet", perceptual=1.0),
            tgkt=TgktSettings(
                trust_teacher=True,
                features=1.0,
                stages=1.0,
                pair_logits=1.0,
                self_training=0.3,
                information=1.0,
                self_start=0.6,
            ),
        ),
    ),
    "tgmb-tgkt": Preset(
        summary="translator, then transfer, with the terms as published",
        reference="[TGKT] arXiv 2401.05014",
        settings=AdaptSettings(method="tgmb-tgkt", tgmb=TgmbSettings(translator="paper"), tgkt=TgktSettings()),
    ),
    "ti-distillation": Preset(
        summary="feature matching on the pairs alone: no translator, no self-training",
        reference="L_f of [SOCKET] and [TGKT]",
        settings=AdaptSettings(
            method="ti-distillation",
            tgmb=None,
            tgkt=TgktSettings(distillation=0.0, self_training=0.0, optimisation=Optimisation()),
        ),
    ),
}


def method_settings(name: str) -> AdaptSettings:
    """Return the settings of a named method.

    Raises:
        ConfigError: no method has this name.
    """
    if name not in METHODS:
        raise ConfigError(f"no method {name!r}", hint=did_you_mean(name, METHODS))
    return METHODS[name].settings
