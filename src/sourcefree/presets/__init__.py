"""Settings like those of the papers, as YAML: what is published, and what is our reading."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import resources
from typing import Any

import yaml

from sourcefree.config import AdaptSettings, TrainSettings
from sourcefree.errors import ConfigError, did_you_mean
from sourcefree.overrides import override, with_budget


def presets() -> list[str]:
    """Return the names of all presets."""
    names = [file.name for file in resources.files(__name__).iterdir()]
    return sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml"))


def read_preset(name: str) -> dict[str, Any]:
    """Return a preset: ``train`` (settings of ``train-source``) and ``budget`` (of every stage of a method).

    Raises:
        ConfigError: there is none of this name.
    """
    if name not in presets():
        raise ConfigError(f"no preset {name!r}", hint=did_you_mean(name, presets()))
    content = yaml.safe_load(resources.files(__name__).joinpath(f"{name}.yaml").read_text(encoding="utf-8"))
    return dict(content)


def train_preset(name: str) -> TrainSettings:
    """Return the settings of source training under a preset."""
    return override(TrainSettings(), read_preset(name)["train"], origin=f"preset {name}")


def adapt_preset(settings: AdaptSettings, name: str, *, stages: Iterable[str]) -> AdaptSettings:
    """Return a method's settings under a preset's budget, the same for all stages that are named."""
    return with_budget(settings, read_preset(name)["budget"], stages=stages, origin=f"preset {name}")
