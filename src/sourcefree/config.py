"""Every setting of the package, with its default and its reason: the one source for API, command line, YAML and docs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sourcefree.errors import ConfigError, did_you_mean

Precision = Literal["auto", "fp32", "bf16"]
Device = Literal["auto", "cpu", "cuda", "mps"]


class Settings(BaseModel):
    """Base of all settings: immutable, unknown names refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Optimisation(Settings):
    """How a stage is optimised: by default SGD as in [SHOT] and [SOCKET] (METHOD.md, baselines)."""

    optimizer: Literal["sgd", "adamw"] = "sgd"
    learning_rate: float = Field(1e-2, gt=0, description="at the start; falls as (1 + 10 p)^-0.75 over progress p")
    backbone_scale: float = Field(0.1, ge=0, description="factor on the learning rate of pretrained layers")
    momentum: float = Field(0.9, ge=0, lt=1, description="Nesterov momentum of SGD")
    weight_decay: float = Field(1e-3, ge=0)
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
    size: int = Field(96, ge=16, description="height and width of the network's input in pixels")
    label_smoothing: float = Field(0.1, ge=0, lt=1)
    held_out: float = Field(0.1, gt=0, lt=0.9, description="share of each class held out where no test folder is given")
    optimisation: Optimisation = Optimisation(epochs=20)


class TgmbSettings(Settings):
    """Bridge: train the translator T. Weights of zero switch a term off. Weights and optimiser are not published: ours."""

    translator: Literal["paper", "unet"] = "unet"
    reconstruction: float = Field(1.0, ge=0, description="L_rec, mean squared error of pixels")
    perceptual: float = Field(
        0.0, ge=0, description="distance of the source model's stage maps, translated against source"
    )
    adversarial: float = Field(0.1, ge=0, description="alpha_d, the gradient of both gaps on the translator")
    inter_gap: bool = Field(True, description="use D1: translated pairs against source pairs")
    intra_gap: bool = Field(True, description="use D2: translated pairs against translated targets")
    discriminator: Literal["features", "pixels"] = "features"
    information: float = Field(0.1, ge=0, description="alpha_im, L_IM of the translated targets")
    optimisation: Optimisation = Optimisation(
        optimizer="adamw", learning_rate=1e-3, backbone_scale=1.0, weight_decay=1e-4, epochs=15
    )


class TgktSettings(Settings):
    """Transfer: train the target model. Weights of zero switch a term off."""

    distillation: float = Field(1.0, ge=0, description="L_KL from the source model on translated targets")
    temperature: float = Field(1.0, gt=0, description="tau of L_KL")
    trust_teacher: bool = Field(
        False,
        description="use L_KL only while the translator agrees with held-out pairs better than the target model",
    )
    features: float = Field(1.0, ge=0, description="beta_f, L_f on the pairs")
    stages: float = Field(0.0, ge=0, description="distance of channel-normalised stage maps on the pairs")
    pair_logits: float = Field(0.0, ge=0, description="distillation of the source model's answers on the pairs")
    pair_temperature: float = Field(2.0, gt=0, description="tau of pair_logits")
    self_training: float = Field(0.3, ge=0, description="beta_self, L_self: centroid pseudo-labels")
    information: float = Field(0.0, ge=0, description="L_IM of the targets")
    self_start: float = Field(0.0, ge=0, le=1, description="share of the training after which both self terms set in")
    freeze_head: bool = Field(True, description="keep the source model's final layer, as SHOT and SOCKET do")
    optimisation: Optimisation = Optimisation()


class AdaptSettings(Settings):
    """A method with all its settings, and how the run is done."""

    method: str = "multilevel"
    tgmb: TgmbSettings | None = TgmbSettings()
    tgkt: TgktSettings = TgktSettings()
    held_out_pairs: float = Field(0.1, gt=0, lt=0.9, description="share of the pairs kept for label-free evidence")
    max_unreadable: float = Field(0.05, ge=0, le=1, description="share of unreadable files above which the run stops")
    allow_collapse: bool = Field(False, description="accept an adapted model that predicts one class only")
    seed: int = 0
    precision: Precision = "auto"
    device: Device = "auto"


class TrainSettings(Settings):
    """Source training and how the run is done."""

    source: SourceSettings = SourceSettings()
    max_unreadable: float = Field(0.05, ge=0, le=1, description="share of unreadable files above which the run stops")
    seed: int = 0
    precision: Precision = "auto"
    device: Device = "auto"


SettingsT = TypeVar("SettingsT", bound=Settings)


def override(settings: SettingsT, changes: Mapping[str, Any], *, origin: str = "settings") -> SettingsT:
    """Return the settings with changes; names are dotted (``tgkt.features``) or nested mappings.

    Raises:
        ConfigError: a name is unknown (with the closest known one) or a value does not fit; names ``origin``.
    """
    data = settings.model_dump()
    for name, value in changes.items():
        _set(data, name.split("."), value, model=type(settings), origin=origin)
    try:
        return type(settings).model_validate(data)
    except ValidationError as error:
        raise ConfigError(f"{origin}: {_first_problem(error)}") from error


def read_overrides(path: Path) -> dict[str, Any]:
    """Return the mapping in a YAML file of settings.

    Raises:
        ConfigError: the file is missing, not YAML, or not a mapping.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: expected settings as 'name: value', found {type(content).__name__}")
    return {str(name): value for name, value in content.items()}


def parse_assignments(texts: list[str]) -> dict[str, Any]:
    """Return ``{"tgkt.features": 0.5}`` for ``["tgkt.features=0.5"]``; values are read as YAML.

    Raises:
        ConfigError: a text has no equals sign.
    """
    changes: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise ConfigError(f"--set {text!r}: expected NAME=VALUE", hint="for example --set tgkt.features=0.5")
        changes[name.strip()] = yaml.safe_load(value)
    return changes


def _set(data: dict[str, Any], path: list[str], value: Any, *, model: type[BaseModel], origin: str) -> None:
    """Set one dotted or nested value in dumped settings, checking every name on the way."""
    name, rest = path[0], path[1:]
    if name not in model.model_fields:
        raise ConfigError(f"{origin}: unknown setting {name!r}", hint=did_you_mean(name, model.model_fields))
    inner = _settings_type(model, name)
    if inner is None or value is None:
        if rest and inner is None:
            raise ConfigError(f"{origin}: {name!r} is a value and has no setting {rest[0]!r}")
        data[name] = value
        return
    nested = dict(data[name] or inner().model_dump())
    changes = {".".join(rest): value} if rest else value
    if not isinstance(changes, Mapping):
        known = ", ".join(inner.model_fields)
        raise ConfigError(f"{origin}: {name!r} expects settings, found {value!r}", hint=f"known: {known}")
    for key, inner_value in changes.items():
        _set(nested, str(key).split("."), inner_value, model=inner, origin=origin)
    data[name] = nested


def _settings_type(model: type[BaseModel], name: str) -> type[Settings] | None:
    annotation = model.model_fields[name].annotation
    for candidate in (annotation, *getattr(annotation, "__args__", ())):
        if isinstance(candidate, type) and issubclass(candidate, Settings):
            return candidate
    return None


def _first_problem(error: ValidationError) -> str:
    problem = error.errors()[0]
    where = ".".join(str(part) for part in problem["loc"])
    return f"{where}: {problem['msg']} (found {problem['input']!r})"
