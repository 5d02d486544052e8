"""Every setting with its default and what it does, as Markdown: the text of ``sourcefree settings`` and docs/settings.md."""

from __future__ import annotations

import json
from collections.abc import Iterator

from pydantic import BaseModel

from sourcefree.config import STAGES, AdaptSettings, Optimisation, Settings, TrainSettings
from sourcefree.errors import ConfigError, did_you_mean
from sourcefree.markdown import markdown_table
from sourcefree.overrides import settings_type

_RUN = "run"
_NOTES = {
    _RUN: "How a method is put together and run: `adapt --set NAME=VALUE`, `--config FILE`, or `sourcefree.AdaptSettings`.",
    "optimisation": "Of every stage, by its section: `tgkt.optimisation.epochs`. Sections name what they have otherwise.",
    "train-source": "Of `train-source`, where `--set` and `--config` take them as well.",
}


def settings_page() -> str:
    """Return all settings, one table a section."""
    parts = [f"## {name}\n\n{_text(name)}" for name in _sections()]
    return "\n\n".join(["# Settings", "As `sourcefree settings` prints them.", *parts]) + "\n"


def section_text(name: str) -> str:
    """Return the settings of one section, as in ``multilevel``.

    Raises:
        ConfigError: there is no such section.
    """
    if name not in _sections():
        raise ConfigError(f"no settings called {name!r}", hint=did_you_mean(name, _sections()))
    return _text(name)


def _sections() -> dict[str, type[Settings]]:
    stages = {name: model for name in STAGES if (model := settings_type(AdaptSettings, name))}
    return {_RUN: AdaptSettings, "optimisation": Optimisation, **stages, "train-source": TrainSettings}


def _text(name: str) -> str:
    model = _sections()[name]
    note = _NOTES.get(name) or (model.__doc__ or "").split("\n\n")[0]
    prefix = f"{name}." if name in STAGES else ""
    rows = [(f"`{prefix}{setting}`", default, meaning) for setting, default, meaning in _rows(model)]
    return f"{note}\n\n{markdown_table(['setting', 'default', 'what'], rows)}"


def _rows(model: type[Settings]) -> Iterator[tuple[str, str, str]]:
    """Yield name, default and meaning of each setting; a stage's optimisation only where it is not the common one."""
    for name, field in model.model_fields.items():
        default = field.get_default()
        if name in STAGES:
            continue
        if isinstance(default, Optimisation):
            yield from ((f"{name}.{key}", shown, what) for key, shown, what in _changed(default, Optimisation()))
        elif isinstance(default, Settings):
            yield from ((f"{name}.{key}", shown, what) for key, shown, what in _rows(type(default)))
        else:
            yield name, _shown(default), field.description or ""


def _changed(settings: BaseModel, usual: BaseModel) -> Iterator[tuple[str, str, str]]:
    for name, field in type(settings).model_fields.items():
        if (value := getattr(settings, name)) != getattr(usual, name):
            yield name, _shown(value), field.description or ""


def _shown(value: object) -> str:
    """Return a default as YAML and ``--set`` take it."""
    return value if isinstance(value, str) else f"{value:g}" if isinstance(value, float) else json.dumps(value)
