"""The list of settings, on the command line and in the documents."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from sourcefree.config import STAGES, AdaptSettings, Optimisation, TrainSettings
from sourcefree.errors import ConfigError
from sourcefree.methods.presets import method_settings
from sourcefree.overrides import override
from sourcefree.settings_page import section_text, settings_page


def leaves(settings: BaseModel, prefix: str = "") -> list[str]:
    names = []
    for name, value in settings:
        inside = isinstance(value, BaseModel) and not isinstance(value, Optimisation)
        names += leaves(value, f"{prefix}{name}.") if inside else [f"{prefix}{name}"]
    return names


def listed(text: str) -> dict[str, tuple[str, str]]:
    """Return default and meaning by setting."""
    return {
        name: (default, what) for name, default, what in re.findall(r"^\| `(\S+)` \| (\S*) \| (.*) \|$", text, re.M)
    }


def test_the_document_is_what_the_command_prints() -> None:
    page = Path(__file__).parent.parent / "docs" / "settings.md"
    assert page.read_text() == settings_page(), "sourcefree settings > docs/settings.md"


def test_every_setting_is_listed_with_what_it_does() -> None:
    whole = AdaptSettings(**{name: {} for name in STAGES})
    settings = [*leaves(whole), *leaves(TrainSettings()), *leaves(Optimisation())]
    expected = {name for name in settings if not name.endswith("optimisation")}
    found = listed(settings_page())
    assert expected <= set(found)
    assert all(what for _, what in found.values())


def test_the_defaults_are_those_in_force_and_can_be_given_back_as_they_are_shown() -> None:
    settings = method_settings("socket")
    shown = {name: default for name, (default, _) in listed(section_text("socket")).items()}
    assert shown["socket.optimisation.batch_size"] == "32"
    assert override(settings, shown) == settings


def test_one_section_alone_and_a_typo() -> None:
    assert all(name.startswith("shot.") for name in listed(section_text("shot")))
    with pytest.raises(ConfigError, match="did you mean 'multilevel'"):
        section_text("multlevel")
