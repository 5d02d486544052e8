from __future__ import annotations

from pathlib import Path

import pytest

from sourcefree.config import AdaptSettings, TgktSettings
from sourcefree.errors import ConfigError
from sourcefree.methods.presets import METHODS, method_settings, student_sections
from sourcefree.overrides import override, parse_assignments, read_overrides


def test_dotted_and_nested_names_mean_the_same() -> None:
    dotted = override(AdaptSettings(), {"tgkt.optimisation.epochs": 3, "tgkt.features": 0.5})
    nested = override(AdaptSettings(), {"tgkt": {"optimisation": {"epochs": 3}, "features": 0.5}})
    assert dotted == nested
    assert (dotted.tgkt.optimisation.epochs, dotted.tgkt.features) == (3, 0.5)
    assert dotted.tgkt.self_training == TgktSettings().self_training


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"tgkt.feature": 1}, ["'tgkt.feature'", "did you mean 'tgkt.features'", "known in tgkt: distillation"]),
        ({"tgkt": {"optimisation": {"epoch": 1}}}, ["'tgkt.optimisation.epoch'", "mean 'tgkt.optimisation.epochs'"]),
        ({"tgkt.optimisation": 1}, ["'tgkt.optimisation' expects settings"]),
        ({"tgkt.features.x": 1}, ["'tgkt.features' is a value"]),
        ({"tgtk.features": 1}, ["'tgtk'", "did you mean 'tgkt'"]),
        ({"tgkt.features": "many"}, ["tgkt.features", "many"]),
        ({"tgkt.features": -1}, ["tgkt.features", "-1"]),
        ({"seed.x": 1}, ["'seed'", "'x'"]),
        ({"tgkt": 3}, ["'tgkt' expects settings"]),
    ],
)
def test_wrong_settings_are_named(changes: dict[str, object], parts: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        override(AdaptSettings(), changes, origin="here")
    for part in ("here", *parts):
        assert part in str(caught.value)


def test_a_stage_can_be_switched_off_and_on() -> None:
    off = override(AdaptSettings(), {"tgmb": None})
    assert off.tgmb is None
    assert override(off, {"tgmb.adversarial": 0.5}).tgmb is not None


def test_assignments_are_read_as_yaml() -> None:
    assert parse_assignments(["a.b=0.5", "c=true", "d = x"]) == {"a.b": 0.5, "c": True, "d": "x"}
    with pytest.raises(ConfigError, match="NAME=VALUE") as caught:
        parse_assignments(["tgkt.features"])
    example = str(caught.value.hint).rpartition("--set ")[2]
    for settings in (method_settings("shot"), method_settings("multilevel")):
        assert override(settings, parse_assignments([example])).stages == settings.stages


def test_files_of_settings(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text("seed: 3\ntgkt: {features: 2}\n")
    assert read_overrides(path) == {"seed": 3, "tgkt": {"features": 2}}
    for text in ("- a", "a: ["):
        path.write_text(text)
        with pytest.raises(ConfigError, match=r"s\.yaml"):
            read_overrides(path)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_overrides(tmp_path / "none.yaml")


def test_methods_know_their_own_names_and_typos_are_answered() -> None:
    assert all(preset.settings.method == name for name, preset in METHODS.items())
    with pytest.raises(ConfigError, match="no method 'multilvl'") as caught:
        method_settings("multilvl")
    assert "did you mean 'multilevel'" in str(caught.value)
    for_adapt, _, for_studies = str(caught.value.hint).partition("; in studies also ")
    assert ("oracle" in for_adapt, for_studies) == (False, "oracle")


def test_a_second_section_is_a_rival_and_trains_beside_the_method() -> None:
    settings = override(method_settings("multilevel"), {"socket": {}, "shot": {}})
    assert student_sections(settings) == ("multilevel", "shot", "socket")
    assert set(settings.stages) == {"multilevel", "shot", "socket"}


@pytest.mark.parametrize(
    ("method", "added", "sections"),
    [
        ("shot", "multilevel", ("shot", "multilevel")),
        ("socket", "shot", ("socket", "shot")),
        ("ti-features", "multilevel", ("tgkt", "multilevel")),
        ("auto", "socket", ("multilevel", "shot", "aad", "socket")),
        ("tgmb", "shot", ("shot",)),
    ],
)
def test_a_method_stays_what_it_is_about_whatever_rival_it_gets(
    method: str, added: str, sections: tuple[str, ...]
) -> None:
    assert student_sections(override(method_settings(method), {added: {}})) == sections


@pytest.mark.parametrize(
    ("method", "changes", "part"),
    [
        ("source-only", {"joint": True}, "joint training needs"),
        ("shot", {"translated_input": True}, "needs the section tgmb"),
        ("tgmb-tgkt-joint", {"shot": {}}, "no other that trains a target model"),
        ("tgmb-tgkt-joint", {"members": 2}, "several members need"),
        ("socket-translated", {"members": 2}, "several members need"),
        ("adabn", {"members": 2}, "several members need a section that trains"),
        ("multilevel", {"members": 0}, "members"),
    ],
)
def test_stages_that_do_not_go_together_are_refused(method: str, changes: dict[str, object], part: str) -> None:
    with pytest.raises(ConfigError, match=part):
        override(method_settings(method), changes)


def test_a_setting_without_a_value_never_takes_its_section_away() -> None:
    """``--set multilevel.features=`` is a slip of the hand: the stage must not vanish without a word."""
    with pytest.raises(ConfigError, match="features"):
        override(method_settings("multilevel"), parse_assignments(["multilevel.features="]))
