"""Changes of settings by dotted names: from the command line, YAML files and Python."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from sourcefree.config import AdaptSettings, Settings
from sourcefree.errors import ConfigError, did_you_mean, first_problem

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
        raise ConfigError(f"{origin}: {first_problem(error)}") from error


def with_budget(
    settings: AdaptSettings, budget: Mapping[str, Any], *, stages: Iterable[str], origin: str
) -> AdaptSettings:
    """Return a method's settings with the same optimisation in several stages.

    Args:
        settings: of the method.
        budget: settings of ``optimisation``, such as the epochs.
        stages: sections; one that the method leaves out is added.
        origin: named in errors.

    Raises:
        ConfigError: a name is unknown or a value does not fit.
    """
    changes = {f"{stage}.optimisation.{name}": value for stage in stages for name, value in budget.items()}
    return override(settings, changes, origin=origin)


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
        ConfigError: a text has no equals sign, or its value is not YAML.
    """
    changes: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise ConfigError(f"--set {text!r}: expected NAME=VALUE", hint="for example --set held_out_pairs=0.2")
        try:
            changes[name.strip()] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            short = " ".join(str(error).split())[:120]
            raise ConfigError(f"--set {text!r}: the value is not valid YAML: {short}") from error
    return changes


def settings_type(model: type[BaseModel], name: str) -> type[Settings] | None:
    """Return the type of a setting that is a section, given or left out; None where it is a value."""
    annotation = model.model_fields[name].annotation
    for candidate in (annotation, *getattr(annotation, "__args__", ())):
        if isinstance(candidate, type) and issubclass(candidate, Settings):
            return candidate
    return None


def _set(
    data: dict[str, Any], path: list[str], value: Any, *, model: type[BaseModel], origin: str, within: str = ""
) -> None:
    """Set one dotted or nested value in dumped settings, checking every name on the way; ``within`` is the way so far."""
    name, rest = path[0], path[1:]
    whole = f"{within}.{name}".lstrip(".")
    if name not in model.model_fields:
        hint = did_you_mean(name, model.model_fields, within=within)
        raise ConfigError(f"{origin}: unknown setting {whole!r}", hint=hint)
    inner = settings_type(model, name)
    if inner is None or (value is None and not rest):
        if rest and inner is None:
            raise ConfigError(f"{origin}: {whole!r} is a value and has no setting {rest[0]!r}")
        data[name] = value
        return
    nested = dict(data[name] or inner().model_dump())
    changes = {".".join(rest): value} if rest else value
    if not isinstance(changes, Mapping):
        known = ", ".join(inner.model_fields)
        raise ConfigError(f"{origin}: {whole!r} expects settings, found {value!r}", hint=f"known: {known}")
    for key, inner_value in changes.items():
        _set(nested, str(key).split("."), inner_value, model=inner, origin=origin, within=whole)
    data[name] = nested
